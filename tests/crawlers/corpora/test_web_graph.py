import gzip
from datetime import date
from hashlib import sha256

import orjson
import pytest

from crawlers.base import Request
from crawlers.corpora import web_graph
from crawlers.crawled import ranges
from geo_flywheel.errors import Throttled, Unreadable
from geo_flywheel.records import Capture
from geo_flywheel.simulate.scenery import host
from geo_flywheel.urls import site
from tests.crawlers.corpora.gathering import Answer, by_hand, engagements, gathered, presences, read, sandbox, wanted
from tests.real_data import folder

NAME = "web_graph"
RELEASE = "cc-main-2026-apr-may-jun"
HEAD = "#harmonicc_pos\t#harmonicc_val\t#pr_pos\t#pr_val\t#host_rev\t#n_hosts\n"
LINES = [
    "1\t3.1897818E7\t2\t0.0147\tcom.googleapis\t3477\n",
    "2\t2.1E7\t9\t0.0002\texample.a\t7\n",
    "3\t2.0E7\t8\t0.0001\texample.a-b\t1\n",
]


def ranks(body: bytes, *, support: bool = True, etag: str = "1") -> Answer:
    """A list that is given in the ranges asked for, or whole whatever is asked."""

    def answer(request: Request) -> tuple[int, object, dict[str, str]]:
        if request.url.endswith("graphinfo.json"):
            listed = ["cc-main-2026-jul-aug-sep", RELEASE, "cc-main-2025-26-dec-jan-feb"]
            return 200, [{"id": name} for name in listed], {}
        if not support:
            return 200, body, {}
        first, last = map(int, request.headers["range"].removeprefix("bytes=").split("-"))
        part = body[first : last + 1]
        version = etag if etag == "1" else str(first)
        return 206, part, {"content-range": f"bytes {first}-{first + len(part) - 1}/{len(body)}", "etag": version}

    return answer


def levels(body: bytes, *sites: str) -> dict[str, float]:
    came, _, error = by_hand(NAME, ranks(body), wanted(*sites))
    if error:
        raise error
    return {f"{each.unit} {each.metric}": each.value for each in engagements(read(NAME, came))}


def packed(*texts: str) -> bytes:
    return b"".join(gzip.compress(text.encode()) for text in texts)


def test_the_recorded_sample_is_read() -> None:
    body = (folder("formats") / "domain-ranks.sample.txt").read_bytes()
    assert levels(packed(body.decode()), "nih.gov", "google.com") == {
        "nih.gov harmonic_position": 54,
        "nih.gov harmonic_centrality": 21460100,
        "nih.gov pagerank_position": 134,
        "nih.gov pagerank": 0.0001935125,
        "nih.gov hosts": 900,
        "google.com harmonic_position": 3,
        "google.com harmonic_centrality": 31388032,
        "google.com pagerank_position": 1,
        "google.com pagerank": 0.0157558065,
        "google.com hosts": 15136,
    }


def test_at_the_sandbox_every_site_has_its_place() -> None:
    market = sandbox()
    units = tuple(site(host(number)) for number in range(12))
    facts = read(NAME, gathered(market, NAME, wanted(*units)))
    places = {each.unit: each.value for each in engagements(facts) if each.metric == "harmonic_position"}
    fitness = {unit: market.market.fitness[market.market.site == number].sum() for number, unit in enumerate(units)}
    assert sorted(places, key=places.__getitem__) == sorted(units, key=lambda unit: -fitness[unit])
    assert presences(facts) == []
    assert {each.kind for each in engagements(facts)} == {"level"}


