"""Saved Google pages with an AI Overview, or of AI Mode."""

import json
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from crawlers.imports.google_page import IMPORT
from geo_flywheel.records import Answer, Status
from tests.crawlers.imports.handing import hand, problem, write

A, B = "https://a.example/tents?x=1&copy=3", "https://b.example/other"
WORDS = (
    "A dome tent stands by itself and takes the wind from every side, which is why most of those who test choose it."
)


def _comment(key: str, url: str, title: str) -> str:
    told = [["1f", [title, "a snippet", "icon", "a.example", ["A"], url, None, None, "s1"]]]
    return f"<!--{key}{json.dumps(told).replace('&', chr(92) + 'x26')}-->"


def _html(inside: str = "", outside: str = "", head: str = "", words: str = WORDS, kind: str = ' class="mZJni"') -> str:
    box = '<textarea name="q">which tent</textarea>'
    body = f"<div{kind}><p>{words}</p>{inside}</div><aside>{outside}</aside>"
    top = f"<head><title>which tent - Google Search</title>{head}</head>"
    return f"<!doctype html><html>{top}<body>{box}{body}</body></html>"


def _answer(path: Path, **options: str) -> Answer:
    assert IMPORT.refuse(hand(path, **options)) is None
    [answer] = IMPORT.read(hand(path, **options))
    assert isinstance(answer, Answer)
    return answer


def test_a_source_within_the_text_is_cited_and_one_beside_it_retrieved(tmp_path: Path) -> None:
    html = _html(_comment("TgQPHd|", A, "Tents"), _comment("Sv6Kpe", B, "Other"))
    answer = _answer(write(tmp_path / "page.html", html), set_asked_at="2026-03-02T10:00Z")
    assert [(page.raw_url, page.title) for page in answer.citations] == [(A, "Tents")]
    assert [page.raw_url for page in answer.retrievals] == [A, B]
    assert (answer.engine, answer.status, answer.text) == ("google_ai_overview", Status.GROUNDED, WORDS)
    assert answer.ask
    assert answer.ask.prompt.text == "which tent"
    assert str(answer.asked_at) == "2026-03-02 10:00:00"


def test_a_source_the_text_links_to_is_cited_wherever_its_comment_stands(tmp_path: Path) -> None:
    html = _html(f'<a href="{B}">more</a>', _comment("Sv6Kpe", B, "Other"))
    assert [page.raw_url for page in _answer(write(tmp_path / "page.html", html)).citations] == [B]


def test_the_other_shape_of_a_comment_is_read(tmp_path: Path) -> None:
    told = json.dumps([["1f", "s1", 0, B, "icon", ""]])
    assert [p.raw_url for p in _answer(write(tmp_path / "p.html", _html(f"<!--Sv6Kpe {told}-->"))).citations] == [B]


def test_where_the_text_cannot_be_told_from_the_panel_beside_it_nothing_is_called_cited(tmp_path: Path) -> None:
    html = _html(_comment("TgQPHd|", B, "Tents"), kind=' class="other"')
    answer = _answer(write(tmp_path / "page.html", html))
    assert (answer.text, answer.citations, answer.status) == (WORDS, (), Status.GROUNDED)
    assert [page.raw_url for page in answer.retrievals] == [B]


def test_a_page_without_sources_showed_no_overview_whatever_its_words(tmp_path: Path) -> None:
    answer = _answer(write(tmp_path / "page.html", _html(words="An AI Overview is not available for this search")))
    assert (answer.status, answer.text, answer.citations) == (Status.NOT_SHOWN, "", ())


def test_ai_mode_is_told_by_the_address(tmp_path: Path) -> None:
    head = '<link rel="canonical" href="https://www.google.com/search?q=which+tent&amp;udm=50">'
    answer = _answer(write(tmp_path / "page.html", _html(_comment("TgQPHd|", A, "Tents"), head=head)))
    assert answer.engine == "google_ai_mode"


def test_mhtml_is_unwrapped(tmp_path: Path) -> None:
    html = _html(_comment("TgQPHd|", B, "Tents")).replace("=", "=3D")
    body = (
        "From: <Saved by Blink>\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/related; type="text/html"; boundary="x"\r\n\r\n--x\r\nContent-Type: text/html\r\n'
        f"Content-Transfer-Encoding: quoted-printable\r\n\r\n{html}\r\n--x--\r\n"
    )
    path = write(tmp_path / "page.mhtml", body.replace("<Saved", "<google.com/ Saved"))
    assert [page.raw_url for page in _answer(path).citations] == [B]


def test_a_page_that_does_not_say_what_was_asked_needs_to_be_told(tmp_path: Path) -> None:
    path = write(tmp_path / "page.html", "<html><body><a href='https://www.google.com/'>x</a></body></html>")
    assert "--set prompt=" in problem(IMPORT, hand(path))
    assert _answer(path, set_prompt="which tent").status is Status.NOT_SHOWN


@pytest.mark.parametrize("body", ["<html><body>words</body></html>", "plain", "{}"])
def test_other_files_are_refused(tmp_path: Path, body: str) -> None:
    assert IMPORT.refuse(hand(write(tmp_path / "x.html", body)))


@given(comment=st.text(max_size=200))
@example(comment="\x82\x88\U0004c160\U0008fb6c")  # not guessed to be Japanese: it is UTF-8
def test_no_comment_makes_it_crash(tmp_path_factory: pytest.TempPathFactory, comment: str) -> None:
    told = comment.replace("--", "").encode("utf-8", "replace").decode()
    path = write(tmp_path_factory.mktemp("g") / "p.html", _html(f"<!--TgQPHd|[{told}]-->"))
    assert problem(IMPORT, hand(path)) == ""
