"""geo-flywheel.toml as a frozen `Config`; a key nobody knows is an error that names the nearest one.

Secrets never stand in the file: they come from the environment, and a key that looks like one is refused.
The file belongs to a person: this program only ever adds prompts at its end.
"""

import json
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from geo_flywheel import crawl_config
from geo_flywheel.crawl_config import Budget, Crawl, GatheredFrom, Provider, ScheduledJob
from geo_flywheel.errors import ConfigError
from geo_flywheel.records import Prompt
from geo_flywheel.toml_table import Table, kind, known, subtable, text, texts

PROMPT_KEYS = ("text", "topic", "locale", "persona", "location")


@dataclass(frozen=True, slots=True)
class Config:
    """What a workspace is about.

    Attributes:
        own: Sites whose trajectory is followed, as registrable domains in the order of the file.
        rivals: Sites they are compared with, likewise.
        prompts: The basket to ask from now on, in order; no prompt twice.
        providers: Who is asked, in the order of the file.
        sources: Where signals and corpora are gathered from, in the order of the file, signals first.
        budget: What may be spent.
        crawl: How often and from where each prompt is asked.
        schedule: When it is asked again, in the order of the file.
    """

    own: tuple[str, ...] = ()
    rivals: tuple[str, ...] = ()
    prompts: tuple[Prompt, ...] = ()
    providers: tuple[Provider, ...] = ()
    sources: tuple[GatheredFrom, ...] = ()
    budget: Budget = field(default_factory=Budget)
    crawl: Crawl = field(default_factory=Crawl)
    schedule: tuple[ScheduledJob, ...] = ()


def load(path: Path) -> Config:
    """Return the configuration in a file.

    Raises:
        ConfigError: If it cannot be read; the message names the file.
    """
    try:
        return parse(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}); see to the file or its permissions") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: is not UTF-8 (byte {error.start}); save it as UTF-8") from error
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error


def parse(content: str) -> Config:
    """Return the configuration in a text.

    Raises:
        ConfigError: If it is not TOML, or holds a key or a value this program does not know.
    """
    try:
        root = tomllib.loads(content)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigError(f"is not TOML: {error}; mend that line") from error
    known(root, ("site", "basket", "providers", "signals", "corpora", "budget", "crawl", "schedule"), "at the top")
    site = subtable(root, "site", "at the top")
    known(site, ("own", "rivals"), "in [site]")
    basket = subtable(root, "basket", "at the top")
    known(basket, ("prompts",), "in [basket]")
    return Config(
        own=_sites(site, "own"),
        rivals=_sites(site, "rivals"),
        prompts=_prompts(basket),
        providers=crawl_config.providers(root),
        sources=crawl_config.sources(root),
        budget=crawl_config.budget(root),
        crawl=crawl_config.crawl(root),
        schedule=crawl_config.schedule(root),
    )


def add_prompts(path: Path, prompts: Iterable[Prompt]) -> None:
    """Add prompts at the end of a configuration file; every byte that stood there stays.

    Raises:
        ConfigError: If the file cannot be read or written, or would not be right afterwards; it is unchanged then.
    """
    load(path)
    stood = path.read_text(encoding="utf-8-sig")
    added = "".join(f"\n[[basket.prompts]]\n{_assignments(prompt)}" for prompt in prompts)
    if not stood.endswith("\n"):
        added = f"\n{added}"
    try:
        parse(stood + added)
        with path.open("ab") as file:
            file.write(added.encode())
    except ConfigError as error:
        raise ConfigError(f"{path}: takes no more prompts until all are [[basket.prompts]] ({error})") from error
    except UnicodeEncodeError as error:
        raise ConfigError(f"a prompt holds a broken character ({error.object[:80]!a}); type it anew") from error
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written ({error.strerror}); see to its permissions") from error


def _assignments(prompt: Prompt) -> str:
    """The parts of a prompt that say something, as lines of TOML; JSON escapes text as TOML does, but for DEL."""
    said = {key: getattr(prompt, key) for key in PROMPT_KEYS if getattr(prompt, key)}
    lines = (f"{key} = {json.dumps(value, ensure_ascii=False)}\n" for key, value in said.items())
    return "".join(lines).replace("\x7f", "\\u007f")


def _sites(table: Table, key: str) -> tuple[str, ...]:
    """Sites as registrable domains, each once; text that names none is refused."""
    from geo_flywheel.urls import site

    named = {said: site(said) for said in texts(table, key, "in [site]")}
    for said, domain in named.items():
        if not domain:
            raise ConfigError(f'{key} (in [site]): "{said}" names no site; write its domain, such as example.com')
    return tuple(dict.fromkeys(named.values()))


def _prompts(basket: Table) -> tuple[Prompt, ...]:
    tables = basket.get("prompts", [])
    if not isinstance(tables, list):
        raise ConfigError(f"[basket] prompts is {kind(tables)}, not a list; write each as [[basket.prompts]]")
    first: dict[str, Prompt] = {}
    for number, table in enumerate(tables, 1):
        prompt = _prompt(table, f"in [[basket.prompts]] number {number}")
        first.setdefault(prompt.id, prompt)
    return tuple(first.values())


def _prompt(table: object, where: str) -> Prompt:
    if not isinstance(table, dict):
        raise ConfigError(f'{where}: {kind(table)} stands where a table should; write text = "…" under it')
    known(table, PROMPT_KEYS, where)
    said = {key: text(value, key, where) for key, value in table.items()}
    if not said.get("text", "").strip():
        raise ConfigError(f'{where}: there is no text; write text = "the question"')
    return Prompt(**said)
