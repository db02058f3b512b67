import gzip
import json
from collections.abc import Iterable
from datetime import date, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawlers.imports.observations import IMPORT
from geo_flywheel.errors import Unreadable
from geo_flywheel.records import Answer, Fact, Status, Table
from geo_flywheel.store.schema import OBSERVATION
from tests import real_data
from tests.crawlers.imports.handing import CAPTURES, hand, problem, rows, write

URL = "https://a.test/x"


def answers(facts: Iterable[Fact]) -> list[Answer]:
    return [fact for fact in facts if isinstance(fact, Answer)]


def drain(facts: Iterable[Fact]) -> None:
    for fact in facts:
        if isinstance(fact, Table):
            list(fact.batches)


def csv(tmp_path: Path, text: str) -> Path:
    return write(tmp_path / "table.csv", text)


def test_a_table_is_read_by_its_own_and_by_other_names() -> None:
    file = hand(CAPTURES / "observations.csv")
    assert IMPORT.refuse(file) is None
    first, second, third = rows(IMPORT, file)
    assert first == {
        "observed_at": datetime(2026, 2, 2, 7, 30),
        "provider": "openai",
        "engine": "openai",
        "surface": "tracker",
        "model": None,
        "prompt": "best crm",
        "topic": "software",
        "locale": None,
        "raw_url": URL,
        "title": None,
        "position": 1,
        "cited": 3,
        "asked": 4,
    }
    assert (second["observed_at"], second["prompt"], second["cited"], second["asked"]) == (
        datetime(2026, 2, 2),
        "best\ncrm",
        1,
        None,
    )
    assert (third["raw_url"], third["cited"], third["asked"], third["topic"]) == (None, 0, 4, None)


def test_every_batch_has_the_schema_of_the_store() -> None:
    (table,) = IMPORT.read(hand(CAPTURES / "observations.csv"))
    assert isinstance(table, Table)
    assert [batch.schema.equals(OBSERVATION) for batch in table.batches] == [True]


def test_what_nothing_says_has_its_default(tmp_path: Path) -> None:
    (row,) = rows(IMPORT, hand(csv(tmp_path, f"date,url\n2026-01-01,{URL}\n")))
    assert (row["engine"], row["provider"], row["surface"], row["asked"]) == ("unknown", "unknown", "tracker", None)


def test_a_constant_wins_over_a_column_and_a_column_can_be_chosen_or_left_out(tmp_path: Path) -> None:
    path = csv(tmp_path, f"date,url,engine,Section,rank\n2026-01-01,{URL},x,news,7\n")
    (row,) = rows(IMPORT, hand(path, set_engine="perplexity", map_topic="section", map_position=""))
    assert (row["engine"], row["provider"], row["topic"], row["position"]) == ("perplexity", "perplexity", "news", None)


@pytest.mark.parametrize(
    ("header", "values", "expected"),
    [
        ("date,observed_at_utc", "2026-01-01,2026-01-01T05:00:00Z", datetime(2026, 1, 1, 5)),
        ("observed_at,created", "2026-01-01,2026-01-01T06:00:00Z", datetime(2026, 1, 1, 6)),
        ("day,date", "2026-01-02,2026-01-01", datetime(2026, 1, 1)),
        ("date,other", "20260101,x", datetime(2026, 1, 1)),
        ("date,other", "2026-01-01T05:00:00.123456789+0100,x", datetime(2026, 1, 1, 4, 0, 0, 123456)),
    ],
)
def test_the_time_is_the_most_precise_one_in_utc(tmp_path: Path, header: str, values: str, expected: datetime) -> None:
    (row,) = rows(IMPORT, hand(csv(tmp_path, f"{header},url\n{values},{URL}\n")))
    assert row["observed_at"] == expected


