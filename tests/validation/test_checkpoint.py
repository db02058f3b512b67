from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.validation.cells import BEYOND, NAMED, full_grid
from tests.validation.checkpoint import Checkpoint, alike, digest
from tests.validation.replicating import seed_of

_MODULES = ("geo_flywheel.simulate.panels",)


def _row(seed: int) -> dict[str, Any]:
    return {"seed": seed, "value": seed / 7, "high": float("inf"), "naive": {"FE": [0.1, 0.2]}}


def test_rows_are_found_again_and_a_line_cut_off_by_a_kill_is_none(tmp_path: Path) -> None:
    kept = Checkpoint(tmp_path / "cell.jsonl", "now")
    for seed in range(3):
        kept.add(_row(seed))
    with kept.path.open("a") as file:
        file.write('{"digest": "now", "se')
    assert kept.rows().keys() == {0, 1, 2}
    assert kept.rows()[2]["value"] == 2 / 7


def test_rows_of_another_source_are_passed_over(tmp_path: Path) -> None:
    Checkpoint(tmp_path / "cell.jsonl", "before").add(_row(1))
    assert not Checkpoint(tmp_path / "cell.jsonl", "now").rows()


def test_rows_of_another_source_are_adopted_where_this_one_reproduces_them(tmp_path: Path) -> None:
    before, now = (Checkpoint(tmp_path / "cell.jsonl", name) for name in ("before", "now"))
    for seed in range(5):
        before.add(_row(seed))
    assert now.adopted(lambda seed: {**_row(seed), "value": 0.0}) == 0
    assert not now.rows()
    assert now.adopted(_row) == 5
    assert now.rows().keys() == set(range(5))
    assert now.adopted(_row) == 0


def test_numbers_are_alike_to_nine_digits() -> None:
    assert alike({"a": [1.0, float("nan")]}, {"a": [1.0 + 1e-12, float("nan")]})
    assert not alike({"a": [1.0]}, {"a": [1.0 + 1e-6]})
    assert not alike({"a": 1.0}, {"b": 1.0})


def test_a_cell_has_another_digest_if_its_world_has_and_the_same_if_not() -> None:
    cell = NAMED[1]
    assert digest(cell, _MODULES) == digest(replace(cell, about="in other words"), _MODULES)
    assert digest(cell, _MODULES) != digest(replace(cell, world=replace(cell.world, weeks=51)), _MODULES)
    assert digest(cell, _MODULES) != digest(cell, ("geo_flywheel.simulate.market",))


def test_cells_have_names_and_seeds_of_their_own() -> None:
    assert len(NAMED) == 24
    assert len({cell.name for cell in full_grid()}) == 1080
    seeds = {seed_of(cell, 1, number) for cell in (*NAMED, *BEYOND) for number in range(200)}
    assert len(seeds) == 29 * 200
