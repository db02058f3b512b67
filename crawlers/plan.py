"""What is asked in one snapshot, in which order, and what it costs at most; pure, and lazy so that size costs nothing.

Every pass puts every question to everyone once before the next pass begins, so that the repeats of a question lie a
whole pass apart and no service is asked twice in a row where there are two. The order of the questions is drawn anew
for each snapshot, by a digest: no topic is always asked first, and the same plan is made again after an interruption.
"""

from collections import Counter
from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass
from decimal import Decimal
from hashlib import sha256

from msgspec.structs import replace

from crawlers.basket import Revision
from geo_flywheel.errors import ConfigError
from geo_flywheel.records import Ask, Half, Prompt


@dataclass(frozen=True, slots=True)
class Target:
    """Whom a question is put to: a provider, who answers through it, and the model asked for ("" where none is)."""

    provider: str
    engine: str
    model: str = ""


@dataclass(frozen=True, slots=True)
class Job:
    """One question to be put once to one target."""

    provider: str
    engine: str
    ask: Ask

    @property
    def target(self) -> Target:
        """Whom it is put to."""
        return Target(self.provider, self.engine, self.ask.model_requested or "")

    @property
    def id(self) -> str:
        """The ask's id; see `ask_id`."""
        return ask_id(self.target, self.ask.prompt.id, self.ask.sample_no, self.ask.snapshot)


@dataclass(frozen=True, slots=True)
class Sweep:
    """What one snapshot consists of.

    Attributes:
        questions: A frozen basket revision; or prompts beside it, which have no half and enter no basket.
        targets: Everyone who is asked.
        snapshot: Name of the snapshot; asks of another one are other asks.
        repeats: How often each question is put to each target; even.
        locales: Where questions are asked from that name no locale of their own; none: as they stand.

    Raises:
        ConfigError: If `repeats` is not even and positive.
    """

    questions: Revision | tuple[Prompt, ...]
    targets: tuple[Target, ...]
    snapshot: str
    repeats: int = 4
    locales: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.repeats < 2 or self.repeats % 2:  # noqa: PLR2004 - the least even number there is
            raise ConfigError(
                f"repeats is {self.repeats}; asks split in two halves only when it is even: set repeats in [crawl]"
            )


@dataclass(frozen=True, slots=True)
class Line:
    """What a sweep still asks of one target.

    Attributes:
        questions: Prompts, counted once per locale.
        asks: What is left to ask.
        answered: What was asked before.
        usd_per_ask: Worst case in US dollars, None where no price is known.
    """

    target: Target
    questions: int
    repeats: int
    asks: int
    answered: int
    usd_per_ask: Decimal | None

    @property
    def usd(self) -> Decimal | None:
        """Worst case of all that is left, None where no price is known and something is left."""
        if self.usd_per_ask is None:
            return None if self.asks else Decimal(0)
        return self.asks * self.usd_per_ask


def jobs(sweep: Sweep, answered: Container[str] = frozenset()) -> Iterator[Job]:
    """Yield what is still to be asked, in the order of asking.

    Args:
        sweep: What the snapshot consists of.
        answered: Ids of the asks that are done.
    """
    return (job for job in _all(sweep) if job.id not in answered)


def lines(
    sweep: Sweep, price: Callable[[Target], Decimal | None], answered: Container[str] = frozenset()
) -> tuple[Line, ...]:
    """Return what a sweep still asks of each target, in the order of the targets.

    Args:
        sweep: What the snapshot consists of.
        price: The most that one ask of a target costs in US dollars, None where nothing tells.
        answered: Ids of the asks that are done.
    """
    questions = len(_questions(sweep))
    left = Counter(job.target for job in jobs(sweep, answered))
    every = questions * sweep.repeats
    return tuple(
        Line(target, questions, sweep.repeats, left[target], every - left[target], price(target))
        for target in dict.fromkeys(sweep.targets)
    )


def ask_id(target: Target, prompt_id: str, sample_no: int | None, snapshot: str | None) -> str:
    """Return the identity of an ask, 32 hex digits.

    The basket's revision is no part of it: what was asked stays asked when a prompt is added in the middle of a sweep.
    """
    parts = (target.provider, target.engine, target.model, prompt_id, str(sample_no), snapshot or "")
    return sha256("\x1f".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _all(sweep: Sweep) -> Iterator[Job]:
    questions = _questions(sweep)
    revision = sweep.questions.id if isinstance(sweep.questions, Revision) else None
    for sample_no in range(1, sweep.repeats + 1):
        for prompt, half in questions:
            for target in dict.fromkeys(sweep.targets):
                ask = Ask(prompt, target.model or None, sample_no, half, sweep.snapshot, revision)
                yield Job(target.provider, target.engine, ask)


def _questions(sweep: Sweep) -> list[tuple[Prompt, Half | None]]:
    """Each question of each locale once, in the order drawn for the snapshot."""
    halves: dict[Prompt, Half | None]
    if isinstance(sweep.questions, Revision):
        halves = {entry.prompt: entry.half for entry in sweep.questions.entries}
    else:
        halves = dict.fromkeys(sweep.questions)
    placed = {prompt.id: (prompt, half) for prompt, half in halves.items() if prompt.locale or not sweep.locales}
    for prompt, half in halves.items():
        for locale in sweep.locales if not prompt.locale else ():
            there = replace(prompt, locale=locale)
            placed.setdefault(there.id, (there, half))
    return [placed[prompt_id] for prompt_id in sorted(placed, key=lambda key: _draw(sweep.snapshot, key))]


def _draw(snapshot: str, prompt_id: str) -> bytes:
    return sha256(f"{snapshot}\x1f{prompt_id}".encode("utf-8", "surrogatepass")).digest()
