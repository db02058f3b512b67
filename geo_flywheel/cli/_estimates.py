"""Estimates as a person reads them: one with all it stands on, or all of them on one screen."""

from collections.abc import Iterable, Iterator
from math import inf, isfinite
from textwrap import wrap

import click

from geo_flywheel.cli.output import printable, write_rows
from geo_flywheel.estimate import Estimate, Interval, Verdict
from geo_flywheel.estimate.verdicts import LOOPS

_WIDTH = 100
_SPEED = ("revolution_time", "half_life", "doubling_time", "multiplier")
_UNTOLD = {Verdict.CANNOT_TELL, Verdict.TOO_FEW, Verdict.NOT_COMPARABLE}
_COLUMNS = ("quantity", "value", "95% interval", "verdict", "unit")


def show(estimate: Estimate) -> None:
    """Write one estimate: verdict and why, parts (impulse responses only in JSON), numbers, what must hold."""
    click.echo(f"{estimate.quantity}: {_value(estimate)} {_limits(estimate)}  {estimate.verdict}")
    _say("", estimate.reason)
    counted = [f"{n:,} {what}" for n, what in ((estimate.n_units, "pages"), (estimate.n_periods, "periods")) if n]
    _say("", ", ".join([estimate.unit, *counted, f"seed {estimate.seed}"] if estimate.seed is not None else counted))
    if estimate.parts:
        click.echo()
        write_rows(
            (*_COLUMNS, "what it is"),
            [
                [*_row(part), part.interval.estimand if part.interval else part.reason]
                for part in estimate.parts
                if not part.quantity.startswith("response_of_")
            ],
        )
    if estimate.diagnostics:
        click.echo()
        write_rows(("stands on", "number"), sorted(estimate.diagnostics.items()))
    if estimate.assumptions:
        click.echo("\nmust hold")
        for sentence in estimate.assumptions:
            _say("- ", sentence)


def show_all(estimates: list[Estimate]) -> None:
    """Write one screen: what returns and how fast, which stage to push, what cannot be told and what would tell it."""
    write_rows(_COLUMNS, [_row(estimate) for estimate in estimates])
    for title, lines in (
        ("what it means", _meanings(estimates)),
        ("how fast", _speeds(estimates)),
        ("which stage to push", _stages(estimates)),
        ("cannot be told, and what would tell it", _untold(estimates)),
    ):
        found = list(lines)
        if found:
            click.echo(f"\n{title}")
            for line in found:
                _say("- ", line)


def _meanings(estimates: Iterable[Estimate]) -> Iterator[str]:
    return (f"{e.quantity}: {e.reason}" for e in estimates if e.verdict not in _UNTOLD and e.reason)


def _speeds(estimates: Iterable[Estimate]) -> Iterator[str]:
    for loop in estimates:
        if loop.verdict in LOOPS:
            told = [part for part in loop.parts if part.quantity in _SPEED and part.value is not None]
            yield from (f"{_spoken(p.quantity)}: {_value(p)} {_limits(p)} {p.unit}" for p in told)
            yield from (f"{_spoken(p.quantity)}: {p.reason}" for p in loop.parts if p.quantity == "acceleration")


def _stages(estimates: Iterable[Estimate]) -> Iterator[str]:
    for loop in estimates:
        if loop.verdict in LOOPS:
            yield from (part.reason for part in loop.parts if part.quantity == "bottleneck")


def _untold(estimates: Iterable[Estimate]) -> Iterator[str]:
    """Each reason once, behind all that it holds for."""
    named: dict[str, list[str]] = {}
    for estimate in estimates:
        if estimate.verdict in _UNTOLD:
            named.setdefault(estimate.reason, []).append(estimate.quantity)
    return (f"{', '.join(names)}: {reason}" for reason, names in named.items())


def _spoken(quantity: str) -> str:
    return quantity.replace("_", " ")


def _row(estimate: Estimate) -> list[object]:
    return [estimate.quantity, _value(estimate), _limits(estimate), str(estimate.verdict), estimate.unit]


def _value(estimate: Estimate) -> str:
    """The value, or only its lower limit where a single number is not to be trusted."""
    if estimate.verdict in {Verdict.OTHER_ORDER, Verdict.CANNOT_TELL}:
        return "-"
    interval = estimate.interval
    if estimate.diagnostics.get("trusted") == 0 and interval is not None and estimate.verdict in LOOPS:
        return f"at least {_number(interval.low)}"
    return "-" if estimate.value is None else _number(estimate.value)


def _limits(estimate: Estimate) -> str:
    interval = estimate.interval
    return "" if interval is None or estimate.verdict is Verdict.OTHER_ORDER else _between(interval)


def _between(interval: Interval) -> str:
    if interval.high == inf:
        return f"[{_number(interval.low)}, open)"
    return f"[{_number(interval.low)}, {_number(interval.high)}]"


def _number(value: float) -> str:
    """Two decimals, three below a tenth and four below a fiftieth, none from a hundred up; no minus before nothing."""
    if not isfinite(value):
        return "open"
    size = abs(value)
    if size < 0.0005:  # noqa: PLR2004
        return "0.00"
    decimals = 0 if size >= 100 else 2 if size >= 0.1 else 3 if size >= 0.02 else 4  # noqa: PLR2004
    return f"{value:,.{decimals}f}"


def _say(lead: str, text: str) -> None:
    if text:
        click.echo("\n".join(wrap(printable(text), _WIDTH, initial_indent=lead, subsequent_indent=" " * len(lead))))
