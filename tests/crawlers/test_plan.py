import tracemalloc
from collections import Counter
from decimal import Decimal
from itertools import islice, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawlers.basket import Entry, Revision, revise
from crawlers.plan import Sweep, Target, jobs, lines
from geo_flywheel.errors import ConfigError
from geo_flywheel.records import Prompt

PROMPTS = st.lists(
    st.builds(Prompt, st.sampled_from("abcdefgh"), st.sampled_from(["", "t"]), st.sampled_from(["", "de", "en"])),
    unique_by=lambda prompt: prompt.id,
    max_size=8,
)
TARGETS = st.lists(st.builds(Target, st.sampled_from("xy"), st.sampled_from("12"), st.sampled_from(["", "m"])))
LOCALES = st.lists(st.sampled_from(["de", "fr"]), unique=True)
SWEEPS = st.builds(
    Sweep,
    PROMPTS.map(lambda prompts: revise(prompts, [])) | PROMPTS.map(tuple),
    TARGETS.map(tuple),
    st.sampled_from(["", "weekly@2026-11-23T06:00Z"]),
    st.sampled_from([2, 4, 6]),
    LOCALES.map(tuple),
)
ONE = Target("openai", "openai", "gpt")


def entries(sweep: Sweep) -> tuple[Entry, ...]:
    assert isinstance(sweep.questions, Revision)
    return sweep.questions.entries


def of(count: int, repeats: int = 4, targets: tuple[Target, ...] = (ONE,)) -> Sweep:
    return Sweep(revise([Prompt(f"q{n}", "t") for n in range(count)], []), targets, "s", repeats)


@given(SWEEPS)
def test_every_question_is_asked_equally_and_evenly_often_of_everyone_in_every_locale(sweep: Sweep) -> None:
    asked = Counter((job.target, job.ask.prompt.id) for job in jobs(sweep))
    assert set(asked.values()) <= {sweep.repeats}
    assert sweep.repeats % 2 == 0
    assert {target for target, _ in asked} == (set(sweep.targets) if asked else set())
    samples = {(job.target, job.ask.prompt.id, job.ask.sample_no) for job in jobs(sweep)}
    assert len(samples) == asked.total() == len({job.id for job in jobs(sweep)})
    assert {sample for *_, sample in samples} == (set(range(1, sweep.repeats + 1)) if asked else set())


@given(SWEEPS)
def test_a_question_without_a_locale_is_asked_from_each_of_the_crawl_and_any_other_only_from_its_own(
    sweep: Sweep,
) -> None:
    stands = [entry.prompt for entry in entries(sweep)] if isinstance(sweep.questions, Revision) else sweep.questions
    expected = set()
    for prompt in stands:
        expected |= {(prompt.text, prompt.locale)} if prompt.locale or not sweep.locales else set()
        expected |= {(prompt.text, locale) for locale in sweep.locales} if not prompt.locale else set()
    asked = {(job.ask.prompt.text, job.ask.prompt.locale) for job in jobs(sweep)}
    assert asked == (expected if sweep.targets else set())


@given(PROMPTS, LOCALES)
def test_the_half_is_the_baskets_whatever_is_asked_of_whom(prompts: list[Prompt], locales: list[str]) -> None:
    revision = revise(prompts, [])
    halves = {(entry.prompt.text, entry.prompt.locale): entry.half for entry in revision.entries}
    for job in jobs(Sweep(revision, (ONE, Target("x", "y")), "s", 2, tuple(locales))):
        prompt = job.ask.prompt
        assert job.ask.half == halves.get((prompt.text, prompt.locale), halves.get((prompt.text, "")))
        assert job.ask.basket_revision == revision.id
        assert job.ask.snapshot == "s"


def test_questions_beside_the_basket_have_no_half_and_no_revision() -> None:
    (first, second) = jobs(Sweep((Prompt("why?"),), (ONE,), "s", 2))
    assert (first.ask.half, first.ask.basket_revision) == (None, None)
    assert (first.ask.sample_no, second.ask.sample_no) == (1, 2)


@given(SWEEPS, st.data())
def test_a_sweep_taken_up_again_asks_exactly_the_rest_in_the_same_order(sweep: Sweep, data: st.DataObject) -> None:
    every = list(jobs(sweep))
    assert every == list(jobs(sweep))
    done = data.draw(st.sets(st.sampled_from([job.id for job in every]))) if every else set()
    assert list(jobs(sweep, done)) == [job for job in every if job.id not in done]


