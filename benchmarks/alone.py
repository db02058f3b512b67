"""Run one piece of work in a process of its own: every cache cold, and its peak memory known.

What belongs to the start of any process is done before the work begins: the plugins are imported, and pandas, which
duckdb imports with the first parameter of a statement.
"""

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import TypeVar

import duckdb

from geo_flywheel import plugins
from tests.memory import most

_T = TypeVar("_T")


def alone(work: Callable[..., _T], *arguments: object) -> tuple[_T, float]:
    """Return what the work returns, and the peak memory of its process in MB.

    Args:
        work: A function of a module, which the new process imports before the work begins.
        arguments: Picklable.
    """
    with ProcessPoolExecutor(1, get_context("spawn")) as process:
        return process.submit(_measured, work, arguments).result()


def _measured(work: Callable[..., _T], arguments: tuple[object, ...]) -> tuple[_T, float]:
    plugins.imports()
    with duckdb.connect() as connection:
        connection.execute("SELECT ?", [1])
    return work(*arguments), most() / 1024**2
