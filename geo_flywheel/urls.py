"""The one owner of URL identity: canonical() and site(); pure, versioned rules."""
from typing import NamedTuple
RULES = "1"
class Page(NamedTuple):
    url: str
    passage: str | None
    resolved: bool
def canonical(raw_url: str) -> Page: return Page(raw_url.strip(), None, True)
def site(url: str) -> str: return ""
