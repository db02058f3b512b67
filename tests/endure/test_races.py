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
    print(f"{schedulers} schedulers ran {[len(each) for each in ran]} of 500 slots")  # noqa: T201 - the figure is asked for
    assert len(set().union(*ran)) == sum(map(len, ran)) == 500
    assert not any(missed)
