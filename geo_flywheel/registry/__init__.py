"""Typed loaders of the facts in `data/` that need more than a lookup; URL identity reads its own lists below this."""

import datetime as dt
import re
import tomllib
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from geo_flywheel import shipped
from geo_flywheel.errors import ConfigError

_SNAPSHOT = re.compile(r"-20\d\d-?\d\d-?\d\d$")


@dataclass(frozen=True, slots=True)
class DataSet:
    """A data set of the Hugging Face Hub that holds a corpus, or a part of it.

    Attributes:
        column: Column that holds addresses of pages.
        whole: Whether it holds all of the corpus; a page missing in a part is not missing in the corpus.
    """

    dataset: str
    config: str
    split: str
    column: str
    whole: bool = True


@dataclass(frozen=True, slots=True)
class Corpus:
    """A training corpus whose contents are public, from `data/corpora.toml`.

    Attributes:
        name: As it stands in every row about it, lower case.
        title: As its makers call it.
        aliases: What tables of presence call it besides.
        source: Where it is described; date: the day that was looked up.
        published: First day anybody could have trained on it.
        until: Last day of its content; None where it grows or nothing tells.
        growing: Whether snapshots are added, so that rows about it are dated by the day theirs ended.
        training: False for what only shows that a page was public.
        infini_gram: Indexes of sentences that hold it.
    """

    name: str
    title: str
    aliases: tuple[str, ...]
    source: str
    date: dt.date | None = None
    published: dt.date | None = None
    until: dt.date | None = None
    growing: bool = False
    training: bool = True
    hugging_face: tuple[DataSet, ...] = ()
    infini_gram: tuple[str, ...] = ()


@cache
def corpora() -> dict[str, Corpus]:
    """Return the corpora known, by name."""
    listed = tomllib.loads((shipped.folder("data") / "corpora.toml").read_text("utf-8"))["corpus"]
    return {entry["name"]: _corpus(entry) for entry in listed}


def _corpus(entry: dict[str, Any]) -> Corpus:
    lists = {name: tuple(entry.get(name, ())) for name in ("aliases", "infini_gram")}
    return Corpus(**entry | lists | {"hugging_face": tuple(DataSet(**held) for held in entry.get("hugging_face", ()))})


def corpus_name(called: str) -> str:
    """Return the name of the corpus a table means; one that is not listed keeps what it is called, in lower case."""
    plain = called.strip().lower()
    return next((known.name for known in corpora().values() if plain in {known.name, *known.aliases}), plain)


@dataclass(frozen=True, slots=True)
class Price:
    """What asking costs, from `data/prices.toml`; US dollars, None for what is not billed.

    Attributes:
        engine: Engine it is for; "" means any of the provider's.
        models: Models it is for, dated snapshots of them included; none means any.
        in_force: First day it holds; None means it held when it was listed.
        long_from: A request that reads more tokens than this pays the `long_…` prices for all of its tokens.
        source: Where it is told; date: the day it was looked up.
    """

    provider: str
    date: dt.date
    source: str
    engine: str = ""
    models: tuple[str, ...] = ()
    in_force: dt.date | None = None
    input_per_million: Decimal | None = None
    output_per_million: Decimal | None = None
    long_from: int | None = None
    long_input_per_million: Decimal | None = None
    long_output_per_million: Decimal | None = None
    searches_per_thousand: Decimal | None = None
    requests_per_thousand: Decimal | None = None

    def is_for(self, provider: str, engine: str, model: str) -> bool:
        """Return whether an ask pays it."""
        named = not self.models or _SNAPSHOT.sub("", model) in self.models or model in self.models
        return self.provider == provider and self.engine in {"", engine} and named


@dataclass(frozen=True, slots=True)
class Largest:
    """How large one request is taken to grow where nothing limits it: assumptions, from `data/prices.toml`.

    Attributes:
        provider: Whom it is for; "*" means everyone without a line of their own.
        requests: Requests that make one ask.
        input_tokens: Tokens read without any search.
    """

    provider: str
    requests: int
    searches: int
    input_tokens: int
    input_tokens_per_search: int
    output_tokens: int
    date: dt.date
    source: str


@dataclass(frozen=True, slots=True)
class Prices:
    """A price table.

    Attributes:
        prices: Of several that fit the first one holds.
        digest: Of the files it was read from, 16 hex digits.
    """

    prices: tuple[Price, ...]
    largest: tuple[Largest, ...]
    digest: str

    def on(self, day: dt.date) -> "Prices":
        """Return the table of a day, without what comes into force after it."""
        return replace(
            self, prices=tuple(price for price in self.prices if price.in_force is None or price.in_force <= day)
        )

    def price(self, provider: str, engine: str, model: str) -> Price | None:
        """Return what an ask pays, None where the table does not tell."""
        return next((price for price in self.prices if price.is_for(provider, engine, model)), None)

    def largest_request(self, provider: str) -> Largest:
        """Return how large a request of a provider is taken to grow."""
        return next(each for each in self.largest if each.provider in {provider, "*"})


def prices(own: Path | None = None) -> Prices:
    """Return the price table that is shipped, and before it a person's own, in which the same may stand.

    Raises:
        ConfigError: If their own is not such a table.
    """
    shipped_table = (shipped.folder("data") / "prices.toml").read_bytes()
    tables = [_prices(shipped_table)]
    raw = shipped_table
    if own is not None:
        try:
            raw = own.read_bytes()
            tables.insert(0, _prices(raw))
        except OSError as error:
            raise ConfigError(f"{own}: cannot be read ({error.strerror}); see to the file or its rights") from error
        except (ArithmeticError, AttributeError, KeyError, TypeError, ValueError) as error:
            raise ConfigError(f"{own}: is no price table ({error}); write it as data/prices.toml is written") from error
        raw += shipped_table
    return Prices(
        tuple(price for table in tables for price in table.prices),
        tuple(largest for table in tables for largest in table.largest),
        sha256(raw).hexdigest()[:16],
    )


def _prices(raw: bytes) -> Prices:
    told = tomllib.loads(raw.decode("utf-8"), parse_float=Decimal)
    listed = tuple(_price(entry) for entry in told.get("price", ()))
    return Prices(listed, tuple(Largest(**entry) for entry in told.get("largest", ())), "")


def _price(entry: dict[str, Any]) -> Price:
    """A price of a table, its amounts as decimals whether they are written with a point or not."""
    amounts = {key: Decimal(value) for key, value in entry.items() if key.endswith(("_million", "_thousand"))}
    if any(not amount.is_finite() or amount < 0 for amount in amounts.values()):
        raise ValueError("an amount below zero")
    return Price(**entry | amounts | {"models": tuple(entry.get("models", ()))})
