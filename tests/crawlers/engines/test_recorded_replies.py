"""Every engine against the recorded replies of its provider; the lists in expected.json were made by others."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from crawlers.base import Engine
from crawlers.reading.wire import documents
from geo_flywheel import plugins
from geo_flywheel.records import Answer, Capture, Status
from geo_flywheel.urls import canonical
from tests.real_data import folder

# Folder of the recordings -> engine that reads them. The first list tells cited from retrieved as this project does;
# the second calls everything offered cited, of which the answer's own markers and links decide.
TOLD_APART = {"openai": "openai", "azure_openai": "openai", "anthropic": "anthropic", "gemini": "gemini"}
LISTED = {"perplexity": "perplexity", "xai": "xai", "openrouter": "openrouter", "groq": "groq"}
ENGINES = TOLD_APART | LISTED
# Folders of those whose text links to what it cites.
LINKING = ["openai", "azure_openai", "xai", "openrouter", "groq"]


def recorded(name: str) -> Iterator[tuple[str, bytes, dict[str, Any]]]:
    """Yield name, body and expectation of each recorded reply of a provider; skip when there is none."""
    place: Path = folder("recorded_replies") / name
    expected = orjson.loads((place / "expected.json").read_bytes()) if place.is_dir() else {}
    if not expected:
        pytest.skip(f"no recorded reply in {place}")
    for file, expectation in expected.items():
        yield file, (place / file).read_bytes(), expectation


def read(engine: Engine, file: str, body: bytes) -> Answer:
    (answer,) = engine.read(Capture("", body, file))
    return answer


def pages(urls: list[str]) -> set[str]:
    return {canonical(url).url for url in urls}


def cited(answer: Answer) -> set[str]:
    return {page.url for page in answer.citations}


def retrieved(answer: Answer) -> set[str]:
    return {page.url for page in answer.retrievals}


@pytest.mark.parametrize("name", TOLD_APART)
def test_cited_and_retrieved_pages_are_the_expected_ones(name: str) -> None:
    engine = plugins.engine(TOLD_APART[name])
    for file, body, expectation in recorded(name):
        answer = read(engine, file, body)
        assert cited(answer) == pages(expectation["cited_urls"]), file
        assert retrieved(answer) == pages(expectation["retrieved_urls"]), file


@pytest.mark.parametrize("name", LISTED)
def test_listed_pages_are_all_found_and_cited_are_those_the_answer_refers_to(name: str) -> None:
    engine = plugins.engine(LISTED[name])
    for file, body, expectation in recorded(name):
        answer = read(engine, file, body)
        offered = pages(expectation["cited_urls"] + expectation["retrieved_urls"])
        assert offered <= cited(answer) | retrieved(answer), file
        assert all(page.occurrences and any(page.spans) for page in answer.citations), file


@pytest.mark.parametrize("name", ENGINES)
def test_a_recorded_reply_has_its_model_and_its_text_unless_it_was_cut_short(name: str) -> None:
    engine = plugins.engine(ENGINES[name])
    for file, body, _ in recorded(name):
        answer = read(engine, file, body)
        assert answer.model_served, file
        assert answer.status in (Status.GROUNDED, Status.UNGROUNDED, Status.INCOMPLETE), file
        assert answer.text or answer.status is Status.INCOMPLETE, file


@pytest.mark.parametrize("name", ENGINES)
def test_exactly_the_engine_of_a_recorded_reply_claims_it(name: str) -> None:
    for file, body, _ in recorded(name):
        told = documents(body, file)
        claiming = [known for known, engine in plugins.engines().items() if engine.claims(told)]
        assert claiming == [ENGINES[name]], file


@pytest.mark.parametrize("name", LINKING)
def test_spans_of_a_recorded_reply_select_its_links(name: str) -> None:
    engine = plugins.engine(ENGINES[name])
    for file, body, _ in recorded(name):
        answer = read(engine, file, body)
        for page in answer.citations:
            for start, end in filter(None, page.spans):
                assert canonical(page.raw_url).url == page.url
                assert "http" in answer.text[start:end] or "†" in answer.text[start:end], file


@pytest.mark.parametrize("name", LINKING)
def test_what_is_rendered_of_a_recorded_reply_is_read_back(name: str) -> None:
    engine = plugins.engine(ENGINES[name])
    for file, body, _ in recorded(name):
        answer = read(engine, file, body)
        again = read(engine, file, engine.render(answer))
        assert (again.text, cited(again), retrieved(again)) == (answer.text, cited(answer), retrieved(answer)), file
        assert (again.status, again.queries) == (answer.status, answer.queries), file
