import copy
import json
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawlers.dropped import files
from crawlers.imports.chatgpt_export import IMPORT
from geo_flywheel.errors import Unreadable
from geo_flywheel.records import Answer, Fact, Feedback, Status
from tests.crawlers.imports.chatgpt import CITE, asked, conversation, reference, said
from tests.crawlers.imports.handing import hand, problem, write, zipped

A, B, C = "https://a.test/x", "https://b.test/y", "https://c.test/z"


def read(tmp_path: Path, *conversations: dict[str, Any]) -> list[Fact]:
    file = hand(write(tmp_path / "conversations.json", json.dumps(conversations)))
    assert IMPORT.refuse(file) is None
    return list(IMPORT.read(file))


def answers(facts: Iterable[Fact]) -> list[Answer]:
    return [fact for fact in facts if isinstance(fact, Answer)]


def feedback(facts: Iterable[Fact]) -> list[tuple[str, str, int]]:
    return [(f.answer_id, f.kind, f.rating) for f in facts if isinstance(f, Feedback)]


def cited(answer: Answer) -> list[tuple[str, list[str | None]]]:
    """The pages and the words of the answer that each span holds."""
    return [(c.url, [answer.text[slice(*span)] if span else None for span in c.spans]) for c in answer.citations]


def one(tmp_path: Path, *parts: object, **metadata: Any) -> Answer:
    (answer,) = answers(read(tmp_path, conversation(asked(), said("n2", "n1", "assistant", *parts, metadata=metadata))))
    return answer


def test_a_turn_is_an_answer_to_the_question_before_it(tmp_path: Path) -> None:
    answer = one(tmp_path, "Nobody knows.", model_slug="gpt-x")
    assert (answer.provider, answer.engine, answer.surface) == ("chatgpt_export", "openai", "ui_export")
    assert (answer.id, answer.model_served, answer.text) == ("c1/m-n2", "gpt-x", "Nobody knows.")
    assert answer.asked_at == datetime(2026, 1, 1, 0, 0, 1)
    assert answer.ask
    assert answer.ask.prompt.text == "best crm?"
    assert answer.status is Status.UNGROUNDED


def test_markers_leave_the_text_and_their_pages_are_cited_with_the_claim_before_them(tmp_path: Path) -> None:
    text = f"Intro here. Emoji \U0001f600 claim. {CITE} Other claim \ue200cite\ue202turn0search4\ue201.\n{CITE} End"
    refs = [
        reference(f"{A}?utm_source=chatgpt.com"),
        reference(B, "\ue200cite\ue202turn0search4\ue201", items=[{"url": B, "supporting_websites": [{"url": C}]}]),
        {"type": "sources_footnote", "matched_text": " ", "sources": [{"url": A}, {"url": "https://d.test/f"}]},
    ]
    answer = one(tmp_path, text, content_references=refs)
    assert not any("\ue200" <= char <= "\ue20f" for char in answer.text)
    assert answer.text == "Intro here. Emoji \U0001f600 claim.  Other claim .\n End"
    assert {c.raw_url: c.occurrences for c in answer.citations} == {f"{A}?utm_source=chatgpt.com": 2, B: 1, C: 1}
    spans = dict(cited(answer))
    assert spans[B] == spans[C] == ["Other claim"]
    assert spans[answer.citations[0].url] == ["Emoji \U0001f600 claim.", None]
    assert [r.raw_url for r in answer.retrievals] == ["https://d.test/f"]
    assert answer.status is Status.GROUNDED


def test_search_results_are_retrieved_and_explain_markers_without_a_reference(tmp_path: Path) -> None:
    entry = {"url": A, "title": "A", "ref_id": {"turn_index": 0, "ref_type": "search", "ref_index": 3}}
    groups = [{"domain": "a.test", "entries": [entry, {"url": B}, {"url": ""}]}]
    answer = one(tmp_path, f"Claim {CITE}", search_result_groups=groups)
    assert cited(answer) == [(A, ["Claim"])]
    assert [(r.url, r.title, r.rank) for r in answer.retrievals] == [(A, "A", 1), (B, None, 2)]


def test_links_and_names_in_markers_stay_readable(tmp_path: Path) -> None:
    text = f'\ue200entity\ue202["company","Acme","crm"]\ue201 wins: \ue200url\ue202its page\ue202{A}\ue201'
    answer = one(tmp_path, text)
    assert answer.text == "Acme wins: its page"
    assert [url for url, _ in cited(answer)] == [A]


