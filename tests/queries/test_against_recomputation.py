"""Each report against the same numbers worked out from the facts in Python."""

from collections import Counter, defaultdict
from datetime import date
from itertools import combinations, pairwise
from statistics import median

import numpy as np
import pytest
from scipy.spatial import distance

from geo_flywheel.estimators import citation_rate
from tests.queries.markets import Answer, Ask, Market, Page, random_market, week

SEEDS = range(4)
Stream = tuple[str, str]


def streams(market: Market) -> dict[Stream, list[Answer]]:
    told: dict[Stream, list[Answer]] = defaultdict(list)
    for answer in market.answers:
        if answer.delivered:
            told[answer.engine, answer.surface].append(answer)
    return told


def sites(market: Market, answer: Answer) -> set[str]:
    return {market.pages[page].site for page in answer.cited} - {""}


def citations(market: Market, answers: list[Answer]) -> Counter[str]:
    shown = (market.pages[page].site for answer in answers for page in answer.cited)
    return Counter(site for site in shown if site)


@pytest.mark.parametrize("seed", SEEDS)
def test_citation_share(seed: int, ask: Ask) -> None:
    market = random_market(seed)
    rows = ask(market, "citation_share", top=100)
    for stream, answers in streams(market).items():
        own = {row["site"]: row for row in rows if (row["engine"], row["surface"]) == stream}
        counts = citations(market, answers)
        shares = {site: count / counts.total() for site, count in counts.items()}
        everything = [market.pages[page] for answer in answers for page in answer.cited]
        assert {site: row["citations"] for site, row in own.items()} == dict(counts)
        for site, row in own.items():
            assert row["cited"] == sum(site in sites(market, answer) for answer in answers)
            assert row["asked"] == len(answers)
            assert row["rate"] == pytest.approx(row["cited"] / row["asked"])
            assert row["citation_share"] == pytest.approx(shares[site])
            assert row["effective_sites"] == pytest.approx(1 / sum(share**2 for share in shares.values()))
            assert row["unnamed_share"] == pytest.approx(np.mean([page.site == "" for page in everything]))
            assert row["unresolved_share"] == pytest.approx(np.mean([not page.resolved for page in everything]))


@pytest.mark.parametrize("seed", SEEDS)
def test_top_pages(seed: int, ask: Ask) -> None:
    market = random_market(seed)
    rows = ask(market, "top_pages", top=100)
    told = streams(market)
    citing = {
        (stream, number): [answer for answer in answers if number in answer.cited]
        for stream, answers in told.items()
        for number, page in enumerate(market.pages)
        if page.resolved
    }
    cited = {(stream, market.pages[number].url): found for (stream, number), found in citing.items() if found}
    assert {((row["engine"], row["surface"]), row["url"]) for row in rows} == cited.keys()
    for row in rows:
        stream = (row["engine"], row["surface"])
        answers = cited[stream, row["url"]]
        number = [page.url for page in market.pages].index(row["url"])
        assert (row["cited"], row["asked"]) == (len(answers), len(told[stream]))
        assert row["prompts"] == len({answer.prompt for answer in answers if answer.prompt is not None})
        assert row["median_position"] == median(answer.cited.index(number) + 1 for answer in answers)
        assert row["engines"] == len({engine for (engine, _), url in cited if url == row["url"]})


@pytest.mark.parametrize("seed", SEEDS)
def test_engine_overlap(seed: int, ask: Ask) -> None:
    market = random_market(seed, answers=200)
    rows = {
        ((row["engine_a"], row["surface_a"]), (row["engine_b"], row["surface_b"]), row["kind"]): row
        for row in ask(market, "engine_overlap")
    }
    told = streams(market)
    for one, other in combinations(sorted(told), 2):
        cells = [{(a.prompt, a.week) for a in told[stream] if a.prompt is not None} for stream in (one, other)]
        both = cells[0] & cells[1]
        met = [
            {page for a in told[stream] if (a.prompt, a.week) in both for page in a.cited} for stream in (one, other)
        ]
        for kind in ("page", "site") if all(met) else ():
            a, b = (
                {market.pages[n].url for n in pages if market.pages[n].resolved}
                if kind == "page"
                else {market.pages[n].site for n in pages} - {""}
                for pages in met
            )
            row = rows[one, other, kind]
            assert (row["prompts"], row["shared"]) == (len(both), len(a & b))
            assert row["jaccard"] == pytest.approx(len(a & b) / len(a | b))
            assert row["overlap"] == pytest.approx(len(a & b) / min(len(a), len(b)))


