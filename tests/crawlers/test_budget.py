import asyncio
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from importlib import import_module

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawlers.base import Asking
from crawlers.budget import Budget, Cost, Hold, cost, refuse_unpriced, worst_case
from crawlers.reading.usage import Usage
from geo_flywheel.errors import BudgetSpent, ConfigError
from geo_flywheel.registry import prices

DAY, NEXT = date(2026, 11, 22), date(2026, 11, 23)
PRICES = prices().on(DAY)
SEVEN = ("openai", "anthropic", "gemini", "perplexity", "xai", "groq", "openrouter")
NOTHING = Usage(None, None, None)


def worst(provider: str, model: str, options: Mapping[str, object], engine: str = "") -> Decimal | None:
    return worst_case(provider, engine or provider, model, options, PRICES)


@pytest.mark.parametrize(
    ("provider", "model", "options", "usd"),
    [
        # 5 searches at $10/1k, 8,000 + 5 x 32,000 tokens at $2/M, 16,000 at $10/M
        ("openai", "gpt-6.1-sol", {"max_searches": 5, "max_output_tokens": 16_000}, "0.546"),
        # ($0.05 + 168,000 at $2/M + 8,192 at $10/M) x 2 requests
        (
            "anthropic",
            "claude-sonnet-5-5",
            {"max_searches": 5, "max_output_tokens": 8_192, "max_continuations": 1},
            "0.93584",
        ),
        # 168,000 tokens are more than 100,000, so that all cost $0.50/M and what is written $2.50/M
        ("anthropic", "claude-haiku-5-5", {"max_searches": 5, "max_output_tokens": 8_192}, "0.15448"),
        # 3 searches: 104,000 tokens at $0.50/M; 2 searches: 72,000 at $0.10/M
        ("anthropic", "claude-haiku-5-5", {"max_searches": 3, "max_output_tokens": 1_000}, "0.0845"),
        ("anthropic", "claude-haiku-5-5", {"max_searches": 2, "max_output_tokens": 1_000}, "0.0277"),
        # nothing limits Gemini: 10 queries at $14/1k, 328,000 tokens at $0.75/M, 16,000 at $3.75/M
        ("gemini", "gemini-3.8-flash", {}, "0.446"),
        # older Gemini: $35/1k prompts however many queries, 328,000 at $0.30/M, 16,000 at $2.50/M
        ("gemini", "gemini-2.5-flash", {}, "0.1734"),
        ("you", "", {}, "0.005"),
    ],
)
def test_the_worst_case_is_every_limit_at_once(
    provider: str, model: str, options: Mapping[str, object], usd: str
) -> None:
    assert worst(provider, model, options) == Decimal(usd)


@pytest.mark.parametrize("provider", SEVEN)
def test_the_defaults_of_every_provider_have_a_price(provider: str) -> None:
    asking: Asking = import_module(f"crawlers.engines.{provider}").ENGINE.asking
    dear = worst(provider, asking.model, asking.options)
    assert dear is not None
    assert Decimal("0.01") < dear < Decimal(2)


def test_an_unknown_model_or_provider_has_no_price() -> None:
    assert worst("openai", "gpt-9", {}) is None
    assert worst("nobody", "", {}) is None


def test_prices_of_one_engine_are_not_those_of_another() -> None:
    assert worst("dataforseo", "", {}, engine="google_ai_mode") == Decimal("0.004")
    assert worst("dataforseo", "", {}, engine="chat_gpt") is None


def test_an_option_of_another_kind_limits_nothing() -> None:
    model = "gpt-6.1-sol"
    assert worst("openai", model, {"max_searches": "few"}) == worst("openai", model, {})


@pytest.mark.parametrize(
    ("provider", "model", "took", "usd"),
    [
        # the recorded reply of 15 searches and 401,000 tokens, with 2,000 written
        ("anthropic", "claude-sonnet-5-5", Usage(401_000, 2_000, 15), "0.972"),
        ("openai", "gpt-6.1-sol", Usage(20_000, 1_000, 2), "0.07"),
        ("openai", "gpt-6.1-sol", Usage(272_000, 1_000, 0), "0.554"),
        ("openai", "gpt-6.1-sol", Usage(272_001, 1_000, 0), "1.103004"),
        ("gemini", "gemini-2.5-flash", Usage(1_000, 1_000, 7), "0.0378"),
        ("groq", "openai/gpt-oss-120b", Usage(10_000, 1_000, 1), "0.0071"),
    ],
)
def test_an_estimate_is_what_the_reply_took_at_its_price(provider: str, model: str, took: Usage, usd: str) -> None:
    assert cost(None, PRICES.price(provider, provider, model), took) == Cost(Decimal(usd), exact=False)


