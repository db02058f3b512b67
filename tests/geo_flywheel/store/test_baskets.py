from pathlib import Path

import pytest

from geo_flywheel.errors import ConfigError
from geo_flywheel.graph.network import Engine
from geo_flywheel.store.baskets import read_baskets
from geo_flywheel.store.database import open_store
from tests.queries.markets import EVERYTHING, TODAY, Market, Sighting, fill, random_market, week


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.duckdb"


@pytest.mark.parametrize("seed", [1, 2])
def test_baskets_are_those_counted_by_hand(seed: int, path: Path) -> None:
    market = random_market(seed)
    fill(path, market)
    with open_store(path, read_only=True) as store:
        found = {basket.engine: basket for basket in read_baskets(store, "https://www.site0.example/x", today=TODAY)}
    answers = [a for a in market.answers if a.delivered and a.week and (a.engine, a.surface) == ("alpha", "api")]
    sites = [{market.pages[n].site for n in a.cited} for a in answers]
    alpha = found[Engine("alpha", "api")]
    other = alpha.others.index("site1.example")
    assert alpha.made_of == "answers"
    assert alpha.baskets.sum() == len(answers)
    assert alpha.with_site.sum() == sum("site0.example" in held for held in sites)
    assert alpha.with_other[other].sum() == sum("site1.example" in held for held in sites)
    assert alpha.together[other].sum() == sum({"site0.example", "site1.example"} <= held for held in sites)


def test_sightings_of_one_prompt_and_day_stand_together_and_running_weeks_do_not_count(path: Path) -> None:
    seen = [Sighting("gamma", week(n), page, 1, None, prompt=1) for n in range(3) for page in (0, 2)]
    fill(path, Market(EVERYTHING.pages, sightings=(*seen, Sighting("gamma", week(6), 0, 1, None, prompt=1))))
    with open_store(path, read_only=True) as store:
        (found,) = read_baskets(store, "own.example", today=TODAY)
    assert found.made_of == "sightings of one prompt and day"
    assert (found.baskets.sum(), found.with_site.sum(), found.together.sum()) == (3, 3, 3)


def test_a_site_never_met_is_told(path: Path) -> None:
    fill(path, EVERYTHING)
    with open_store(path, read_only=True) as store, pytest.raises(ConfigError, match="no page of it was ever cited"):
        read_baskets(store, "nowhere.example")
