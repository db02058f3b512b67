"""Every benchmark on a small size, so that it still runs when it is needed."""

from pathlib import Path

import pytest

from benchmarks import bench_import, bench_reading, bench_reports
from benchmarks.alone import alone
from benchmarks.bench_reading import Reply
from crawlers.reading.wire import documents
from geo_flywheel.urls import _site, site

REPLIES = [reply for held in bench_reading.replies(bench_reading.HAND_MADE).values() for reply in held]


@pytest.mark.parametrize("reply", REPLIES, ids=lambda reply: f"{reply.capture.plugin}/{reply.capture.name}")
def test_the_floor_of_reading_parses_every_document_of_a_reply(reply: Reply) -> None:
    assert bench_reading.floor(reply.capture.body) == documents(reply.capture.body, reply.capture.name)


def test_a_reply_is_read_by_its_engine_with_and_without_canonicalising() -> None:
    assert bench_reading.ratio(REPLIES[0]) > 0
    with bench_reading.not_canonicalising():
        assert bench_reading.ratio(REPLIES[0]) > 0


def test_forgetting_empties_what_is_known_of_hosts() -> None:
    site("https://example.org/")
    bench_reading.forget()
    assert _site.cache_info().currsize == 0


def test_rows_are_imported_once_held_once_and_all_known_in_another_order(tmp_path: Path) -> None:
    files = bench_import.write(tmp_path, 2_000, 50)
    assert bench_import.floor(files[0], tmp_path / "floor.duckdb") > 0
    assert bench_import.take(files[0], tmp_path, ("read", 2_000)) > 0
    assert bench_import.take(files[0], tmp_path, ("held", 0)) > 0
    assert bench_import.take(files[1], tmp_path, ("read", 0)) > 0


def test_every_report_runs_beside_its_floor(tmp_path: Path) -> None:
    path = tmp_path / "market.duckdb"
    bench_reports.build(path, 1_000)
    found = bench_reports.run_all(path)
    assert found.keys() == bench_reports.limits().keys()
    assert min(found.values()) > 0


def test_work_done_alone_gives_its_result_and_its_peak_memory() -> None:
    result, peak = alone(sum, [1, 2])
    assert result == 3
    assert 5 < peak < 1_000
