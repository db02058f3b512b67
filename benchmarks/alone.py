"""Run one piece of work in a process of its own: every cache cold, and its peak memory known."""

import resource
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import TypeVar

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
    return work(*arguments), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