@given(PROMPTS, PROMPTS)
def test_a_changed_basket_asks_again_nothing_that_was_asked_in_the_snapshot(
    before: list[Prompt], after: list[Prompt]
) -> None:
    first = revise(before, [])
    second = revise(after, [first])
    done = {job.id for job in jobs(Sweep(first, (ONE,), "s"))}
    asked = {job.ask.prompt.id for job in jobs(Sweep(second, (ONE,), "s"), done)}
    assert asked == {prompt.id for prompt in after} - {prompt.id for prompt in before}


def test_more_repeats_leave_those_that_were_asked() -> None:
    done = {job.id for job in jobs(of(3, repeats=2))}
    assert {job.ask.sample_no for job in jobs(of(3, repeats=4), done)} == {3, 4}


def test_another_snapshot_model_engine_or_provider_is_another_ask() -> None:
    sweeps = [
        Sweep((Prompt("q"),), (target,), snapshot, 2)
        for target in (ONE, Target("openai", "openai"), Target("openai", "azure", "gpt"), Target("x", "openai", "gpt"))
        for snapshot in ("s", "t")
    ]
    assert len({job.id for sweep in sweeps for job in jobs(sweep)}) == 2 * len(sweeps)


def test_an_id_never_changes() -> None:
    first = next(jobs(Sweep((Prompt("why?", locale="en-US"),), (ONE,), "weekly@2026-11-23T06:00Z")))
    assert first.id == "115a65479401055a5e32c2a314b4c056"


def test_repeats_lie_a_whole_pass_apart_and_no_target_is_asked_twice_in_a_row() -> None:
    targets = (ONE, Target("gemini", "gemini"), Target("xai", "xai"))
    order = list(jobs(of(5, targets=targets)))
    places: dict[tuple[Target, str], list[int]] = {}
    for place, job in enumerate(order):
        places.setdefault((job.target, job.ask.prompt.id), []).append(place)
    for repeats in places.values():
        assert [after - before for before, after in pairwise(repeats)] == [15, 15, 15]
    assert all(one.target != next_.target for one, next_ in pairwise(order))


def test_the_order_of_the_questions_differs_between_snapshots() -> None:
    revision = revise([Prompt(f"q{n}") for n in range(20)], [])
    orders = {tuple(job.ask.prompt.text for job in jobs(Sweep(revision, (ONE,), snapshot))) for snapshot in "abc"}
    assert len(orders) == 3


@pytest.mark.parametrize("repeats", [-2, 0, 1, 3])
def test_an_odd_number_of_repeats_is_refused_by_name(repeats: int) -> None:
    with pytest.raises(ConfigError, match=rf"repeats is {repeats}; .*\[crawl\]"):
        of(1, repeats)


@pytest.mark.parametrize("asks", [20_000, pytest.param(200_000, marks=pytest.mark.endure)])
def test_memory_is_flat_however_much_is_planned(asks: int) -> None:
    started = jobs(of(500, repeats=asks // 500))
    tracemalloc.start()
    assert sum(1 for _ in islice(started, 1_000)) == 1_000
    _, early = tracemalloc.get_traced_memory()
    assert sum(1 for _ in started) == asks - 1_000
    _, late = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert late < early + 100_000


@given(SWEEPS, st.data())
def test_a_summary_counts_what_the_plan_yields(sweep: Sweep, data: st.DataObject) -> None:
    every = [job.id for job in jobs(sweep)]
    done = data.draw(st.sets(st.sampled_from(every))) if every else set()
    found = lines(sweep, lambda _: Decimal("0.01"), done)
    assert [line.target for line in found] == list(dict.fromkeys(sweep.targets))
    left = Counter(job.target for job in jobs(sweep, done))
    for line in found:
        assert line.asks == left[line.target]
        assert line.asks + line.answered == line.questions * line.repeats
        assert line.usd == line.asks * Decimal("0.01")


def test_an_unknown_price_makes_an_unknown_sum_unless_nothing_is_asked() -> None:
    (line,) = lines(of(2), lambda _: None)
    assert (line.usd_per_ask, line.usd) == (None, None)
    (done,) = lines(of(2), lambda _: None, {job.id for job in jobs(of(2))})
    assert (done.asks, done.usd) == (0, Decimal(0))
