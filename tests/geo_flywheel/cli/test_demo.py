"""`demo`: a made-up market crawled by the code that asks the live services."""

from pathlib import Path

import pytest

from geo_flywheel.cli import _demo as demo
from geo_flywheel.store.database import open_store
from geo_flywheel.workspace import Workspace
from tests.conftest import Run

WEEKS, PROMPTS, REPEATS = 1, 40, 2


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in demo._KEYS:
        monkeypatch.setenv(name, "set by the demo")


def test_a_week_of_a_market_is_asked_stored_and_shown(run: Run, tmp_path: Path) -> None:
    result = run("demo", tmp_path / "demo", "--weeks", str(WEEKS))
    assert result.exit_code == 0, result.stderr
    asks = WEEKS * PROMPTS * REPEATS * len(demo.PROVIDERS)
    assert f"{asks:,} asks in {WEEKS} sweeps: {asks:,} grounded" in result.stderr
    assert "the true loop gain of this market is 0.5" in result.stderr
    for shown in ("track", "compare", "citation_share", "bot_visits", "corpus_history", "estimate --all"):
        assert shown in result.stdout
    assert "loop_gain" in result.stdout
    assert "cannot be told, and what would tell it" in result.stdout  # of one week nothing can be
    with open_store(Workspace(tmp_path / "demo").store_path, read_only=True) as store:
        weeks = store.rows("SELECT week, count(*), count(DISTINCT engine) FROM answers GROUP BY week ORDER BY week")
        cited = store.rows("SELECT DISTINCT resolved, site LIKE '%.example' FROM citations")
        halves = store.rows("SELECT count(DISTINCT half) FROM answers")
        proofs = store.rows("SELECT DISTINCT verification FROM visits WHERE agent IS NOT NULL")
        sent = store.rows("SELECT count(*) > 0 FROM referrals")
        failing = store.rows("SELECT DISTINCT rule FROM page_rules WHERE NOT passed")
        gathered = store.rows("SELECT DISTINCT signal FROM permissions UNION SELECT corpus FROM presences ORDER BY ALL")
    assert [(str(week), answers, engines) for week, answers, engines in weeks] == [
        ("2025-11-24", asks // WEEKS, 4),
    ]
    assert cited == [(True, True)]
    assert halves == [(2,)]
    assert (proofs, sent) == ([("verified",)], [(True,)])
    assert {("robots",), ("common_crawl",)} <= set(gathered)
    assert failing
    assert Workspace(tmp_path / "demo").published_path.is_file()


def test_a_folder_that_is_a_workspace_is_left_alone(run: Run, workspace: Workspace) -> None:
    before = workspace.config_path.read_bytes()
    result = run("demo", workspace.root)
    assert result.exit_code == 2
    assert "is a workspace already" in result.stderr
    assert workspace.config_path.read_bytes() == before
