"""Money: what an ask may cost at worst, what it did cost, and how much of the budget is left.

Amounts are US dollars as exact decimals; a day is a day in UTC. What one ask may cost at worst is set aside before it
is asked and given back, less its cost, when it is over: however asks overlap, what they cost together stays within the
limits as long as none costs more than its worst case.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from crawlers.reading.usage import Usage
from geo_flywheel.errors import BudgetSpent, ConfigError
from geo_flywheel.registry import Price, Prices

_MILLION, _THOUSAND, _NOTHING = Decimal(1_000_000), Decimal(1_000), Decimal(0)


@dataclass(frozen=True, slots=True)
class Cost:
    """What an ask cost.

    Attributes:
        usd: None when neither the reply nor the price table tells.
        exact: Whether the reply told it; else it is an estimate.
    """

    usd: Decimal | None
    exact: bool


def worst_case(provider: str, engine: str, model: str, options: Mapping[str, object], prices: Prices) -> Decimal | None:
    """Return the most one ask is taken to cost, None when its price is not known.

    Args:
        provider: Who is asked.
        engine: Who answers.
        model: Model asked for.
        options: Settings of the provider, its defaults among them: `max_searches`, `max_output_tokens` and
            `max_continuations` limit what it costs where it has them.
        prices: Of the day it is asked.
    """
    price = prices.price(provider, engine, model)
    if price is None:
        return None
    largest = prices.largest_request(provider)
    searches = _whole(options, "max_searches", largest.searches)
    took = Usage(
        input_tokens=largest.input_tokens + searches * largest.input_tokens_per_search,
        output_tokens=_whole(options, "max_output_tokens", largest.output_tokens),
        searches=searches,
    )
    requests = largest.requests * (1 + _whole(options, "max_continuations", 0))
    once = _priced(price, took)
    return None if once is None else requests * once


def cost(told: float | None, price: Price | None, took: Usage, requests: int = 1) -> Cost:
    """Return what an ask cost: exact when the reply tells, else an estimate, else unknown.

    Args:
        told: Cost the reply tells, in US dollars.
        price: What the ask pays, None when that is not known.
        took: What the reply says it took.
        requests: Requests it took.
    """
    if told is not None:
        return Cost(Decimal(str(told)), exact=True)
    if price is None:
        return Cost(None, exact=False)
    return Cost(_priced(price, took, requests), exact=False)


def refuse_unpriced(worst_cases: Mapping[str, Decimal | None], unknown_price: str) -> None:
    """Refuse to start when the price of an ask is unknown, unless the configuration allows that.

    Args:
        worst_cases: The most one ask costs, by what a person calls whom is asked ("openai, model x").
        unknown_price: "allow" or "refuse".

    Raises:
        ConfigError: If one is unknown and not allowed; the message names all of them.
    """
    unpriced = [name for name, worst in worst_cases.items() if worst is None]
    if unpriced and unknown_price != "allow":
        raise ConfigError(
            f"no price is known for {'; '.join(unpriced)}, so that no budget can hold: add it to the price table, "
            'or set unknown_price = "allow" in [budget]'
        )


def _whole(options: Mapping[str, object], name: str, otherwise: int) -> int:
    value = options.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else otherwise


def _priced(price: Price, took: Usage, requests: int = 1) -> Decimal | None:
    """What this much costs, None when a count is missing that is billed."""
    long = price.long_from is not None and took.input_tokens is not None and took.input_tokens > price.long_from
    parts = (
        (price.long_input_per_million if long else price.input_per_million, took.input_tokens, _MILLION),
        (price.long_output_per_million if long else price.output_per_million, took.output_tokens, _MILLION),
        (price.searches_per_thousand, took.searches, _THOUSAND),
        (price.requests_per_thousand, requests, _THOUSAND),
    )
    total = _NOTHING
    for rate, count, unit in parts:
        if rate is not None and count is None:
            return None
        total += (rate or _NOTHING) * (count or 0) / unit
    return total


@dataclass(frozen=True, slots=True, eq=False)
class Hold:
    """Money set aside for one ask.

    Attributes:
        worst: What is set aside.
        day: Day the ask counts to, whenever it ends.
    """

    worst: Decimal
    day: date


class Budget:
    """What one run and one day may cost, and what they cost so far; for one event loop."""

    def __init__(
        self,
        per_run: Decimal | None,
        per_day: Decimal | None,
        today: Callable[[], date],
        spent_today: Decimal = _NOTHING,
    ) -> None:
        """Begin a run.

        Args:
            per_run: What the run may cost; None for no limit.
            per_day: What a day may cost, all its runs together; None for no limit.
            today: The day it is, in UTC.
            spent_today: What was spent today before this run.
        """
        self._per_run, self._per_day, self._today = per_run, per_day, today
        self._spent = _NOTHING
        self._spent_on = defaultdict(lambda: _NOTHING, {today(): spent_today})
        self._held: set[Hold] = set()
        self._changed = asyncio.Event()

    @property
    def spent(self) -> Decimal:
        """What this run cost so far."""
        return self._spent

    @property
    def held(self) -> Decimal:
        """What is set aside for asks in flight."""
        return sum((hold.worst for hold in self._held), _NOTHING)

    def allows(self, worst: Decimal | None) -> bool:
        """Return whether an ask that costs this much at worst may be asked now; an unknown price counts nothing."""
        day = self._today()
        held_today = sum((hold.worst for hold in self._held if hold.day == day), _NOTHING)
        return self._fits(worst or _NOTHING, day, self.held, held_today)

    async def hold(self, worst: Decimal | None) -> Hold:
        """Set money aside for an ask, and wait for asks in flight when only they stand in its way.

        Args:
            worst: The most it costs; an unknown price sets nothing aside.

        Raises:
            BudgetSpent: If what is spent leaves too little for it, whatever the asks in flight cost.
        """
        while not self.allows(worst):
            if not self._held or not self._fits(worst or _NOTHING, self._today(), _NOTHING, _NOTHING):
                raise BudgetSpent(self._says_spent(worst or _NOTHING))
            await self._changed.wait()
        hold = Hold(worst or _NOTHING, self._today())
        self._held.add(hold)
        return hold

    def settle(self, hold: Hold, cost: Decimal | None) -> Decimal:
        """Put the cost of an ask in the place of what was set aside for it, and return what it is charged.

        Args:
            hold: What was set aside.
            cost: What it did cost, 0 when nothing was sent; None when nothing tells, and the worst case is charged.
        """
        charged = max(hold.worst if cost is None else cost, _NOTHING)
        self._held.remove(hold)
        self._spent += charged
        self._spent_on[hold.day] += charged
        self._changed.set()
        self._changed = asyncio.Event()
        return charged

    def _fits(self, worst: Decimal, day: date, held: Decimal, held_today: Decimal) -> bool:
        in_run = self._per_run is None or self._spent + held + worst <= self._per_run
        in_day = self._per_day is None or self._spent_on[day] + held_today + worst <= self._per_day
        return in_run and in_day

    def _says_spent(self, worst: Decimal) -> str:
        run = "without limit" if self._per_run is None else f"of ${self._per_run:.2f}"
        day = "without limit" if self._per_day is None else f"of ${self._per_day:.2f}"
        return (
            f"the budget is spent: this run cost ${self._spent:.2f} {run}, this day "
            f"${self._spent_on[self._today()]:.2f} {day}, and the next ask may cost ${worst:.4f}; "
            "raise run_usd or day_usd in [budget], or go on tomorrow"
        )
