import csv
import io
import json
from pathlib import Path

from click.testing import Result

from geo_flywheel.workspace import Workspace
from tests.conftest import Run


def halves(result: Result) -> dict[str, str]:
    return {row["text"]: row["half"] for row in csv.DictReader(io.StringIO(result.stdout))}


def test_what_is_added_is_shown_with_topic_locale_and_persona(run: Run, workspace: Workspace) -> None:
    added = run("basket", "add", " why? ", "--topic", "t", "--locale", "de-DE", "--persona", "p", workspace=workspace)
    assert added.exit_code == 0
    assert added.stdout == ""
    assert "added 1 of 1 prompts\nrevision 1 (" in added.stderr
    shown = run("basket", "show", "--format", "json", workspace=workspace)
    assert json.loads(shown.stdout) == [
        {"half": "A", "topic": "t", "locale": "de-DE", "persona": "p", "location": "", "text": "why?"}
    ]


def test_adding_never_moves_a_prompt_to_the_other_half(run: Run, workspace: Workspace) -> None:
    for text in ("zebra", "yak", "xerus"):
        run("basket", "add", text, workspace=workspace)
    before = halves(run("basket", "show", "--format", "csv", workspace=workspace))
    run("basket", "add", "ape", workspace=workspace)
    after = halves(run("basket", "show", "--format", "csv", workspace=workspace))
    assert before == {"zebra": "A", "yak": "B", "xerus": "A"}
    assert after == before | {"ape": "B"}


def test_deleting_a_prompt_by_hand_moves_no_other(run: Run, workspace: Workspace) -> None:
    for text in ("zebra", "yak", "xerus"):
        run("basket", "add", text, workspace=workspace)
    kept = workspace.config_path.read_text().replace('[[basket.prompts]]\ntext = "zebra"\n', "")
    workspace.config_path.write_text(kept)
    shown = run("basket", "show", "--format", "csv", workspace=workspace)
    assert halves(shown) == {"yak": "B", "xerus": "A"}
    assert "not yet frozen" in shown.stderr


def test_a_prompt_twice_is_kept_once_and_said(run: Run, workspace: Workspace) -> None:
    run("basket", "add", "why?", workspace=workspace)
    before = workspace.config_path.read_bytes()
    again = run("basket", "add", "why?", workspace=workspace)
    assert again.exit_code == 0
    assert "added 0 of 1 prompts; the others were there already" in again.stderr
    assert workspace.config_path.read_bytes() == before
    assert len(list(workspace.basket_path.iterdir())) == 1


def test_a_file_is_imported_once_however_often_it_is_handed_in(run: Run, workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "prompts.csv").write_text('topic,text\nt,"one, two"\nt,three\nt,three\n')
    first = run("basket", "import", "prompts.csv", workspace=workspace)
    second = run("basket", "import", "prompts.csv", workspace=workspace)
    assert "added 2 of 3 prompts" in first.stderr
    assert "added 0 of 3 prompts" in second.stderr
    assert halves(run("basket", "show", "--format", "csv", workspace=workspace)) == {"one, two": "A", "three": "B"}


def test_a_file_that_is_wrong_changes_nothing(run: Run, workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "prompts.csv").write_text("question\nwhy?\n")
    before = workspace.config_path.read_bytes()
    result = run("basket", "import", "prompts.csv", workspace=workspace)
    assert result.exit_code == 1
    assert result.stderr.startswith("error: prompts.csv: the header names 'question'")
    assert workspace.config_path.read_bytes() == before
    assert not workspace.basket_path.exists()


def test_an_empty_prompt_is_a_usage_error(run: Run, workspace: Workspace) -> None:
    assert run("basket", "add", "  ", workspace=workspace).exit_code == 2


def test_showing_writes_nothing(run: Run, workspace: Workspace) -> None:
    run("basket", "show", workspace=workspace)
    assert [file.name for file in workspace.root.iterdir()] == ["geo-flywheel.toml"]