def test_days_and_moments_may_stand_in_one_column(tmp_path: Path) -> None:
    path = csv(tmp_path, f"date,url\n2026-01-01,{URL}\n2026-01-01T23:00:00-02:00,{URL}\n")
    assert [row["observed_at"].day for row in rows(IMPORT, hand(path))] == [1, 2]


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_other_separators_and_a_byte_order_mark_are_understood(tmp_path: Path, delimiter: str) -> None:
    text = "\ufeffdate,url,topic\n2026-01-01,https://a.test/x,news\n".replace(",", delimiter)
    assert rows(IMPORT, hand(csv(tmp_path, text)))[0]["topic"] == "news"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        ("<html><body>502</body></html>", "HTML"),
        ("[1, 2]", "JSON array"),
        ("just words\nand more\n", "one column"),
        ("date,host\n2026-01-01,a.test\n", "--map url=COLUMN"),
        (f"url,engine\n{URL},x\n", "--set observed_at=2025-12-31"),
        (f"url,c4_tokens\n{URL},3\n", "training presence"),
        (f"corpus,url,date\nc4,{URL},2026-01-01\n", "training presence"),
        ('{"type": "response.created", "response": {}}\n', "--map url=COLUMN"),
        ('{"a": 1', "not a JSON object"),
        ("a\0b,c\n", "binary"),
    ],
)
def test_what_is_no_table_of_observations_is_refused_with_the_reason(tmp_path: Path, text: str, reason: str) -> None:
    refusal = IMPORT.refuse(hand(csv(tmp_path, text)))
    assert refusal is not None
    assert reason in refusal
    assert "\n" not in refusal


@pytest.mark.parametrize(
    ("option", "value", "reason"),
    [
        ("set_engin", "x", "did you mean engine"),
        ("map_topic", "nowhere", "no such column; there are date, url"),
        ("set_observed_at", "yesterday", "--set observed_at=2025-12-31"),
    ],
)
def test_an_option_that_cannot_be_meant_is_refused(tmp_path: Path, option: str, value: str, reason: str) -> None:
    refusal = IMPORT.refuse(hand(csv(tmp_path, f"date,url\n2026-01-01,{URL}\n"), **{option: value}))
    assert refusal is not None
    assert reason in refusal


def test_a_table_of_training_presence_stays_one_whatever_time_is_given(tmp_path: Path) -> None:
    refusal = IMPORT.refuse(hand(csv(tmp_path, "url,c4_tokens\na.test,3\n"), set_observed_at="2026-01-01"))
    assert refusal is not None
    assert "training presence" in refusal


@pytest.mark.parametrize(
    ("cells", "wrong"),
    [
        ("2026-01-01,u,2,1,1", "cited is 2, more than the 1 asked"),
        ("2026-01-01,u,-1,,1", "cited is -1"),
        ("2026-01-01,u,NaN,,1", "cited is 'NaN', not a whole number"),
        ("2026-01-01,u,1.5,,1", "not a whole number"),
        ("2026-01-01,u,1,99999999999,1", "asked is 99999999999"),
        ("2026-01-01,u,1,,0", "position is 0"),
        ("2026-02-30,u,1,,1", "observed_at is '2026-02-30'"),
        ("12/31/2026,u,1,,1", "not a date or time such as"),
        ("1970-01-01,u,1,,1", "1970"),
        (",u,1,,1", "observed_at is empty"),
        ("2026-01-01,,1,,1", "without a URL"),
        ("2026-01-01,u,1", "does not fit the header"),
        ("2026-01-01,u,1,,1,7", "does not fit the header"),
    ],
)
def test_a_bad_row_names_its_line_and_nothing_of_the_file_is_taken(tmp_path: Path, cells: str, wrong: str) -> None:
    text = f'observed_at,url,cited,asked,position\n2026-01-01,"two\nlines",1,1,1\n\n{cells}\n2026-01-01,u,1,1,1\n'
    with pytest.raises(Unreadable, match=r"table\.csv: line 5") as caught:
        drain(IMPORT.read(hand(csv(tmp_path, text))))
    assert wrong in str(caught.value)
    assert "nothing" in str(caught.value)


