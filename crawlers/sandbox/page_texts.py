"""What the pages of a market say: the same on every visit, no two alike, and some of them no text for a corpus.

Of eight pages one is too short, one repeats itself, one shows code and one is little but a list; the others are prose.
"""

import random
from collections.abc import Iterator

KINDS = ("prose", "prose", "short", "prose", "repeating", "code", "prose", "list")

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
_WHERE = ("in the yard", "on the way to work", "in the kitchen", "up the hill", "at the coast", "in the cellar")
_WHO = ("Our youngest tester", "The neighbour", "A courier", "The repair shop", "My sister", "The night shift")
_WHAT = ("the hinge", "the seam", "the grip", "the valve", "the coating", "the strap", "the latch", "the sole")
_HOW = ("held", "loosened", "creaked", "wore thin", "came back", "bent", "stayed as it was", "split")
_SAID = (
    "{who} used number {n} for {days} days {where}, and {what} {how} before anything else did.",
    "After {days} days {where} {what} of model {n} {how}, which cost us {cost} to put right.",
    "We weighed number {n} twice, {where} and again {days} days later, because {what} {how}.",
    "{who} would pay {cost} for model {n} and not more, since {what} {how} {where}.",
    "Of {n} people we asked {where}, most said that {what} {how} within {days} days.",
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
    for _ in range(count):
        yield draw.choice(_SAID).format(
            who=draw.choice(_WHO),
            n=draw.randrange(2, 900),
            days=draw.randrange(3, 400),
            where=draw.choice(_WHERE),
            what=draw.choice(_WHAT),
            how=draw.choice(_HOW),
            cost=f"{draw.randrange(4, 300)} euros",
        )
