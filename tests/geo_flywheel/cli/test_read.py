import json
import os
from pathlib import Path

import pytest

from tests.conftest import Run
from tests.geo_flywheel.cli.bad_input import BAD, GOOD, write_bad

CAPTURES = GOOD.parents[1]
KEYS = [
    "file", "provider", "engine", "surface", "model_served", "status", "text", "cited", "retrieved", "queries",
    "cost_usd", "skipped_blocks",
]  # fmt: skip


def test_a_reply_gives_one_object_per_answer_with_all_it_cites(run: Run) -> None:
    result = run("read", "openai", GOOD)
    assert result.exit_code == 0
    assert result.stderr == ""
    (answer,) = map(json.loads, result.stdout.splitlines())
    assert list(answer) == KEYS
    assert answer["file"] == str(GOOD)
    assert (answer["provider"], answer["status"]) == ("openai", "grounded")
    for page in answer["cited"]:
        assert list(page) == ["url", "raw_url", "title", "position", "occurrences", "spans"]
        for start, end in (span for span in page["spans"] if span):
            assert 0 <= start < end <= len(answer["text"])
    for page in answer["retrieved"]:
        assert list(page) == ["url", "raw_url", "title", "rank"]


@pytest.mark.parametrize("provider", ["anthropic", "gemini", "groq", "openai", "openrouter", "perplexity", "xai"])
def test_every_kind_of_reply_is_read(provider: str, run: Run) -> None:
    files = sorted((CAPTURES / provider).iterdir())
    result = run("read", provider, *files)
    assert result.exit_code == 0
    answers = list(map(json.loads, result.stdout.splitlines()))
    assert {answer["file"] for answer in answers} == {str(file) for file in files}
    assert {answer["provider"] for answer in answers} == {provider}


def test_no_workspace_is_needed_and_none_is_made(run: Run, tmp_path: Path) -> None:
    run("read", "openai", GOOD)
    assert list(tmp_path.iterdir()) == []


def test_every_bad_file_gives_one_error_and_stops_no_other(run: Run, tmp_path: Path) -> None:
    bad = write_bad(tmp_path)
    result = run("read", "openai", GOOD, *bad, GOOD)
    assert result.exit_code == 1
    assert len(result.stdout.splitlines()) == 2
    said = result.stderr.splitlines()
    assert [line.split(": ")[:2] for line in said] == [["error", str(file)] for file in bad]
    assert len(bad) == len(BAD) + 2
    for line in said:
        assert ";" in line or "?" in line, "what to do"


def test_a_reply_of_another_provider_is_an_error(run: Run) -> None:
    result = run("read", "anthropic", GOOD)
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.startswith(f"error: {GOOD}: ")


def test_an_unknown_provider_names_the_nearest(run: Run) -> None:
    result = run("read", "openia", GOOD)
    assert result.exit_code == 2
    assert result.stderr == "error: no plugin is called openia; did you mean openai?\n"


def test_a_huge_file_is_refused_unread(run: Run, tmp_path: Path) -> None:
    huge = tmp_path / "huge.json"
    huge.touch()
    os.truncate(huge, 200 * 1024**2)
    result = run("read", "openai", huge)
    assert result.exit_code == 1
    assert result.stderr == (
        f"error: {huge}: 209,715,200 bytes, and one reply has at most 67,108,864; split the file\n"
    )


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_rights_is_named(run: Run, tmp_path: Path) -> None:
    (tmp_path / "mine.json").write_bytes(GOOD.read_bytes())
    (tmp_path / "mine.json").chmod(0)
    result = run("read", "openai", "mine.json")
    assert result.stderr == "error: mine.json: cannot be read (Permission denied); check the path and its rights\n"