def test_text_that_is_not_utf_8_names_its_line(tmp_path: Path) -> None:
    path = write(tmp_path / "latin.csv", b"date,url\n2026-01-01,a\n2026-01-01,caf\xe9\n")
    with pytest.raises(Unreadable, match=r"latin\.csv: line 3 is not UTF-8"):
        drain(IMPORT.read(hand(path)))


def test_a_gzip_that_is_cut_off_is_unreadable(tmp_path: Path) -> None:
    body = gzip.compress(("date,url\n" + f"2026-01-01,{URL}\n" * 100_000).encode())
    path = write(tmp_path / "cut.csv.gz", body[:-200])
    with pytest.raises(Unreadable, match=r"cut\.csv\.gz: cut off or damaged"):
        drain(IMPORT.read(hand(path)))


def test_a_large_table_comes_in_batches(tmp_path: Path) -> None:
    (table,) = IMPORT.read(hand(csv(tmp_path, "date,url\n" + f"2026-01-01,{URL}\n" * 120_000)))
    assert isinstance(table, Table)
    sizes = [batch.num_rows for batch in table.batches]
    assert (sum(sizes), max(sizes)) == (120_000, 50_000)


def test_parquet_keeps_its_types(tmp_path: Path) -> None:
    zoned = pa.array([datetime(2026, 1, 1, 12), datetime(2026, 1, 2)], pa.timestamp("ns", "Europe/Berlin"))
    columns = {
        "asked_at": zoned,
        "link": pa.array([URL, ""], pa.large_string()),
        "platform": pa.array(["openai", None]).dictionary_encode(),
        "asked": pa.array([2.0, 2.0]),
        "citation_count": pa.array([1, None], pa.uint64()),
    }
    pq.write_table(pa.table(columns), tmp_path / "t.parquet")
    first, second = rows(IMPORT, hand(tmp_path / "t.parquet"))
    assert (first["observed_at"], first["engine"], first["asked"], first["cited"]) == (
        datetime(2026, 1, 1, 12),
        "openai",
        2,
        1,
    )
    assert (second["raw_url"], second["engine"], second["cited"]) == (None, "unknown", 0)


def test_a_yes_or_no_counts_as_one_or_none(tmp_path: Path) -> None:
    table = pa.table({"day": [date(2026, 1, 1)] * 2, "url": [URL] * 2, "cited": [True, False], "asked": [1, 1]})
    pq.write_table(table, tmp_path / "t.parquet")
    lines = [{"day": "2026-01-01", "url": URL, "cited": said, "asked": 1} for said in (True, False)]
    write(tmp_path / "t.jsonl", "\n".join(map(json.dumps, lines)))
    for name in ("t.parquet", "t.jsonl"):
        assert [row["cited"] for row in rows(IMPORT, hand(tmp_path / name))] == [1, 0]


def test_parquet_names_the_row_at_fault(tmp_path: Path) -> None:
    table = pa.table({"day": [date(2026, 1, 1)] * 2, "url": [URL] * 2, "asked": [1.0, float("nan")]})
    pq.write_table(table, tmp_path / "t.parquet")
    with pytest.raises(Unreadable, match=r"t\.parquet: row 2: asked is nan"):
        drain(IMPORT.read(hand(tmp_path / "t.parquet")))


def test_parquet_that_is_cut_off_is_refused(tmp_path: Path) -> None:
    pq.write_table(pa.table({"day": [date(2026, 1, 1)], "url": [URL]}), tmp_path / "t.parquet")
    path = write(tmp_path / "cut.parquet", (tmp_path / "t.parquet").read_bytes()[:-20])
    refusal = IMPORT.refuse(hand(path))
    assert refusal is not None
    assert "cut off" in refusal


def test_ndjson_holds_rows_whose_keys_may_differ(tmp_path: Path) -> None:
    lines = [
        {"date": "2026-01-01", "url": URL, "position": 1},
        {"date": "2026-01-01", "url": URL, "asked": 3, "cited": 2},
    ]
    path = write(tmp_path / "t.ndjson", "\n".join(map(json.dumps, lines)))
    assert [(row["position"], row["asked"]) for row in rows(IMPORT, hand(path))] == [(1, None), (None, 3)]


