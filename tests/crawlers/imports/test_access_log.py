"""What becomes of access logs: every line once, nobody's address anywhere, and no program taken for a person."""

import gzip
import re
import subprocess
import sys
import threading
from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawlers.intake import KEEP, Outcome, Places, rebuild, take_in
from geo_flywheel.store.database import open_store
from tests import real_data
from tests.crawlers.logs.requests import (
    CHROME,
    FORMATS,
    GPTBOT,
    HOST,
    NOON,
    Request,
    combined,
    common,
    forwarded,
    with_host,
    written,
)

OPENAI = "20.171.206.9"
CHATGPT = "https://chatgpt.com/"


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(tmp_path / "store.duckdb", tmp_path / "archive")


def file(folder: Path, name: str, body: bytes) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_bytes(gzip.compress(body) if name.endswith(".gz") else body)
    return path


def taken(
    places: Places, *files: Path, site: str | None = HOST, keep: bool = False, ranges: Path | None = None
) -> list[Outcome]:
    said = {"set.site": site, "set.ranges": str(ranges) if ranges else None, KEEP: "yes" if keep else None}
    return list(take_in(places, files, {name: value for name, value in said.items() if value}))


def rows(places: Places, sql: str) -> list[tuple[Any, ...]]:
    with open_store(places.store, read_only=True) as store:
        return store.rows(sql)


def one(places: Places, sql: str) -> Any:
    return rows(places, sql)[0][0]


def told(places: Places) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    """All that a store says of visits and traffic."""
    visits = rows(
        places,
        "SELECT happened_at, url, path, method, status, bytes, agent, operator, purpose, verification, assistant,"
        " attribution, utm_source FROM visits ORDER BY ALL",
    )
    traffic = rows(
        places,
        "SELECT host, day, path, status, sum(requests) FROM traffic JOIN current_reading USING (reading_no)"
        " GROUP BY ALL ORDER BY ALL",
    )
    return visits, traffic


def later(minutes: int, request: Request) -> Request:
    return replace(request, at=NOON + timedelta(minutes=minutes))


VISITS = [
    Request("/a", GPTBOT, OPENAI),
    Request("/a?utm_source=chatgpt.com&token=secret", referrer=CHATGPT),
    Request("/b?utm_source=chatgpt.com"),
    Request("/b", referrer="https://www.perplexity.ai/search/x"),
    Request("/c"),
    Request("/c", status=404),
    Request("/a", GPTBOT, "198.51.100.4", status=403),
    Request("/d", "curl/8.0", referrer=CHATGPT),
]
LOG = [later(minute, VISITS[minute % len(VISITS)]) for minute in range(40)]
LOG = [*LOG[:20], LOG[19], LOG[19], *LOG[20:], LOG[-1]]  # equal lines are as many requests


# What a line says


@pytest.mark.parametrize("name", [name for name in FORMATS if name != "ALB"])
def test_every_format_says_the_same(name: str, places: Places, tmp_path: Path) -> None:
    requests = [later(minute, request) for minute, request in enumerate(VISITS)]
    (outcome,) = taken(places, file(tmp_path, "log", FORMATS[name](requests)))
    assert (outcome.state, outcome.problem) == ("read", None)
    visits, traffic = told(places)
    own = f"https://{HOST}"
    at = [NOON + timedelta(minutes=minute) for minute in range(8)]
    bot = ("GPTBot", "OpenAI", "training")
    assert [(visit[0].replace(microsecond=0), *visit[1:]) for visit in visits] == [
        (at[0], f"{own}/a", "/a", "GET", 200, 512, *bot, "verified", None, None, None),
        (at[1], f"{own}/a", "/a", "GET", 200, 512, None, "OpenAI", None, None, "ChatGPT", "referrer", "chatgpt.com"),
        (at[2], f"{own}/b", "/b", "GET", 200, 512, None, "OpenAI", None, None, "ChatGPT", "utm", "chatgpt.com"),
        (at[3], f"{own}/b", "/b", "GET", 200, 512, None, "Perplexity", None, None, "Perplexity", "referrer", None),
        (at[6], f"{own}/a", "/a", "GET", 403, 512, *bot, "spoofed", None, None, None),
    ]
    day = NOON.date()
    assert traffic == [(HOST, day, "/c", 200, 1), (HOST, day, "/c", 404, 1), (HOST, day, "/d", 200, 1)]
    assert one(places, "SELECT format FROM log_file") == name


