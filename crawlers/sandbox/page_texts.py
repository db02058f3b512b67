"""What the pages of a market say: the same on every visit, no two alike, and some of them no text for a corpus.

Of eight pages one is too short, one repeats itself, one shows code and one is little but a list; the others are prose.
"""

import random
from collections.abc import Iterator

KINDS = ("prose", "prose", "short", "prose", "repeating", "code", "prose", "list")


def _each(listed: str) -> tuple[str, ...]:
    return tuple(listed.split("; "))


BOUGHT = (
    "We bought what anybody can buy and used it for a season, in rain and in the sun. Nobody paid us for it, and what "
    "broke was repaired or thrown away, as it would be at home."
)
PROMISED = (
    "What the makers promise and what is left of it after half a year are two things. We wrote down every week what "
    "had changed, and asked three people who had never seen the product to do the same."
)
FOUND = (
    "The dearest one was not the best one, and the cheapest one was not the worst. Between them lies most of what we "
    "would buy again, and that is the part of the list to read first."
)
_WHERE = _each(
    "in the yard; on the way to work; in the kitchen; up the hill; at the coast; in the cellar; behind the workshop; "
    "on a train; along the canal; under the roof; between two meetings; near the harbour; in a cold garage; by the gate"
)
_WHO = _each(
    "our youngest tester; the neighbour; a courier; the repair shop; my sister; the night shift; two students; "
    "the landlord; an old friend; the whole office; a retired joiner; somebody who had never owned one"
)
_WHAT = _each(
    "hinge; seam; grip; valve; coating; strap; latch; sole; bearing; handle; gasket; spring; lining; frame; bolt"
)
_HOW = _each(
    "held; loosened; creaked; wore thin; came back; bent; stayed as it was; split; turned grey; went quiet; "
    "needed oil; gave way; outlived the rest; surprised us"
)
_SAID = (
    "After {n} days {where} the {what} {how}, which nobody had expected of it.",
    "{Who} swore that any {what} like this one {how} sooner or later.",
    "Whoever repairs a {what} {where} knows why the {other} {how} first.",
    "It took {who} an afternoon {where} to find out that the {what} {how}.",
    "We asked {who} about the {what}, and heard that it {how} {where}.",
    "Once the {what} {how}, {who} put it away and used the {other} of an earlier model.",
    "Compared with the {other} of last year, this {what} {how} more often {where}.",
    "{Who} paid {n} euros for a new {what}, though the {other} {how} as well.",
    "None of us believed it when the {what} {how} {where} while {who} was watching.",
    "What the {other} promises, the {what} keeps: it {how} and then works on.",
    "There is a reason why {who} never oils the {what}: last time it {how}.",
    "Weather does more harm to the {what} than use does, says {who}, whose {other} {how} {where}.",
)


def paragraphs(page: int, topic: str) -> list[str]:
    """Return the paragraphs of a page.

    Args:
        page: Its number, which decides its kind and every word.
        topic: What it is about.
    """
    draw = random.Random(page)  # noqa: S311 - a made-up text
    about = f"This is part {page + 1} of what we know of {topic}."
    prose = [" ".join(_sentences(draw, 4)) for _ in range(4 + draw.randrange(4))]
    match KINDS[page % len(KINDS)]:
        case "short":
            return [about, BOUGHT]
        case "repeating":
            return [about, BOUGHT, *prose[:1] * 3, *prose[1:2] * 2]
        case "code":
            return [about, BOUGHT, *prose, f"Where it broke we logged {{model: {page}}} and went on."]
        case "list":
            return [about, *(f"- {sentence}" for paragraph in prose for sentence in paragraph.split(". "))]
        case _:
            return [about, BOUGHT, PROMISED, FOUND, *prose]


def _sentences(draw: random.Random, count: int) -> Iterator[str]:
    for said in draw.sample(_SAID, count):
        who, (what, other) = draw.choice(_WHO), draw.sample(_WHAT, 2)
        yield said.format(
            who=who,
            Who=who.capitalize(),
            what=what,
            other=other,
            where=draw.choice(_WHERE),
            how=draw.choice(_HOW),
            n=draw.randrange(2, 900),
        )
