"""Options of a source as its configuration has them, checked where they are used."""

from collections.abc import Sequence

from crawlers.base import Service
from geo_flywheel.errors import ConfigError


def told(service: Service, option: str, otherwise: str = "") -> str:
    """Return an option that is text or a number, as text.

    Raises:
        ConfigError: If it is something else, or there is neither it nor `otherwise`.
    """
    value = service.options.get(option) or otherwise
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise ConfigError(f'{option} (in [signals.{service.engine}]) is no text; write {option} = "…"')
    if not value:
        raise ConfigError(f'{option} is not set; write {option} = "…" in [signals.{service.engine}]')
    return str(value)


def switched_on(service: Service, option: str) -> bool:
    """Return an option that is true or false.

    Raises:
        ConfigError: If it is something else.
    """
    value = service.options.get(option)
    if not isinstance(value, bool):
        raise ConfigError(f"{option} (in [signals.{service.engine}]) is neither true nor false; write {option} = true")
    return value


def listed(service: Service, option: str) -> Sequence[str]:
    """Return an option that is a list of texts.

    Raises:
        ConfigError: If it is something else.
    """
    value = service.options.get(option, [])
    if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
        raise ConfigError(f'{option} (in [signals.{service.engine}]) is no list; write {option} = ["…"]')
    return value


def key(service: Service, name: str) -> str:
    """Return a secret.

    Raises:
        ConfigError: If it is not set.
    """
    if not service.keys.get(name):
        raise ConfigError(f"{service.engine} needs {name} in the environment; set it, or take the table out")
    return service.keys[name]


def headers(service: Service) -> dict[str, str]:
    """Return what tells a public service who asks; those of Wikimedia want a way to reach them."""
    contact = service.options.get("contact")
    return {"user-agent": f"geo-flywheel ({contact})"} if contact else {}
