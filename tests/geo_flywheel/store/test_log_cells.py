from collections import Counter
from datetime import date, datetime
from typing import Any

import duckdb
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo_flywheel.store.access_logs import cells as log_cells
from geo_flywheel.store.access_logs.cells import Cells
from geo_flywheel.store.access_logs.numbered import Pages

_LINES = st.tuples(
    st.sampled_from(["own.example", "other.example", "own.example/a"]),
    st.sampled_from(["", "/", "/a", "/é"]),
    st.datetimes(datetime(1969, 12, 30), datetime(1970, 1, 3)),
    st.sampled_from([200, 404, 0, -5, 2**31 - 1, -(2**31)]),
)


def count(cells: Cells, pages: Pages, lines: list[tuple[str, str, datetime, int]]) -> None:
    page = pages.numbers((host, path) for host, path, _, _ in lines)
    day = np.array([(moment - datetime(1970, 1, 1)).days for _, _, moment, _ in lines], np.int64)
    cells.count(pages, page, day, np.array([status for *_, status in lines], np.int64))


@pytest.mark.parametrize("most", [1, 3, 2_000_000])
@given(st.lists(st.tuples(st.booleans(), st.lists(_LINES, max_size=8)), max_size=5))
def test_every_line_counts_once_in_its_cell_however_little_room_there_is(
    most: int, blocks: list[tuple[bool, list[tuple[str, str, datetime, int]]]]
) -> None:
    expected: Counter[tuple[str, date, str, int]] = Counter(
        (host, moment.date(), path, status) for _, lines in blocks for host, path, moment, status in lines
    )
    found: list[tuple[Any, ...]] = []
    with pytest.MonkeyPatch.context() as patch, duckdb.connect() as desk, desk.cursor() as cursor:
        patch.setattr(log_cells, "_MOST_CELLS", most)
        cells, pages = Cells(cursor), Pages()
        for is_new, lines in blocks:
            pages = Pages() if is_new else pages
            count(cells, pages, lines)
        for rows in cells.told():
            found += [tuple(row.values()) for row in rows.to_pylist()]
    assert {tuple(row[:4]): row[4] for row in found} == expected
    assert len(found) == len(expected)
