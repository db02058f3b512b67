from datetime import date, datetime
from hashlib import sha256

import pytest

from crawlers import pages
from crawlers.page_text.words import words
from crawlers.sandbox.page_texts import paragraphs
from geo_flywheel.records import Fact, PageLink, PageRule, PageText, Permission

_URL, _NOW = "https://www.a.example/x", datetime(2026, 3, 2, 12)
_TYPE = {"content-type": "text/html; charset=utf-8"}
_AGENTS = {"gptbot": "GPTBot"}
_SAID = paragraphs(0, "city bikes")
_PAGE = (
    '<html lang="en"><head><title>Bikes</title><meta name="robots" content="noai"></head><body>'
    f"{''.join(f'<p>{said}</p>' for said in _SAID)}<nav><a href='/y?utm_source=x'>y</a></nav></body></html>"
).encode()


def facts(body: bytes = _PAGE, status: int = 200, headers: dict[str, str] = _TYPE) -> list[Fact]:
    return list(pages.facts(_URL, status, headers, body, _NOW, _AGENTS))


def test_a_page_is_a_text_its_rules_its_links_and_its_permissions() -> None:
    found = facts()
    (text,) = [fact for fact in found if isinstance(fact, PageText)]
    extracted = "\n".join(_SAID)
    assert (text.unit, text.status, text.title, text.language) == (_URL, 200, "Bikes", "en")
    assert text.text_sha256 == sha256(extracted.encode()).hexdigest()
    assert text.words == sum(any(map(str.isalnum, word)) for word in words(extracted))
    assert text.signature is not None
    assert [fact for fact in found if isinstance(fact, PageLink)] == [
        PageLink(_URL, "https://www.a.example/y?utm_source=x", date(2026, 3, 2))
    ]
    rules = [fact for fact in found if isinstance(fact, PageRule)]
    assert {rule.rule_set for rule in rules} == {"gopher_quality", "gopher_repetition", "c4", "fineweb"}
    assert all(rule.passed for rule in rules)
    said = {(fact.signal, fact.purpose, fact.state) for fact in found if isinstance(fact, Permission)}
    assert ("meta_robots", "training", "disallowed") in said
    assert ("x_robots_tag", "any", "not_stated") in said


def test_the_same_bytes_are_the_same_facts() -> None:
    assert facts() == facts()


def test_lines_of_a_header_are_told_apart() -> None:
    sent = [("x-robots-tag", "gptbot: noindex"), ("server", "s"), ("x-robots-tag", "noai"), ("tdm-reservation", "1")]
    told = pages.telling(sent)
    assert told == {"x-robots-tag": "gptbot: noindex\nnoai", "tdm-reservation": "1"}
    said = {
        (fact.signal, fact.agent, fact.purpose)
        for fact in facts(headers=_TYPE | told)
        if isinstance(fact, Permission) and fact.state == "disallowed"
    }
    assert {
        ("x_robots_tag", "GPTBot", "search_index"),
        ("x_robots_tag", None, "training"),
        ("tdmrep", None, "training"),
    } <= said


@pytest.mark.parametrize("status", [0, 301, 404, 503])
def test_what_is_no_page_has_no_text_and_nothing_is_read_from_it(status: int) -> None:
    (text,) = facts(status=status)
    assert isinstance(text, PageText)
    assert (text.status, text.words, text.signature) == (status, 0, None)


def test_of_another_kind_of_file_only_its_headers_are_read() -> None:
    found = facts(b"%PDF-1.7", headers={"content-type": "application/pdf", "x-robots-tag": "noai"})
    assert {type(fact) for fact in found} == {Permission}
    assert any(fact.state == "disallowed" for fact in found if isinstance(fact, Permission))


def test_a_page_without_text_fails_for_its_length() -> None:
    found = facts(b"<html><body></body></html>")
    (text,) = [fact for fact in found if isinstance(fact, PageText)]
    assert (text.words, text.signature, text.title) == (0, None, None)
    failed = {fact.rule for fact in found if isinstance(fact, PageRule) and fact.passed is False}
    assert failed == {"words", "stop_words", "sentences"}


def test_passages_stand_in_the_text() -> None:
    found = pages.passages(_TYPE, _PAGE, 3)
    assert len(found) == 3
    assert all(any(passage in said for said in _SAID) for passage in found)


@pytest.mark.parametrize(
    ("wanted", "named", "hosts"),
    [
        ("a.example", ["https://www.a.example/x", "https://shop.A.example/", "https://b.example/"], "www shop"),
        ("a.example", [], " www"),
        ("shop.a.example", ["https://www.a.example/x"], "shop"),
    ],
)
def test_the_hosts_of_a_site_are_those_of_its_pages(wanted: str, named: list[str], hosts: str) -> None:
    expected = tuple(f"{name}.a.example" if name else "a.example" for name in hosts.split(" "))
    assert pages.hosts(wanted, named) == expected


def test_a_base_stands_for_the_whole_web() -> None:
    assert pages.address("", _URL) == _URL
    assert pages.address("http://127.0.0.1:1/sites/", "https://a.example") == "http://127.0.0.1:1/sites/a.example/"
    assert pages.address("http://127.0.0.1:1/sites", f"{_URL}?q=1") == "http://127.0.0.1:1/sites/www.a.example/x?q=1"
