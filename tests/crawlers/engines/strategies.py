"""Hypothesis strategies for answers that an engine can express: canonical pages, real spans, consistent statuses."""

from collections.abc import Sequence
from datetime import UTC, datetime
from enum import Enum
from typing import NamedTuple, TypedDict, Unpack

from hypothesis import strategies as st

from geo_flywheel.records import Answer, Citation, Retrieval, Span, Status
from geo_flywheel.urls import canonical

_EMPTY = (Status.BLOCKED, Status.ERROR, Status.RETIRED, Status.NOT_SHOWN)
_SILENT = (Status.ERROR, Status.RETIRED)
_UNSEARCHED = (*_EMPTY, Status.UNGROUNDED, Status.REFUSED)


class Mark(Enum):
    """How the text refers to a page, and so what the span of a citation selects."""

    LINK = "the link ([title](url)) that follows the claim"
    NUMBERED_LINK = "the link [[n]](url) that follows the claim, n counting the mentions"
    MARKER = "the marker [n] that follows the claim, n being the rank of the page among the retrieved ones"
    POSITION = "the marker [[n]] that follows the claim, n being the position of the page among the cited ones"
    CLAIM = "the claim itself; the text shows nothing"
    LINE = "the claim itself, which is a line of the text; the text shows nothing"


class Page(NamedTuple):
    """A page as an engine names it."""

    raw_url: str
    title: str | None


_label = st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=1, max_size=8)
_word = st.text(
    st.characters(exclude_categories=["Cs", "Cc", "Co", "Cn"], exclude_characters="[](){}<>【】"),
    min_size=1,
    max_size=12,
)
_title = st.one_of(st.none(), _word.filter(str.strip).map(str.strip))


@st.composite
def _raw_urls(draw: st.DrawFn) -> str:
    host = draw(st.sampled_from(["", "www.", "news."])) + "h" + draw(_label)
    suffix = draw(st.sampled_from(["com", "org", "co.uk"]))
    path = "/".join(draw(st.lists(_label, max_size=3)))
    query = draw(st.sampled_from(["", "?id=7", "?q=a%20b&p=2", "?utm_source=openai"]))
    return f"https://{host}.{suffix}/{path}{query}"


pages: st.SearchStrategy[list[Page]] = st.lists(
    st.builds(Page, _raw_urls(), _title), max_size=5, unique_by=lambda page: canonical(page.raw_url).url
)
moments = st.integers(1_577_836_800, 1_893_456_000).map(
    lambda second: datetime.fromtimestamp(second, UTC).replace(tzinfo=None)
)


class _Draft:
    """An answer's text as it grows, and the citations it makes."""

    def __init__(self, mark: Mark, retrieved: Sequence[Page]) -> None:
        self.text = ""
        self._mark = mark
        self._retrieved = retrieved
        self._mentions: dict[Page, list[Span | None]] = {}
        self._count = 0

    def claim(self, words: str, cited: Sequence[Page]) -> None:
        self.text += "\n" if self.text and self._mark is Mark.LINE else ""
        start = len(self.text)
        self.text += words
        claimed = (start, len(self.text))
        for page in cited:
            self._count += 1
            before = len(self.text)
            self.text += self._shown(page)
            span = claimed if self._mark in (Mark.CLAIM, Mark.LINE) else (before, len(self.text))
            self._mentions.setdefault(page, []).append(span)

    def unplaced(self, page: Page) -> None:
        self._mentions.setdefault(page, []).append(None)

    def _shown(self, page: Page) -> str:
        match self._mark:
            case Mark.LINK:
                return f"([{page.title or 'source'}]({page.raw_url}))"
            case Mark.NUMBERED_LINK:
                return f"[[{self._count}]]({page.raw_url})"
            case Mark.MARKER:
                return f"[{self._retrieved.index(page) + 1}]"
            case Mark.POSITION:
                return f"[[{[*dict.fromkeys([*self._mentions, page])].index(page) + 1}]]"
            case Mark.CLAIM | Mark.LINE:
                return ""

    def citations(self) -> tuple[Citation, ...]:
        return tuple(
            Citation(
                canonical(page.raw_url).url,
                page.raw_url,
                page.title,
                position,
                len(spans),
                tuple(spans),
                canonical(page.raw_url).passage,
            )
            for position, (page, spans) in enumerate(self._mentions.items(), 1)
        )


