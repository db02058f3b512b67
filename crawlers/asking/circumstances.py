"""Who asks, and from where: what a prompt says besides its words, as services take it.

A location is written "City, Region, CC" with the ISO 3166-1 code of the country at its end; each part may be missing.
Without a country there the region of the locale (en-GB) names it.
"""

import re

from crawlers.reading.wire import Document
from geo_flywheel.records import Prompt

_COUNTRY = re.compile(r"[A-Za-z]{2}")
_ALIASES = {"UK": "GB"}


def user_location(prompt: Prompt) -> dict[str, str]:
    """Return what is known of `country` (ISO 3166-1), `region` and `city`."""
    parts = [part.strip() for part in prompt.location.split(",") if part.strip()]
    country = parts.pop() if parts and _COUNTRY.fullmatch(parts[-1]) else _region(prompt.locale)
    code = _ALIASES.get(country.upper(), country.upper())
    known = {"country": code, "region": ", ".join(parts[1:]), "city": parts[0] if parts else ""}
    return {name: value for name, value in known.items() if value}


def located(prompt: Prompt) -> Document:
    """Return the `user_location` of a search tool as most services want it, or no field when nothing is known."""
    known = user_location(prompt)
    return {"user_location": {"type": "approximate", **known}} if known else {}


def language(prompt: Prompt) -> str:
    """Return the ISO 639-1 code of the locale's language, or an empty one."""
    first = re.split(r"[-_]", prompt.locale)[0]
    return first.lower() if _COUNTRY.fullmatch(first) else ""


def instructions(prompt: Prompt, *, place: bool = False) -> str:
    """Return what to tell the model of the person who asks; an empty text when there is nothing.

    Args:
        prompt: The question.
        place: Whether the location is told in words, for a service that has no field for it.
    """
    who = [f"The person asking: {prompt.persona}"] if prompt.persona else []
    where = [f"The person asking is in: {prompt.location}"] if place and prompt.location else []
    return "\n".join([*who, *where])


def messages(prompt: Prompt, *, place: bool = False) -> list[Document]:
    """Return the prompt as the messages of a chat; see `instructions`."""
    about = instructions(prompt, place=place)
    told = [{"role": "system", "content": about}] if about else []
    return [*told, {"role": "user", "content": prompt.text}]


def _region(locale: str) -> str:
    """The region of a locale: its last subtag of two letters that is not the language."""
    subtags = re.split(r"[-_]", locale)[1:]
    return next((subtag for subtag in reversed(subtags) if _COUNTRY.fullmatch(subtag)), "")
