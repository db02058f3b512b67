"""How the lines of each kind of log are taken apart, as SQL over a column `line`.

Every layout gives the same columns, text that may be null but for the first: `happened_at` (UTC), `host`, `address`,
`forwarded`, `method`, `target`, `status`, `bytes`, `referrer`, `agent`. `parsed` makes of them what the store needs.
"""

from collections.abc import Mapping, Sequence

from geo_flywheel.records import LogFile

Columns = Mapping[str, str]
NAMES = ("happened_at", "host", "address", "forwarded", "method", "target", "status", "bytes", "referrer", "agent")

# Escaped quotes and backslashes become two signs that no log holds, so that a line can be cut at its quotes.
_QUOTED = (
    r"""string_split(CASE WHEN contains(line, '\') THEN replace(replace(line, '\\', chr(2)), '\"', chr(1))"""
    """ ELSE line END, '"')"""
)
_CLOCK = (
    "try_strptime(substr({text}, 1, 20), '%d/%b/%Y:%H:%M:%S') - to_minutes(CASE substr({text}, 22, 5)"
    " WHEN '+0000' THEN 0 ELSE CASE substr({text}, 22, 1) WHEN '-' THEN -1 WHEN '+' THEN 1 END"
    " * (60 * try_cast(substr({text}, 23, 2) AS BIGINT) + try_cast(substr({text}, 25, 2) AS BIGINT)) END)"
)
_ISO = "coalesce(try_cast({text} AS TIMESTAMP), make_timestamp(epoch_us(try_cast({text} AS TIMESTAMPTZ))))"
_EPOCH = (
    "make_timestamp(CAST(round(try_cast({text} AS DOUBLE) * CASE WHEN try_cast({text} AS DOUBLE) >= 1e17 THEN 1e-3"
    " WHEN try_cast({text} AS DOUBLE) >= 1e14 THEN 1 WHEN try_cast({text} AS DOUBLE) >= 1e11 THEN 1e3 ELSE 1e6 END)"
    " AS BIGINT))"
)

_METHOD = "left(coalesce(method, ''), 20) AS method"
_DECODED = "coalesce(TRY(url_decode({0})), {0})"  # what is no text stays as it is
_PATH = f"""left(CASE WHEN contains(asked_for, '?') OR contains(asked_for, '#')
        THEN split_part(split_part(asked_for, '?', 1), '#', 1) ELSE asked_for END, 4096) AS path,
    CASE WHEN contains(asked_for, 'utm_source=') THEN
        nullif(left(lower({_DECODED.format("regexp_extract(asked_for, '[?&]utm_source=([^&#]*)', 1)")}), 200), '') END
        AS utm_source"""


def parsed(file: LogFile, fields: Sequence[str]) -> str:
    """Return the query over the relation `lines` that takes its lines apart.

    Its columns are `line_key`, as it stands beside the line; what the layouts give, typed; `path` without its query
    string and `utm_source`; and `bad`, the line itself where it says nothing that can be counted, else null.

    Args:
        file: The log; its host is bound as $host.
        fields: Names of the columns where a header tells them.
    """
    lists, columns = _layout(file, fields)
    told = ", ".join(f"{columns.get(name, 'NULL')} AS {name}" for name in NAMES)
    host = _host(columns)
    torn = " OR parts < 7 OR parts % 2 = 0" if file.format.startswith("Combined") else ""
    comments = " AND NOT starts_with(line, '#')" if file.layout == "w3c" else ""
    return f"""
WITH whole AS (SELECT line, line_key, {lists["p"]} AS p FROM lines WHERE line <> ''{comments}),
part AS (SELECT *, {lists.get("r", "NULL")} AS r, {lists.get("s", "NULL")} AS s FROM whole),
told AS (SELECT line, line_key, len(p) AS parts, {told} FROM part),
placed AS (
    SELECT * EXCLUDE (host), {host} AS host,
        CASE
            WHEN starts_with(target, '/') THEN target
            WHEN contains(target, '://') AND lower(split_part(split_part(target, '/', 3), ':', 1)) = {host}
                THEN '/' || substr(target, length(split_part(target, '/', 1)) + length(split_part(target, '/', 3)) + 4)
            ELSE ''
        END AS asked_for
    FROM told
)
SELECT line_key, happened_at, host,
    address, forwarded, {_METHOD}, try_cast(status AS INTEGER) AS status,
    try_cast(bytes AS BIGINT) AS bytes, nullif(referrer, '-') AS referrer, nullif(nullif(agent, '-'), '') AS agent,
    {_PATH},
    CASE WHEN happened_at IS NULL OR try_cast(status AS INTEGER) IS NULL OR host = ''{torn} THEN line END AS bad
FROM placed
"""


def hosts() -> str:
    """Return the query that tells `host` by the first words of lines, `text` of `texts`; $host is bound."""
    return f"SELECT {_host({'host': 'host'})} AS host FROM (SELECT text AS host FROM texts)"


def requests() -> str:
    """Return the query that takes request lines, `text` of `texts`, apart.

    Its columns are `method`, `path` and `utm_source` as those of `parsed`, and `is_path`: whether it asks for a path of
    this host; of any other the rest says nothing.
    """
    told = _request("text", "r")
    return f"""
SELECT {_METHOD}, coalesce(starts_with(asked_for, '/'), false) AS is_path, {_PATH}
FROM (SELECT {told["method"]} AS method, {told["target"]} AS asked_for
    FROM (SELECT text, string_split(text, ' ') AS r FROM texts))
"""


