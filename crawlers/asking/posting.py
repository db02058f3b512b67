"""One paid request with a key in a header and JSON in its body."""

from collections.abc import Mapping

import orjson

from crawlers.base import Http, Reply, Request, Service
from crawlers.reading.wire import Document
from geo_flywheel.errors import ConfigError

_BEARER = "authorization"


async def post(
    http: Http,
    service: Service,
    path: str,
    body: Document,
    *,
    key: str,
    header: str = _BEARER,
    headers: Mapping[str, str] | None = None,
) -> Reply:
    """Send a body to a path below the service's address and return the reply.

    Args:
        http: The way out.
        service: Where it goes and whose secrets it has.
        path: From the root, with a slash.
        body: What is asked.
        key: Name of the secret that pays for it.
        header: Header that carries the secret.
        headers: What else stands in the head.

    Raises:
        ConfigError: If the secret is missing.
    """
    paying = secret(service, key)
    said = {"content-type": "application/json", "accept": "application/json", **(headers or {})}
    said[header] = f"Bearer {paying}" if header == _BEARER else paying
    url = service.url.rstrip("/") + path
    return await http.send(Request("POST", url, said, orjson.dumps(body), secrets=(paying,), paid=True))


def secret(service: Service, name: str) -> str:
    """Return a secret of the service.

    Raises:
        ConfigError: If the environment did not give it, or gave what no header can carry.
    """
    value = service.keys.get(name, "").strip()
    if not value:
        raise ConfigError(f"{name} is not set, and {service.engine} cannot be asked without it; set it, or do not ask")
    if not (value.isascii() and value.isprintable()):
        raise ConfigError(f"{name} holds characters that no key has; copy it anew from where you got it")
    return value