@pytest.mark.parametrize("seed", SEEDS)
def test_volatility_against_scipy(seed: int, ask: Ask) -> None:
    market = random_market(seed)
    names = sorted({page.site for page in market.pages} - {""})
    rows = {(row["engine"], row["surface"], row["week"]): row for row in ask(market, "volatility")}
    checked = 0
    for (engine, surface), answers in streams(market).items():
        sweeps = sorted({answer.week for answer in answers if answer.week})
        for before, after in pairwise(sweeps):
            halves = [[a for a in answers if a.week == sweep] for sweep in (before, after)]
            both = {a.prompt for a in halves[0]} & {a.prompt for a in halves[1]}
            counts = [citations(market, [a for a in half if a.prompt in both]) for half in halves]
            one, other = (np.array([count[name] for name in names], dtype=float) for count in counts)
            row = rows[engine, surface, after]
            assert row["before"] == before
            assert (row["prompts"], row["asked"]) == (len(both - {None}), sum(a.prompt in both for a in halves[1]))
            if one.any() and other.any():
                checked += 1
                assert row["jaccard"] == pytest.approx(1 - distance.jaccard(one > 0, other > 0))
                assert row["bray_curtis"] == pytest.approx(distance.braycurtis(one / one.sum(), other / other.sum()))
    assert checked


@pytest.mark.parametrize("only_site", ["", "site0.example"])
@pytest.mark.parametrize("seed", SEEDS)
def test_co_cited_sites(seed: int, only_site: str, ask: Ask) -> None:
    market = random_market(seed)
    rows = ask(market, "co_cited_sites", top=100, only_site=only_site)
    found = {(row["engine"], row["surface"], frozenset((row["site"], row["other_site"]))): row for row in rows}
    expected: dict[tuple[str, str, frozenset[str]], int] = Counter(
        (*stream, frozenset(pair))
        for stream, answers in streams(market).items()
        for answer in answers
        for pair in combinations(sorted(sites(market, answer)), 2)
        if not only_site or only_site in pair
    )
    assert {key: row["together"] for key, row in found.items()} == expected
    for (engine, surface, _), row in found.items():
        cited = [sites(market, answer) for answer in streams(market)[engine, surface]]
        first, second = (np.mean([row[name] in site for site in cited]) for name in ("site", "other_site"))
        assert row["support"] == pytest.approx(row["together"] / len(cited))
        assert row["lift"] == pytest.approx(row["together"] / len(cited) / (first * second))
        assert not only_site or row["site"] == only_site


@pytest.mark.parametrize("seed", SEEDS)
def test_retrieved_not_cited(seed: int, ask: Ask) -> None:
    market = random_market(seed)
    rows = ask(market, "retrieved_not_cited", least=1, top=100)
    assert rows
    for row in rows:
        number = [page.url for page in market.pages].index(row["url"])
        answers = streams(market)[row["engine"], row["surface"]]
        listed = [number in answer.cited for answer in answers if number in answer.retrieved]
        assert (row["retrieved"], row["cited_of_retrieved"]) == (len(listed), sum(listed))
        assert row["cited_unlisted"] == sum(number in a.cited and number not in a.retrieved for a in answers)
        assert row["rate"] == pytest.approx(np.mean(listed))
        assert row["not_cited"] > 0


@pytest.mark.parametrize("seed", SEEDS)
def test_query_fan_out(seed: int, ask: Ask) -> None:
    market = random_market(seed)
    for row in ask(market, "query_fan_out", top=100):
        answers = [
            answer
            for answer in streams(market)[row["engine"], row["surface"]]
            if row["prompt"] == (None if answer.prompt is None else f"question {answer.prompt}")
        ]
        queries = Counter(query for answer in answers for query in answer.queries)
        assert row["answers"] == len(answers)
        assert row["searched"] == sum(bool(answer.queries) for answer in answers)
        assert (row["queries"], row["distinct_queries"]) == (queries.total(), len(queries))
        assert row["mean_per_answer"] == pytest.approx(queries.total() / len(answers))
        if queries:
            assert row["commonest_query"] == min(queries, key=lambda query: (-queries[query], query))


@pytest.mark.parametrize(("prompts", "repeats"), [(25, 1), (40, 4), (19, 2), (3, 2), (6, 5), (1, 2), (2, 1), (20, 3)])
@pytest.mark.parametrize("seed", SEEDS)
def test_the_interval_of_a_trajectory_is_the_estimators(prompts: int, repeats: int, seed: int, ask: Ask) -> None:
    draw = np.random.default_rng(seed)
    answers: list[Answer] = []
    for number in range(3):
        chance = draw.beta(0.4, 0.8, prompts) * (number > 0)
        for prompt in range(prompts):
            asks = max(1, repeats + int(draw.integers(-1, 2)))
            hits = draw.random(asks) < chance[prompt]
            answers += [Answer("alpha", week(number), prompt, (0, 1) if hit else (1,)) for hit in hits]
    market = Market(pages=random_market(0).pages, answers=tuple(answers))
    site = market.pages[0].site
    rows = ask(market, "site_trajectory", site=site)
    assert len(rows) == 3
    for row in rows:
        cited, asked = _counts(market, site, row["week"], prompts)
        estimate = citation_rate.best(cited, asked)
        assert row["rate"] == pytest.approx(estimate.value)
        if estimate.interval is None:
            assert (row["low"], row["high"], row["estimand"]) == (None, None, None)
            assert row["note"] == f"no interval: {estimate.reason}"
        else:
            assert row["estimand"] == estimate.interval.estimand
            assert row["low"] == pytest.approx(estimate.interval.low, abs=1e-6)
            assert row["high"] == pytest.approx(estimate.interval.high, abs=1e-6)


