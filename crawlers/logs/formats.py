"""Which format a log is in, by its first lines."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import orjson

from geo_flywheel.store.access_logs.lines import header

Layout = Literal["combined", "vhost_combined", "alb", "w3c", "json"]
_ENOUGH = 50

_CLOCK = r"\[\d{2}/[A-Z][a-z]{2}/\d{4}:\d{2}:\d{2}:\d{2} [+-]\d{4}\]"
_COMBINED = re.compile(rf'(\S+) \S+ [^"\[]*{_CLOCK} "(?:[^"\\]|\\.)*" \d{{3}} \S+(.*)')
_ADDRESS = r"(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9a-fA-F]*:[0-9a-fA-F:.]*)"
_VHOST = re.compile(rf'[^\s"]+ {_ADDRESS} \S+ [^"\[]*{_CLOCK} "(?:[^"\\]|\\.)*" \d{{3}} \S+.*')
_ALB = re.compile(
    r'(?:https?|h2|grpcs|wss?) \d{4}-\d\d-\d\dT\S+ \S+ \S+:\d+ \S+ \S+ \S+ \S+ \d{3} \S+ \d+ \d+ "[^"]*" ".*'
)
_TIMES = ("@timestamp", "timestamp", "time_iso8601", "time_local", "msec", "time", "ts", "date")
# What people call the fields of a JSON log that they laid out themselves, the best first.
_ALIASES: Mapping[str, tuple[str, ...]] = {
    "address": ("remote_addr", "client_ip", "clientip", "remote_ip", "ip", "client"),
    "connecting": ("http_cf_connecting_ip", "cf_connecting_ip", "http_true_client_ip"),
    "forwarded": ("http_x_forwarded_for", "x_forwarded_for", "xff", "forwarded_for"),
    "host": ("http_host", "host", "server_name", "vhost", "domain"),
    "request": ("request",),
    "method": ("request_method", "method", "verb"),
    "target": ("request_uri", "uri", "path", "url"),
    "query": ("args", "query_string"),
    "status": ("status", "status_code", "response_status"),
    "bytes": ("body_bytes_sent", "bytes_sent", "bytes", "size"),
    "referrer": ("http_referer", "http_referrer", "referer", "referrer"),
    "agent": ("http_user_agent", "user_agent", "useragent", "agent"),
}
_CADDY = {
    "happened_at": "$.ts",
    "host": "$.request.host",
    "address": "$.request.client_ip",
    "forwarded": '$.request.headers."X-Forwarded-For"[0]',
    "connecting": '$.request.headers."Cf-Connecting-Ip"[0]',
    "method": "$.request.method",
    "target": "$.request.uri",
    "status": "$.status",
    "bytes": "$.size",
    "referrer": "$.request.headers.Referer[0]",
    "agent": '$.request.headers."User-Agent"[0]',
}
_LOGPUSH = {
    "happened_at": "EdgeStartTimestamp",
    "host": "ClientRequestHost",
    "address": "ClientIP",
    "method": "ClientRequestMethod",
    "target": "ClientRequestURI",
    "status": "EdgeResponseStatus",
    "bytes": "EdgeResponseBytes",
    "referrer": "ClientRequestReferer",
    "agent": "ClientRequestUserAgent",
}


@dataclass(frozen=True, slots=True)
class Format:
    """A format a log is in.

    Attributes:
        name: What people call it.
        layout: As in `LogFile.layout`.
        names_host: Whether its lines say which host they are of.
        keys: As in `LogFile.keys`.
    """

    name: str
    layout: Layout
    names_host: bool
    keys: Mapping[str, str] = field(default_factory=dict)


def found(head: bytes) -> Format | None:
    """Return the format of the log that begins with `head`, None when it is no log that is known.

    A few lines of another kind, such as those of a scanner, decide nothing: most must fit.
    """
    lines = head.decode("utf-8", "backslashreplace").splitlines()[:_ENOUGH]
    if 1 < len(lines) < _ENOUGH and not head.endswith(b"\n"):
        lines.pop()  # the head ends in the middle of it, or the log does
    lines = [line.removeprefix("\ufeff") for line in lines if line.strip()]
    if any(line.startswith("#Fields:") for line in lines):
        return _w3c(lines)
    if 2 * sum(line.startswith("{") for line in lines) > len(lines):
        return _json(lines)
    return _text(lines) if lines else None


def _w3c(lines: Sequence[str]) -> Format | None:
    fields = next((header(line) for line in lines if line.startswith("#Fields:")), ())
    if not {"date", "time", "sc-status", "cs-uri-stem"} <= set(fields):
        return None
    name = "CloudFront" if "x-edge-location" in fields else "IIS"
    return Format(name, "w3c", not {"x-host-header", "cs-host", "cs(host)"}.isdisjoint(fields))


def _text(lines: Sequence[str]) -> Format | None:
    tests: tuple[tuple[re.Pattern[str], Format], ...] = (
        (_ALB, Format("ALB", "alb", names_host=True)),
        (_VHOST, Format("Combined with hosts", "vhost_combined", names_host=True)),  # fits the other pattern as well
        (_COMBINED, Format("Combined", "combined", names_host=False)),
    )
    fitting = {known.name: [found for line in lines if (found := test.fullmatch(line))] for test, known in tests}
    best = max(tests, key=lambda test: len(fitting[test[1].name]))[1]
    matches = fitting[best.name]
    if 2 * len(matches) < len(lines):
        return None
    if best.layout == "combined" and not any('"' in match[2] for match in matches):
        return Format("Common", "combined", names_host=False)
    return best


def _json(lines: Sequence[str]) -> Format | None:
    told = [entry for line in lines if isinstance(entry := _entry(line), dict)]
    if not told:
        return None
    kinds: tuple[Callable[[dict[str, Any]], Format | None], ...] = (_caddy, _logpush, _nginx)
    return next((known for kind in kinds for entry in told if (known := kind(entry))), None)


def _entry(line: str) -> Any:
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError:
        return None


def _caddy(entry: dict[str, Any]) -> Format | None:
    request = entry.get("request")
    if not isinstance(request, dict) or not {"method", "uri", "host"} <= request.keys() or "status" not in entry:
        return None
    address = "$.request.client_ip" if "client_ip" in request else "$.request.remote_ip"
    return Format("Caddy", "json", names_host=True, keys=_CADDY | {"address": address})


def _logpush(entry: dict[str, Any]) -> Format | None:
    if not {"EdgeStartTimestamp", "EdgeResponseStatus"} <= entry.keys():
        return None
    keys = {name: _path(key) for name, key in _LOGPUSH.items() if key in entry}
    if "target" not in keys:
        if "ClientRequestPath" not in entry:
            return None
        keys["target"] = _path("ClientRequestPath")
    return Format("Cloudflare Logpush", "json", "host" in keys, keys)


def _nginx(entry: dict[str, Any]) -> Format | None:
    lower = {key.lower(): key for key in entry}
    known = {name: next((lower[key] for key in keys if key in lower), None) for name, keys in _ALIASES.items()}
    known["happened_at"] = next((lower[key] for key in _TIMES if key in lower), None)
    if "request_uri" in lower or "request" not in lower:
        known["request"] = None
    if "request_uri" in lower:
        known["query"] = None
    if not known["status"] or not known["happened_at"] or not (known["request"] or known["target"]):
        return None
    if not (known["agent"] or known["address"]) or not isinstance(entry.get(known["status"]), int | str):
        return None
    keys = {name: _path(key) for name, key in known.items() if key}
    return Format("nginx JSON", "json", "host" in keys, keys)


def _path(key: str) -> str:
    return '$."' + key.replace('"', '\\"') + '"'
