import pytest

from crawlers.logs import formats
from tests import real_data
from tests.crawlers.logs.requests import FORMATS, Request, combined, common, forwarded, written

REQUESTS = [Request(), Request("/b?x=1", status=404), Request("/c", referrer="https://chatgpt.com/")]


@pytest.mark.parametrize("name", FORMATS)
def test_each_format_is_known_by_its_first_lines(name: str) -> None:
    found = formats.found(FORMATS[name](REQUESTS))
    assert found is not None
    assert found.name == name
    assert found.names_host == (name not in {"Combined", "IIS"})


@pytest.mark.parametrize("name", FORMATS)
def test_a_head_that_ends_in_the_middle_of_a_line_is_known_as_well(name: str) -> None:
    head = FORMATS[name](REQUESTS * 30)
    found = formats.found(head[: len(head) - 25])
    assert found is not None
    assert found.name == name


@pytest.mark.parametrize("name", ["IIS", "CloudFront", "Caddy", "nginx JSON"])
def test_a_line_torn_off_before_the_first_hides_no_log(name: str) -> None:
    found = formats.found(b"the rest of a line\n" + FORMATS[name](REQUESTS))
    assert found is not None
    assert found.name == name


def test_without_agents_it_is_common() -> None:
    found = formats.found(written(REQUESTS, common))
    assert found is not None
    assert found.name == "Common"


def test_further_fields_in_quotes_are_combined() -> None:
    found = formats.found(written(REQUESTS, forwarded))
    assert found is not None
    assert found.name == "Combined"


def test_a_few_lines_of_scanners_do_not_hide_a_log() -> None:
    lines = [b"198.51.100.1 - - broken", combined(Request()).encode(), combined(Request()).encode(), b""]
    found = formats.found(b"\n".join(lines))
    assert found is not None
    assert found.name == "Combined"


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"\n\n",
        b"a,b,c\n1,2,3\n",
        b'{"question": "x", "answer": "y"}\n',
        b'{"date": "2026-01-01", "url": "https://a.example/", "engine": "x"}\n',
        b'{"url": "https://a.example/", "status": "cited", "time": "2026-01-01", "path": "/a"}\n',
        b'[{"status": 200, "time": 1, "uri": "/"}]\n',
        b"#Fields: a b c\n1 2 3\n",
        b"#Version: 1.0\n",
        b"\x00\xff\xfe\x01" * 50,
        b"GET / HTTP/1.1\r\nHost: x\r\n",
    ],
)
def test_what_is_no_log_is_not_taken_for_one(head: bytes) -> None:
    assert formats.found(head) is None


@pytest.mark.parametrize("name", ["advertools_dreamhost_apache_2023.log", "advertools_nginx_access_2021.log"])
def test_the_real_logs_are_combined(name: str) -> None:
    found = formats.found((real_data.folder("access_logs") / name).read_bytes()[: 64 * 1024])
    assert found is not None
    assert found.name == "Combined"