@pytest.mark.parametrize(("prompts", "weeks"), [(25, 1), (40, 3), (19, 2), (20, 3), (7, 1)])
@pytest.mark.parametrize("seed", SEEDS)
def test_the_intervals_of_market_reports_are_those_over_the_population_of_prompts(
    prompts: int, weeks: int, seed: int, ask: Ask
) -> None:
    draw = np.random.default_rng(seed)
    chance = draw.beta(0.4, 0.8, (4, prompts))
    answers: list[Answer] = []
    for prompt in range(prompts):
        for _ in range(weeks * int(draw.integers(1, 4))):
            listed = tuple(page for page in range(4) if draw.random() < 0.8)
            cited = tuple(page for page in listed if draw.random() < chance[page, prompt])
            answers.append(Answer("alpha", week(int(draw.integers(weeks))), prompt, cited, retrieved=listed))
    pages = tuple(Page(f"https://s{number % 3}.example/{number}", f"s{number % 3}.example") for number in range(4))
    market = Market(pages=pages, answers=tuple(answers))
    every = Counter(a.prompt for a in answers)
    told = [
        (f"{name} {row['site']}", row, every, Counter(a.prompt for a in answers if row["site"] in sites(market, a)))
        for name in ("citation_share", "presence_and_citations")
        for row in ask(market, name)
    ]
    for row in ask(market, "top_pages"):
        number = int(row["url"][-1])
        told.append((row["url"], row, every, Counter(a.prompt for a in answers if number in a.cited)))
    for row in ask(market, "retrieved_not_cited", least=1):
        number = int(row["url"][-1])
        listing = [a for a in answers if number in a.retrieved]
        cited_of = Counter(a.prompt for a in listing if number in a.cited)
        told.append((f"retrieved {row['url']}", row, Counter(a.prompt for a in listing), cited_of))
    assert len(told) == 3 + 3 + 4 + 4
    for what, row, asked, citing in told:
        estimate = citation_rate.this_sweep([citing[prompt] for prompt in asked], [*asked.values()])
        assert row["rate"] == pytest.approx(estimate.value), what
        if estimate.interval is None:
            assert (row["low"], row["high"], row["estimand"]) == (None, None, None), what
            assert f"no interval: {estimate.reason}" in row["note"], what
        else:
            sweeps = "this sweep" if weeks == 1 else "these sweeps"
            assert row["estimand"] == f"{sweeps}, population of prompts"
            low, high = estimate.interval.low, estimate.interval.high
            assert (row["low"], row["high"]) == pytest.approx((low, high), abs=1e-6), what


def _counts(market: Market, site: str, monday: date, prompts: int) -> tuple[list[int], list[int]]:
    swept = [answer for answer in market.answers if answer.week == monday]
    asked = Counter(answer.prompt for answer in swept)
    cited = Counter(answer.prompt for answer in swept if site in sites(market, answer))
    return [cited[prompt] for prompt in range(prompts)], [asked[prompt] for prompt in range(prompts)]


@pytest.mark.parametrize("seed", SEEDS)
def test_site_trajectory(seed: int, ask: Ask) -> None:
    market = random_market(seed)
    rows = ask(market, "site_trajectory", site="site0.example")
    told = streams(market)
    assert {(row["engine"], row["surface"], row["week"]) for row in rows} == {
        (*stream, answer.week) for stream, answers in told.items() for answer in answers if answer.week
    }
    for row in rows:
        answers = [a for a in told[row["engine"], row["surface"]] if a.week == row["week"]]
        citing = [a for a in answers if "site0.example" in sites(market, a)]
        shown = [n for a in citing for n in a.cited if market.pages[n].site == "site0.example"]
        places = [min(a.cited.index(n) for n in a.cited if n in shown) + 1 for a in citing]
        assert (row["asked"], row["cited"], row["sightings"]) == (len(answers), len(citing), len(shown))
        assert row["prompts"] == len({a.prompt for a in answers if a.prompt is not None})
        assert row["rate"] == pytest.approx(len(citing) / len(answers))
        assert row["pages"] == len({n for n in shown if market.pages[n].resolved})
        assert row["best_position"] == min(places, default=None)
        assert row["median_position"] == (median(places) if places else None)