class Expressible(TypedDict, total=False):
    """What an engine can express.

    Attributes:
        engine: Who answered, the provider when it is left out.
        surface: Where it was seen, "api" when it is left out.
        modelled: Whether it names its model; True when it is left out.
        titled: Whether it tells the titles of pages; True when it is left out.
        mark: How the text refers to pages, `Mark.LINK` when it is left out.
        statuses: What may come of the ask, grounded or ungrounded when it is left out; `GROUNDED` always has text,
            `ERROR`, `RETIRED`, `BLOCKED` and `NOT_SHOWN` have nothing.
        listed: Whether it lists what it retrieved; True when it is left out.
        cited_are_retrieved: Whether every cited page stands among the retrieved ones (ids, chunk indexes).
        unplaced: Whether a page may be cited without a span (only a page the text does not name).
        searched: Whether it tells its queries; True when it is left out.
        costs: Costs it may tell; it tells none when it is left out.
        dated: Whether it tells when it answered; True when it is left out.
    """

    engine: str
    surface: str
    modelled: bool
    titled: bool
    mark: Mark
    statuses: Sequence[Status]
    listed: bool
    cited_are_retrieved: bool
    unplaced: bool
    searched: bool
    costs: st.SearchStrategy[float | None]
    dated: bool


@st.composite
def answers(draw: st.DrawFn, provider: str, **can: Unpack[Expressible]) -> Answer:
    """Draw an answer that the provider (file name of the plugin) can express."""
    status = draw(st.sampled_from(can.get("statuses", (Status.GROUNDED, Status.UNGROUNDED))))
    known = [] if status in _UNSEARCHED else draw(pages)
    known = known if can.get("titled", True) else [Page(page.raw_url, None) for page in known]
    cited = known[: draw(st.integers(0, len(known)))]
    others = draw(st.permutations(known if can.get("cited_are_retrieved") else known[len(cited) // 2 :]))
    retrieved = list(others) if can.get("listed", True) else []
    draft = _Draft(can.get("mark", Mark.LINK), retrieved)
    placeless = cited.pop() if can.get("unplaced") and cited and draw(st.booleans()) else None
    if status not in _EMPTY:
        for words in draw(st.lists(_word, min_size=status is not Status.INCOMPLETE, max_size=4)):
            draft.claim(words, draw(st.lists(st.sampled_from(cited), max_size=3, unique=True)) if cited else [])
    if placeless:
        draft.unplaced(placeless)
    return Answer(
        provider=provider,
        engine=can.get("engine", provider),
        surface=can.get("surface", "api"),
        status=status,
        text=draft.text,
        model_served=draw(st.none() | _label) if status not in _SILENT and can.get("modelled", True) else None,
        citations=draft.citations(),
        retrievals=tuple(
            Retrieval(canonical(page.raw_url).url, page.raw_url, page.title, rank)
            for rank, page in enumerate(retrieved, 1)
        ),
        queries=tuple(draw(st.lists(_label, max_size=3)))
        if can.get("searched", True) and status not in _UNSEARCHED
        else (),
        cost_usd=None if status in _SILENT else draw(can.get("costs", st.none())),
        asked_at=draw(st.one_of(st.none(), moments)) if can.get("dated", True) and status not in _SILENT else None,
    )


def told_by_pages(said: Answer) -> bool:
    """Tell whether pages prove the search of a grounded answer, for providers that prove it by nothing else."""
    return said.status is not Status.GROUNDED or bool(said.citations or said.retrievals)
