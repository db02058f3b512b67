"""The agents that permissions are asked about: those of `data/agents.toml`, and the purpose tokens of drafts."""

import re
from functools import cache
from typing import NamedTuple

from geo_flywheel.registry.agents import agents, control_tokens
from geo_flywheel.registry.permissions import purpose_tokens

_TOKEN = re.compile(r"[\w-]+(?:\.[\w-]+)*", re.ASCII)
_SEVERAL = {"mixed": "any"}


class Addressed(NamedTuple):
    """A name a robots.txt may speak to, and what it stands for."""

    token: str
    purpose: str


@cache
def addressed() -> tuple[Addressed, ...]:
    """Return every name, each once: agents, names that only robots.txt knows (all about training), purpose tokens.

    An agent whose name is none a robots.txt can write ("ChatGPT Agent") cannot be spoken to and is left out.
    """
    names = [
        *((agent.name, _SEVERAL.get(agent.purpose, agent.purpose)) for agent in agents()),
        *((token, "training") for token in control_tokens()),
        *((known.token, known.purpose) for known in purpose_tokens()),
    ]
    found = {token.lower(): Addressed(token, purpose) for token, purpose in names if _TOKEN.fullmatch(token)}
    return tuple(found.values())


@cache
def tokens() -> dict[str, str]:
    """Return the names by their lower-case form."""
    return {each.token.lower(): each.token for each in addressed()}
