"""What the engines of a market say: a text that cites the pages drawn, in the manner of each provider."""

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

from geo_flywheel.records import Answer, Citation, Prompt, Retrieval, Status
from geo_flywheel.simulate.market import Market
from geo_flywheel.simulate.scenery import host, title, url

REDIRECTS = "https://vertexaisearch.cloud.google.com/grounding-api-redirect/"
UNUSED = 3
COST_USD = 0.006
_OPENING = "There is no single answer to that; it depends on what you need.\n"
_CLAIMS = (
    "Comparing them side by side for a month shows small differences",
    "Two of three buyers would choose the same one again",
    "Price says little about how long one lasts",
    "Most complaints come from parts that are easy to replace",
    "The simple ones do better than their reputation",
)


class Page(NamedTuple):
    """A page as an engine names it."""

    url: str
    title: str
    domain: str | None = None


class Mark(NamedTuple):
    """How a provider's text shows a citation, and whether its span is what is shown or the claim before it."""

    shown: Callable[[int, Page], str]
    spans_claim: bool = False


_LINK = Mark(lambda _, page: f"([{page.title}]({page.url}))")
_NUMBERED_LINK = Mark(lambda number, page: f"[[{number}]]({page.url})")
_MARKER = Mark(lambda number, _: f"[{number}]")
_NOTHING = Mark(lambda _number, _page: "", spans_claim=True)
_MARKS = {
    "openai": _LINK,
    "groq": _LINK,
    "openrouter": _LINK,
    "xai": _NUMBERED_LINK,
    "perplexity": _MARKER,
    "you": _MARKER,
}


def answer(
    market: Market, provider: str, engine: str, prompt: Prompt, cited: Sequence[int], *, model: str, now: datetime
) -> Answer:
    """Return the answer of an engine that cites these pages, in this order.

    The pages cited come first among those it lists; the others are pages of the same topic that it left unused.
    """
    pages = [_page(market, provider, number) for number in cited]
    listed = [*pages, *(_page(market, provider, number) for number in _unused(market, cited))]
    text, citations = _said(_MARKS.get(provider, _NOTHING), pages)
    return Answer(
        provider=provider,
        engine=engine,
        surface="api",
        status=Status.GROUNDED,
        text=text,
        model_served=model,
        citations=citations,
        retrievals=tuple(
            Retrieval(page.url, page.url, page.title, rank, page.domain) for rank, page in enumerate(listed, 1)
        ),
        queries=(prompt.text.rstrip("?").lower(), f"{prompt.topic} compared"),
        cost_usd=COST_USD,
        asked_at=now,
    )


def unasked(provider: str, engine: str, *, model: str, now: datetime) -> Answer:
    """Return the answer to a question this market has no pages for: one from memory."""
    text = "I can say nothing certain about that."
    return Answer(provider, engine, "api", Status.UNGROUNDED, text, model, cost_usd=COST_USD, asked_at=now)


def _unused(market: Market, cited: Sequence[int]) -> list[int]:
    """Some other pages of the topic; which ones, the first page cited decides."""
    topic = market.pages_of(int(market.topic[cited[0]]))
    first = topic.index(cited[0])
    return [page for page in (*topic[first:], *topic[:first]) if page not in cited][:UNUSED]


@lru_cache(maxsize=4096)
def _page(market: Market, provider: str, number: int) -> Page:
    """A page as this provider names it: Gemini by a redirect that says where it leads only when it is followed."""
    if provider == "gemini":
        domain = host(int(market.site[number])).removeprefix("www.")
        return Page(redirect(market.seed, number), domain, domain)
    return Page(url(market, number), title(market, number))


def redirect(seed: int, page: int) -> str:
    """Return the opaque address of a page; it is the same in every answer."""
    return f"{REDIRECTS}AUZIY{(page + 1) * 2654435761 % 2**32 ^ seed % 2**32:08x}"


def _said(mark: Mark, pages: Sequence[Page]) -> tuple[str, tuple[Citation, ...]]:
    """The text, one claim a line, and where it cites which page."""
    text = _OPENING
    citations = []
    for number, page in enumerate(pages, 1):
        start = len(text)
        text += _CLAIMS[(number - 1) % len(_CLAIMS)] + "."
        end = len(text)
        if shown := mark.shown(number, page):
            text += f" {shown}"
        span = (start, end) if mark.spans_claim else (end + 1, len(text))
        citations.append(Citation(page.url, page.url, page.title, number, 1, (span,), domain=page.domain))
        text += "\n"
    return text.rstrip(), tuple(citations)
