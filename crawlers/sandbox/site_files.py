"""What the sites of a market permit whom, in every way there is to say it: one way per site, by its number.

0  robots.txt allows everything
1  robots.txt keeps crawlers for training out
2  Content-Signal and Content-Usage in robots.txt: search yes, training no
3  paths and kinds of file kept from all; X-Robots-Tag: noai on every page
4  tdmrep.json reserves text and data mining; every third page takes it back in a meta tag
5  robots.txt allows everything, and meta tags, ai.txt and a header say no: contradictions; an llms.txt
"""

from collections.abc import Sequence

import orjson

WAYS = 6
_TRAINING = ("GPTBot", "ClaudeBot", "CCBot", "Google-Extended", "Applebot-Extended", "Bytespider", "meta-externalagent")
_OTHERS = ("OAI-SearchBot", "PerplexityBot", "ChatGPT-User", "Claude-User", "Amazonbot")
_ALL = "User-agent: *\nAllow: /\n"
_ROBOTS = (
    _ALL,
    "".join(f"User-agent: {name}\n" for name in _TRAINING) + f"Disallow: /\n\n{_ALL}",
    (
        "User-agent: *\nContent-Signal: search=yes,ai-input=yes,ai-train=no,use=reference\n"
        "Content-Usage: train-ai=n\nContent-Usage: /open/ train-ai=y\nAllow: /\n"
    ),
    "User-agent: *\nDisallow: /private/\nDisallow: /*.pdf$\nAllow: /private/but-this\n",
    _ALL,
    _ALL,
)


def robots(site: int, name: str, *, closed: bool) -> str:
    """Return a site's robots.txt.

    Args:
        site: Its number.
        name: Its host.
        closed: Whether it shuts AI crawlers out by now, whatever it said before.
    """
    shut = "".join(f"User-agent: {agent}\n" for agent in (*_TRAINING, *_OTHERS))
    rules = f"{shut}Disallow: /\n\n{_ALL}" if closed else _ROBOTS[site % WAYS]
    maps = [f"Sitemap: https://{name}/sitemap.xml\n"]
    maps += [f"Sitemap: https://{name}/sitemap-index.xml\n"] if site % 2 else []
    return f"{rules}\n{''.join(maps)}"


def others(site: int) -> dict[str, bytes]:
    """Return what else lies there, by its path."""
    match site % WAYS:
        case 4:
            rule = {"location": "/", "tdm-reservation": 1, "tdm-policy": "/terms"}
            return {"/.well-known/tdmrep.json": orjson.dumps([rule])}
        case 5:
            return {"/ai.txt": b"User-Agent: *\nDisallow: /\n", "/llms.txt": b"# What we tested\n\n> All of it.\n"}
        case _:
            return {}


def headers(site: int) -> Sequence[tuple[str, str]]:
    """Return what the server of a site adds to every page."""
    match site % WAYS:
        case 3:
            return (("x-robots-tag", "noai, noimageai"), ("x-robots-tag", "googlebot: nosnippet"))
        case 5:
            return (("content-usage", "train-ai=n"),)
        case _:
            return ()


def metas(site: int, page: int) -> str:
    """Return the meta tags of a page about its use."""
    match site % WAYS, page % 3:
        case 4, 0:
            return '<meta name="tdm-reservation" content="0">'
        case 5, 0:
            return '<meta name="robots" content="noindex, noai">'
        case 5, _:
            return '<meta name="robots" content="noai">'
        case _:
            return ""
