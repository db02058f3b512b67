import sys
from collections.abc import Iterator
from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path

import pytest

from geo_flywheel import plugins
from geo_flywheel.errors import ConfigError


@pytest.fixture
def outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A distribution from elsewhere with a good plugin, a broken one, and one under the name of one of ours."""
    package = tmp_path / "elsewhere"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "shared.py").write_text("ANSWERS = 42\n")
    (package / "good.py").write_text("from elsewhere.shared import ANSWERS\nENGINE = ('engine', ANSWERS)\n")
    (package / "bad.py").write_text("raise ZeroDivisionError('oops')\n")
    points = EntryPoints(
        EntryPoint(name, f"elsewhere.{module}", "geo_flywheel.engines")
        for name, module in (("good", "good"), ("bad", "bad"), ("openai", "bad"))
    )
    monkeypatch.setattr("importlib.metadata.entry_points", lambda group: points.select(group=group))
    monkeypatch.syspath_prepend(tmp_path)
    _forget()
    yield package
    _forget()
    for module in [name for name in sys.modules if name.partition(".")[0] == "elsewhere"]:
        del sys.modules[module]


def _forget() -> None:
    for remembered in (plugins.version, plugins._modules, plugins._load):
        remembered.cache_clear()


def test_the_folders_are_the_registry() -> None:
    crawlers = Path(__file__).parents[2] / "crawlers"
    for kind in ("engines", "imports"):
        files = {file.stem for file in (crawlers / kind).glob("*.py")} - {"__init__"}
        assert set(plugins.names(kind)) == files
        assert not plugins.broken(kind)


def test_a_name_belongs_to_one_plugin_only() -> None:
    assert not set(plugins.names("engines")) & set(plugins.names("imports"))


@pytest.mark.usefixtures("outside")
def test_an_entry_point_adds_a_plugin_from_elsewhere() -> None:
    assert repr(plugins.engine("good")) == "('engine', 42)"
    assert plugins.engines()["good"] is plugins.engine("good")


@pytest.mark.usefixtures("outside")
def test_an_entry_point_never_replaces_one_of_ours() -> None:
    assert type(plugins.engine("openai")).__module__ == "crawlers.base"


@pytest.mark.usefixtures("outside")
def test_a_broken_plugin_stops_nobody_who_does_not_ask_for_it() -> None:
    assert "bad" not in plugins.engines()
    assert list(plugins.broken("engines")) == ["bad"]
    with pytest.raises(ConfigError, match=r"bad \(elsewhere\.bad\) is broken: ZeroDivisionError: oops"):
        plugins.engine("bad")


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match="no plugin is called opnai; did you mean openai"):
        plugins.engine("opnai")
    with pytest.raises(ConfigError, match="no plugin is called zzzzzz; there are .*openai"):
        plugins.version("zzzzzz")


def test_a_version_changes_with_any_code_the_reader_imports_and_not_with_line_ends(outside: Path) -> None:
    def version() -> str:
        plugins.version.cache_clear()
        return plugins.version("good")

    first = version()
    assert first.startswith("good-")
    (outside / "shared.py").write_bytes(b"ANSWERS = 42\r\n")
    assert version() == first
    (outside / "shared.py").write_text("ANSWERS = 43\n")
    assert version() != first


def test_the_version_of_a_format_that_hands_on_to_engines_covers_every_engine() -> None:
    engines = {f"crawlers.engines.{name}" for name in plugins.names("engines")}
    assert engines <= set(plugins._sources("crawlers.imports.recorded_reply"))


def test_the_version_of_an_engine_covers_the_modules_it_shares_with_others() -> None:
    assert {"crawlers.base", "crawlers.reading.wire", "crawlers.engines.openai"} <= set(
        plugins._sources("crawlers.engines.openai")
    )