def test_pictures_are_no_citations_and_unknown_references_are_counted(tmp_path: Path) -> None:
    refs = [reference(A, "\ue200i\ue201", "image_group"), {"type": "genui", "matched_text": "\ue200genui\ue201"}]
    answer = one(tmp_path, "Text \ue200i\ue201 \ue200genui\ue201", content_references=refs)
    assert (answer.citations, answer.skipped_blocks, answer.text) == ((), 1, "Text")


def test_a_reference_the_text_shows_has_its_own_place(tmp_path: Path) -> None:
    answer = one(tmp_path, f"See [A]({A}).", content_references=[reference(A, f"[A]({A})", "webpage")])
    assert cited(answer) == [(A, [f"[A]({A})"])]


def legacy(url: str, number: int, start: int = -1, end: int = -1) -> dict[str, Any]:
    extra = {"cited_message_idx": number, "evidence_text": "source"}
    return {"start_ix": start, "end_ix": end, "metadata": {"type": "webpage", "title": "T", "url": url, "extra": extra}}


def test_the_older_generation_is_joined_by_place_then_by_number(tmp_path: Path) -> None:
    text = "First【11†source】. Second【12†source】. Third【12†source】"
    found = [legacy(B, 12), legacy(A, 99, 5, 16), legacy(C, 50)]
    answer = one(tmp_path, text, citations=found)
    assert answer.text == "First. Second. Third"
    assert cited(answer) == [(A, ["First"]), (B, ["Second", "Third"]), (C, [None])]


def test_the_list_beside_an_older_message_is_cited_by_number_and_otherwise_consulted(tmp_path: Path) -> None:
    listed = [legacy(A, 7)["metadata"], legacy(B, 8)["metadata"]]
    answer = one(tmp_path, "Claim【7†source】", _cite_metadata={"metadata_list": listed})
    assert cited(answer) == [(A, ["Claim"])]
    assert [r.url for r in answer.retrievals] == [B]


def test_one_page_told_in_both_generations_counts_once(tmp_path: Path) -> None:
    answer = one(tmp_path, f"Claim {CITE}", content_references=[reference(A)], citations=[legacy(A, 1, 6, 20)])
    assert [c.occurrences for c in answer.citations] == [1]


def test_hidden_messages_are_no_part_of_the_answer_but_tell_what_was_searched(tmp_path: Path) -> None:
    hidden = {"is_visually_hidden_from_conversation": True}
    nodes = [
        said("n0", "root", "system", "be nice"),
        said("n1", "n0", "user", "note", kind="user_editable_context", metadata=hidden),
        asked(node="n2", parent="n1"),
        said("n3", "n2", "assistant", "thinking", kind="thoughts"),
        said("n4", "n3", "assistant", "search('x')", recipient="web"),
        said("n5", "n4", "tool", "", name="web.run", metadata={"search_model_queries": {"queries": ["crm 2026", ""]}}),
        said("n6", "n5", "tool", "", name="web.run", metadata={"search_queries": [{"q": "crm"}, {"q": "crm 2026"}]}),
        said("n7", "n6", "assistant", "secret", metadata=hidden),
        said("n8", "n7", "assistant", "Part one."),
        said("n9", "n8", "assistant", f"Part two {CITE}", metadata={"content_references": [reference(A)]}),
    ]
    (answer,) = answers(read(tmp_path, conversation(*nodes)))
    assert answer.text == "Part one.\n\nPart two"
    assert answer.queries == ("crm 2026", "crm")
    assert cited(answer) == [(A, ["Part two"])]
    assert (answer.id, answer.status) == ("c1/m-n9", Status.GROUNDED)


def test_pages_an_older_browser_opened_are_retrieved(tmp_path: Path) -> None:
    listed = {"_cite_metadata": {"metadata_list": [{"type": "webpage", "url": A, "title": "A"}]}}
    tool = said("n2", "n1", "tool", "", name="browser", kind="tether_browsing_display", metadata=listed)
    (answer,) = answers(read(tmp_path, conversation(asked(), tool, said("n3", "n2", "assistant", "Done."))))
    assert ([r.url for r in answer.retrievals], answer.citations) == ([A], ())