def test_what_the_reply_tells_is_exact_and_comes_first() -> None:
    assert cost(0.0098, PRICES.price("xai", "xai", "grok-4.6"), Usage(1, 1, 1)) == Cost(Decimal("0.0098"), exact=True)
    assert cost(0.0, None, NOTHING) == Cost(Decimal(0), exact=True)


@pytest.mark.parametrize("took", [NOTHING, Usage(1, None, 1), Usage(None, 1, 1), Usage(1, 1, None)])
def test_a_missing_count_leaves_the_cost_unknown_and_never_nothing(took: Usage) -> None:
    assert cost(None, PRICES.price("openai", "openai", "gpt-6.1-sol"), took) == Cost(None, exact=False)


def test_without_a_price_the_cost_is_unknown() -> None:
    assert cost(None, None, Usage(1, 1, 1)) == Cost(None, exact=False)


def test_a_price_per_request_needs_no_count() -> None:
    assert cost(None, PRICES.price("you", "you", ""), NOTHING, requests=2) == Cost(Decimal("0.010"), exact=False)


def test_unknown_prices_are_refused_by_name_unless_they_are_allowed() -> None:
    worst_cases = {"openai": Decimal(1), "serpapi": None, "you": None}
    with pytest.raises(ConfigError, match=r'for serpapi; you, .*unknown_price = "allow"'):
        refuse_unpriced(worst_cases, "refuse")
    refuse_unpriced(worst_cases, "allow")
    refuse_unpriced({"openai": Decimal(0)}, "refuse")


def budget(per_run: str | None = None, per_day: str | None = None, spent_today: str = "0") -> Budget:
    run, day = (None if limit is None else Decimal(limit) for limit in (per_run, per_day))
    return Budget(run, day, lambda: DAY, Decimal(spent_today))


def test_an_ask_may_use_the_budget_up_and_not_a_cent_more() -> None:
    assert budget("1").allows(Decimal(1))
    assert not budget("1").allows(Decimal("1.01"))
    assert not budget(per_day="1", spent_today="0.5").allows(Decimal("0.51"))
    assert budget(per_run="1", spent_today="0.5").allows(Decimal(1))


def test_without_limits_everything_is_allowed() -> None:
    assert budget().allows(Decimal(10**9))


def test_what_is_in_flight_counts_at_its_worst_until_it_is_settled() -> None:
    async def run() -> None:
        purse = budget("1")
        hold = await purse.hold(Decimal("0.6"))
        assert (purse.held, purse.spent, purse.allows(Decimal("0.5"))) == (Decimal("0.6"), Decimal(0), False)
        assert purse.settle(hold, Decimal("0.2")) == Decimal("0.2")
        assert (purse.held, purse.spent, purse.allows(Decimal("0.5"))) == (Decimal(0), Decimal("0.2"), True)

    asyncio.run(run())


def test_an_unknown_cost_is_charged_at_its_worst_and_an_ask_never_sent_costs_nothing() -> None:
    async def run() -> None:
        purse = budget("1")
        purse.settle(await purse.hold(Decimal("0.6")), None)
        purse.settle(await purse.hold(Decimal("0.4")), Decimal(0))
        assert purse.spent == Decimal("0.6")

    asyncio.run(run())


def test_a_cost_beyond_its_worst_case_is_told_as_it_is() -> None:
    async def run() -> None:
        purse = budget("1")
        purse.settle(await purse.hold(Decimal("0.6")), Decimal(3))
        assert purse.spent == 3
        assert not purse.allows(Decimal(0))

    asyncio.run(run())


def test_an_unknown_price_is_allowed_while_anything_is_left() -> None:
    async def run() -> None:
        purse = budget("1")
        assert (await purse.hold(None)).worst == 0
        assert purse.allows(None)

    asyncio.run(run())


