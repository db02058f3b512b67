from pathlib import Path

import pytest

from tests.crawlers.racing import race

pytestmark = pytest.mark.endure


@pytest.mark.parametrize("schedulers", [2, 4])
@pytest.mark.parametrize("round_", range(5))
def test_schedulers_racing_over_five_hundred_slots_double_and_lose_none(
    tmp_path: Path, schedulers: int, round_: int
) -> None:
    ran, missed = race(tmp_path / f"{round_}.sqlite", schedulers, 500)
    assert len(ran) == len(set(ran)) == 500
    assert missed == []
