"""Requests, and the lines that each kind of server writes of them."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from urllib.parse import quote

GPTBOT = "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.3; +https://openai.com/gptbot)"
CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36"
)
HOST = "own.example"
NOON = datetime(2026, 6, 3, 12)


@dataclass(frozen=True)
class Request:
    path: str = "/a"
    agent: str = CHROME
    address: str = "198.51.100.7"
    referrer: str = "-"
    status: int = 200
    at: datetime = NOON
    method: str = "GET"
    size: int = 512
    forwarded: str = ""
    host: str = HOST


def combined(request: Request, hours: int = 0) -> str:
    return common(request, hours) + f' "{_escaped(request.referrer)}" "{_escaped(request.agent)}"'


def common(request: Request, hours: int = 0) -> str:
    local = request.at.replace(tzinfo=UTC).astimezone(timezone(timedelta(hours=hours)))
    when = local.strftime("%d/%b/%Y:%H:%M:%S %z")
    said = f"{request.method} {_escaped(request.path)} HTTP/1.1"
    return f'{request.address} - - [{when}] "{said}" {request.status} {request.size}'


def forwarded(request: Request) -> str:
    return f'{combined(request)} "{request.forwarded or "-"}"'


def with_host(request: Request) -> str:
    return f"{request.host}:443 {combined(request)}"


def nginx(request: Request) -> str:
    return json.dumps(
        {
            "time_iso8601": f"{request.at.isoformat()}+00:00", "remote_addr": request.address,
            "http_x_forwarded_for": request.forwarded, "host": request.host,
            "request": f"{request.method} {request.path} HTTP/2.0", "status": str(request.status),
            "body_bytes_sent": str(request.size), "http_referer": request.referrer, "http_user_agent": request.agent,
        }
    )  # fmt: skip


def caddy(request: Request) -> str:
    headers = {"User-Agent": [request.agent]}
    if request.referrer != "-":
        headers["Referer"] = [request.referrer]
    return json.dumps(
        {
            "level": "info", "ts": request.at.replace(tzinfo=UTC).timestamp() + 0.25,
            "logger": "http.log.access.log0", "msg": "handled request",
            "request": {
                "remote_ip": "10.0.0.1", "remote_port": "40220", "client_ip": request.address, "proto": "HTTP/2.0",
                "method": request.method, "host": request.host, "uri": request.path, "headers": headers,
            },
            "bytes_read": 0, "duration": 0.001, "size": request.size, "status": request.status, "resp_headers": {},
        }
    )  # fmt: skip


def logpush(request: Request) -> str:
    return json.dumps(
        {
            "ClientIP": request.address, "ClientRequestHost": request.host, "ClientRequestMethod": request.method,
            "ClientRequestURI": request.path, "ClientRequestReferer": request.referrer.replace("-", ""),
            "ClientRequestUserAgent": request.agent, "EdgeResponseStatus": request.status,
            "EdgeResponseBytes": request.size,
            "EdgeStartTimestamp": int(request.at.replace(tzinfo=UTC).timestamp()) * 10**9,
        }
    )  # fmt: skip


def alb(request: Request) -> str:
    when = f"{request.at.isoformat()}.000000Z"
    said = f"{request.method} https://{request.host}:443{request.path} HTTP/2.0"
    return (
        f"h2 {when} app/lb/50dc6c495c0c9188 {request.address}:48748 10.0.0.66:80 0.001 0.002 0.000 {request.status}"
        f' {request.status} 34 {request.size} "{said}" "{request.agent}" ECDHE TLSv1.2 arn:aws:elb "Root=1-5" "-" "-" 0'
        f' {when} "forward" "-" "-" "10.0.0.66:80" "{request.status}" "-" "-"'
    )


CLOUDFRONT = (
    "date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs(Referer) cs(User-Agent)"
    " cs-uri-query x-host-header cs-protocol x-forwarded-for"
)
IIS = "date time s-ip cs-method cs-uri-stem cs-uri-query s-port c-ip cs(User-Agent) cs(Referer) sc-status sc-bytes"
IIS_MOVED = "date time c-ip sc-status sc-bytes cs-method cs-uri-stem cs-uri-query cs(User-Agent) cs(Referer)"


def w3c(fields: str, between: str, agent: Callable[[str], str]) -> Callable[[Request], str]:
    def line(request: Request) -> str:
        stem, _, query = request.path.partition("?")
        told = {
            "date": request.at.date().isoformat(), "time": request.at.time().isoformat(), "x-edge-location": "FRA56",
            "sc-bytes": str(request.size), "c-ip": request.address, "cs-method": request.method,
            "cs(Host)": "d111.cloudfront.net", "cs-uri-stem": stem, "sc-status": str(request.status),
            "cs(Referer)": request.referrer, "cs(User-Agent)": agent(request.agent), "cs-uri-query": query or "-",
            "x-host-header": request.host, "cs-protocol": "https", "s-ip": "10.0.0.5", "s-port": "443",
        }  # fmt: skip
        return between.join(told.get(name, "-") for name in fields.split())

    return line


cloudfront = w3c(CLOUDFRONT, "\t", lambda agent: quote(agent, safe="/();,:+"))
iis = w3c(IIS, " ", lambda agent: agent.replace(" ", "+"))
iis_moved = w3c(IIS_MOVED, " ", lambda agent: agent.replace(" ", "+"))


def written(requests: Sequence[Request], line: Callable[[Request], str], *head: str) -> bytes:
    return "\n".join([*head, *map(line, requests), ""]).encode()


FORMATS: dict[str, Callable[[Sequence[Request]], bytes]] = {
    "Combined": lambda requests: written(requests, combined),
    "Combined with hosts": lambda requests: written(requests, with_host),
    "nginx JSON": lambda requests: written(requests, nginx),
    "Caddy": lambda requests: written(requests, caddy),
    "Cloudflare Logpush": lambda requests: written(requests, logpush),
    "CloudFront": lambda requests: written(requests, cloudfront, "#Version: 1.0", f"#Fields: {CLOUDFRONT}"),
    "IIS": lambda requests: (
        written(requests[:2], iis, "#Software: IIS", f"#Fields: {IIS}")
        + written(requests[2:], iis_moved, "#Software: IIS", f"#Fields: {IIS_MOVED}")
    ),
    "ALB": lambda requests: written(requests, alb),
}


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
