import re

import pytest

from geo_flywheel.registry.referrers import assistants, by_host, by_utm_source
from tests import real_data


def _names(host: str) -> list[str]:
    return [assistant.name for _, assistant in by_host(host)]


@pytest.mark.parametrize(
    ("host", "names"),
    [
        ("chatgpt.com", ["ChatGPT"]),
        ("www.ChatGPT.com.", ["ChatGPT"]),
        ("chatgpt.com:443", ["ChatGPT"]),
        ("www.perplexity.ai", ["Perplexity"]),
        ("gemini.google.com", ["Gemini"]),
        ("google.com", []),
        ("notchatgpt.com", []),
        ("chatgpt.com.evil.example", []),
        ("chatgpt.com@evil.example", []),
        ("com", []),
        ("", []),
    ],
)
def test_a_host_or_a_subdomain_of_it_names_the_assistant(host: str, names: list[str]) -> None:
    assert _names(host) == names


def test_where_others_live_on_the_same_host_the_path_decides() -> None:
    assert [(path, assistant.name) for path, assistant in by_host("x.com")] == [("/i/grok", "Grok")]


@pytest.mark.parametrize(
    ("utm_source", "name"), [("chatgpt.com", "ChatGPT"), (" ChatGPT.com", "ChatGPT"), ("newsletter", None), ("", None)]
)
def test_a_utm_source_names_the_assistant_that_adds_it(utm_source: str, name: str | None) -> None:
    found = by_utm_source(utm_source)
    assert (found.name if found else None) == name


def test_no_host_and_no_utm_source_stands_for_two_assistants() -> None:
    for values in ([a.hosts for a in assistants()], [a.utm_sources for a in assistants()]):
        every = [value for told in values for value in told]
        assert len(every) == len(set(every))
        assert every == [value.lower() for value in every]
    assert all(assistant.source for assistant in assistants())


def test_every_assistant_of_the_list_that_analysts_keep_is_known() -> None:
    text = (real_data.folder("formats") / "matomo_AIAssistants.yml").read_text()
    places = re.findall(r"^\s+- (\S+)$", text, re.MULTILINE)
    assert len(places) > 15
    assert [place for place in places if not by_host(place.partition("/")[0])] == []
