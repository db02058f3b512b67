"""Recorded replies into records, beside the floor: split the events and `orjson.loads` every document.

    pytest -m bench -s benchmarks/bench_reading.py

The replies are those beside the checkout (see tests/real_data.py). In a fresh clone the hand-made ones of the tests are
read, for which there is no limit: they are so small that what an answer costs by itself outweighs its parsing.

Every reply is read as the first of its process would be: what canonicalising remembers of earlier addresses is
forgotten before each; the lists in `data/`, which a process loads once, stay loaded.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import _lru_cache_wrapper
from math import inf
from pathlib import Path
from statistics import median
from typing import NamedTuple

import orjson
import pytest

from benchmarks.side_by_side import Limit, Round, fail_on_missed, judge, seconds
from crawlers.base import Engine
from geo_flywheel import plugins, urls
from geo_flywheel.records import Answer, Capture
from tests import real_data

ROUNDS = 15
PARSING, CANONICALISING, NONE = Limit(4), Limit(8), Limit(inf)
HAND_MADE = Path(__file__).resolve().parent.parent / "tests" / "captures"
ENGINE_OF = {"azure_openai": "openai"}


class Reply(NamedTuple):
    """One captured body and the engine that reads it."""

    engine: Engine
    capture: Capture

    def read(self) -> tuple[Answer, ...]:
        """Read it into records."""
        return self.engine.read(self.capture)


def floor(body: bytes) -> list[object]:
    """Every JSON document of a reply, parsed and thrown away."""
    if not body.startswith((b"{", b"[")):
        return [orjson.loads(line[5:]) for line in body.splitlines() if line.startswith(b"data: {")]
    try:
        return [orjson.loads(body)]
    except orjson.JSONDecodeError:
        return [orjson.loads(line) for line in body.splitlines() if line]


def replies(root: Path) -> dict[str, list[Reply]]:
    """Every reply below a folder by its provider, those the provider's own engine reads."""
    found: dict[str, list[Reply]] = {}
    for file in sorted(root.glob("*/*")):
        name = ENGINE_OF.get(file.parent.name, file.parent.name)
        if name in plugins.names("engines") and file.name != "expected.json":
            capture = Capture(name, file.read_bytes(), file.name)
            found.setdefault(name, []).append(Reply(plugins.engine(name), capture))
    return found


def recorded() -> Path:
    """Where the recorded replies are, or the hand-made ones where those are absent."""
    try:
        return real_data.folder("recorded_replies")
    except pytest.skip.Exception as absent:
        print(f"\n{absent}\nreading the hand-made replies of the tests in their place, without a limit")
        return HAND_MADE


def forget() -> None:
    """Make the program know no address: empty every cache that is bounded, which are those of addresses and hosts."""
    for name, module in list(sys.modules.items()):
        if name.startswith(("geo_flywheel.", "crawlers.")):
            for held in vars(module).values():
                if isinstance(held, _lru_cache_wrapper) and held.cache_parameters()["maxsize"] is not None:
                    held.cache_clear()


class AsItIs(dict[str, urls.Page]):
    """Stands in for `canonical`, and costs a look into a dictionary."""

    def __missing__(self, raw_url: str) -> urls.Page:
        page = self[raw_url] = urls.Page(raw_url, None, resolved=True)
        return page


as_it_is = AsItIs().__getitem__


@contextmanager
def not_canonicalising() -> Iterator[None]:
    """Let no reader canonicalise while the block runs."""
    with pytest.MonkeyPatch.context() as patch:
        for name, module in list(sys.modules.items()):
            if name.startswith("crawlers.") and hasattr(module, "canonical"):
                patch.setattr(module, "canonical", as_it_is)
        yield


def ratio(reply: Reply) -> float:
    """Time of reading a reply as a multiple of its floor."""
    forget()
    bare = seconds(lambda: floor(reply.capture.body))
    return seconds(reply.read) / bare


@pytest.mark.bench
def test_replies_into_records() -> None:
    root = recorded()
    parsing, canonicalising = (NONE, NONE) if root == HAND_MADE else (PARSING, CANONICALISING)
    by_provider = replies(root)
    seen: dict[tuple[str, str, str], list[float]] = {}

    def a_round() -> Round:
        medians = {}
        for provider, held in by_provider.items():
            for kind, condition in (("", not_canonicalising()), (" and canonicalising", nullcontext())):
                with condition:
                    found = {reply.capture.name: ratio(reply) for reply in held}
                medians[f"reading {provider}{kind}, median of {len(held)}"] = median(found.values())
                for name, value in found.items():
                    seen.setdefault((kind, provider, name), []).append(value)
        return medians

    print()
    limits = {name: canonicalising if " and " in name else parsing for name in a_round()}
    seen.clear()
    verdicts = judge(limits, a_round, ROUNDS)
    for kind in ("", " and canonicalising"):
        (_, provider, name), values = max(
            ((key, value) for key, value in seen.items() if key[0] == kind), key=lambda entry: median(entry[1])
        )
        print(f"the worst reply, reading{kind}: {median(values):.2f} x, {provider} {name}")
    fail_on_missed(verdicts)
