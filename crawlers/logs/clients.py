"""Who sends a request, by what it says of itself: an AI agent, another program, or a person."""

import re
from functools import cache

from geo_flywheel.records import Client
from geo_flywheel.registry.agents import Agent, agents, control_tokens, machine_words

_WORDS = re.compile(r"[a-z0-9][a-z0-9.-]*[a-z]|[a-z]")
_PARTS = re.compile(r"[a-z]+")
_PERSON, _MACHINE = Client(), Client(is_machine=True)
_PHONES = ("cubot",)  # makers of phones whose names end as those of robots do


def client(user_agent: str) -> Client:
    """Return who a User-Agent line stands for; an empty one is a program's."""
    line = user_agent.lower()
    found = {match.lower() for match in _tokens().findall(line)}
    for agent, tokens in _agents() if found else ():
        if not tokens.isdisjoint(found):
            return Client(agent.name, agent.operator, agent.purpose, is_machine=True)
    return _MACHINE if _is_machine(line) else _PERSON


def _is_machine(line: str) -> bool:
    if not line.startswith(("mozilla/", "opera/")):
        return True  # every browser of the last twenty years begins so
    if "http://" in line or "https://" in line or ("compatible;" in line and "msie" not in line):
        return True  # where to complain, and that it is compatible, is said by programs alone
    words = machine_words()
    for word in _WORDS.findall(line):
        if word in _PHONES:
            continue
        if word in words or word.endswith(("bot", "crawler", "spider")) or not words.isdisjoint(_PARTS.findall(word)):
            return True
    return False


@cache
def _agents() -> tuple[tuple[Agent, frozenset[str]], ...]:
    return tuple((agent, frozenset(token.lower() for token in agent.tokens)) for agent in agents())


@cache
def _tokens() -> re.Pattern[str]:
    """Every token as a word of its own, the longer of two that begin alike first."""
    tokens = sorted(
        {token.lower() for _, known in _agents() for token in known}, key=lambda token: (-len(token), token)
    )
    controls = "|".join(re.escape(token.lower()) for token in control_tokens())
    every = "|".join(re.escape(token) + ("(?![a-z])" if token[-1].isalnum() else "") for token in tokens)
    return re.compile(rf"(?<![a-z0-9])(?!{controls})(?:{every})")
