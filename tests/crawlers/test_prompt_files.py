from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawlers import prompt_files
from crawlers.prompt_files import read_prompts
from geo_flywheel.errors import Unreadable
from geo_flywheel.records import Prompt


class Read:
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, name: str, content: str | bytes) -> list[Prompt]:
        file = self.folder / name
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_prompts(file)


@pytest.fixture
def read(tmp_path: Path) -> Read:
    return Read(tmp_path)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("p.csv", 'text,topic,locale\n"one, ""1""",t,de\n\ntwo,,\n'),
        ("p.CSV", '\ufeffLocale ; Text;topic\r\nde;"one, ""1""";t\r\n;two\r\n'),
        ("p.tsv", 'topic\ttext\tlocale\nt\t"one, ""1"""\tde\n\ttwo\t\n'),
        ("p.ndjson", '{"text": "one, \\"1\\"", "topic": "t", "locale": "de"}\n\n{"text": " two "}'),
    ],
)
def test_each_kind_of_file_gives_the_same_prompts(name: str, content: str, read: Read) -> None:
    assert read(name, content) == [Prompt('one, "1"', "t", "de"), Prompt("two")]


def test_plain_text_is_one_prompt_per_line(read: Read) -> None:
    assert read("p.txt", " one, 1 \r\n\r\ntwo") == [Prompt("one, 1"), Prompt("two")]


def test_a_cell_may_hold_lines(read: Read) -> None:
    assert read("p.csv", 'text\n"one\ntwo"\nthree\u2028four\n') == [Prompt("one\ntwo"), Prompt("three\u2028four")]


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("p.csv", "question,topic\nq,t\n", "the header names 'question'; the columns are text, topic, locale"),
        ("p.csv", "topic,locale\nt,de\n", "the header names no column text"),
        ("p.csv", "text,topic\nq,t\n,t\n", "line 3 has no text"),
        ("p.csv", "text,topic\nhello, world, again\n", "line 2 has more cells than the header"),
        ("p.csv", 'text\n"open', "line 2 is not CSV"),
        ("p.csv", "", "the header names no column text"),
        ("p.csv", "text\n", "no prompt in it"),
        ("p.csv", b"text\n\xff\n", "is not UTF-8 (byte 5)"),
        ("p.ndjson", '{"text": "a"}\n{"text": ', "line 2 is not JSON"),
        ("p.ndjson", '{"text": 3}', "line 1 is not an object of texts"),
        ("p.ndjson", '["text"]', "line 1 is not an object of texts"),
        ("p.ndjson", '{"text": "a", "locle": "de"}', "line 1 names 'locle'"),
        ("p.ndjson", '{"text": "  "}', "line 1 has no text"),
        ("p.ndjson", '{"text": ' + "[" * 100_000, "line 1 is not JSON"),
        ("p.txt", "\n \n", "no prompt in it"),
        ("p.xlsx", "PK", "Name it .csv, .ndjson or .txt"),
    ],
)
def test_what_is_wrong_is_named_with_its_file_and_line(
    name: str, content: str | bytes, complaint: str, read: Read
) -> None:
    with pytest.raises(Unreadable) as caught:
        read(name, content)
    assert name in str(caught.value)
    assert complaint in str(caught.value)


def test_a_file_that_is_not_there_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="cannot be read"):
        read_prompts(tmp_path / "no.csv")


def test_a_file_too_large_is_refused_unread(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prompt_files, "MAX_FILE", 10)
    with pytest.raises(Unreadable, match="split it"):
        read("p.txt", "x" * 11)


@given(content=st.binary() | st.text().map(str.encode), name=st.sampled_from(["p.csv", "p.tsv", "p.ndjson", "p.txt"]))
def test_any_bytes_are_prompts_or_one_clear_error(
    content: bytes, name: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with suppress(Unreadable):
        prompts = Read(tmp_path_factory.mktemp("any"))(name, content)
        assert prompts
        assert all(prompt.text.strip() for prompt in prompts)
