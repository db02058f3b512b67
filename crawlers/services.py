"""The providers and the sources that the configuration names, as they are to be asked."""

from collections.abc import Collection, Iterable, Mapping
from difflib import get_close_matches

from crawlers.base import Asking, Reply, Request, Service, Wanted
from crawlers.plan import Target
from geo_flywheel import plugins
from geo_flywheel.crawl_config import GatheredFrom, Provider
from geo_flywheel.errors import ConfigError


def services(providers: Iterable[Provider], environment: Mapping[str, str]) -> dict[Target, Service]:
    """Return whom to ask, and each as it is configured.

    Args:
        providers: Of the configuration.
        environment: Where secrets are taken from; one that is not set there is left out of the service's keys.

    Raises:
        ConfigError: If a provider, an engine of it or an option is not known, or it can only be read.
    """
    found = {}
    for provider in providers:
        asking = asking_of(provider)
        for engine in provider.engines or asking.engines:
            service = _service(provider, asking, engine, environment)
            found[Target(provider.name, engine, service.model)] = service
    return found


def options_of(target: Target, service: Service) -> dict[str, object]:
    """Return all options of a service: the plugin's, and those of the configuration in their place."""
    asking = plugins.engine(target.provider).asking
    return {**(asking.options if asking else {}), **service.options}


def asking_of(provider: Provider) -> Asking:
    """Return how a configured provider is asked.

    Raises:
        ConfigError: As `services`.
    """
    where = f"in [providers.{provider.name}]"
    try:
        asking = plugins.engine(provider.name).asking
    except ConfigError as error:
        raise ConfigError(f"{where}: {error}") from error
    if asking is None:
        raise ConfigError(f"{where}: its replies can be read, but it cannot be asked; take the table out")
    _known(provider.engines, asking.engines, "engine", where)
    _known(provider.options, asking.options, "option", where)
    return asking


def sources(
    configured: Iterable[GatheredFrom], environment: Mapping[str, str], names: Collection[str] = ()
) -> dict[str, Service]:
    """Return the sources to gather from, each as it is configured.

    Args:
        configured: Of the configuration.
        environment: Where secrets are taken from; one that is not set there is left out of the service's keys.
        names: Those meant; none named means all that are configured. One that is not configured is asked by its own
            defaults.

    Raises:
        ConfigError: If a source or an option of it is not known.
    """
    tables = {source.name: source for source in configured}
    return {name: _source(name, tables.get(name), environment) for name in dict.fromkeys(names or tables)}


async def lacking(service: Service, wanted: Wanted) -> str:
    """Return what a source says it lacks before it sends anything; nothing, when it would send a request."""
    try:
        async for _ in plugins.source(service.engine).gather(_Nowhere(), wanted, service):
            break
    except _SentError:
        return ""
    except Exception as error:  # noqa: BLE001 - whatever is wrong with one source, the others are looked at
        return f"{error}"
    return ""


class _SentError(Exception):
    """A source sends its first request: it has all it needs."""


class _Nowhere:
    """A way out on which nothing leaves."""

    async def send(self, _: Request) -> Reply:
        raise _SentError


def _source(name: str, table: GatheredFrom | None, environment: Mapping[str, str]) -> Service:
    where = f"in [{table.kind}.{name}]" if table else ""
    try:
        source = plugins.source(name)
    except ConfigError as error:
        raise ConfigError(f"{where}: {error}" if where else f"{error}") from error
    if table and name not in plugins.names(table.kind):
        other = "corpora" if table.kind == "signals" else "signals"
        raise ConfigError(f"{name} ({where}) is none of the {table.kind}; write [{other}.{name}]")
    said = table.options if table else {}
    _known(said, ("url", *source.options), "option", where)
    keys = {key: environment[key] for key in source.keys if environment.get(key)}
    return Service(name, (table and table.url) or source.url, keys, options={**source.options, **said})


def _service(provider: Provider, asking: Asking, engine: str, environment: Mapping[str, str]) -> Service:
    return Service(
        engine=engine,
        url=provider.url or asking.url,
        keys={name: environment[name] for name in asking.keys if environment.get(name)},
        model=provider.model or asking.model,
        options=provider.options,
    )


def _known(named: Iterable[str], known: Collection[str], kind: str, where: str) -> None:
    for name in named:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(known) or 'none'}"
            raise ConfigError(f"no {kind} is called {name} ({where}); {hint}")
