from pathlib import Path

import pytest

from geo_flywheel.errors import ConfigError
from geo_flywheel.workspace import CONFIG_NAME, Workspace, find, make


def test_the_nearest_workspace_upwards_is_found(tmp_path: Path) -> None:
    outer, inner = make(tmp_path, ""), make(tmp_path / "a", "")
    (tmp_path / "a" / "b" / "c").mkdir(parents=True)
    (tmp_path / "d").mkdir()
    assert find(start=tmp_path / "a" / "b" / "c") == inner
    assert find(start=tmp_path / "d") == outer


def test_a_folder_that_is_named_is_taken_as_it_is(tmp_path: Path) -> None:
    made = make(tmp_path / "a", "")
    (tmp_path / "a" / "b").mkdir()
    assert find(tmp_path / "a") == find(tmp_path / "a" / CONFIG_NAME) == made
    with pytest.raises(ConfigError, match="geo-flywheel init"):
        find(tmp_path / "a" / "b")


def test_no_workspace_anywhere_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no workspace in .*geo-flywheel init, or name one with --workspace"):
        find(start=tmp_path)


def test_a_workspace_is_never_made_twice(tmp_path: Path) -> None:
    make(tmp_path, "[site]\n")
    with pytest.raises(ConfigError, match="is there already"):
        make(tmp_path, "")
    assert (tmp_path / CONFIG_NAME).read_text() == "[site]\n"


def test_a_file_in_the_way_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="is there already|cannot make a workspace"):
        make(tmp_path / "file", "")


def test_everything_lies_in_its_folder(workspace: Workspace) -> None:
    places = (
        workspace.config_path,
        workspace.store_path,
        workspace.published_path,
        workspace.archive_path,
        workspace.basket_path,
    )
    assert {place.parent for place in places} == {workspace.root}
    assert len(set(places)) == len(places)
    assert workspace.config().own == ("own.example",)
