"""Discovery: a folder is a registry, and entry points add out-of-tree plugins to the same names.

A plugin is a module in `crawlers.engines` with an `ENGINE`, in `crawlers.signals` or `crawlers.corpora` with a
`SOURCE`, or in `crawlers.imports` with an `IMPORT`; its name is the file's. Another distribution adds one with an entry
point in the group `geo_flywheel.engines` (signals, corpora, imports) whose value names such a module; it never replaces
one of this program's own.
A broken plugin stops nobody who does not ask for it.
"""

from collections.abc import Iterator
from difflib import get_close_matches
from functools import cache
from hashlib import sha256
from importlib import import_module
from importlib.machinery import ModuleSpec
from importlib.util import find_spec, resolve_name
from pathlib import Path
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Any, Literal

from geo_flywheel.errors import ConfigError

if TYPE_CHECKING:
    from crawlers.base import Engine, Import, Source

Kind = Literal["engines", "signals", "corpora", "imports"]
_ATTRIBUTES: dict[Kind, str] = {"engines": "ENGINE", "signals": "SOURCE", "corpora": "SOURCE", "imports": "IMPORT"}


def engines() -> "dict[str, Engine]":
    """Return the providers of answers by name; those that `broken` lists are left out."""
    return {name: engine(name) for name in names("engines") if name not in broken("engines")}


def imports() -> "dict[str, Import]":
    """Return the file formats by name; those that `broken` lists are left out."""
    return {name: import_(name) for name in names("imports") if name not in broken("imports")}


def engine(name: str) -> "Engine":
    """Return one provider of answers.

    Raises:
        ConfigError: If there is none of this name (the nearest is named), or its module is broken.
    """
    found: Engine = _load("engines", name)
    return found


def import_(name: str) -> "Import":
    """Return one file format.

    Raises:
        ConfigError: If there is none of this name (the nearest is named), or its module is broken.
    """
    found: Import = _load("imports", name)
    return found


def sources() -> "dict[str, Source]":
    """Return the sources of engagement and of training presence by name; those that `broken` lists are left out."""
    kinds: tuple[Kind, ...] = ("signals", "corpora")
    return {name: _load(kind, name) for kind in kinds for name in names(kind) if name not in broken(kind)}


def source(name: str) -> "Source":
    """Return one source of engagement or of training presence.

    Raises:
        ConfigError: If there is none of this name (the nearest is named), or its module is broken.
    """
    kind: Kind = "signals" if name in names("signals") else "corpora"
    if name not in names(kind):
        raise ConfigError(_unknown(name, [*names("signals"), *names("corpora")]))
    found: Source = _load(kind, name)
    return found


def names(kind: Kind) -> list[str]:
    """Return the names of all plugins of a kind, sorted, without importing any of them."""
    return sorted(_modules(kind))


def broken(kind: Kind) -> dict[str, ConfigError]:
    """Return the plugins of a kind that cannot be loaded, each with the error that says why."""
    errors: dict[str, ConfigError] = {}
    for name in names(kind):
        try:
            _load(kind, name)
        except ConfigError as error:
            errors[name] = error
    return errors


@cache
def version(name: str) -> str:
    """Return a name for the present state of a reader: the plugin's name and a digest of the code that reads.

    The digest covers the plugin's module and, however far down, what it imports from `crawlers` and from its own
    distribution's package; for one that hands files on to engines, all engines. So a changed reader is always noticed.
    It is the same on every machine.

    Raises:
        ConfigError: If there is no plugin of this name.
    """
    module = next((_modules(kind)[name] for kind in _ATTRIBUTES if name in _modules(kind)), None)
    if module is None:
        raise ConfigError(_unknown(name, [known for kind in _ATTRIBUTES for known in names(kind)]))
    digest = sha256()
    for source in sorted(_sources(module).items()):
        digest.update(repr(source).encode())
    return f"{name}-{digest.hexdigest()[:12]}"


def _sources(module: str) -> dict[str, str]:
    """Source, by name, of a module and of all it imports from `crawlers` and from its own package."""
    ours = ("crawlers.", f"{module.partition('.')[0]}.")
    sources: dict[str, str] = {}
    waiting = [module]
    while waiting:
        name = waiting.pop()
        spec = _spec(name) if name not in sources else None
        if spec and spec.origin and spec.has_location:
            sources[name] = Path(spec.origin).read_text(encoding="utf-8")
            package = spec.name if spec.submodule_search_locations is not None else spec.parent or ""
            imported = set(_imported(sources[name], package))
            waiting += [other for other in imported if other.startswith(ours)]
            if __name__ in imported:  # it reads with whatever engine the file calls for
                waiting += _modules("engines").values()
    return sources


def _imported(source: str, package: str) -> Iterator[str]:
    """Names of the modules a source imports."""
    import ast

    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = resolve_name("." * node.level + (node.module or ""), package)
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)  # a name may be a module


def _spec(module: str) -> ModuleSpec | None:
    try:
        return find_spec(module)
    except ModuleNotFoundError:  # its parent is a module, not a package
        return None


@cache
def _modules(kind: Kind) -> dict[str, str]:
    """Name of each plugin of a kind and of the module it lies in."""
    from importlib.metadata import entry_points

    package = import_module(f"crawlers.{kind}")
    outside = {point.name: point.module for point in entry_points(group=f"geo_flywheel.{kind}")}
    inside = {found.name: f"{package.__name__}.{found.name}" for found in iter_modules(package.__path__)}
    return outside | inside


@cache
def _load(kind: Kind, name: str) -> Any:
    """The plugin's object: what its module calls ENGINE or IMPORT."""
    module = _modules(kind).get(name)
    if module is None:
        raise ConfigError(_unknown(name, names(kind)))
    try:
        return getattr(import_module(module), _ATTRIBUTES[kind])
    except Exception as error:
        raise ConfigError(
            f"the plugin {name} ({module}) is broken: {type(error).__name__}: {error}; mend it, or remove it"
        ) from error


def _unknown(name: str, known: list[str]) -> str:
    near = get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(known) or 'none'}"
    return f"no plugin is called {name}; {hint}"