@pytest.mark.parametrize(
    "change",
    [
        {"status": "in_progress"},
        {"metadata": {"finish_details": {"type": "max_tokens"}}},
        {"metadata": {"finish_details": {"type": "interrupted"}}},
    ],
)
def test_an_answer_that_broke_off_is_incomplete(tmp_path: Path, change: dict[str, Any]) -> None:
    (answer,) = answers(read(tmp_path, conversation(asked(), said("n2", "n1", "assistant", "So", **change))))
    assert answer.status is Status.INCOMPLETE


def test_only_the_shown_path_is_read_and_an_edited_question_is_no_judgement(tmp_path: Path) -> None:
    talk = conversation(
        asked("first try"),
        said("n2", "n1", "assistant", "Old."),
        asked("second try", node="n3"),
        said("n4", "n3", "assistant", "New."),
    )
    facts = read(tmp_path, talk)
    assert [answer.text for answer in answers(facts)] == ["New."]
    assert feedback(facts) == []


def regenerated() -> dict[str, Any]:
    return conversation(
        asked(),
        said("n2", "n1", "assistant", "Old."),
        said("n3", "n1", "assistant", "hm", kind="thoughts"),
        said("n4", "n3", "assistant", "New."),
        said("n5", "n1", "assistant", "Newest."),
        asked("and then?", node="n6", parent="n4"),
        said("n7", "n6", "assistant", "Then that."),
    )


def test_an_answer_asked_for_again_gives_every_branch_and_which_was_kept(tmp_path: Path) -> None:
    facts = read(tmp_path, regenerated())
    assert [(a.text, a.asked_at.second if a.asked_at else None) for a in answers(facts)] == [
        ("New.", 4),
        ("Old.", 2),
        ("Newest.", 5),
        ("Then that.", 6),
    ]
    assert feedback(facts) == [
        ("c1/m-n4", "regenerated", 1),
        ("c1/m-n2", "regenerated", -1),
        ("c1/m-n5", "regenerated", -1),
    ]
    assert len({a.ask.prompt.id for a in answers(facts)[:3] if a.ask}) == 1


def test_a_fork_further_down_shares_what_came_before_it(tmp_path: Path) -> None:
    talk = conversation(
        asked(),
        said("n2", "n1", "assistant", "Wait."),
        said("n3", "n2", "assistant", "Left."),
        said("n4", "n2", "assistant", "Kept."),
    )
    facts = read(tmp_path, talk)
    assert [answer.text for answer in answers(facts)] == ["Wait.\n\nKept.", "Wait.\n\nLeft."]
    assert [rating for _, _, rating in feedback(facts)] == [1, -1]


def test_two_results_of_one_tool_are_no_regeneration(tmp_path: Path) -> None:
    talk = conversation(
        asked(),
        said("n2", "n1", "assistant", "Looking."),
        said("n3", "n2", "tool", "", name="web"),
        said("n4", "n2", "tool", "", name="web"),
        said("n5", "n4", "assistant", "Found."),
    )
    facts = read(tmp_path, talk)
    assert [answer.text for answer in answers(facts)] == ["Looking.\n\nFound."]
    assert feedback(facts) == []


def test_a_branch_that_showed_nothing_is_no_answer_and_no_judgement(tmp_path: Path) -> None:
    talk = conversation(asked(), said("n2", "n1", "assistant", ""), said("n3", "n1", "assistant", "Here."))
    facts = read(tmp_path, talk)
    assert ([a.text for a in answers(facts)], feedback(facts)) == (["Here."], [])
    stopped = read(tmp_path, conversation(*list(talk["mapping"].values())[1:], current="n2"))
    assert ([a.text for a in answers(stopped)], feedback(stopped)) == (["Here."], [])


def test_links_are_followed_with_parents_or_children_missing_and_in_a_circle(tmp_path: Path) -> None:
    talk = conversation(asked(), said("n2", "n1", "assistant", "So."))
    by_children = copy.deepcopy(talk)
    for node, children in (("root", ["n1"]), ("n1", ["n2"])):
        by_children["mapping"][node]["children"] = children
    for node in by_children["mapping"].values():
        del node["parent"]
    without_current = talk | {"current_node": None}
    circle = copy.deepcopy(talk)
    circle["mapping"]["n1"]["parent"] = "n2"
    for shape in (talk, by_children, without_current, circle):
        assert [answer.text for answer in answers(read(tmp_path, shape))] == ["So."]


