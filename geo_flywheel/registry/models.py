"""Which corpora can have fed which model, by the dates of `data/models.toml` and `data/corpora.toml`.

A crawl can be trained on once it is over, a corpus once it is published. So what ended after a model was released
cannot have fed it, and what ended before its cut-off can have; whether it did is only known where its makers say so.
A cut-off of "knowledge" tells what a model knows reliably: training data may reach further, so that it rules nothing
out. What no date decides is unknown, never no.
"""

import datetime as dt
import re
import tomllib
from calendar import monthrange
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from geo_flywheel import shipped
from geo_flywheel.registry import Corpus, corpora, corpus_name

_SNAPSHOT = re.compile(r"-(?:20\d\d-?\d\d-?\d\d|\d\d-20\d\d)$")
_MONTH = len("2025-01")


@dataclass(frozen=True, slots=True)
class Model:
    """A model that answers.

    Attributes:
        name: As a reply names it, without vendor and dated snapshot; lower case.
        released: First day anybody could ask it.
        cut_off: First and last day that the cut-off told can mean: equal for a day, a month apart for a month; None
            where nothing is told.
        kind: Whether it is the end of the training data, or of what is known reliably.
        trained_on: Corpora that its makers name.
        source: Where it is told; date: the day that was looked up.
    """

    name: str
    provider: str
    released: dt.date
    source: str
    date: dt.date
    aliases: tuple[str, ...] = ()
    cut_off: tuple[dt.date, dt.date] | None = None
    kind: Literal["training", "knowledge"] | None = None
    trained_on: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Feeding:
    """Whether a corpus can have fed a model.

    Attributes:
        told: Whether the makers say that they trained on it; a "yes" without it means possible by its dates.
        reason: What decides, or what is missing.
    """

    can: Literal["yes", "no", "unknown"]
    reason: str
    told: bool = False


@cache
def models() -> dict[str, Model]:
    """Return the models known, by name."""
    listed = tomllib.loads((shipped.folder("data") / "models.toml").read_text("utf-8"))["model"]
    return {entry["name"]: _model(entry) for entry in listed}


def model(served: str) -> Model | None:
    """Return the model that a reply names; None when it is not listed: a near name is another model."""
    plain = served.strip().lower().rpartition("/")[2].partition(":")[0]
    return _named().get(plain) or _named().get(_SNAPSHOT.sub("", plain))


def can_have_fed(served: str, corpus: str, ended: dt.date | None = None) -> Feeding:
    """Return whether a corpus, or one snapshot of it, can have fed the model that a reply names.

    Args:
        served: Name of the model in the reply.
        corpus: Name of the corpus.
        ended: Last day of the snapshot, `Presence.observed_on` of a corpus that grows; None for the corpus as such.
    """
    known, held = model(served), corpora().get(corpus_name(corpus))
    if held is not None and not held.training:
        return Feeding("no", f"{held.title} shows that pages were public; nobody trains on it as it is")
    if known is None:
        return Feeding("unknown", f"{served} is not listed in data/models.toml")
    if held is not None and held.name in known.trained_on:
        return Feeding("yes", f"its makers name it: {known.source}", told=True)
    day, what = _available(held, corpus, ended)
    return Feeding("unknown", what) if day is None else _by_dates(known, day, what)


def corpora_of(served: str) -> dict[str, Feeding]:
    """Return, for every corpus listed that is one thing and no series of snapshots, whether it can have fed a model."""
    return {name: can_have_fed(served, name) for name, held in corpora().items() if held.training and not held.growing}


def _available(held: Corpus | None, corpus: str, ended: dt.date | None) -> tuple[dt.date | None, str]:
    """The first day something could be trained on, and what it is; or None, and what is missing."""
    if ended is not None and (held is None or held.growing):
        return ended, f"its snapshot ended on {ended}"
    if held is None:
        return None, f"{corpus} is not listed in data/corpora.toml"
    if held.growing:
        return None, f"{held.title} grows: name the snapshot"
    return held.published, f"it was published on {held.published}" if held.published else "nobody says when it came out"


def _by_dates(known: Model, day: dt.date, what: str) -> Feeding:
    if day > known.released:
        return Feeding("no", f"{what}, the model was released on {known.released}")
    if known.cut_off is None:
        return Feeding("unknown", f"nobody says where the training data of {known.name} end")
    first, last = known.cut_off
    if day <= first:
        return Feeding("yes", f"{what}, before the cut-off of {known.kind} ({first})")
    if known.kind == "training" and day > last:
        return Feeding("no", f"{what}, after the training data end ({last})")
    return Feeding("unknown", f"{what}, between the cut-off of {known.kind} ({first}) and the release {known.released}")


@cache
def _named() -> dict[str, Model]:
    return {name: known for known in models().values() for name in (known.name, *known.aliases)}


def _model(entry: dict[str, Any]) -> Model:
    lists = {name: tuple(entry.get(name, ())) for name in ("aliases", "trained_on")}
    told = entry.get("cut_off")
    return Model(**entry | lists | {"cut_off": _span(told) if told else None})


def _span(told: str) -> tuple[dt.date, dt.date]:
    """The first and last day a cut-off can mean."""
    if len(told) > _MONTH:
        return dt.date.fromisoformat(told), dt.date.fromisoformat(told)
    first = dt.date.fromisoformat(f"{told}-01")
    return first, first.replace(day=monthrange(first.year, first.month)[1])