def _host(columns: Columns) -> str:
    if columns.get("host", "NULL") == "NULL":
        return "$host"
    return "left(lower(coalesce(nullif(nullif(regexp_replace(host, ':[0-9]*$', ''), '-'), ''), $host)), 255)"


def _layout(file: LogFile, fields: Sequence[str]) -> tuple[Columns, Columns]:
    """The lists a line is cut into, the first of them `p`, and the columns made of them."""
    if file.layout == "alb":
        return _CUT | {"s": "string_split(p[1], ' ')"}, _ALB
    if file.layout == "w3c":
        return _w3c(fields)
    if file.layout == "json":
        return _json(file.keys)
    return _CUT, _combined(has_host=file.layout == "vhost_combined")


def _request(text: str, cut: str) -> Columns:
    """Method and target of a request line, which may hold blanks where it should not."""
    start = f"(length({cut}[1]) + 2)"
    end = f"instr({text}, ' HTTP/')"
    return {
        "method": f"{cut}[1]",
        "target": f"CASE WHEN len({cut}) = 3 THEN {cut}[2] WHEN {end} > 0"
        f" THEN substr({text}, {start}, {end} - {start}) ELSE substr({text}, {start}) END",
    }


_CUT: dict[str, str] = {
    "p": _QUOTED,
    "r": "string_split(p[2], ' ')",
    "s": "string_split(p[3], ' ')",
}
_ALB: Columns = {
    "happened_at": _ISO.format(text="s[2]"),
    "host": "nullif(split_part(split_part(p[2], '/', 3), ':', 1), '')",
    "address": "s[4]",
    **_request("p[2]", "r"),
    "status": "s[9]",
    "bytes": "s[12]",
    "agent": "p[4]",
}


def _combined(*, has_host: bool) -> Columns:
    request = _request("p[2]", "r")
    shown = "CASE WHEN contains(line, '\\') THEN translate({0}, chr(1) || chr(2), '\"\\') ELSE {0} END"
    return {
        "happened_at": _CLOCK.format(text="substr(p[1], instr(p[1], '[') + 1)"),
        "host": "split_part(p[1], ' ', 1)" if has_host else "NULL",
        "address": "split_part(p[1], ' ', 2)" if has_host else "substr(p[1], 1, instr(p[1], ' ') - 1)",
        "forwarded": "CASE WHEN len(p) > 8 THEN array_to_string(p[8:], ',') END",
        "method": request["method"],
        "target": shown.format(request["target"]),
        "status": "s[2]",
        "bytes": "s[3]",
        "referrer": "p[4]",
        "agent": "p[6]",
    }


def _w3c(fields: Sequence[str]) -> tuple[Columns, Columns]:
    """Columns as a header names them: CloudFront's divided by tabs and escaped, those of IIS by blanks."""

    def column(*names: str) -> str:
        found = [f"nullif(p[{fields.index(name) + 1}], '-')" for name in names if name in fields]
        return f"coalesce({', '.join(found)})" if found else "NULL"

    is_cloudfront = "x-edge-location" in fields
    agent = column("cs(user-agent)")
    once = _DECODED.format(agent)
    query = column("cs-uri-query")
    return {"p": f"string_split(line, chr({9 if is_cloudfront else 32}))"}, {
        "happened_at": f"try_cast({column('date')} || ' ' || {column('time')} AS TIMESTAMP)",
        "host": column("x-host-header", "cs-host", "cs(host)"),
        "address": column("c-ip"),
        "forwarded": f"replace({column('x-forwarded-for', 'cs(x-forwarded-for)')}, '+', ' ')",
        "method": column("cs-method"),
        "target": f"{column('cs-uri-stem')} || coalesce('?' || {query}, '')",
        "status": column("sc-status"),
        "bytes": column("sc-bytes"),
        "referrer": column("cs(referer)"),
        "agent": f"CASE WHEN contains({once}, '%20') THEN {_DECODED.format(once)} ELSE {once} END"
        if is_cloudfront
        else f"replace({agent}, '+', ' ')",
    }


def _json(keys: Mapping[str, str]) -> tuple[Columns, Columns]:
    """Fields by their paths."""
    paths = ", ".join("'" + path.replace("'", "''") + "'" for path in keys.values())
    place = {name: f"p[{number}]" for number, name in enumerate(keys, 1)}
    columns = dict(place)
    at = place["happened_at"]
    columns["happened_at"] = (
        f"CASE WHEN try_cast({at} AS DOUBLE) IS NOT NULL THEN {_EPOCH.format(text=at)}"
        f" WHEN contains(substr({at}, 1, 6), '/') THEN {_CLOCK.format(text=at)} ELSE {_ISO.format(text=at)} END"
    )
    if "request" in place:
        columns |= _request(place["request"], "r")
    elif "query" in place:
        columns["target"] = f"{place['target']} || coalesce('?' || nullif({place['query']}, ''), '')"
    forwarded = ", ".join(place[name] for name in ("forwarded", "connecting") if name in place)
    columns["forwarded"] = f"nullif(concat_ws(',', {forwarded}), '')" if forwarded else "NULL"
    lists = {"p": f"CASE WHEN json_valid(line) THEN json_extract_string(line, [{paths}]) END"}
    if "request" in place:
        lists["r"] = f"string_split({place['request']}, ' ')"
    return lists, {name: sql for name, sql in columns.items() if name in NAMES}
