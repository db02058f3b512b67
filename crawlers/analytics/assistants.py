"""Which assistant sent a visit, as tools name it: a host, a campaign's source, or a name for people."""

import re
from functools import cache

_HOSTS: dict[str, tuple[str, ...]] = {
    "chatgpt": ("chatgpt.com", "chat.openai.com"),
    "claude": ("claude.ai",),
    "copilot": ("copilot.microsoft.com",),
    "gemini": ("gemini.google.com", "bard.google.com"),
    "perplexity": ("perplexity.ai", "www.perplexity.ai"),
}
_SIGNS = re.compile(r"[^a-z0-9]+")


def assistant(said: str) -> str | None:
    """Return the name of the assistant that a source names, None when it is none."""
    plain = said.strip().lower()
    for name, its_hosts in hosts().items():
        if any(plain == host or plain.endswith(f".{host}") for host in its_hosts):
            return name
    return next((name for name in hosts() if _SIGNS.sub("", name) == _SIGNS.sub("", plain)), None)


def hosts() -> dict[str, tuple[str, ...]]:
    """Return the hosts that visits out of each assistant name as their referrer."""
    return _HOSTS


@cache
def pattern() -> str:
    """Return a regular expression (RE2) for the hosts of all assistants, and those below them."""
    every = sorted({re.escape(host) for its_hosts in hosts().values() for host in its_hosts})
    return rf"(^|\.)({'|'.join(every)})$"
