"""What every estimator gives back: a number, its interval, its verdict and what they stand on."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from math import isfinite
from types import MappingProxyType
from typing import Protocol, TypeVar

COLUMNS = ("quantity", "value", "unit", "low", "high", "level", "estimand", "verdict", "reason", "seed", "input_digest")

Cell = str | float | int | None
Data_contra = TypeVar("Data_contra", contravariant=True)


class Verdict(StrEnum):
    """What an estimate says in words."""

    MEASURED = "measured"
    TOO_FEW = "too few data"
    MOVED_UP = "moved up"
    MOVED_DOWN = "moved down"
    WITHIN_NOISE = "within noise"
    NOT_COMPARABLE = "not comparable"
    CANNOT_TELL = "cannot tell"
    OTHER_ORDER = "another order or a common cause"
    SELF_SUSTAINING = "self-sustaining"
    FADING = "reinforcing, fading"
    OPEN = "reinforcing, persistence open"
    NO_LOOP = "no loop seen"
    HEAD_START = "no loop seen, head start only"


@dataclass(frozen=True, slots=True)
class Interval:
    """A range that holds one named quantity with a stated frequency.

    Attributes:
        low: Lower limit, in the unit of the estimate; minus infinity where it is open.
        high: Upper limit, in the unit of the estimate; infinity where it is open.
        level: How often such intervals hold their estimand, .95 for a 95% interval.
        estimand: What the interval is an interval for; two intervals of one rate differ by nothing else.
    """

    low: float
    high: float
    level: float
    estimand: str

    def __contains__(self, value: float) -> bool:
        """Tell whether the interval holds the value; both limits belong to it."""
        return self.low <= value <= self.high

    @property
    def half_width(self) -> float:
        """Half the distance between the limits."""
        return (self.high - self.low) / 2


@dataclass(frozen=True, slots=True)
class Estimate:
    """One estimated quantity.

    Attributes:
        quantity: Name of what is estimated, such as `citation_rate`.
        value: Point estimate; None where the data give none.
        unit: Unit of value and interval.
        interval: None where the data carry no interval; `reason` then says what is missing.
        verdict: What the estimate says in words.
        reason: Why the verdict is not more than it is, and which data would help; empty if nothing is missing.
        diagnostics: Named numbers the value stands on, numerator and denominator among them.
        assumptions: Sentences that must hold for the interval to be what it says.
        seed: Seed of the random draws; None when nothing was drawn.
        input_digest: sha256 of the numbers that went in.
        n_units: Units (pages, prompts) that the estimate stands on.
        n_periods: Periods, likewise.
        parts: Further quantities of the same fit, each with its own interval.
    """

    quantity: str
    value: float | None
    unit: str
    interval: Interval | None
    verdict: Verdict
    reason: str = ""
    diagnostics: Mapping[str, float] = field(default_factory=dict)
    assumptions: tuple[str, ...] = ()
    seed: int | None = None
    input_digest: str = ""
    n_units: int | None = None
    n_periods: int | None = None
    parts: "tuple[Estimate, ...]" = ()

    def __post_init__(self) -> None:
        """Close the diagnostics against later changes."""
        object.__setattr__(self, "diagnostics", MappingProxyType(dict(self.diagnostics)))

    def told(self) -> dict[str, object]:
        """Return the estimate as a JSON object tells it; limits are null where there are none or they are open."""
        limits = self.interval
        return {
            "quantity": self.quantity,
            "value": _known(self.value),
            "unit": self.unit,
            "low": limits and _known(limits.low),
            "high": limits and _known(limits.high),
            "level": limits and limits.level,
            "estimand": limits and limits.estimand,
            "verdict": str(self.verdict),
            "reason": self.reason,
            "n_units": self.n_units,
            "n_periods": self.n_periods,
            "diagnostics": {name: _known(value) for name, value in self.diagnostics.items()},
            "assumptions": list(self.assumptions),
            "seed": self.seed,
            "input_digest": self.input_digest,
            "parts": [part.told() for part in self.parts],
        }

    def tidy(self) -> list[dict[str, Cell]]:
        """Return rows with the keys of `COLUMNS`: the estimate first, then one row for each diagnostic."""
        headline: dict[str, Cell] = dict.fromkeys(COLUMNS)
        headline |= {"quantity": self.quantity, "value": self.value, "unit": self.unit, "verdict": str(self.verdict)}
        headline |= {"reason": self.reason, "seed": self.seed, "input_digest": self.input_digest}
        if self.interval is not None:
            headline |= {"low": self.interval.low, "high": self.interval.high}
            headline |= {"level": self.interval.level, "estimand": self.interval.estimand}
        return [headline, *(self._row(name, value) for name, value in self.diagnostics.items())]

    def _row(self, name: str, value: float) -> dict[str, Cell]:
        row: dict[str, Cell] = dict.fromkeys(COLUMNS)
        return row | {"quantity": f"{self.quantity}.{name}", "value": value, "input_digest": self.input_digest}


def _known(value: float | None) -> float | None:
    """JSON knows neither infinity nor NaN."""
    return value if value is not None and isfinite(value) else None


class Estimator(Protocol[Data_contra]):
    """A frozen dataclass whose fields are its settings; fitting changes neither it nor the data."""

    def fit(self, data: Data_contra, /) -> Estimate:
        """Estimate one quantity from the data."""
        ...