def test_an_ndjson_row_at_fault_names_its_line(tmp_path: Path) -> None:
    path = write(tmp_path / "t.ndjson", f'{{"date": "2026-01-01", "url": "{URL}"}}\n\n{{"date": "x", "url": "{URL}"}}')
    with pytest.raises(Unreadable, match=r"t\.ndjson: line 3: observed_at is 'x'"):
        drain(IMPORT.read(hand(path)))


def test_an_object_per_answer_gives_answers_and_an_answer_without_citations_counts() -> None:
    file = hand(CAPTURES / "answers.jsonl")
    assert IMPORT.refuse(file) is None
    first, second, third = answers(IMPORT.read(file))
    assert [(c.raw_url, c.title, c.position) for c in first.citations] == [(URL, None, 1), ("https://b.test/y", "B", 2)]
    assert [r.raw_url for r in first.retrievals] == ["https://c.test/z"]
    assert (first.provider, first.engine, first.surface) == ("openai", "openai", "tracker")
    assert (first.model_served, first.asked_at, first.text) == ("m-1", datetime(2026, 2, 2, 9), "A and B.")
    assert first.ask
    assert (first.ask.prompt.text, first.ask.prompt.topic) == ("best crm", "software")
    assert [answer.status for answer in (first, second, third)] == [Status.GROUNDED, Status.UNGROUNDED, Status.REFUSED]


def test_one_id_said_twice_stays_two_answers() -> None:
    ids = [answer.id for answer in answers(IMPORT.read(hand(CAPTURES / "answers.jsonl")))]
    assert len(set(ids)) == 3
    assert ids[0] == "q1@openai@2026-02-02T09:00:00"


@pytest.mark.parametrize(("options", "cited"), [({}, 0), ({"map_cited": "search_results"}, 1)])
def test_search_results_are_retrieved_unless_the_person_says_they_were_cited(
    tmp_path: Path, options: dict[str, str], cited: int
) -> None:
    line = {"id": 1, "question": "q", "result": "r", "search_results": [{"url": URL}], "response_time": 1.0}
    file = hand(write(tmp_path / "t.jsonl", json.dumps(line)), set_observed_at="2026-01-01", **options)
    (answer,) = answers(IMPORT.read(file))
    assert (len(answer.citations), len(answer.retrievals)) == (cited, 1 - cited)


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        ({"cited": "https://a.test"}, "not a list"),
        ({"cited": [7]}, "where a URL should stand"),
        ({"status": "fine"}, "one of grounded"),
        ({"observed_at": None}, "not a date"),
        ({"answer": {"a": 1}}, "not a text"),
    ],
)
def test_an_answer_at_fault_names_its_line(tmp_path: Path, change: dict[str, object], wrong: str) -> None:
    good = {"observed_at": "2026-01-01", "prompt": "q", "answer": "a", "cited": []}
    path = write(tmp_path / "t.jsonl", f"{json.dumps(good)}\n{json.dumps(good | change)}\n")
    with pytest.raises(Unreadable, match=r"t\.jsonl: line 2") as caught:
        drain(IMPORT.read(hand(path)))
    assert wrong in str(caught.value)


def test_a_reply_of_an_engine_and_a_list_of_questions_are_no_answers(tmp_path: Path) -> None:
    reply = {"id": "1", "created": 1, "citations": [URL], "choices": [], "text": {"format": {}}}
    for line in (reply, {"id": 1, "question": "q", "category": "c"}):
        path = write(tmp_path / "t.jsonl", json.dumps(line))
        assert IMPORT.refuse(hand(path, set_observed_at="2026-01-01")) is not None


@pytest.mark.parametrize("body", [b"[" * 10_000, b'{"a":' * 10_000, b'{"date": NaN}', b'{"date": "\xff"}', b"{}\n{}"])
def test_hostile_json_is_refused_and_never_crashes(tmp_path: Path, body: bytes) -> None:
    assert IMPORT.refuse(hand(write(tmp_path / "t.jsonl", body))) is not None


