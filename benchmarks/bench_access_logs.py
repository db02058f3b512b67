"""Five million lines of an access log into a store on disk, beside the floor and the peers in the same run.

    pytest -m bench -s benchmarks/bench_access_logs.py

The log is in the Combined format, with 5,000 distinct agents; one line in nine is an AI agent's. The import goes the
way of `geo-flywheel import access.log --site HOST`: digest, lines taken apart, a key for each, agents and referrers
told, addresses verified, pages canonicalised, all committed. The floor is a bare `read_csv` of the same file into a
table on disk, nothing else; what the same `read_csv` takes to look at every column and keep none is printed beside it.
The peers read fewer lines of the same log and keep no store: their rate counts. Each is measured in a process of its
own; what the import compiles at the first large log of a machine was compiled before.
"""

from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import pytest

from benchmarks.alone import alone
from benchmarks.side_by_side import Limit, Round, fail_on_missed, judge, seconds
from crawlers.intake import Places, take_in

LINES, PEER_LINES, AGENTS = 5_000_000, 200_000, 5_000
ROUNDS = 3
FLOOR_SHARE = 0.3
LIMIT, FOURTH, MEMORY = Limit(1 / FLOOR_SHARE), Limit(1 / 4), Limit(2_000, "MB")

_BOTS = (
    "GPTBot/1.3; +https://openai.com/gptbot", "OAI-SearchBot/1.3; +https://openai.com/searchbot", "ClaudeBot/1.0",
    "ChatGPT-User/1.0; +https://openai.com/bot", "PerplexityBot/1.0", "Googlebot/2.1", "bingbot/2.0", "CCBot/2.0",
    "Amazonbot/0.1", "Applebot/0.1", "Bytespider", "meta-externalagent/1.1",
)  # fmt: skip
_LOG = """
WITH agent AS (
    SELECT i AS agent_no, CASE WHEN i < $bots THEN 'Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; '
        || $names[(i + 1)::INTEGER] || ')' ELSE 'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 '
        || '(KHTML, like Gecko) Chrome/' || (100 + i % 60) || '.0.' || i || '.0 Safari/537.36' END AS agent
    FROM range($agents) AS t(i)
)
SELECT CASE WHEN agent_no < $bots THEN '20.171.' || hash(n, 'c') % 256
        ELSE (hash(n, 'a') % 223 + 1) || '.' || hash(n, 'b') % 256 || '.' || hash(n, 'c') % 256 END
    || '.' || hash(n, 'd') % 256 || ' - - [' || strftime(TIMESTAMP '2026-03-01' + to_milliseconds(n * 120),
        '%d/%b/%Y:%H:%M:%S') || ' +0000] "GET /articles/section-' || hash(n, 'p') % 20000 % 50 || '/page-'
    || hash(n, 'p') % 20000 || CASE WHEN hash(n, 'u') % 200 = 0 THEN '?utm_source=chatgpt.com' ELSE '' END
    || ' HTTP/1.1" ' || [200, 200, 200, 304, 404, 403, 500, 301][(hash(n, 's') % 8 + 1)::INTEGER] || ' '
    || hash(n, 'z') % 90000 || ' "' || CASE hash(n, 'r') % 100 WHEN 0 THEN 'https://chatgpt.com/'
        WHEN 1 THEN 'https://www.perplexity.ai/search' WHEN 2 THEN 'https://www.google.com/' ELSE '-' END
    || '" "' || agent || '"' AS line
FROM range($lines) AS r(n)
JOIN agent ON agent_no = CASE WHEN hash(n, 'k') % 9 = 0 THEN hash(n, 'v') % $bots ELSE hash(n, 'w') % $agents END
ORDER BY n
"""
_COLUMNS = ", ".join(f"'c{number}': 'VARCHAR'" for number in range(10))
_READ = (
    "read_csv('{log}', delim=' ', quote='\"', escape='\\', header=false, auto_detect=false, columns={{{columns}}},"
    " ignore_errors=true)"
)


def write(log: Path, lines: int) -> None:
    """Write a log."""
    with duckdb.connect() as connection:
        connection.execute("SET enable_progress_bar = false")
        values = {"lines": lines, "agents": AGENTS, "bots": len(_BOTS), "names": list(_BOTS)}
        connection.execute(f"CREATE TABLE log AS {_LOG}", values)
        connection.execute(f"COPY log TO '{log}' (FORMAT csv, HEADER false, DELIMITER '', QUOTE '', ESCAPE '')")


