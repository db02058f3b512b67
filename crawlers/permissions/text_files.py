"""ai.txt as Spawning defined it, and llms.txt, which permits nothing.

The name ai.txt stands for several unrelated formats. Only the one in the grammar of robots.txt, over kinds of media,
says what may be used; in any other nothing is stated. llms.txt is a guide for readers: its presence permits nothing.
"""

from urllib.parse import urljoin

from crawlers.permissions.robots_rules import parse
from crawlers.permissions.said import Said, as_told, cut, strictest
from geo_flywheel.registry.permissions import purposes

AI_TXT, LLMS_TXT = "/ai.txt", "/llms.txt"
_PAGES = ("/", "/page.html", "/page.txt")


def of_ai_txt(status: int, body: bytes, front: str) -> list[Said]:
    """Return what an ai.txt says of the text of pages.

    Args:
        status: Of the reply.
        body: Of the reply.
        front: Address of the site's first page.
    """
    purpose = purposes("ai_txt")["text"]
    if _is_unknown(status):
        return [Said("ai_txt", None, purpose, "unknown", as_told(status))]
    group = parse(body).groups.get("*") if _is_text(status, body) else None
    if group is None or not any(line.lower().startswith(("allow", "disallow")) for line in group.rules.lines):
        return [Said("ai_txt", None, purpose, "not_stated", None)]
    states = {urljoin(front, path): group.rules.state(urljoin(front, path)) for path in _PAGES}
    state = strictest(states.values())
    deciding = next(group.rules.deciding(url) for url, each in states.items() if each == state)
    return [Said("ai_txt", None, purpose, state, cut(f"User-agent: *; {deciding}"))]


def of_llms_txt(status: int, body: bytes) -> list[Said]:
    """Return that an llms.txt is there, by its first line, or that it is not; either way nothing is stated."""
    if _is_unknown(status):
        return [Said("llms_txt", None, "discovery", "unknown", as_told(status))]
    first = body[:4096].decode("utf-8-sig", "replace").strip().partition("\n")[0] if _is_text(status, body) else ""
    return [Said("llms_txt", None, "discovery", "not_stated", cut(first) or None)]


def _is_unknown(status: int) -> bool:
    return status == 429 or not 200 <= status < 500  # noqa: PLR2004 - the classes of HTTP


def _is_text(status: int, body: bytes) -> bool:
    """Whether it is the file and no page that says there is none."""
    return status == 200 and not body.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<")  # noqa: PLR2004 - OK
