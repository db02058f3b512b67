"""Typed loaders of the facts in `data/` that need more than a lookup; URL identity reads its own lists below this."""

import tomllib
from dataclasses import dataclass
from functools import cache

from geo_flywheel import shipped


@dataclass(frozen=True, slots=True)
class Corpus:
    """A training corpus whose contents are public, from `data/corpora.toml`.

    Attributes:
        name: As it stands in every row about it, lower case.
        title: As its makers call it.
        aliases: What tables of presence call it besides.
        source: Where it is described.
    """

    name: str
    title: str
    aliases: tuple[str, ...]
    source: str


@cache
def corpora() -> dict[str, Corpus]:
    """Return the corpora known, by name."""
    listed = tomllib.loads((shipped.folder("data") / "corpora.toml").read_text("utf-8"))["corpus"]
    return {entry["name"]: Corpus(**entry | {"aliases": tuple(entry["aliases"])}) for entry in listed}


def corpus_name(called: str) -> str:
    """Return the name of the corpus a table means; one that is not listed keeps what it is called, in lower case."""
    plain = called.strip().lower()
    return next((known.name for known in corpora().values() if plain in {known.name, *known.aliases}), plain)