def floor(log: Path, store: Path, *, keep: bool) -> float:
    """Seconds of a bare read_csv, into a table on disk or of every column and into nothing."""
    read = _READ.format(log=log, columns=_COLUMNS)
    looked_at = ", ".join(f"max(c{number})" for number in range(10))

    def work() -> None:
        with duckdb.connect(str(store)) as connection:
            connection.execute("SET enable_progress_bar = false")
            connection.execute(f"CREATE TABLE log AS FROM {read}" if keep else f"SELECT {looked_at} FROM {read}")

    return seconds(work)


def kept(log: Path, store: Path) -> float:
    """Seconds of the floor."""
    return floor(log, store, keep=True)


def looked_at(log: Path, store: Path) -> float:
    """Seconds of reading alone."""
    return floor(log, store, keep=False)


def take(log: Path, folder: Path, lines: int) -> float:
    """Seconds of the import."""
    places = Places(folder / "store.duckdb", folder / "archive")

    def work() -> None:
        (outcome,) = take_in(places, [log], {"set.site": "example.com"})
        assert outcome.added["visit"] + outcome.added["traffic"] == lines, outcome

    return seconds(work)


def geo_optimizer(log: Path, _: Path) -> float:
    """Seconds of geo_optimizer's reader."""
    from geo_optimizer.core.log_analyzer import analyze_log_file  # type: ignore[import-not-found, unused-ignore]  # a peer

    return seconds(lambda: analyze_log_file(log))


def advertools(log: Path, folder: Path) -> float:
    """Seconds of advertools' reader."""
    from advertools import logs_to_df  # type: ignore[import-not-found, unused-ignore]  # a peer

    parsed, errors = folder / "parsed.parquet", folder / "errors.txt"
    return seconds(lambda: logs_to_df(str(log), str(parsed), str(errors), "combined"))


PEERS = {peer.__name__: peer for peer in (geo_optimizer, advertools)}


def measured(log: Path, some: Path, folder: Path) -> tuple[dict[str, float], float]:
    """Lines per second of everything, and the megabytes of the import."""
    table, _ = alone(kept, log, folder / "floor.duckdb")
    read, _ = alone(looked_at, log, folder / "read.duckdb")
    ours, memory = alone(take, log, folder, LINES)
    rates = {"read_csv into a table": LINES / table, "read_csv alone": LINES / read, "import": LINES / ours}
    for name, peer in PEERS.items():
        if find_spec(name):
            theirs, _ = alone(peer, some, folder)
            rates[name] = PEER_LINES / theirs
    return rates, memory


@pytest.mark.bench
def test_a_log_of_five_million_lines(tmp_path: Path) -> None:
    log, some = tmp_path / "access.log", tmp_path / "some.log"
    alone(write, log, LINES)
    alone(write, some, PEER_LINES)
    alone(take, some, tmp_path, PEER_LINES)  # compiles, once per machine
    missing = [name for name in PEERS if find_spec(name) is None]
    print(f"\n  not here: {', '.join(missing)}; the peers lie in requirements-bench.lock" if missing else "")

    def a_round() -> Round:
        with TemporaryDirectory(dir=tmp_path) as folder:
            rates, memory = measured(log, some, Path(folder))
        ours = rates["import"]
        print(f"  lines/s: {', '.join(f'{name} {rate:,.0f}' for name, rate in rates.items())}; {memory:,.0f} MB")
        print(f"    the import beside them: {', '.join(f'{name} {ours / rate:.2f}' for name, rate in rates.items())}")
        beside = {f"{name} beside the import": rates[name] / ours for name in PEERS if name in rates}
        return (
            {"read_csv into a table beside the import": rates["read_csv into a table"] / ours}
            | beside
            | {"memory of the import": memory}
        )

    limits = {
        "read_csv into a table beside the import": LIMIT,
        **{f"{name} beside the import": FOURTH for name in PEERS if name not in missing},
        "memory of the import": MEMORY,
    }
    fail_on_missed(judge(limits, a_round, ROUNDS))
