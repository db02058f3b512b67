"""What may be made of what was fetched: Content-Signal and Content-Usage, in robots.txt and as a header.

Both stand in a group of robots.txt and may name a path before what they say; the longest path that matches counts, and
of several with that path what is most restrictive. What robots.txt does not let an agent fetch has no preferences.

Source:
    contentsignals.org; draft-ietf-aipref-attach-05 (2026-08-19) with the values of draft-ietf-aipref-vocab: the tokens
    y and n of a structured-field dictionary and nothing else.
"""

from collections.abc import Iterable, Mapping

from protego import Protego

from crawlers.permissions.robots_rules import Group, Robots
from crawlers.permissions.said import Said, State, cut, strictest
from crawlers.permissions.structured import tokens
from geo_flywheel.registry.permissions import purposes

SIGNALS = {"content_signal": "content-signal", "content_usage": "content-usage"}
_ANSWERS: Mapping[str, Mapping[str, State]] = {
    "content_signal": {"yes": "allowed", "no": "disallowed"},
    "content_usage": {"y": "allowed", "n": "disallowed"},
}
_LEVEL = "use"


def of_robots(robots: Robots, agents: Iterable[str], url: str) -> list[Said]:
    """Return what robots.txt says of the use of an address: to all, and to each agent whose own group says otherwise.

    Args:
        robots: The file.
        agents: Tokens that may have a group of their own.
        url: What is used.
    """
    found = []
    for signal in SIGNALS:
        found += _of_group(signal, None, robots.groups.get("*"), url)
        for agent in agents:
            own = robots.groups.get(agent.lower())
            found += [said for said in _of_group(signal, agent, own, url) if said.state != "not_stated"]
    return found


def of_header(headers: Iterable[tuple[str, str]]) -> list[Said]:
    """Return what the Content-Usage header of a page says."""
    lines = [value for name, value in headers if name == "content-usage"]
    return _stated("content_usage", None, [", ".join(lines)] if lines else [])


def _of_group(signal: str, agent: str | None, group: Group | None, url: str) -> list[Said]:
    if group is None or group.rules.state(url) != "allowed":
        return _stated(signal, agent, [])
    by_path: dict[str, list[str]] = {}
    for name, value in group.others:
        if name == SIGNALS[signal]:
            path, _, said = value.partition(" ") if value.startswith("/") else ("/", "", value)
            by_path.setdefault(path, []).append(said.strip())
    matching = [path for path in by_path if _matches(path, url)]
    return _stated(signal, agent, by_path[max(matching, key=len)] if matching else [])


def _matches(path: str, url: str) -> bool:
    return path == "/" or not Protego.parse(f"User-agent: x\nDisallow: {path}").can_fetch(url, "x")


def _stated(signal: str, agent: str | None, lines: list[str]) -> list[Said]:
    """What the lines say of each purpose the signal knows."""
    parsed = [_read(signal, line) for line in lines]
    written = cut("; ".join(lines)) if lines else None
    found = []
    for word, purpose in purposes(signal).items():
        states = [_state(signal, word, members) for members in parsed]
        found.append(Said(signal, agent, purpose, strictest(states), written))
    if any(members and _LEVEL in members for members in parsed):
        found.append(Said(signal, agent, "any", "not_stated", written))  # how far a use may go, not whether
    return found


def _state(signal: str, word: str, members: Mapping[str, str | None] | None) -> State:
    if members is None:
        return "unknown"
    if word not in members:
        return "not_stated"
    answer = members[word]
    return _ANSWERS[signal].get(answer or "", "not_stated" if signal == "content_usage" else "unknown")


def _read(signal: str, line: str) -> Mapping[str, str | None] | None:
    if signal == "content_usage":
        return tokens(line)
    pairs = [part.partition("=") for part in line.lower().split(",") if part.strip()]
    return {name.strip(): value.strip() for name, _, value in pairs}
