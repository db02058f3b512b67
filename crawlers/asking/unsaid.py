"""What a service cannot be told, refused before anything is sent: an answer is filed under what the prompt says."""

from crawlers.asking.circumstances import user_location
from geo_flywheel.errors import Refused
from geo_flywheel.records import Prompt

_REMEDY = "put it into the words of the prompt, or leave the prompt to other providers"


def refuse_persona(prompt: Prompt, service: str) -> None:
    """Raise `Refused` when the prompt says who asks."""
    if prompt.persona:
        raise Refused(f"{service} cannot be told who asks ({prompt.persona[:60]!r}); {_REMEDY}")


def refuse_city(prompt: Prompt, service: str) -> None:
    """Raise `Refused` when the prompt is asked from a place smaller than a country."""
    if user_location(prompt).get("city"):
        raise Refused(f"{service} can be told a country and no city ({prompt.location[:60]!r}); {_REMEDY}")


def refuse_longer(words: str, limit: int, service: str) -> None:
    """Raise `Refused` when a question has more characters than the service takes."""
    if len(words) > limit:
        raise Refused(
            f"{service} takes questions of up to {limit} characters, and this one has {len(words)} ({words[:60]!r}…); "
            "shorten it, or leave it to other providers"
        )
