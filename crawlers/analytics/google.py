"""Access to Google's APIs: a token of an hour, or a refresh token that brings one, so that it works unattended.

Source:
    https://developers.google.com/identity/protocols/oauth2/web-server#offline (refresh of an access token).
"""

from urllib.parse import urlencode

import orjson

from crawlers.analytics.settings import key, told
from crawlers.base import Http, Request, Service
from crawlers.reading.lenient import embedded, text
from geo_flywheel.errors import ConfigError, Refused

TOKEN_URL = "https://oauth2.googleapis.com/token"  # noqa: S105 - an address
KEYS = ("GOOGLE_ACCESS_TOKEN", "GOOGLE_REFRESH_TOKEN", "GOOGLE_CLIENT_ID", "GOOGLE_CLIENT_SECRET")
_ACCESS, _REFRESH, _CLIENT, _SECRET = KEYS


async def access_token(http: Http, service: Service) -> str:
    """Return what opens the API: the access token of the environment, else the one a refresh token brings.

    Raises:
        ConfigError: If the environment holds neither.
        Refused: If Google does not take the refresh token.
    """
    if service.keys.get(_ACCESS):
        return service.keys[_ACCESS]
    if not service.keys.get(_REFRESH):
        raise ConfigError(
            f"{service.engine} needs {_ACCESS}, or {_REFRESH}, {_CLIENT} and {_SECRET}, in the environment; set them, "
            "or take the table out"
        )
    form = {"refresh_token": key(service, _REFRESH), "client_id": key(service, _CLIENT)}
    form |= {"client_secret": key(service, _SECRET), "grant_type": "refresh_token"}
    reply = await http.send(
        Request(
            "POST",
            told(service, "token_url", TOKEN_URL),
            {"content-type": "application/x-www-form-urlencoded"},
            urlencode(form).encode(),
            secrets=tuple(service.keys.values()),
        )
    )
    said = embedded(reply.body.decode("utf-8", "replace"))
    if token := text(said.get("access_token")):
        return token
    raise Refused(
        f"Google gave no access token ({reply.status}, {text(said.get('error')) or 'no reason told'}); make a new "
        f"refresh token and set {_REFRESH}"
    )


def posted(url: str, token: str, body: object) -> Request:
    """Return a request with a JSON body and a bearer token."""
    headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
    return Request("POST", url, headers, orjson.dumps(body), secrets=(token,))
