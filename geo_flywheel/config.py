"""geo-flywheel.toml as a frozen `Config`; a key nobody knows is an error that names the nearest one.

Secrets never stand in the file: they come from the environment, and a key that looks like one is refused.
The file belongs to a person: this program only ever adds prompts at its end.
"""

import json
import re
import tomllib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from geo_flywheel.errors import ConfigError
from geo_flywheel.records import Prompt

_SECRET = re.compile(r"api_?key|secret|token|password|credential", re.IGNORECASE)
PROMPT_KEYS = ("text", "topic", "locale", "persona", "location")
Table = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Config:
    """What a workspace is about.

    Attributes:
        own: Sites whose trajectory is followed, as registrable domains in the order of the file.
        rivals: Sites they are compared with, likewise.
        prompts: The basket to ask from now on, in order; no prompt twice.
    """

    own: tuple[str, ...] = ()
    rivals: tuple[str, ...] = ()
    prompts: tuple[Prompt, ...] = ()


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


def parse(text: str) -> Config:
    """Return the configuration in a text.

    Raises:
        ConfigError: If it is not TOML, or holds a key or a value this program does not know.
    """
    try:
        root = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigError(f"is not TOML: {error}; mend that line") from error
    _known(root, ("site", "basket"), "at the top")
    site = _table(root, "site", "at the top")
    _known(site, ("own", "rivals"), "in [site]")
    basket = _table(root, "basket", "at the top")
    _known(basket, ("prompts",), "in [basket]")
    return Config(_sites(site, "own"), _sites(site, "rivals"), _prompts(basket))


def add_prompts(path: Path, prompts: Iterable[Prompt]) -> None:
    """Add prompts at the end of a configuration file; every byte that stood there stays.

    Raises:
        ConfigError: If the file cannot be read or written, or would not be right afterwards; it is unchanged then.
    """
    load(path)
    text = path.read_text(encoding="utf-8-sig")
    added = "".join(f"\n[[basket.prompts]]\n{_assignments(prompt)}" for prompt in prompts)
    if not text.endswith("\n"):
        added = f"\n{added}"
    try:
        parse(text + added)
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

    named = {text: site(text) for text in _texts(table, key, "[site]")}
    for text, domain in named.items():
        if not domain:
            raise ConfigError(f'{key} (in [site]): "{text}" names no site; write its domain, such as example.com')
    return tuple(dict.fromkeys(named.values()))


def _prompts(basket: Table) -> tuple[Prompt, ...]:
    tables = basket.get("prompts", [])
    if not isinstance(tables, list):
        raise ConfigError(f"[basket] prompts is {_kind(tables)}, not a list; write each as [[basket.prompts]]")
    first: dict[str, Prompt] = {}
    for number, table in enumerate(tables, 1):
        prompt = _prompt(table, f"in [[basket.prompts]] number {number}")
        first.setdefault(prompt.id, prompt)
    return tuple(first.values())


def _prompt(table: object, where: str) -> Prompt:
    if not isinstance(table, dict):
        raise ConfigError(f'{where}: {_kind(table)} stands where a table should; write text = "…" under it')
    _known(table, PROMPT_KEYS, where)
    texts = {key: _text(value, key, where) for key, value in table.items()}
    if not texts.get("text", "").strip():
        raise ConfigError(f'{where}: there is no text; write text = "the question"')
    return Prompt(**texts)


def _known(table: Table, keys: Collection[str], where: str) -> None:
    """Refuse keys that are none of `keys`, and with their own message those that look like a secret."""
    for key in table:
        if key in keys:
            continue
        if _SECRET.search(key):
            raise ConfigError(
                f"{key} ({where}) looks like a secret; take it out of the file and set it in the environment"
            )
        near = get_close_matches(key, keys, n=1)
        hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(keys)}"
        raise ConfigError(f"nothing is called {key} {where}; {hint}")


def _table(table: Table, key: str, where: str) -> Table:
    value = table.get(key, {})
    if not isinstance(value, dict):
        raise ConfigError(f"{key} ({where}) is {_kind(value)}, not a table; write [{key}]")
    return value


def _texts(table: Table, key: str, where: str) -> tuple[str, ...]:
    value = table.get(key, [])
    if not isinstance(value, list):
        raise ConfigError(f'{key} (in {where}) is {_kind(value)}, not a list; write {key} = ["example.com"]')
    return tuple(_text(item, key, f"in {where}") for item in value)


def _text(value: object, key: str, where: str) -> str:
    if not isinstance(value, str):
        raise ConfigError(f"{key} ({where}) is {_kind(value)}, not text; put it in quotes")
    return value


def _kind(value: object) -> str:
    kinds = {str: "text", bool: "true or false", int: "a number", float: "a number", list: "a list", dict: "a table"}
    return kinds.get(type(value), f"a {type(value).__name__}")