@pytest.mark.parametrize("piece", [1, 7, 30, 10_000])
@pytest.mark.parametrize("form", ["packed", "plain"])
def test_however_the_pieces_fall_the_lines_are_whole(piece: int, form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ranges, "PIECE", piece)
    texts = (HEAD + LINES[0], *LINES[1:])
    whole = packed(*texts) if form == "packed" and piece > 1 else "".join(texts).encode()
    came, sent, error = by_hand(NAME, ranks(whole), wanted("a.example", "nobody.example"))
    assert error is None
    note = orjson.loads(came[0].reply.body)
    assert (note["complete"], note["lines"]) == (True, [LINES[1].strip()])
    assert (note["size"], note["sha256_of_read"]) == (len(whole), sha256(whole).hexdigest())
    assert len(sent) == 1 + -(-len(whole) // piece)


def test_reading_ends_with_the_last_site_and_keeps_no_other_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ranges, "PIECE", 64)
    whole = "".join((HEAD, *LINES, "4\t1\t4\t1\torg.more\t1\n" * 500)).encode()
    came, sent, _ = by_hand(NAME, ranks(whole), wanted("a.example"))
    assert len(sent) < 6
    assert orjson.loads(came[0].reply.body)["lines"] == [LINES[1].strip()]


def test_a_list_that_changes_while_it_is_read_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ranges, "PIECE", 64)
    _, _, error = by_hand(NAME, ranks("".join((HEAD, *LINES)).encode(), etag="new"), wanted("nobody.example"))
    assert isinstance(error, Unreadable)
    assert "changed while it was read" in str(error)


def test_a_list_that_is_given_whole_is_read_whole() -> None:
    came, sent, _ = by_hand(NAME, ranks(packed(HEAD, *LINES), support=False), wanted("a.example"))
    assert len(sent) == 2
    assert len(engagements(read(NAME, came))) == 5


def test_what_is_cut_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ranges, "PIECE", 64)
    monkeypatch.setattr(web_graph, "_MEGABYTE", 64)
    whole = "".join((HEAD, *LINES, "4\t1\t4\t1\torg.more\t1\n" * 500)).encode()
    came, _, _ = by_hand(NAME, ranks(whole), wanted("nobody.example"), {"most_megabytes": 2})
    assert orjson.loads(came[0].reply.body)["complete"] is False


def test_a_site_on_no_line_has_no_rank_and_no_presence() -> None:
    assert levels(packed(HEAD, *LINES), "b.example") == {}


def test_a_longer_name_is_another_domain() -> None:
    assert set(levels(packed(HEAD, *LINES), "a-b.example")) == {
        f"a-b.example {metric}"
        for metric in ("harmonic_position", "harmonic_centrality", "pagerank_position", "pagerank", "hosts")
    }


def test_the_release_is_the_newest_that_is_over() -> None:
    came, _, _ = by_hand(NAME, ranks(packed(HEAD, *LINES)), wanted("a.example"))
    assert came[0].options["release"] == RELEASE
    assert came[0].options["observed_on"] == "2026-06-30"


@pytest.mark.parametrize(
    ("release", "ended"),
    [
        (RELEASE, date(2026, 6, 30)),
        ("cc-main-2025-26-dec-jan-feb", date(2026, 2, 28)),
        ("cc-main-2017-18-nov-dec-jan", date(2018, 1, 31)),
        ("cc-main-2026-xxx", None),
        ("../x", None),
    ],
)
def test_a_release_ends_with_its_last_month(release: str, ended: date | None) -> None:
    assert web_graph.release_end(release) == ended


def test_damage_is_an_error_and_no_absence() -> None:
    with pytest.raises(Unreadable, match="the packing is damaged"):
        levels(packed(HEAD)[:-4] + b"garbage!", "a.example")


def test_a_list_that_is_cut_off_inside_its_packing_is_an_error() -> None:
    with pytest.raises(Unreadable, match="cut off inside its packing"):
        levels(packed(HEAD, *LINES)[:-9], "nobody.example")


def test_a_list_that_cannot_be_had_now_is_asked_for_later() -> None:
    came, _, error = by_hand(NAME, lambda _: (503, ""), wanted("a.example"))
    assert came == []
    assert isinstance(error, Throttled)


def test_a_list_without_names_of_domains_is_refused() -> None:
    options = {"release": RELEASE, "observed_on": "2026-06-30"}
    with pytest.raises(Unreadable, match="no host_rev"):
        list(web_graph.read(Capture(NAME, b'{"head": "#a\\t#b", "lines": []}', options=options)))
