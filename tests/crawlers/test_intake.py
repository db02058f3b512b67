import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawlers.base import DroppedFile, Import
from crawlers.intake import Outcome, Places, rebuild, recognise, reread, take_in
from crawlers.replies import finish_dead_runs
from geo_flywheel import plugins, urls
from geo_flywheel.errors import ConfigError, StoreError, Unreadable
from geo_flywheel.records import Table
from geo_flywheel.store import archive, kept_files
from geo_flywheel.store.append import append
from geo_flywheel.store.database import open_store
from geo_flywheel.store.schema import OBSERVATION
from geo_flywheel.urls import Page
from tests.crawlers import toy
from tests.crawlers.toy import Bug, Line, Toy, answer, judgement, presence, sighting, write
from tests.geo_flywheel.store.contents import one, problems, report_rows, tables, views

WEEKS = [f"2026-03-{day:02}T09:00:00" for day in (2, 9, 16, 23, 30)]


@pytest.fixture(autouse=True)
def reader(monkeypatch: pytest.MonkeyPatch) -> Toy:
    return toy.install(monkeypatch)


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(tmp_path / "store.duckdb", tmp_path / "archive")


def beside(places: Places, name: str) -> Places:
    folder = places.store.parent / name
    return Places(folder / "store.duckdb", folder / "archive")


def taken(places: Places, *files: Path, plugin: str | None = None, **options: str) -> list[Outcome]:
    return list(take_in(places, files, {f"set.{name}": value for name, value in options.items()}, plugin))


def states(outcomes: list[Outcome]) -> list[str]:
    return [outcome.state for outcome in outcomes]


def count(places: Places, view: str) -> int:
    return int(one(places.store, f"SELECT count(*) FROM {view}"))  # noqa: S608 - names of this file


def market(tmp_path: Path) -> list[Path]:
    """Files of every kind of fact that share rows."""
    sightings = [
        sighting(
            f"https://www.{site}.example/p{n}?utm_source=x",
            at=at,
            prompt=f"which {n}",
            asked=4,
            count=n + 1,
            position=n + 1,
        )
        for at in WEEKS
        for n, site in enumerate(("a", "b", "c"))
    ]
    answers = [
        answer(f"See {n}", f"https://a.example/{n}", "https://b.example/", id=f"x/{n}", at=at, prompt=f"which {n}",
               topic="tools", retrieved=["https://c.example/"], queries=["best"])
        for at in WEEKS
        for n in range(3)
    ]  # fmt: skip
    hosts = [presence(f"{site}.example", tokens) for site, tokens in (("a", 5), ("b", 0), ("c", 7))]
    return [
        write(tmp_path / "one.toy", *sightings[:9], *answers[:9], *hosts[:2], judgement("x/1", 1)),
        write(tmp_path / "two.toy", *sightings[5:], *answers[4:], *hosts[1:], judgement("x/1", 1)),
        write(tmp_path / "three.toy", *sightings, sighting(None, at=WEEKS[0], prompt="which 1", asked=4)),
    ]


# Recognising


def test_a_file_no_format_takes_says_why_each_refused(places: Places, tmp_path: Path) -> None:
    (outcome,) = taken(places, write(tmp_path / "x.json", {"other": 1}))
    assert outcome.state == "failed"
    assert "no format takes it (toy: not a toy); if it is one" in (outcome.problem or "")


def test_a_file_two_formats_take_asks_which(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plugins, "imports", lambda: dict.fromkeys(("one", "two"), plugins.import_("toy")))
    file = write(tmp_path / "x", sighting())
    with pytest.raises(Unreadable, match="one and two would both take it; say which with --as one"):
        recognise(DroppedFile(file, "x", file.read_bytes(), {}))