def test_more_branches_than_a_hand_makes_are_unreadable(tmp_path: Path) -> None:
    many = [said(f"n{n}", "n1", "assistant", "x") for n in range(2, 200)]
    with pytest.raises(Unreadable, match=r"conversations\.json: conversation 1: 100 answers"):
        read(tmp_path, conversation(asked(), *many))


def test_a_zip_is_read_shard_by_shard_and_what_else_it_holds_is_left_alone(tmp_path: Path) -> None:
    first = conversation(asked(), said("n2", "n1", "assistant", "One."))
    second = conversation(asked(), said("n2", "n1", "assistant", "Two."), conversation_id="c2")
    members = {
        "out/conversations-001.json": [second],
        "out/conversations-000.json": {"conversations": [first]},
        "chat.html": b"<html>",
        "shared_conversations.json": [{"id": "x"}],
        "message_feedback.json": [],
    }
    file = hand(zipped(tmp_path / "export.zip", members))
    assert IMPORT.refuse(file) is None
    assert [(a.id, a.text) for a in answers(IMPORT.read(file))] == [("c1/m-n2", "One."), ("c2/m-n2", "Two.")]


@pytest.mark.parametrize(
    ("rating", "expected"),
    [
        ("thumbsUp", 1),
        ("thumbs_up", 1),
        ("THUMBS-UP", 1),
        (1, 1),
        (True, 1),
        ("thumbsDown", -1),
        ("thumbs_down", -1),
        (-1, -1),
        (False, -1),
    ],
)
def test_every_spelling_of_a_thumb_is_understood(tmp_path: Path, rating: object, expected: int) -> None:
    rated = [{"id": "f1", "conversation_id": "c1", "message_id": "m-n4", "rating": rating}]
    members = {"conversations.json": [regenerated()], "message_feedback.json": rated}
    facts = list(IMPORT.read(hand(zipped(tmp_path / "e.zip", members))))
    assert feedback(facts)[-1] == ("c1/m-n4", "rating", expected)


def test_a_thumb_finds_the_answer_its_message_became(tmp_path: Path) -> None:
    talk = conversation(asked(), said("n2", "n1", "assistant", "One."), said("n3", "n2", "assistant", "Two."))
    content = json.dumps({"tags": ["wrong"], "text": "no!"})
    rated = [
        {"id": "m-n2", "rating": "thumbsDown", "create_time": "2026-01-02T03:04:05Z", "content": content},
        {"id": "f", "conversation_id": "gone", "message_id": "m9", "rating": "thumbsUp"},
        {"id": "nowhere", "rating": "thumbsUp"},
        {"id": "m-n2", "rating": "sideways"},
    ]
    members = {"conversations.json": [talk], "message_feedback.json": rated}
    facts = list(IMPORT.read(hand(zipped(tmp_path / "e.zip", members))))
    thumbs = [fact for fact in facts if isinstance(fact, Feedback)]
    assert thumbs[0] == Feedback("c1/m-n3", "rating", -1, datetime(2026, 1, 2, 3, 4, 5), "no!")
    assert [(t.answer_id, t.rating) for t in thumbs[1:]] == [("gone/m9", 1)]


def test_a_message_id_in_two_conversations_is_joined_by_the_conversation(tmp_path: Path) -> None:
    talks = [conversation(asked(), said("n2", "n1", "assistant", "x"), conversation_id=c) for c in ("c1", "c2")]
    rated = [
        {"conversation_id": "c2", "message_id": "m-n2", "rating": "thumbsUp"},
        {"id": "m-n2", "rating": "thumbsUp"},
    ]
    members = {"conversations.json": talks, "message_feedback.json": rated}
    facts = list(IMPORT.read(hand(zipped(tmp_path / "e.zip", members))))
    assert feedback(facts) == [("c2/m-n2", "rating", 1)]


@pytest.mark.parametrize(
    ("name", "body", "reason"),
    [
        ("conversations.csv", b"date,url\n", "neither a zip nor JSON"),
        ("reply.json", b'{"id": "r"}', "no conversations of ChatGPT"),
        ("conversations.json", b'[{"uuid": "u", "chat_messages": []}]', "no conversations of ChatGPT"),
        ("export.zip", b"PK\x03\x04 cut", "cut off or damaged"),
    ],
)
def test_what_is_no_export_is_refused_with_the_reason(tmp_path: Path, name: str, body: bytes, reason: str) -> None:
    assert reason in str(IMPORT.refuse(hand(write(tmp_path / name, body))))


