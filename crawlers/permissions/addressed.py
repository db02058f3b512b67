"""The agents that permissions are asked about: those of `data/agents.toml`, and the purpose tokens of drafts."""

from functools import cache
from typing import NamedTuple

from geo_flywheel.registry.permissions import purpose_tokens


class Addressed(NamedTuple):
    """A name a robots.txt may speak to, and what for."""

    token: str
    purpose: str


@cache
def addressed() -> tuple[Addressed, ...]:
    """Return every name, crawlers first."""
    crawlers = [
        ("GPTBot", "training"),
        ("CCBot", "training"),
        ("Google-Extended", "training"),
        ("OAI-SearchBot", "search_index"),
        ("ChatGPT-User", "user_fetch"),
    ]
    return (
        *(Addressed(*each) for each in crawlers),
        *(Addressed(each.token, each.purpose) for each in purpose_tokens()),
    )


@cache
def tokens() -> dict[str, str]:
    """Return the tokens by their lower-case form."""
    return {each.token.lower(): each.token for each in addressed()}
