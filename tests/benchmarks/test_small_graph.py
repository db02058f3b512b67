"""The benchmark of the graph on a small size."""

from pathlib import Path

import numpy as np

from benchmarks import bench_graph


def test_both_sides_rank_alike_and_a_series_runs(tmp_path: Path) -> None:
    path = tmp_path / "edges.duckdb"
    bench_graph.build(path, 500, 2_000, 3)
    taken, memory, ranks = bench_graph.ours(path, 500)
    slower, expected = bench_graph.theirs(path, 500)
    np.testing.assert_allclose(ranks, expected, atol=1e-6)
    assert min(taken, slower, bench_graph.series(path, 500, 3)) > 0
    assert memory >= 0
