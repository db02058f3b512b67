"""The benchmarks of the estimators on a small size, so that they still run when they are needed."""

import pytest

from benchmarks import bench_attachment, bench_estimators


def test_attachment_is_laid_out_and_fitted() -> None:
    cells = bench_attachment.laid_out(bench_attachment.market(pages=300, cells=300))
    assert bench_attachment.fit(cells) == pytest.approx(0.5, abs=0.15)


def test_every_estimator_is_found_and_the_panel_grows_by_pages_and_sites() -> None:
    assert {"attachment", "concentration", "loop_gain", "sampling", "time_to_citation"} <= set(bench_estimators.found())
    one, two = bench_estimators.panel(10_000), bench_estimators.panel(21_000)
    assert len(two.frame) == 2 * len(one.frame)
    assert two.frame["site_id"].nunique() == 2 * one.frame["site_id"].nunique()
    assert bench_estimators.timed(bench_estimators.found()["concentration"], one) > 0
