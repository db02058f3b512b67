import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawlers.permissions.tdmrep import of_file, of_page

_META, _HEADER = ("tdm-reservation", "1"), ("tdm-reservation", "0")
_URL = "https://a.example/dir/x.jpg"


def state_of_file(rules: object, url: str = _URL, status: int = 200) -> tuple[str, str | None]:
    (said,) = of_file(status, json.dumps(rules).encode(), url)
    assert (said.signal, said.agent, said.purpose) == ("tdmrep", None, "training")
    return said.state, said.value


def test_the_meta_tag_counts_before_the_header() -> None:
    (both,) = of_page([_HEADER], [_META])
    (header,) = of_page([_HEADER, ("tdm-policy", "https://a.example/p")], [("robots", "noai")])
    assert (both.state, both.value) == ("disallowed", "tdm-reservation: 1 (meta)")
    assert (header.state, header.value) == (
        "allowed",
        "tdm-reservation: 0 (header); tdm-policy: https://a.example/p",
    )


@pytest.mark.parametrize("value", ["2", "", "true", "yes"])
def test_any_other_value_is_as_if_none_were_set(value: str) -> None:
    assert of_page([_HEADER], [("tdm-reservation", value)])[0].state == "allowed"
    assert of_page([], [("tdm-reservation", value)])[0][3:] == ("not_stated", None)
    assert state_of_file([{"location": "/", "tdm-reservation": value}])[0] == "not_stated"


def test_of_the_rules_of_a_file_the_first_that_matches_counts() -> None:
    rules = [
        {"location": "/dir/*.jpg", "tdm-reservation": 1, "tdm-policy": "/p"},
        {"location": "/dir/", "tdm-reservation": 0},
        {"location": "/whole$", "tdm-reservation": "1"},
    ]
    assert state_of_file(rules) == ("disallowed", "tdm-reservation: 1 (file); tdm-policy: /p")
    assert state_of_file(rules, "https://a.example/dir/x.png") == ("allowed", "tdm-reservation: 0 (file)")
    assert state_of_file(rules, "https://a.example/whole")[0] == "disallowed"
    assert state_of_file(rules, "https://a.example/whole/no") == (
        "not_stated",
        "no rule is for it, 3 for other paths",
    )


@pytest.mark.parametrize(
    ("status", "body", "state"),
    [
        (404, b"", "not_stated"),
        (410, b"", "not_stated"),
        (429, b"", "unknown"),
        (503, b"", "unknown"),
        (0, b"", "unknown"),
        (200, b"<html>", "unknown"),
        (200, b'{"location": "/"}', "unknown"),
        (200, b"[1, null, {}]", "not_stated"),
        (200, b'[{"location": "/", "tdm-reservation": true}]', "not_stated"),
    ],
)
def test_a_file_that_is_not_there_states_nothing_and_one_that_cannot_be_read_is_unknown(
    status: int, body: bytes, state: str
) -> None:
    assert of_file(status, body, _URL)[0].state == state


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10),
    lambda inside: (
        st.lists(inside, max_size=3)
        | st.dictionaries(st.sampled_from(["location", "tdm-reservation", "tdm-policy"]), inside, max_size=3)
    ),
)


@given(_JSON)
def test_every_file_is_read(told: object) -> None:
    assert of_file(200, json.dumps(told).encode(), _URL)[0].state in {"allowed", "disallowed", "not_stated", "unknown"}
