"""What a market's sites, pages and prompts are called; none of them exists (names under .example, RFC 2606)."""

from geo_flywheel.records import Prompt
from geo_flywheel.simulate.market import Market, World

_FIRST = ("amber", "birch", "cedar", "delta", "ember", "fern", "granite", "harbor", "indigo", "juniper")
_SECOND = ("trail", "press", "works", "notes", "guide", "field", "house", "bench")
_TOPICS = ("running shoes", "espresso machines", "city bikes", "hiking tents", "office chairs", "noise barriers")
_QUESTIONS = (
    "Which {topic} are best for beginners?",
    "Which {topic} last longest in daily use?",
    "How much should I spend on {topic}?",
    "Are expensive {topic} worth it?",
    "What do experts look for in {topic}?",
    "Which {topic} are easiest to repair?",
    "What goes wrong most often with {topic}?",
    "How do I choose between two {topic}?",
    "Which {topic} are made closest to home?",
    "Is it sensible to buy used {topic}?",
)


def prompts(world: World) -> list[Prompt]:
    """Return the prompts of a world; their place in the list is their number in the market."""
    each = world.prompts_per_topic
    return [Prompt(_question(number % each, topic_name(number // each)), topic_name(number // each))
            for number in range(world.prompts)]  # fmt: skip


def topic_name(topic: int) -> str:
    """Return what a topic is about."""
    round_, place = divmod(topic, len(_TOPICS))
    return f"{_TOPICS[place]}, series {round_ + 1}" if round_ else _TOPICS[place]


def host(site: int) -> str:
    """Return the host of a site."""
    round_, place = divmod(site, len(_FIRST) * len(_SECOND))
    name = _FIRST[place % len(_FIRST)] + _SECOND[place // len(_FIRST)]
    return f"www.{name}{round_ + 1 if round_ else ''}.example"


def path(market: Market, page: int) -> str:
    """Return the path of a page on its site."""
    return f"/{topic_name(int(market.topic[page])).replace(', ', '-').replace(' ', '-')}/{page + 1}"


def url(market: Market, page: int) -> str:
    """Return the address of a page."""
    return f"https://{host(int(market.site[page]))}{path(market, page)}"


def title(market: Market, page: int) -> str:
    """Return the title of a page."""
    return f"{topic_name(int(market.topic[page])).capitalize()}: what we found, part {page + 1}"


def _question(number: int, topic: str) -> str:
    round_, place = divmod(number, len(_QUESTIONS))
    question = _QUESTIONS[place].format(topic=topic)
    return f"{question} (case {round_ + 1})" if round_ else question