def test_a_load_balancer_names_no_referrer_so_that_only_utm_tells(places: Places, tmp_path: Path) -> None:
    taken(places, file(tmp_path, "log", FORMATS["ALB"](VISITS)), site=None)
    visits, traffic = told(places)
    assert {(visit[1], visit[6], visit[9], visit[10], visit[11]) for visit in visits} == {
        (f"https://{HOST}/a", "GPTBot", "spoofed", None, None),
        (f"https://{HOST}/a", "GPTBot", "verified", None, None),
        (f"https://{HOST}/a", None, None, "ChatGPT", "utm"),
        (f"https://{HOST}/b", None, None, "ChatGPT", "utm"),
    }
    assert sum(row[-1] for row in traffic) == 4


def test_times_are_told_in_utc_whatever_the_zone_of_the_server(places: Places, tmp_path: Path) -> None:
    request = Request("/a", GPTBOT, OPENAI, at=datetime(2026, 6, 3, 23, 30))
    for hours in (-7, 0, 2):
        taken(places, file(tmp_path, f"log{hours}", written([request], lambda r, h=hours: combined(r, h))))  # type: ignore[misc]
    assert {at for (at,) in rows(places, "SELECT DISTINCT happened_at FROM visits")} == {request.at}
    assert {day for (day,) in rows(places, "SELECT DISTINCT day FROM visits")} == {request.at.date()}


def test_no_request_of_an_agent_or_a_program_is_a_referral(places: Places, tmp_path: Path) -> None:
    tagged = [
        Request("/a?utm_source=chatgpt.com", agent, referrer=CHATGPT)
        for agent in (GPTBOT, "Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)", "curl/8.0", "-")
    ]
    taken(places, file(tmp_path, "log", written(tagged, combined)))
    assert one(places, "SELECT count(*) FROM referrals") == 0
    assert rows(places, "SELECT agent, utm_source FROM visits") == [("GPTBot", "chatgpt.com")]


@pytest.mark.parametrize(
    ("referrer", "assistant"),
    [
        ("https://chatgpt.com/", "ChatGPT"),
        ("https://www.chatgpt.com/c/1?x=y", "ChatGPT"),
        ("https://chatgpt.com", "ChatGPT"),
        ("https://chatgpt.com:443/", "ChatGPT"),
        ("https://x.com/i/grok?conversation=1", "Grok"),
        ("https://gemini.google.com/app", "Gemini"),
        ("https://x.com/someone", None),
        ("https://notchatgpt.com/", None),
        ("https://chatgpt.com.evil.example/", None),
        ("https://chatgpt.com@evil.example/", None),
        ("https://evil.example/?r=https://chatgpt.com/", None),
        ("https://www.google.com/", None),
        ("chatgpt.com", None),
    ],
)
def test_an_assistant_is_known_by_its_host_and_nothing_else(
    referrer: str, assistant: str | None, places: Places, tmp_path: Path
) -> None:
    taken(places, file(tmp_path, "log", written([Request(referrer=referrer)], combined)))
    assert [found for (found,) in rows(places, "SELECT assistant FROM visits")] == ([assistant] if assistant else [])


def test_behind_a_proxy_the_forwarded_address_is_taken(places: Places, tmp_path: Path) -> None:
    through = [Request("/a", GPTBOT, "172.71.1.1", forwarded=OPENAI), Request("/b", GPTBOT, "172.71.1.1")]
    taken(places, file(tmp_path, "log", written(through, forwarded)))
    assert rows(places, "SELECT path, verification FROM visits ORDER BY path") == [
        ("/a", "verified"),
        ("/b", "unknown_proxy"),
    ]


def test_an_old_list_calls_nobody_false(places: Places, tmp_path: Path) -> None:
    years = [Request("/a", GPTBOT, "198.51.100.1", at=datetime(year, 6, 3)) for year in (2023, 2026, 2028)]
    taken(places, file(tmp_path, "log", written(years, combined)))
    assert rows(places, "SELECT year(day), verification FROM visits ORDER BY day") == [
        (2023, "unverifiable"),
        (2026, "spoofed"),
        (2028, "unverifiable"),
    ]


