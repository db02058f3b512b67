from pathlib import Path

from geo_flywheel.workspace import Workspace
from tests.conftest import Run
from tests.geo_flywheel.cli.bad_input import GOOD
from tests.geo_flywheel.store.contents import one, tables

CAPTURES = GOOD.parents[1]
TABLE = CAPTURES / "imports" / "observations.csv"
FILLED = (
    "answer",
    "citation",
    "retrieval",
    "fan_out",
    "observation",
    "presence",
    "leaning",
    "reading",
    "link",
    "prompt",
)


def taken(run: Run, workspace: Workspace) -> None:
    assert run("import", GOOD, TABLE, "missing.csv", workspace=workspace).exit_code == 1


def taken_often(run: Run, workspace: Workspace) -> None:
    """Several runs of all formats: what fails, what overlaps, what is said otherwise, what comes again."""
    replies = sorted(
        file for folder in ("openai", "anthropic", "gemini", "xai") for file in (CAPTURES / folder).iterdir()
    )
    taken(run, workspace)
    Path("more.csv").write_text(f"{TABLE.read_text()}2026-03-02,openai,best crm,software,https://c.test/,1,1,4\n")
    Path("chat.zip").write_bytes(b"PK\x03\x04 cut off")
    run("import", *replies, *sorted((CAPTURES / "imports").iterdir()), "chat.zip", workspace=workspace)
    run("import", "more.csv", workspace=workspace)
    run("import", TABLE, "--set", "surface=other", workspace=workspace)
    run("import", TABLE, GOOD, "chat.zip", "--set", "surface=other", workspace=workspace)


def test_nothing_is_read_again_as_long_as_nothing_changed(run: Run, workspace: Workspace) -> None:
    assert run("import", GOOD, workspace=workspace).exit_code == 0
    result = run("reread", workspace=workspace)
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "")


def test_all_of_it_is_read_again_on_request(run: Run, workspace: Workspace) -> None:
    taken(run, workspace)
    result = run("reread", "--all", workspace=workspace)
    assert result.exit_code == 0
    assert [line.split(": ")[0] for line in result.stderr.splitlines()] == [str(GOOD), str(TABLE)]
    assert one(workspace.store_path, "SELECT count(*) FROM answers") == 1
    assert one(workspace.store_path, "SELECT count(*) FROM answer") == 2


def test_the_store_is_rebuilt_row_for_row_and_published(run: Run, workspace: Workspace) -> None:
    taken_often(run, workspace)
    before = tables(workspace.store_path)
    assert all(before[name] for name in FILLED)
    workspace.published_path.unlink()
    result = run("rebuild", workspace=workspace)
    assert result.exit_code == 1
    assert "error: missing.csv: cannot be read" in result.stderr
    assert tables(workspace.store_path) == before
    assert tables(workspace.published_path) == before


def test_a_backup_is_a_store(run: Run, workspace: Workspace, tmp_path: Path) -> None:
    taken(run, workspace)
    result = run("backup", "copy.duckdb", workspace=workspace)
    assert (result.exit_code, result.stderr) == (0, "copy.duckdb: written\n")
    assert tables(tmp_path / "copy.duckdb") == tables(workspace.store_path)
    again = run("backup", "copy.duckdb", workspace=workspace)
    assert again.exit_code == 1
    assert again.stderr == "error: copy.duckdb: exists already; name a file that does not\n"


def test_without_a_store_there_is_nothing_to_copy_or_read_again(run: Run, workspace: Workspace) -> None:
    for arguments in (["reread"], ["backup", "copy.duckdb"]):
        result = run(*arguments, workspace=workspace)
        assert result.exit_code == 1
        assert "there is no store yet" in result.stderr
    assert not workspace.store_path.exists()
