from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawlers.basket import Revision, freeze, frozen, revise
from geo_flywheel.errors import ConfigError
from geo_flywheel.records import Prompt

PROMPTS = st.builds(Prompt, st.sampled_from("abcdefgh"), st.sampled_from(["", "t", "u"]), st.sampled_from(["", "de"]))
BASKETS = st.lists(PROMPTS, unique_by=lambda prompt: prompt.id)


def halves(revision: Revision) -> dict[str, str]:
    return {entry.prompt.id: entry.half for entry in revision.entries}


def history(*baskets: list[Prompt]) -> list[Revision]:
    revisions: list[Revision] = []
    for basket in baskets:
        revision = revise(basket, revisions)
        if revision not in revisions:
            revisions.append(revision)
    return revisions


@given(st.lists(BASKETS, max_size=5))
def test_no_later_basket_moves_a_prompt_to_the_other_half(baskets: list[list[Prompt]]) -> None:
    fixed: dict[str, str] = {}
    for revision in history(*baskets):
        for prompt, half in halves(revision).items():
            assert fixed.setdefault(prompt, half) == half


@given(BASKETS)
def test_the_halves_of_a_topic_differ_by_one_prompt_at_most(basket: list[Prompt]) -> None:
    sizes = Counter((entry.prompt.topic, entry.half) for entry in revise(basket, []).entries)
    for topic in {prompt.topic for prompt in basket}:
        assert sizes[topic, "A"] - sizes[topic, "B"] in {0, 1}


@given(BASKETS, BASKETS)
def test_a_new_prompt_takes_the_next_rank_of_its_topic(first: list[Prompt], second: list[Prompt]) -> None:
    old, *newer = history(first, second)
    known = {entry.prompt.id for entry in old.entries}
    for entry in newer[0].entries if newer else ():
        if entry.prompt.id not in known:
            assert entry.rank > sum(prompt.topic == entry.prompt.topic for prompt in first)


def test_the_order_of_the_prompts_is_not_part_of_a_revision_that_is_there() -> None:
    first = revise([Prompt("a"), Prompt("b")], [])
    assert revise([Prompt("b"), Prompt("a")], [first]) is first


def test_a_basket_that_was_there_before_is_the_revision_it_was() -> None:
    one, two = history([Prompt("a")], [Prompt("a"), Prompt("b")])
    assert revise([Prompt("a")], [one, two]) is one


def test_the_id_follows_the_content_alone() -> None:
    assert revise([Prompt("a")], []).id == revise([Prompt("a")], []).id != revise([Prompt("a", "t")], []).id


@given(st.lists(BASKETS, max_size=3))
def test_what_is_frozen_comes_back_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, baskets: list[list[Prompt]]
) -> None:
    folder = tmp_path_factory.mktemp("frozen") / "basket"
    revisions = history(*baskets)
    for revision in revisions:
        freeze(revision, folder)
    assert frozen(folder) == revisions


def test_freezing_twice_writes_once(tmp_path: Path) -> None:
    revision = revise([Prompt("a\u2028b", "t")], [])
    file = freeze(revision, tmp_path)
    before = file.stat()
    assert freeze(revision, tmp_path) == file
    assert file.stat().st_mtime_ns == before.st_mtime_ns
    assert [path.name for path in tmp_path.iterdir()] == [f"0001-{revision.id}.jsonl"]


@pytest.mark.parametrize("content", [b"", b"{}\n", b"not json", b"\xff", b'{"rank": "x"}', b"[" * 100_000])
def test_a_revision_that_was_changed_is_refused(content: bytes, tmp_path: Path) -> None:
    file = freeze(revise([Prompt("a")], []), tmp_path)
    file.write_bytes(content)
    with pytest.raises(ConfigError, match=f"{file.name}: is not as it was frozen"):
        frozen(tmp_path)


def test_one_letter_changed_is_enough(tmp_path: Path) -> None:
    file = freeze(revise([Prompt("why")], []), tmp_path)
    file.write_bytes(file.read_bytes().replace(b"why", b"how"))
    with pytest.raises(ConfigError, match="is not as it was frozen"):
        frozen(tmp_path)
