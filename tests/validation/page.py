"""docs/validation.md: what the study found, promises first, with the command and seed that printed it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import isfinite

from geo_flywheel.simulate import attachment
from tests.validation.cells import Cell
from tests.validation.judging import Check, Figure, Summary, checks, positive

_HEAD = """# How far the estimates can be trusted

Worlds whose truth is stated, drawn anew in every replication, estimated as a user would estimate them. Every share
stands with its Monte Carlo standard error; a promise counts as broken only beyond two of them. `make validate` makes
this page; a run that is stopped is taken up where it was left.
"""
_HOW = """## How to read it

- *gives a number*: share of the replications with an interval; the rest refuse and say why. Medians, spreads and
  coverage are those of the numbers given. Where the point estimate has no root, the value counts as infinite (*open*)
  and only the lower limit is printed.
- *coverage*: share of the 95% intervals that hold the truth. At G = 0 the estimate is a product of three coefficients
  that are each 0, which errs by far less than one of them; its intervals hold 0 nearly always, and nothing above .99
  is held against them.
- *lower limit*: share of the lower limits at or below the truth; all that is promised at G of .8 and more, and in 26
  weeks, where intervals are often open above (*open*).
- *loop seen*: the verdicts `self-sustaining`, `reinforcing, fading` and `reinforcing, persistence open` together. In a
  world with a loop that is power, in a world without one it is the rate of false positives.
- *gate rejects*: share in which the exclusion gate finds p < .001, so that no loop is reported whatever else was found.
- spread: interquartile range over 1.349.
- promises: |median bias| at most .03 and coverage of .90 to .99 for G up to .6 in 52 weeks and more; else that the
  lower limit holds in 95% and a gain of 1 is called fading in at most 5%; a loop seen in at most 5% where there is
  none; the gate to reject arrows reversed and hidden quality from sd .05 in 95%; alpha within .05. *refuses*: nearly
  all replications decline to give a number there, and so promise nothing.

## What remains, whatever the numbers say

- A cause that nobody measures and that travels presence -> citation -> engagement with the lags of a loop is a loop to
  any test. Row `hidden-loop` is the mildest of such worlds: there is a loop, and its number is far too high.
- Each page is measured in units of its own mean over the weeks seen, which makes the value run low, the more the
  longer the memory and the shorter the panel (rows `gain-60` to `gain-100`). The upper limit has about what that takes
  away added to it, 3 G^2 / weeks; the value has not. Row `rich` is a panel so large that it matters: without it .73 of
  its intervals hold the truth.
- A model release that lifts some pages for good is a change of level that the loop's model does not know (row
  `releases`): fit inside the spell of one engine version, or look at the release itself.
- Halves must not alternate in length: days are halved by weekday. Halved by date, three days in one week and four in
  the next, a gain of .5 comes back as .57.
