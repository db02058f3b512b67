from collections.abc import Iterator
from pathlib import Path

import pytest

from geo_flywheel import shipped
from geo_flywheel.errors import ConfigError


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty package in the place of geo_flywheel."""
    (tmp_path / "geo_flywheel").mkdir()
    monkeypatch.setattr(shipped, "_PACKAGE", tmp_path / "geo_flywheel")
    shipped.folder.cache_clear()
    yield tmp_path / "geo_flywheel"
    shipped.folder.cache_clear()


def test_the_data_of_this_checkout_or_wheel_are_found() -> None:
    assert (shipped.folder("data") / "tracking_parameters.toml").is_file()


def test_a_checkout_has_the_folder_beside_the_package(package: Path) -> None:
    (package.parent / "queries").mkdir()
    assert shipped.folder("queries") == package.parent / "queries"


def test_an_installed_package_uses_its_own_folder_and_no_neighbour(package: Path) -> None:
    (package.parent / "data").mkdir()
    (package / "_shipped" / "data").mkdir(parents=True)
    assert shipped.folder("data") == package / "_shipped" / "data"


def test_a_missing_folder_is_an_error_that_says_where_it_was_sought(package: Path) -> None:
    with pytest.raises(ConfigError, match="reinstall the package") as error:
        shipped.folder("data")
    assert str(package / "_shipped" / "data") in str(error.value)