def test_a_person_may_hand_in_newer_ranges(places: Places, tmp_path: Path) -> None:
    ranges = file(tmp_path, "ranges.json", b'{"GPTBot": {"prefixes": [{"ipv4Prefix": "192.0.2.0/24"}]}}')
    log = file(tmp_path, "log", written([Request("/a", GPTBOT, "192.0.2.77")], combined))
    taken(places, log)
    assert one(places, "SELECT verification FROM visits") == "spoofed"
    taken(places, log, ranges=ranges)
    assert one(places, "SELECT verification FROM visits") == "verified"
    ranges.write_text('{"GPTBot": []}')
    (outcome,) = taken(places, file(tmp_path, "other", written([Request("/b")], combined)), ranges=ranges)
    assert "is no list of addresses" in (outcome.problem or "")


# Every line once


def test_rotated_overlapping_and_packed_logs_count_every_line_once_in_any_order(tmp_path: Path) -> None:
    whole = Places(tmp_path / "whole.duckdb", tmp_path / "whole")
    taken(whole, file(tmp_path, "whole.log", written(LOG, combined)))
    files = [
        file(tmp_path, "begun.log", written(LOG[:20], combined)),
        file(tmp_path, "grown.log", written(LOG[:30], combined)),
        file(tmp_path, "rotated.log.gz", written(LOG[:30], combined)),
        file(tmp_path, "new.log", written(LOG[28:], combined)),
    ]
    for number, order in enumerate(list(permutations(files))[::5]):
        places = Places(tmp_path / f"{number}.duckdb", tmp_path / f"{number}")
        assert {outcome.state for outcome in taken(places, *order)} == {"read"}
        assert told(places) == told(whole)
        assert one(places, "SELECT count(*) FROM log_line") == len(LOG)


def test_equal_lines_are_as_many_requests_and_over_files_the_most_that_one_holds(
    places: Places, tmp_path: Path
) -> None:
    request = Request("/a", GPTBOT, OPENAI)
    for number, times in enumerate((2, 3, 1)):
        requests = [*[request] * times, later(number + 1, request)]
        taken(places, file(tmp_path, f"{number}.log", written(requests, combined)))
    assert one(places, "SELECT count(*) FROM visits") == 3 + 3


def test_equal_lines_of_two_hosts_are_two_requests(places: Places, tmp_path: Path) -> None:
    taken(places, file(tmp_path, "one.log", written([Request("/a", GPTBOT)], combined)), site="one.example")
    taken(places, file(tmp_path, "two.log", written([Request("/a", GPTBOT)], combined) + b"\n"), site="two.example")
    assert {site for (site,) in rows(places, "SELECT site FROM visits")} == {"one.example", "two.example"}


