"""What people thought of answers, by the sites they cite."""

from datetime import datetime
from pathlib import Path

import pytest
from statsmodels.stats.proportion import proportion_confint  # type: ignore[import-untyped]

from geo_flywheel import reports
from geo_flywheel.records import Answer, Ask, Citation, Fact, Feedback, Prompt, Status
from geo_flywheel.store.append import Reader, Source, append
from geo_flywheel.store.database import open_hardened, open_store

NOON = datetime(2026, 3, 2, 12)


def _answer(number: int, *sites: str) -> Answer:
    pages = tuple(Citation(f"https://{s}/", f"https://{s}/", None, n) for n, s in enumerate(sites, 1))
    ask = Ask(Prompt(f"question {number}"))
    return Answer("p", "engine", "rated", Status.GROUNDED, "", citations=pages, asked_at=NOON, ask=ask, id=f"a{number}")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("feedback") / "s.duckdb"
    facts: list[Fact] = [
        _answer(1, "a.example", "b.example"),
        _answer(2, "a.example"),
        Feedback("a1", "rating", 1, rater="x"),
        Feedback("a1", "rating", -1, rater="y"),
        Feedback("a2", "rating", 1, rater="program"),
        Feedback("a2", "rating", 0, rater="z"),
        Feedback("a2", "vote", 1),
        Feedback("gone", "rating", -1),
    ]
    with open_store(path) as opened:
        append(opened, Source("r", "import", NOON, "one", "file", 1, Reader("toy", "1")), facts)
    return path


def rows(path: Path, **values: object) -> dict[tuple[str, str], dict[str, object]]:
    with open_hardened(path) as opened:
        found = reports.run(opened, reports.get("feedback"), values).to_pylist()
    return {(row["site"], row["kind"]): row for row in found if row["engine"] == "engine"}


def test_a_judgement_counts_for_every_site_its_answer_cites(store: Path) -> None:
    found = rows(store)
    names = ("up", "neutral", "down")
    assert [found[site, "rating"][name] for site in ("a.example", "b.example") for name in names] == [
        2, 1, 1, 1, 0, 1,
    ]  # fmt: skip
    assert found["a.example", "vote"]["up"] == 1
    assert found["a.example", "rating"]["answers"] == 2


def test_the_share_has_its_denominator_and_wilsons_interval(store: Path) -> None:
    row = rows(store)["a.example", "rating"]
    assert row["rate"] == pytest.approx(2 / 3)
    assert (row["low"], row["high"]) == pytest.approx(proportion_confint(2, 3, method="wilson"))


def test_what_a_program_judged_is_told_apart(store: Path) -> None:
    assert rows(store)["a.example", "rating"]["by_program"] == 1


def test_a_judgement_whose_answer_is_not_at_hand_is_shown_as_one(store: Path) -> None:
    with open_hardened(store) as opened:
        found = reports.run(opened, reports.get("feedback"), {}).to_pylist()
    assert [(r["site"], r["down"], r["no_answer"]) for r in found if r["engine"] == ""] == [("", 1, 1)]


def test_one_site_can_be_asked_for(store: Path) -> None:
    assert {site for site, _ in rows(store, only_site="b.example")} == {"b.example"}