def test_a_format_that_breaks_down_over_a_file_leaves_it_to_the_others(
    places: Places, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reader: Toy
) -> None:
    def broken(_: object) -> str | None:
        raise RecursionError("too deep")

    wild = Import("wild", broken, reader.read)
    monkeypatch.setattr(plugins, "imports", lambda: {"toy": plugins.import_("toy"), "wild": wild})
    assert states(taken(places, write(tmp_path / "x", sighting()))) == ["read"]
    (outcome,) = taken(places, write(tmp_path / "y", {"other": 1}))
    assert "wild: its reader failed (RecursionError: too deep)" in (outcome.problem or "")


def test_an_unknown_format_is_refused_before_anything_is_written(places: Places, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no plugin is called tory"):
        taken(places, write(tmp_path / "x", sighting()), plugin="tory")
    assert not places.archive.exists()


# Once and never twice


def test_the_same_file_twice_adds_nothing(places: Places, tmp_path: Path) -> None:
    files = market(tmp_path)
    assert states(taken(places, *files)) == ["read"] * 3
    before = tables(places.store)
    assert states(taken(places, *files)) == ["held"] * 3
    assert tables(places.store) == before
    assert len(list(places.archive.glob("*.warc.gz"))) == 1


def test_a_renamed_copy_is_the_same_file(places: Places, tmp_path: Path) -> None:
    lines = (sighting(), answer("Yes"))
    taken(places, write(tmp_path / "x", *lines))
    assert states(taken(places, write(tmp_path / "y", *lines))) == ["held"]


def test_two_equal_answers_in_one_file_are_two_facts(places: Places, tmp_path: Path) -> None:
    taken(places, write(tmp_path / "x", *[answer("Yes")] * 2, *[sighting()] * 3))
    assert count(places, "answers") == 2
    assert count(places, "observations") == 3


def test_equal_rows_of_two_tables_in_one_file_are_two_facts(places: Places, tmp_path: Path) -> None:
    taken(places, write(tmp_path / "x", sighting(table=1), sighting(table=2)))
    taken(places, write(tmp_path / "y", sighting(), sighting(), presence("a.example", 1)))
    assert count(places, "observations") == 2


def test_an_answer_with_an_id_is_one_fact_wherever_it_stands(
    places: Places, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("geo_flywheel.store.append._BATCH", 2)
    first, other = answer("Yes", id="c/1"), answer("No", id="c/2")
    taken(places, write(tmp_path / "x", first, other, answer("Maybe", id="c/3"), first, judgement("c/1", 1), first,
                        judgement("c/1", 1)))  # fmt: skip
    taken(places, write(tmp_path / "y", answer("Yes, said later", id="c/1"), judgement("c/1", 1)))
    assert count(places, "answers") == 3
    assert count(places, "judgements") == 1


CONTENTS = st.lists(st.sampled_from(range(5)), max_size=8)


@given(files=st.lists(CONTENTS, min_size=1, max_size=4), data=st.data())
@settings(max_examples=5)
def test_overlapping_files_add_up_to_the_most_one_of_them_holds_in_any_order(
    files: list[list[int]], data: st.DataObject
) -> None:
    lines = [[_content(n) for n in numbers] + [presence("z.example", 1)] for numbers in files]
    expected = Counter[int]()
    for numbers in files:
        expected |= Counter(numbers)
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        toy.install(patch)
        paths = [write(Path(folder, f"{n}.toy"), *content) for n, content in enumerate(lines)]
        places = Places(Path(folder, "one.duckdb"), Path(folder, "one"))
        other = Places(Path(folder, "two.duckdb"), Path(folder, "two"))
        taken(places, *paths)
        taken(other, *data.draw(st.permutations(paths)))
        assert _counted(places) == expected
        assert views(other.store) == views(places.store)


def _content(number: int) -> Line:
    """Contents 0 to 2 are sightings, 3 and 4 answers without an id."""
    return sighting(f"https://a.example/{number}") if number < 3 else answer("See it", f"https://a.example/{number}")


def _counted(places: Places) -> Counter[int]:
    shown = views(places.store)["citations"]
    return Counter({int(row.partition("a.example/")[2].partition(" ")[0]): n for row, n in _summed(shown).items()})


def _summed(shown: Counter[str]) -> Counter[str]:
    """Rows by their page alone; each row of a view is one citation."""
    by_page = Counter[str]()
    for row, n in shown.items():
        start = row.index("https://a.example/")
        by_page[row[start : start + 20] + " "] += n
    return by_page


# Readings that supersede


def _loses_some(line: Line) -> list[Line]:
    return [] if line.get("url", "").endswith("p1?utm_source=x") or line.get("id") == "x/2" else [line]


def _invents_some(line: Line) -> list[Line]:
    return [line, {**line, "url": "https://never.example/", "cited": ["https://never.example/"], "id": "never"}]


def _mistakes_pages(line: Line) -> list[Line]:
    return [{**line, "url": line.get("url") and line["url"].replace(".example/p", ".example/q")}]


def _mistakes_topics(line: Line) -> list[Line]:
    return [{**line, "topic": "wrong", "prompt": line.get("prompt")}]


def _mistakes_times(line: Line) -> list[Line]:
    return [{**line, "at": "2026-03-02T09:00:00"}]


def _counts_twice(line: Line) -> list[Line]:
    return [line, {**line, "id": None} if "id" in line else line]


BUGS = [_loses_some, _invents_some, _mistakes_pages, _mistakes_topics, _mistakes_times, _counts_twice]


@pytest.mark.parametrize("bug", BUGS)
def test_a_mended_reader_leaves_nothing_of_its_bug(bug: Bug, reader: Toy, places: Places, tmp_path: Path) -> None:
    files = market(tmp_path)
    reader.bug, reader.version = bug, "toy-0"
    taken(places, *files)
    wrong = views(places.store)
    reader.bug, reader.version = toy.sound, "toy-1"
    assert states(list(reread(places))) == ["read"] * 3
    fresh = beside(places, "fresh")
    taken(fresh, *files)
    assert views(places.store) == views(fresh.store) != wrong
    assert report_rows(places.store, "a.example") == report_rows(fresh.store, "a.example")
    assert list(reread(places)) == []


def test_a_bug_in_the_domain_of_a_redirect_is_mended(reader: Toy, places: Places, tmp_path: Path) -> None:
    redirect = "https://vertexaisearch.cloud.google.com/grounding-api-redirect/AAA"
    assert not urls.canonical(redirect).resolved
    file = write(tmp_path / "x", answer("See", redirect, domain="a.example"))
    reader.bug, reader.version = lambda line: [{**line, "domain": "b.example"}], "toy-0"
    taken(places, file)
    reader.bug, reader.version = toy.sound, "toy-1"
    list(reread(places))
    assert one(places.store, "SELECT site FROM citations") == "a.example"


def test_new_url_rules_leave_nothing_of_the_old_ones(
    places: Places, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = market(tmp_path)
    taken(places, *files)
    before = views(places.store)
    canonical, site = urls.canonical, urls.site

    def without_query(raw: str) -> Page:
        page = canonical(raw)
        return Page(page.url.replace("/p1", "/one"), page.passage, page.resolved)

    monkeypatch.setattr(urls, "canonical", without_query)
    monkeypatch.setattr(urls, "site", lambda url: f"the-{site(url)}")
    monkeypatch.setattr(urls, "version", lambda: "2/2027-01-01")
    assert len(list(reread(places))) == 3
    fresh = beside(places, "fresh")
    taken(fresh, *files)
    assert views(places.store) == views(fresh.store) != before


@pytest.mark.parametrize("again", [[0], [1], [2], [0, 1], [1, 2], [0, 1, 2]])
def test_other_options_supersede_and_take_no_row_from_files_that_overlap(
    again: list[int], places: Places, tmp_path: Path
) -> None:
    files = [write(tmp_path / f"{n}", *(sighting(f"https://a.example/{i}") for i in range(n, n + 4))) for n in range(3)]
    taken(places, *files, engine="wrong")
    taken(places, *(files[n] for n in again), engine="right")
    fresh = beside(places, "fresh")
    for number, file in enumerate(files):
        taken(fresh, file, engine="right" if number in again else "wrong")
    assert views(places.store) == views(fresh.store)
    assert list(reread(places)) == []


def test_a_file_that_fails_to_be_read_again_keeps_its_reading(reader: Toy, places: Places, tmp_path: Path) -> None:
    files = [
        write(tmp_path / "x", sighting("https://a.example/1")),
        write(tmp_path / "y", sighting("https://b.example/1")),
    ]
    taken(places, *files)
    reader.bug, reader.version = lambda line: [{**line, "crash": 1}] if "b.example" in line["url"] else [line], "toy-2"
    before = views(places.store)
    outcomes = list(reread(places))
    assert states(outcomes) == ["read", "failed"]
    assert outcomes[1].problem == f"{files[1]}: line 1: told to fail; mend it"
    assert views(places.store) == before
    assert problems(places.store) == [outcomes[1].problem]


@given(
    files=st.lists(CONTENTS, min_size=2, max_size=4),
    failing=st.sets(st.integers(0, 3)),
    lost=st.sets(st.sampled_from(range(5)), max_size=3),
    invented=st.sampled_from([None, 0, 3]),
)
@settings(max_examples=5)
def test_reading_again_counts_like_reading_once_even_when_some_files_fail(
    files: list[list[int]], failing: set[int], lost: set[int], invented: int | None
) -> None:
    """The buggy reader loses some contents, or sees another one in their place; a failing file keeps what it said."""
    invented = None if failing else invented

    def seen(numbers: list[int]) -> list[int]:
        return [m for n in numbers for m in ([n] if n not in lost else [] if invented is None else [invented])]

    def buggy(line: Line) -> list[Line]:
        return [_content(m) for m in seen([line["n"]])]

    def mended(line: Line) -> list[Line]:
        return [{"toy": "x", "crash": 1}] if line["file"] in failing else [_content(line["n"])]

    expected = Counter[int]()
    for number, numbers in enumerate(files):
        expected |= Counter(seen(numbers) if number in failing and numbers else numbers)
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        reader = toy.install(patch)
        paths = [
            write(Path(folder, f"{f}"), *({"toy": "x", "n": n, "file": f} for n in numbers or [9]))
            for f, numbers in enumerate(files)
        ]
        reader.bug = lambda line: [] if line["n"] == 9 else buggy(line)
        places = Places(Path(folder, "s.duckdb"), Path(folder, "archive"))
        taken(places, *paths)
        reader.bug, reader.version = lambda line: [] if line["n"] == 9 else mended(line), "toy-2"
        list(reread(places))
        assert _counted(places) == expected


def test_a_row_shared_with_a_mended_file_goes_even_if_the_other_file_cannot_be_read_again(
    reader: Toy, places: Places, tmp_path: Path
) -> None:
    """What the buggy reader saw in both is told anew by the one; kept for the other, the row would count twice."""
    shared = sighting("https://a.example/1")
    files = [write(tmp_path / "x", shared), write(tmp_path / "y", shared, sighting("https://b.example/1"))]
    reader.bug, reader.version = lambda line: [{**line, "at": "2026-01-05T00:00:00"}], "toy-0"
    taken(places, *files)
    reader.bug, reader.version = (
        lambda line: [line, {"toy": "x", "crash": 1}] if "b.ex" in line["url"] else [line],
        "toy-1",
    )
    assert states(list(reread(places))) == ["read", "failed"]
    shown = one(places.store, "SELECT list(concat_ws(' ', url, day) ORDER BY url) FROM citations")
    assert shown == ["https://a.example/1 2026-03-02", "https://b.example/1 2026-01-05"]
    assert taken(places) == []
    assert states(list(reread(places))) == ["failed"]


def test_reading_all_again_changes_no_view(places: Places, tmp_path: Path) -> None:
    taken(places, *market(tmp_path))
    before = views(places.store)
    assert states(list(reread(places, every=True))) == ["read"] * 3
    assert views(places.store) == before


def test_there_is_nothing_to_read_again_without_a_store(places: Places) -> None:
    with pytest.raises(StoreError, match="there is no store yet"):
        list(reread(places))


# A failing file


def test_a_file_that_cannot_be_read_is_recorded_and_stops_no_other(places: Places, tmp_path: Path) -> None:
    files = [write(tmp_path / "x", {"toy": "x", "crash": 1}), tmp_path / "missing", write(tmp_path / "y", sighting())]
    outcomes = taken(places, *files)
    assert states(outcomes) == ["failed", "failed", "read"]
    assert problems(places.store) == [outcomes[0].problem, outcomes[1].problem]
    assert (
        outcomes[1].problem == f"{files[1]}: cannot be read (No such file or directory); check the path and its rights"
    )
    assert count(places, "observations") == 1


def test_the_same_problem_is_recorded_once(places: Places, tmp_path: Path) -> None:
    file = write(tmp_path / "x", {"toy": "x", "crash": 1})
    assert states(taken(places, file) + taken(places, file)) == ["failed", "failed"]
    assert len(problems(places.store)) == 1


def test_a_reader_that_breaks_down_is_named_and_stops_no_other(places: Places, tmp_path: Path) -> None:
    outcomes = taken(places, write(tmp_path / "x", {"toy": "answer", "cited": []}), write(tmp_path / "y", sighting()))
    assert states(outcomes) == ["failed", "read"]
    assert "the reader toy failed on it (KeyError: 'text')" in (outcomes[0].problem or "")


def test_a_table_that_breaks_down_is_named_and_leaves_nothing(
    reader: Toy, places: Places, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def batches() -> Iterator[Any]:
        yield pa.RecordBatch.from_pylist([toy._sighting(sighting(), {})], OBSERVATION)
        raise ZeroDivisionError("by zero")

    monkeypatch.setattr(
        plugins, "import_", lambda _: Import("", reader.refuse, lambda _: [Table("observation", batches())])
    )
    (outcome,) = taken(places, write(tmp_path / "x", sighting()))
    assert "the reader toy failed on it (ZeroDivisionError: by zero)" in (outcome.problem or "")
    assert count(places, "observation") == 0


def test_a_file_that_changes_while_it_is_read_is_refused(
    places: Places, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write(tmp_path / "x", sighting())
    digest = kept_files.digest(file)
    monkeypatch.setattr(kept_files, "digest", lambda _: digest)
    write(file, sighting(), sighting())
    (outcome,) = taken(places, file)
    assert outcome.problem == f"{file}: it changed while it was read; hand it in when nothing writes to it"
    assert list((places.archive / "imports").iterdir()) == []


def test_a_name_that_is_not_utf8_is_told_as_far_as_it_can(places: Places, tmp_path: Path) -> None:
    outcomes = taken(places, write(tmp_path / "caf\udce9.toy", sighting()), tmp_path / "m\udcff")
    assert states(outcomes) == ["read", "failed"]
    assert outcomes[0].name == f"{tmp_path}/caf\\xe9.toy"
    assert one(places.store, "SELECT name FROM capture") == outcomes[0].name


# Text nobody should have written


def test_hostile_text_is_stored_as_far_as_it_can_be(places: Places, tmp_path: Path) -> None:
    title = "t" * 1_000_000
    lines = [
        answer("a\ud800b\0c", "https://a.example/\udfff", title=title, prompt="\udc00?", topic="\ud801", id="\ud802",
               model="\ud803", queries=["\ud804"]),
        judgement("\ud802", 1),
    ]  # fmt: skip
    assert states(taken(places, write(tmp_path / "x", *lines))) == ["read"]
    assert one(places.store, "SELECT text FROM answers") == "a?b\0c"
    assert one(places.store, "SELECT title FROM citation") == title
    assert one(places.store, "SELECT prompt || topic || model_served FROM answers") == "????"
    assert one(places.store, "SELECT answer_no FROM judgements") == 1


# After a kill


def _leave_dead(places: Places, *files: Path) -> None:
    """Archive files as an import does that is killed before it commits."""
    run = archive.Run(places.archive, "import")
    for file in files:
        digest = kept_files.digest(file)
        kept_files.keep(run.root, file, digest, run.run_id)
        size = file.stat().st_size
        run.note({"kind": "file", "sha256": digest, "name": str(file), "bytes": size, "plugin": "toy", "options": {}})
    run.sync()
    run._file.close()


def test_the_archive_is_on_the_disk_before_the_store_commits(
    places: Places, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []
    fsync = os.fsync

    def synced(file: int) -> None:
        steps.append(Path(f"/proc/self/fd/{file}").readlink().suffix)
        fsync(file)

    def committed(*given: Any) -> Counter[str]:
        steps.append("commit")
        return append(*given)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr("crawlers.intake.append", committed)
    taken(places, write(tmp_path / "x", sighting()), write(tmp_path / "y", answer("Yes")))
    assert [step for step in steps if step] == [".part", ".open", "commit", ".part", ".open", "commit", ".open"]


def test_each_file_is_committed_before_the_next_is_touched(places: Places, tmp_path: Path) -> None:
    files = [write(tmp_path / str(n), sighting(f"https://a.example/{n}")) for n in range(3)]
    for number, _ in enumerate(take_in(places, files, {}), 1):
        with open_store(places.store, read_only=True) as store:
            assert store.rows("SELECT count(*) FROM observations") == [(number,)]


def test_what_a_dead_import_archived_is_committed_first(places: Places, tmp_path: Path) -> None:
    files = market(tmp_path)
    _leave_dead(places, *files[:2])
    assert states(taken(places, *files)) == ["read", "read", "held", "held", "read"]
    fresh = beside(places, "fresh")
    taken(fresh, *files)
    assert views(places.store) == views(fresh.store)


def test_a_dead_import_is_left_to_imports_by_whoever_cannot_read_its_files(places: Places, tmp_path: Path) -> None:
    files = market(tmp_path)
    _leave_dead(places, *files[:2])
    assert finish_dead_runs(places.store, places.archive) == 0
    assert states(taken(places, *files)) == ["read", "read", "held", "held", "read"]


def test_a_dead_import_does_not_bring_back_what_was_superseded_since(places: Places, tmp_path: Path) -> None:
    file = write(tmp_path / "x", sighting())
    taken(places, file, engine="wrong")
    (warc,) = places.archive.glob("*.warc.gz")
    taken(places, file, engine="right")
    warc.rename(f"{warc}.open")
    assert taken(places) == []
    assert one(places.store, "SELECT engine FROM observations") == "right"


def test_a_reading_cut_short_before_those_that_lean_on_it_is_made_up_for(places: Places, tmp_path: Path) -> None:
    one_, two = write(tmp_path / "x", sighting()), write(tmp_path / "y", sighting(), sighting("https://b.example/"))
    taken(places, one_, two)
    outcomes = take_in(places, [one_], {"set.engine": "right"})
    assert next(outcomes).state == "read"
    outcomes.close()  # type: ignore[attr-defined]  # it is a generator
    assert count(places, "observations") == 2
    assert states(taken(places)) == ["read"]
    assert count(places, "observations") == 3


# Rebuilding


def _history(places: Places, tmp_path: Path) -> list[Path]:
    """Several runs: overlapping files, failures, other options, the same file again."""
    files = market(tmp_path)
    bad = write(tmp_path / "bad.toy", {"toy": "x", "crash": 1})
    taken(places, files[0], bad, tmp_path / "missing.toy")
    taken(places, *files[1:], bad)
    taken(places, files[2], engine="right")
    taken(places, files[0], files[2], write(tmp_path / "not.json", {"other": 1}), engine="right")
    return files


def test_a_rebuilt_store_equals_the_old_one_row_for_row(places: Places, tmp_path: Path) -> None:
    _history(places, tmp_path)
    before, shown = tables(places.store), views(places.store)
    assert states(list(rebuild(places))).count("failed") == 4
    assert tables(places.store) == before
    assert views(places.store) == shown
    assert tables(places.store.with_name("store.duckdb.before-rebuild")) == before


def test_a_store_is_rebuilt_from_the_archive_alone(places: Places, tmp_path: Path) -> None:
    files = _history(places, tmp_path)
    before = tables(places.store)
    places.store.unlink()
    for file in files:
        file.unlink()
    list(rebuild(places))
    assert tables(places.store) == before
    assert sorted(path.name for path in places.store.parent.glob("*store*")) == ["store.duckdb"]


def test_the_log_of_a_killed_writer_does_not_reach_the_rebuilt_store(places: Places, tmp_path: Path) -> None:
    taken(places, write(tmp_path / "x", sighting()))
    log = places.store.with_name("store.duckdb.wal")
    log.write_bytes(b"of another time")
    list(rebuild(places))
    assert not log.exists()
    assert count(places, "observations") == 1


def test_rebuilding_waits_for_no_run_that_is_under_way(places: Places, tmp_path: Path) -> None:
    taken(places, write(tmp_path / "x", sighting()))
    run = archive.Run(places.archive, "import")
    with pytest.raises(StoreError, match="a run is under way"):
        list(rebuild(places))
    run.close()
    assert states(list(rebuild(places))) == ["read"]


def test_a_damaged_archive_leaves_the_old_store_where_it_is(places: Places, tmp_path: Path) -> None:
    taken(places, write(tmp_path / "x", sighting()))
    (warc,) = places.archive.glob("*.warc.gz")
    warc.write_bytes(warc.read_bytes()[:-1])
    with pytest.raises(StoreError, match=warc.name):
        list(rebuild(places))
    assert count(places, "observations") == 1


def test_a_kept_file_that_is_gone_is_named_and_can_be_handed_in_again(places: Places, tmp_path: Path) -> None:
    files = [write(tmp_path / "x", sighting()), write(tmp_path / "y", answer("Yes"))]
    taken(places, *files)
    kept = kept_files.place(places.archive, kept_files.digest(files[0]))
    kept.unlink()
    outcomes = list(rebuild(places))
    assert states(outcomes) == ["failed", "read"]
    assert outcomes[0].problem == f"{kept}: the archive lacks this file; hand it in again with `geo-flywheel import`"
    assert states(taken(places, files[0])) == ["read"]
    assert count(places, "observations") == 1


def test_a_kept_file_whose_bytes_changed_is_never_read(places: Places, tmp_path: Path) -> None:
    file = write(tmp_path / "x", sighting())
    taken(places, file)
    kept = kept_files.place(places.archive, kept_files.digest(file))
    kept.write_bytes(file.read_bytes() * 2)
    (outcome,) = reread(places, every=True)
    assert "its bytes no longer have the digest of its name" in (outcome.problem or "")
    assert count(places, "observations") == 1
    assert states(taken(places, file)) == ["read"]
    assert kept.read_bytes() == file.read_bytes()


def test_a_plugin_that_is_gone_fails_its_files_and_no_other(
    places: Places, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken(places, write(tmp_path / "x", sighting()))
    real = plugins.version
    monkeypatch.setattr(
        plugins, "import_", lambda name: (_ for _ in ()).throw(ConfigError(f"no plugin {name}; add it"))
    )
    monkeypatch.setattr(
        plugins, "version", lambda name: (_ for _ in ()).throw(ConfigError(f"no plugin {name}; add it"))
    )
    (outcome,) = reread(places)
    assert outcome.problem == "no plugin toy; add it"
    assert count(places, "observations") == 1
    monkeypatch.setattr(plugins, "version", real)


def test_every_record_of_the_archive_tells_what_the_store_tells(places: Places, tmp_path: Path) -> None:
    _history(places, tmp_path)
    noted = [(entry.run_id, entry.note["name"]) for entry in archive.entries(places.archive)]
    assert len(noted) == 9
    assert {run for run, _ in noted} == set(_runs(places))


def _runs(places: Places) -> list[str]:
    return [row.split("'")[1] for row in tables(places.store)["run"]]