def test_lines_are_told_apart_across_blocks(places: Places, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("geo_flywheel.store.access_logs.lines.BLOCK", 700)
    whole = Places(tmp_path / "whole.duckdb", tmp_path / "whole")
    shuffled = [*LOG[::2], *LOG[1::2], *LOG[:3]]
    taken(places, file(tmp_path, "shuffled.log", written(shuffled, combined)))
    monkeypatch.undo()
    taken(whole, file(tmp_path, "whole.log", written(shuffled, combined)))
    assert told(places) == told(whole)
    assert one(places, "SELECT count(DISTINCT key) FROM log_line") == len(shuffled)


@settings(max_examples=6, deadline=None)
@given(st.lists(st.lists(st.integers(0, 5), min_size=1, max_size=12), min_size=1, max_size=4))
def test_over_any_files_a_line_counts_the_most_that_one_of_them_holds(
    tmp_path_factory: pytest.TempPathFactory, contents: list[list[int]]
) -> None:
    folder = tmp_path_factory.mktemp("logs")
    places = Places(folder / "store.duckdb", folder / "archive")
    pages = [later(number // 2, Request(f"/{number}", GPTBOT, OPENAI)) for number in range(6)]
    for number, content in enumerate(contents):
        taken(places, file(folder, f"{number}.log", written([pages[n] for n in content], combined)))
    most: Counter[int] = Counter()
    for content in contents:
        most |= Counter(content)
    found = dict(rows(places, "SELECT path, count(*) FROM visits GROUP BY path"))
    assert found == {f"/{number}": count for number, count in most.items()}


def test_read_again_a_log_that_others_lean_on_changes_nothing(places: Places, tmp_path: Path) -> None:
    first = file(tmp_path, "a.log", written(LOG[:30], combined))
    taken(places, first, file(tmp_path, "b.log", written(LOG[10:], combined)))
    before = told(places)
    ranges = file(tmp_path, "ranges.json", b'{"CCBot": ["192.0.2.0/24"]}')
    taken(places, first, ranges=ranges)
    assert told(places) == before
    (tmp_path / "b.log").unlink()
    outcomes = taken(places, first)
    assert [outcome.state for outcome in outcomes] == ["read", "failed"]
    assert told(places) == before


def test_the_same_log_twice_is_held(places: Places, tmp_path: Path) -> None:
    path = file(tmp_path, "a.log", written(LOG, combined))
    assert [outcome.state for outcome in taken(places, path) + taken(places, path)] == ["read", "held"]


# Nobody's address anywhere


def test_addresses_and_queries_reach_neither_store_nor_archive(places: Places, tmp_path: Path) -> None:
    address, other = "198.51.100.77", "2001:db8:aaaa::77"
    requests = [
        Request("/a?mail=me@own.example", address=address, referrer=CHATGPT),
        Request("/b", GPTBOT, other, forwarded=address),
        Request("/c", address=other),
    ]
    body = written(requests, forwarded) + f"{address} broken line of {other} GET /?mail=me@own.example\n".encode()
    taken(places, file(tmp_path, "log", body))
    assert one(places, "SELECT bad FROM log_file") == 1
    kept = [path for path in places.archive.rglob("*") if path.is_file()]
    held = places.store.read_bytes() + b"".join(
        gzip.decompress(path.read_bytes()) if path.name.endswith(".gz") else path.read_bytes() for path in kept
    )
    assert not [word for word in (address, other, "me@own.example") if word.encode() in held]
    with open_store(places.store, read_only=True) as store:
        for (table,) in store.rows("SELECT table_name FROM duckdb_tables()"):
            text = repr(store.rows(f"SELECT * FROM {table}"))  # noqa: S608 - names of the store's own
            assert not re.search(r"198\.51\.100\.77|2001:db8|me@own", text), table


def test_a_log_is_not_kept_unless_that_is_asked_for(places: Places, tmp_path: Path) -> None:
    path = file(tmp_path, "a.log", written(LOG, combined))
    taken(places, path)
    assert not list(places.archive.glob("imports/*"))
    taken(places, path, keep=True)
    assert len(list(places.archive.glob("imports/*"))) == 1


def test_rebuilding_names_by_digest_what_is_to_be_handed_in_again(places: Places, tmp_path: Path) -> None:
    here, gone = (file(tmp_path, name, written(part, combined)) for name, part in (("a", LOG[:9]), ("b", LOG[9:])))
    taken(places, here, gone)
    before, body = told(places), gone.read_bytes()
    gone.unlink()
    read, failed = rebuild(places)
    assert (read.state, failed.state) == ("read", "failed")
    assert re.search(r"hand in the file with the sha256 [0-9a-f]{64} again", failed.problem or "")
    gone.write_bytes(body)
    taken(places, gone)
    assert told(places) == before


def test_a_kept_log_is_rebuilt_from_the_archive_alone(places: Places, tmp_path: Path) -> None:
    path = file(tmp_path, "a.log", written(LOG, combined))
    taken(places, path, keep=True)
    before = told(places)
    path.unlink()
    assert [outcome.state for outcome in rebuild(places)] == ["read"]
    assert told(places) == before


# What cannot be read


def test_lines_that_say_nothing_are_counted_and_the_first_of_them_kept(places: Places, tmp_path: Path) -> None:
    whole = [combined(request).encode() for request in LOG]
    broken = [
        b"",
        b"nonsense",
        whole[0][:60],
        b"\xff\xfe" * 20,
        b"{}",
        whole[0].replace(b"200 512", b"- -"),
        b"x" * 5000,
    ]
    body = b"\n".join([*whole[:5], *broken, *whole[5:], whole[0][:-12]])
    (outcome,) = taken(places, file(tmp_path, "log", body))
    assert (outcome.state, outcome.added["unreadable line"]) == ("read", len(broken))  # an empty line is none
    assert rows(places, "SELECT lines, new, bad FROM log_file") == [(len(LOG) + len(broken), len(LOG), len(broken))]
    assert one(places, "SELECT count(*) FROM log_problem") == len(broken)
    assert one(places, "SELECT max(length(line)) FROM log_problem") < 400


def test_a_request_that_is_garbage_is_a_request_all_the_same(places: Places, tmp_path: Path) -> None:
    line = f'198.51.100.1 - - [03/Jun/2026:12:00:00 +0000] "{{}}" 400 0 "-" "{CHROME}"\n'
    body = "".join(line.format(said) for said in (r"\x16\x03\x01", "-", "", "GET", "OPTIONS * HTTP/1.1"))
    taken(places, file(tmp_path, "log", body.encode() + combined(Request()).encode()))
    assert told(places)[1] == [(HOST, NOON.date(), "", 400, 5), (HOST, NOON.date(), "/a", 200, 1)]


def test_bytes_that_are_no_text_spoil_their_own_line_at_most(places: Places, tmp_path: Path) -> None:
    raw = combined(Request("/caf\N{LATIN SMALL LETTER E WITH ACUTE}", GPTBOT, OPENAI)).encode("latin-1")
    taken(places, file(tmp_path, "log", b"\n".join([raw, combined(Request()).encode(), b"\x00\x01 \x00"])))
    assert one(places, "SELECT count(*) FROM visits") == 1
    assert rows(places, "SELECT lines, bad FROM log_file") == [(3, 1)]


def test_a_torn_last_line_is_not_taken_for_a_whole_one(places: Places, tmp_path: Path) -> None:
    whole = written(LOG, combined)
    taken(places, file(tmp_path, "torn.log", whole[:-30]), file(tmp_path, "whole.log", whole))
    assert one(places, "SELECT count(*) FROM log_line") == len(LOG)


def test_a_log_that_names_no_host_wants_one(places: Places, tmp_path: Path) -> None:
    (outcome,) = taken(places, file(tmp_path, "log", written(LOG, combined)), site=None)
    assert "add --site example.com" in (outcome.problem or "")
    (outcome,) = taken(places, file(tmp_path, "log", written(LOG, combined)), site="no host")
    assert "is no host" in (outcome.problem or "")
    assert [outcome.state for outcome in taken(places, file(tmp_path, "log", written(LOG, with_host)), site=None)] == [
        "read"
    ]


def test_a_damaged_gzip_loses_nothing_that_was_there(places: Places, tmp_path: Path) -> None:
    taken(places, file(tmp_path, "a.log", written(LOG[:5], combined)))
    before = told(places)
    many = [later(minute, LOG[minute % len(LOG)]) for minute in range(20_000)]
    path = tmp_path / "b.log.gz"
    path.write_bytes(gzip.compress(written(many, combined))[:-2000])
    (outcome,) = taken(places, path)
    assert outcome.state == "failed"
    assert "damaged or cut off" in (outcome.problem or "")
    assert told(places) == before


def test_common_logs_are_traffic(places: Places, tmp_path: Path) -> None:
    taken(places, file(tmp_path, "log", written(LOG, common)))
    assert told(places)[0] == []
    assert one(places, "SELECT sum(requests) FROM traffic") == len(LOG)


# Large logs


def test_a_small_log_loads_no_compiler(tmp_path: Path) -> None:
    path = file(tmp_path, "log", written(LOG, combined))
    code = (
        "import sys; from pathlib import Path; from crawlers.intake import Places, take_in; log = Path(sys.argv[1]);"
        f" list(take_in(Places(log.parent / 's', log.parent / 'a'), [log], {{'set.site': {HOST!r}}}));"
        " print('numba' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


@pytest.mark.parametrize("lay_out", [combined, forwarded, common, with_host])
@pytest.mark.parametrize("name", ["log", "log.gz"])
def test_a_large_log_is_stored_as_a_small_one_is(
    lay_out: Any, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which of both ways a log goes is no matter: what overlaps is found all the same."""
    first, second = (tmp_path / part / name for part in ("first", "second"))
    for path, requests in ((first, LOG[:30]), (second, LOG[10:])):
        file(path.parent, name, written([*requests, *requests[:3]], lay_out))
    ways = [Places(tmp_path / f"{way}.duckdb", tmp_path / str(way)) for way in range(4)]
    for way, places in enumerate(ways):
        for is_walked, path in ((way & 1, first), (way & 2, second)):
            monkeypatch.setattr("geo_flywheel.store.access_logs.chunks.LEAST", 0 if is_walked else 10**9)
            taken(places, path)
    found = [(told(places), rows(places, "SELECT key FROM log_line ORDER BY key")) for places in ways]
    assert all(other == found[0] for other in found)


@pytest.mark.parametrize("is_walked", [False, True])
def test_a_log_begun_before_its_digest_is_known_is_stored_as_any_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_walked: bool
) -> None:
    path = file(tmp_path, "log.gz", written(LOG, combined))
    found = []
    for least in (10**9, 0):
        monkeypatch.setattr("geo_flywheel.store.access_logs.chunks.LEAST", 0 if is_walked else 10**9)
        monkeypatch.setattr("crawlers.intake._LARGE", least)
        places = Places(tmp_path / f"{least}.duckdb", tmp_path / f"{least}")
        assert [outcome.state for outcome in taken(places, path) + taken(places, path)] == ["read", "held"]
        found.append((told(places), rows(places, "SELECT key FROM log_line ORDER BY key")))
    assert found[0] == found[1]


@pytest.mark.parametrize("is_walked", [False, True])
def test_of_a_log_begun_nothing_goes_on_when_it_is_held_or_fails(
    places: Places, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_walked: bool
) -> None:
    monkeypatch.setattr("geo_flywheel.store.access_logs.chunks.LEAST", 0 if is_walked else 10**9)
    monkeypatch.setattr("geo_flywheel.store.access_logs.lines.BLOCK", 500)
    monkeypatch.setattr("crawlers.intake._LARGE", 0)
    whole, torn = (file(tmp_path, name, written(LOG, combined)) for name in ("log", "torn.gz"))
    torn.write_bytes(torn.read_bytes()[:-9])
    no_ranges = file(tmp_path, "ranges.json", b"{")
    before = threading.active_count()
    assert [outcome.state for outcome in taken(places, whole) + taken(places, whole)] == ["read", "held"]
    assert threading.active_count() == before
    (outcome,) = taken(places, torn)
    assert "damaged or cut off" in (outcome.problem or "")
    (outcome,) = taken(places, whole, ranges=no_ranges)
    assert str(no_ranges) in (outcome.problem or "")
    monkeypatch.setattr("geo_flywheel.store.kept_files.digest", _unreadable)
    (outcome,) = taken(places, whole)
    assert "cannot be read" in (outcome.problem or "")
    assert threading.active_count() == before


def _unreadable(_: Path) -> str:
    raise OSError(5, "Input/output error")


# Real logs


@pytest.mark.parametrize(
    ("name", "lines", "agents"),
    [
        ("advertools_nginx_access_2021.log", 1000, {"Bytespider": 10, "Googlebot": 17, "PetalBot": 13}),
        ("advertools_dreamhost_apache_2023.log", 129, {"Googlebot": 3, "PetalBot": 1, "bingbot": 4}),
    ],
)
def test_the_real_logs_are_read_whole(name: str, lines: int, agents: dict[str, int], places: Places) -> None:
    path = real_data.folder("access_logs") / name
    taken(places, path)
    assert rows(places, "SELECT lines, new, bad FROM log_file") == [(lines, lines, 0)]
    found = dict(rows(places, "SELECT agent, count(*) FROM visits GROUP BY agent"))
    assert found == agents
    text = path.read_text().lower()
    assert found == {agent: sum(agent.lower() in line for line in text.splitlines()) for agent in agents}
    assert {proof for (proof,) in rows(places, "SELECT verification FROM visits WHERE agent = 'Googlebot'")} == {
        "verified"
    }
    statuses = Counter(int(found) for found in re.findall(r'" (\d{3}) \S+ "', text))
    counted = rows(
        places,
        "SELECT status, CAST(sum(n) AS BIGINT) FROM (SELECT status, requests AS n FROM traffic UNION ALL"
        " SELECT status, 1 FROM visits) GROUP BY status",
    )
    assert dict(counted) == statuses