"""
_BASELINES = """Median of each, in brackets the share of its 95% intervals that hold the truth; then the share that
finds more than nothing (lower limit above 0).
"""


def page(cells: Sequence[Cell], found: Mapping[str, Summary], command: str, seed: int, wanted: int) -> str:
    """Return the page, in Markdown.

    Args:
        cells: In the order in which they are shown.
        found: By name of the cell; a cell without replications is absent.
        command: What makes this page.
        seed: From which all others follow.
        wanted: Replications that a whole study has.
    """
    shown = [cell for cell in cells if cell.name in found]
    gains = [cell for cell in shown if not isinstance(cell.world, attachment.World)]
    exponents = [cell for cell in shown if isinstance(cell.world, attachment.World)]
    parts = [
        _HEAD,
        _made(shown, len(cells), found, command, seed, wanted),
        "## Promises\n",
        _table(("cell", "world", "promise", "found", "bound", ""), _promises(shown, found)),
        _HOW,
        "## Loop gain: the numbers\n",
        _table(
            ("cell", "true G", "n", "gives a number", "median", "spread", "coverage", "lower limit", "half-width"),
            (_numbers(cell, found[cell.name]) for cell in gains),
        ),
        "## Loop gain: the verdicts\n",
        _table(
            ("cell", "true G", "loop seen", "gate rejects", "verdicts"),
            (_verdicts(cell, found[cell.name]) for cell in gains),
        ),
        "## Loop gain: what is usually done, on the same panels\n",
        _BASELINES,
        _table(*_naive_table(gains, found)),
        "## Attachment exponent\n",
        _table(
            ("cell", "true alpha", "n", "gives a number", "median", "spread", "coverage", "half-width", "verdicts"),
            (_exponents(cell, found[cell.name]) for cell in exponents),
        ),
        _table(*_naive_table(exponents, found)),
    ]
    return "\n".join(part for part in parts if part) + "\n"


def broken(cells: Sequence[Cell], found: Mapping[str, Summary]) -> list[tuple[Cell, Check]]:
    """Return the promises that are not kept."""
    return [
        (cell, check)
        for cell in cells
        if cell.name in found
        for check in checks(cell, found[cell.name])
        if check.outcome == "BROKEN"
    ]


def _made(shown: Sequence[Cell], of: int, found: Mapping[str, Summary], command: str, seed: int, wanted: int) -> str:
    counts = [found[cell.name].replications for cell in shown]
    least, most = (min(counts), max(counts)) if counts else (0, 0)
    each = f"{least}" if least == most else f"{least} to {most}"
    done = "" if least >= wanted and len(shown) == of else f" of {wanted} wanted: **the study is not finished**"
    failed = len(broken(shown, found))
    return (
        f"Made by `{command}`, seed {seed}: {len(shown)} of {of} cells, {each} replications each{done}. "
        f"Promises broken: {failed}.\n"
    )


def _promises(cells: Sequence[Cell], found: Mapping[str, Summary]) -> Iterator[Sequence[str]]:
    for cell in cells:
        for check in checks(cell, found[cell.name]):
            outcome = f"**{check.outcome}**" if check.outcome == "BROKEN" else check.outcome
            yield cell.name, cell.about, check.name, _figure(check.figure), check.bound, outcome


def _numbers(cell: Cell, seen: Summary) -> Sequence[str]:
    return (
        cell.name, f"{cell.truth:.2f}", str(seen.replications), _given(seen), _figure(seen.median), _plain(seen.spread),
        _figure(seen.cover), _figure(seen.lower), _plain(seen.half_width),
    )  # fmt: skip


def _verdicts(cell: Cell, seen: Summary) -> Sequence[str]:
    told = ", ".join(f"{name} {_plain(figure.value, 2)}" for name, figure in seen.verdicts.items())
    return cell.name, f"{cell.truth:.2f}", _figure(positive(seen)), _figure(seen.rejected), told


def _exponents(cell: Cell, seen: Summary) -> Sequence[str]:
    told = ", ".join(f"{name} {_plain(figure.value, 2)}" for name, figure in seen.verdicts.items())
    return (
        cell.name, f"{cell.truth:.1f}", str(seen.replications), _given(seen), _figure(seen.median), _plain(seen.spread),
        _figure(seen.cover), _plain(seen.half_width), told,
    )  # fmt: skip


def _naive_table(cells: Sequence[Cell], found: Mapping[str, Summary]) -> tuple[Sequence[str], list[Sequence[str]]]:
    names = sorted({name for cell in cells for name in found[cell.name].naive})
    rows: list[Sequence[str]] = []
    for cell in cells:
        beside = [found[cell.name].naive.get(name) for name in names]
        medians = [f"{_plain(one[0].value)} ({_plain(one[1].value, 2)})" if one else "-" for one in beside]
        above = [_figure(one[2], 2) if one else "-" for one in beside]
        rows.append((cell.name, f"{cell.truth:.2f}", *medians, *above))
    return ("cell", "truth", *names, *(f"{name} > 0" for name in names)), rows


def _given(seen: Summary) -> str:
    return _plain(1 - seen.refused.value, 2)


def _figure(figure: Figure, digits: int = 3) -> str:
    return f"{_plain(figure.value, digits)} ± {_plain(figure.error, digits)}"


def _plain(value: float, digits: int = 3) -> str:
    if value != value:  # noqa: PLR0124  NaN: nothing was there to be summed up
        return "-"
    return f"{value:.{digits}f}" if isfinite(value) else "open"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    told = list(rows)
    if not told:
        return ""
    lines = [head, ["---"] * len(head), *told]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"
