"""How a service is to be asked: the provider's defaults, and what the configuration puts in their place.

Two of the options are tables that every provider of a language model has: `tool` holds the fields of its search tool,
`request` further fields of the request. A configured field takes the place of the default one, and an empty value
(`""`, `[]`, `{}`) leaves the field out of what is sent.
"""

from collections.abc import Mapping
from typing import Any

from crawlers.base import Service
from crawlers.reading.wire import Document
from geo_flywheel.errors import ConfigError

_EMPTY: tuple[object, ...] = (None, "", [], {})


class Settings:
    """The options of one service, each of the kind it is asked for as."""

    def __init__(self, service: Service, defaults: Mapping[str, object]) -> None:
        """Lay the options of the service over the defaults, field by field where both are tables."""
        self._engine = service.engine
        self._options: dict[str, object] = {**defaults}
        for name, value in service.options.items():
            default = defaults.get(name)
            together = isinstance(value, dict) and isinstance(default, dict)
            self._options[name] = {**default, **value} if together else value  # type: ignore[dict-item]  # both are

    def whole(self, name: str, least: int = 1) -> int:
        """Return a whole number that is not below the least one.

        Raises:
            ConfigError: If the configuration says something else.
        """
        value = self._options.get(name)
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            raise self._wrong(name, f"a whole number of {least} or more")
        return value

    def flag(self, name: str) -> bool:
        """Return whether it is switched on.

        Raises:
            ConfigError: If the configuration says neither true nor false.
        """
        value = self._options.get(name)
        if not isinstance(value, bool):
            raise self._wrong(name, "true or false")
        return value

    def table(self, name: str) -> Document:
        """Return a table of fields to send.

        Raises:
            ConfigError: If the configuration says something else.
        """
        value = self._options.get(name)
        if not isinstance(value, dict):
            raise self._wrong(name, "a table of fields to send")
        return value

    def _wrong(self, name: str, kind: str) -> ConfigError:
        return ConfigError(f"{name} of {self._engine} must be {kind}, not {self._options.get(name)!r}; mend the file")


def filled(fields: Mapping[str, Any]) -> Document:
    """Return the fields that hold something, those of the objects among them included."""
    held = {name: filled(value) if isinstance(value, dict) else value for name, value in fields.items()}
    return {name: value for name, value in held.items() if value not in _EMPTY}