def test_a_zip_of_something_else_is_refused(tmp_path: Path) -> None:
    file = hand(zipped(tmp_path / "e.zip", {"photos/a.jpg": b"x"}))
    assert "without conversations.json" in str(IMPORT.refuse(file))


def test_an_export_is_known_by_what_it_holds_whatever_its_name(tmp_path: Path) -> None:
    body = json.dumps([{"title": "t"} | conversation(asked(), said("n2", "n1", "assistant", "x"))], indent=1)
    assert IMPORT.refuse(hand(write(tmp_path / "renamed.txt", body))) is None


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        (b'[{"mapping": {}}, {"mapping"', "item 2 is not JSON"),
        (b'[{"mapping": {}}, {"title": "x"}]', "conversation 2 has no mapping"),
        (b'[{"mapping": ' + b"[" * 10_000, "nested too deep"),
        (b'[{"mapping": NaN}]', "NaN"),
        (b'[{"mapping": "\xff"}]', "UTF-8"),
        (b"<html>", "HTML"),
        (b"", "empty"),
    ],
)
def test_a_damaged_member_is_named(tmp_path: Path, body: bytes, wrong: str) -> None:
    file = hand(zipped(tmp_path / "e.zip", {"conversations-000.json": body}))
    with pytest.raises(Unreadable, match=r"e\.zip: conversations-000\.json") as caught:
        list(IMPORT.read(file))
    assert wrong in str(caught.value)


def test_a_zip_that_unpacks_to_too_much_is_refused_before_it_is_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "MAX_MEMBER", 10_000)
    file = hand(zipped(tmp_path / "e.zip", {"conversations.json": b" " * 20_000}))
    with pytest.raises(Unreadable, match="unpacks to more than 10,000 bytes"):
        list(IMPORT.read(file))


JUNK: st.SearchStrategy[Any] = st.one_of(
    st.none(), st.integers(), st.text(max_size=3), st.lists(st.none()), st.just({})
)


@given(data=st.data())
def test_a_conversation_with_anything_in_any_place_is_read_or_unreadable(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    text = f"A {CITE} b【1†source】"
    metadata = {
        "content_references": [reference(A), {"type": "sources_footnote", "sources": [{"url": B}]}],
        "citations": [legacy(A, 1, 3, 9)],
        "search_result_groups": [{"entries": [{"url": A, "ref_id": {"turn_index": 0}}]}],
        "search_queries": [{"q": "x"}],
        "_cite_metadata": {"metadata_list": [legacy(A, 1)["metadata"]]},
    }
    nodes = [asked(), said("n2", "n1", "assistant", text, metadata=metadata), said("n3", "n1", "assistant", "c")]
    talk = conversation(*nodes)
    for _ in range(data.draw(st.integers(1, 3))):
        place: Any = talk
        while True:
            keys = list(place) if isinstance(place, dict) else list(range(len(place)))
            key = data.draw(st.sampled_from(keys))
            if isinstance(place[key], dict | list) and place[key] and data.draw(st.booleans()):
                place = place[key]
                continue
            place[key] = data.draw(JUNK)
            break
    path = tmp_path_factory.mktemp("junk") / "conversations.json"
    file = hand(write(path, json.dumps([talk])))
    told = problem(IMPORT, file)
    assert not told or "conversations.json" in told
    for answer in [] if told else answers(IMPORT.read(file)):
        for citation in answer.citations:
            assert all(span is None or answer.text[slice(*span)].strip() for span in citation.spans)


@given(cut=st.integers(0, 700), put=st.binary(max_size=5))
def test_a_damaged_zip_is_read_refused_or_unreadable(
    tmp_path_factory: pytest.TempPathFactory, cut: int, put: bytes
) -> None:
    folder = tmp_path_factory.mktemp("zip")
    whole = zipped(folder / "w.zip", {"conversations.json": [regenerated()], "message_feedback.json": []}).read_bytes()
    at = cut % len(whole)
    damaged = write(folder / "e.zip", whole[:at] + put + whole[at + len(put) :])
    if damaged.read_bytes().startswith(b"\x1f\x8b"):
        return  # it now says that it is gzip, and is told to be damaged before a format sees it
    file = hand(damaged)
    if IMPORT.refuse(file) is None:
        told = problem(IMPORT, file)
        assert not told or "e.zip" in told