@given(
    cut=st.integers(0, 400), put=st.binary(max_size=6), source=st.sampled_from(["observations.csv", "answers.jsonl"])
)
def test_a_damaged_file_is_read_or_unreadable(
    tmp_path_factory: pytest.TempPathFactory, cut: int, put: bytes, source: str
) -> None:
    whole = (CAPTURES / source).read_bytes()
    path = tmp_path_factory.mktemp("damaged") / source
    file = hand(write(path, whole[:cut] + put + whole[cut + len(put) :]))
    if IMPORT.refuse(file) is None:
        told = problem(IMPORT, file)
        assert not told or source in told


def test_the_longitudinal_set_is_read_without_options() -> None:
    file = hand(real_data.folder("longitudinal_news") / "citations.csv.gz", set_engine="perplexity")
    found = rows(IMPORT, file)
    assert len(found) == 3013
    assert {row["engine"] for row in found} == {"perplexity"}
    assert not any(row["asked"] for row in found)
    assert all(row["topic"] and row["raw_url"] for row in found)
    assert IMPORT.refuse(hand(file.path)) is None


@pytest.mark.parametrize(("engine", "expected"), [("grok", 928), ("gemini", 928), ("datura_orbit", 912)])
def test_the_benchmark_is_read_answer_by_answer(engine: str, expected: int) -> None:
    path = real_data.folder("ai_search_benchmark_2024") / f"{engine}.jsonl.gz"
    file = hand(path, set_engine=engine, set_observed_at="2024-11-11", map_cited="search_results")
    found = answers(IMPORT.read(file))
    assert len(found) == expected
    assert len({answer.id for answer in found}) == expected
    assert sum(bool(answer.citations) for answer in found) > expected / 3


TRACKERS = {
    "superlines": (
        (
            "LLM Service,Prompt,Cited Status,Domain,Page Title,Page URL,Country,Date,Sentiment\n"
            "ChatGPT,Which tent?,Cited,a.example,Tents,https://a.example/1,US,2026-03-02,0.4\n"
            "Gemini,Which tent?,Not cited,a.example,Tents,https://a.example/2,US,2026-03-02,\n"
        ),
        [("ChatGPT", "https://a.example/1", 1, "US"), ("Gemini", "https://a.example/2", 0, "US")],
    ),
    "counts": (
        (
            "URL,Page Type,Current Citations,Lifetime Citations,Citation Rate,Platforms,First Cited,Last Cited\n"
            "https://a.example/1,blog,7,31,12%,chatgpt|perplexity,2026-01-05,2026-03-02\n"
        ),
        [("chatgpt|perplexity", "https://a.example/1", 7, None)],
    ),
}


@pytest.mark.parametrize("tracker", TRACKERS)
def test_the_tables_of_trackers_are_read_by_the_names_they_give_their_columns(tmp_path: Path, tracker: str) -> None:
    text, expected = TRACKERS[tracker]
    found = rows(IMPORT, hand(write(tmp_path / "t.csv", text)))
    assert [(row["engine"], row["raw_url"], row["cited"], row["locale"]) for row in found] == expected
    assert {row["asked"] for row in found} == {None}
    assert {row["surface"] for row in found} == {"tracker"}


def test_what_was_retrieved_is_never_counted_as_cited(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", "URL,Retrievals,Citation Rate,Date\nhttps://a.example/1,9,0.5,2026-03-02\n")
    assert "retrievals counts what was retrieved, which is not cited" in str(IMPORT.refuse(hand(path)))
    assert IMPORT.refuse(hand(path, set_cited="1")) is None


def test_a_cited_status_that_is_neither_yes_nor_no_names_its_line(tmp_path: Path) -> None:
    text = "url,date,Cited Status\nhttps://a.example/1,2026-03-02,cited\nhttps://a.example/2,2026-03-02,perhaps\n"
    assert "line 3: cited is perhaps" in problem(IMPORT, hand(write(tmp_path / "t.csv", text)))