def test_an_ask_that_only_those_in_flight_stand_against_waits_for_them() -> None:
    async def run() -> None:
        purse = budget("1")
        first = await purse.hold(Decimal("0.6"))
        waiting = asyncio.ensure_future(purse.hold(Decimal("0.6")))
        await asyncio.sleep(0)
        assert not waiting.done()
        purse.settle(first, Decimal("0.3"))
        assert (await waiting).worst == Decimal("0.6")

    asyncio.run(run())


def test_an_ask_that_waited_in_vain_is_told_that_the_budget_is_spent() -> None:
    async def run() -> None:
        purse = budget("1")
        first = await purse.hold(Decimal("0.6"))
        waiting = asyncio.ensure_future(purse.hold(Decimal("0.6")))
        await asyncio.sleep(0)
        purse.settle(first, Decimal("0.5"))
        with pytest.raises(BudgetSpent, match=r"this run cost \$0.50 of \$1.00"):
            await waiting

    asyncio.run(run())


@pytest.mark.parametrize(
    ("purse", "message"),
    [
        (budget("0.5"), r"this run cost \$0.00 of \$0.50, .* the next ask may cost \$0.6000"),
        (budget(per_day="5", spent_today="4.9"), r"this day \$4.90 of \$5.00"),
    ],
)
def test_a_spent_budget_says_what_was_spent_and_what_to_do(purse: Budget, message: str) -> None:
    with pytest.raises(BudgetSpent, match=rf"{message}.*run_usd or day_usd"):
        asyncio.run(purse.hold(Decimal("0.6")))


def test_a_new_day_begins_with_nothing_spent_and_an_ask_counts_to_its_own() -> None:
    today = [DAY]

    async def run() -> None:
        purse = Budget(None, Decimal(1), lambda: today[0], Decimal("0.4"))
        late = await purse.hold(Decimal("0.6"))
        today[0] = NEXT
        assert purse.allows(Decimal(1))
        purse.settle(late, None)
        assert purse.allows(Decimal(1))
        today[0] = DAY
        assert not purse.allows(Decimal("0.01"))

    asyncio.run(run())


def test_money_is_given_back_once() -> None:
    async def run() -> None:
        purse = budget("1")
        hold = await purse.hold(Decimal("0.1"))
        purse.settle(hold, None)
        with pytest.raises(KeyError):
            purse.settle(hold, None)

    asyncio.run(run())


_cents = st.integers(0, 100).map(lambda cents: Decimal(cents) / 100)


@st.composite
def _asks(draw: st.DrawFn) -> list[tuple[Decimal, Decimal | None, int]]:
    """Asks: what each may cost, what it costs (None: nothing tells), and how many turns of the loop it takes."""
    asks = []
    for _ in range(draw(st.integers(1, 25))):
        most = draw(_cents)
        part = draw(st.none() | st.integers(0, 100))
        asks.append((most, None if part is None else most * part / 100, draw(st.integers(0, 6))))
    return asks


@given(_asks(), _cents, _cents, _cents, st.integers(1, 8))
def test_whatever_the_interleaving_no_limit_is_passed_and_nobody_waits_for_ever(
    asks: list[tuple[Decimal, Decimal | None, int]],
    per_run: Decimal,
    per_day: Decimal,
    spent_today: Decimal,
    connections: int,
) -> None:
    purse = Budget(per_run, per_day, lambda: DAY, spent_today)
    charged: list[Decimal] = []
    refused: list[Decimal] = []

    async def ask(most: Decimal, costs: Decimal | None, turns: int) -> None:
        try:
            hold: Hold = await purse.hold(most)
        except BudgetSpent:
            refused.append(most)
            return
        assert 0 <= purse.spent + purse.held <= per_run
        for _ in range(turns):
            await asyncio.sleep(0)
        charged.append(purse.settle(hold, costs))

    async def run() -> None:
        gate = asyncio.Semaphore(connections)

        async def gated(one: tuple[Decimal, Decimal | None, int]) -> None:
            async with gate:
                await ask(*one)

        await asyncio.wait_for(asyncio.gather(*map(gated, asks)), timeout=30)

    asyncio.run(run())
    assert purse.spent == sum(charged) <= per_run
    assert not charged or spent_today + purse.spent <= max(per_day, spent_today)
    assert purse.held == 0
    assert len(charged) + len(refused) == len(asks)
    assert all(not purse.allows(most) for most in refused)
