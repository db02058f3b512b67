"""The export of a Claude account."""

import json
from pathlib import Path
from typing import Any

import pytest

from crawlers.imports import chatgpt_export
from crawlers.imports.claude_export import IMPORT
from geo_flywheel.records import Answer, Status
from tests.crawlers.imports.handing import hand, problem, write, zipped

SEARCH: list[dict[str, Any]] = [
    {"type": "thinking", "thinking": "…"},
    {"type": "tool_use", "name": "web_search", "input": {"query": "best tents"}},
    {
        "type": "tool_result",
        "name": "web_search",
        "content": [
            {"type": "knowledge", "title": "Tents", "url": "https://a.example/tents"},
            {"type": "knowledge", "title": "Other", "url": "https://b.example/other"},
        ],
    },
]
TEXT = {
    "type": "text",
    "text": "The dome is best. See [the list](https://c.example/list).",
    "citations": [
        {"uuid": "1", "start_index": 0, "end_index": 17, "details": {"type": "web", "url": "https://a.example/tents"}}
    ],
}


def _conversation(*content: dict[str, Any]) -> dict[str, Any]:
    return {
        "uuid": "c1",
        "name": "tents",
        "chat_messages": [
            {"uuid": "m0", "sender": "human", "text": "Which tent?", "content": []},
            {
                "uuid": "m1",
                "sender": "assistant",
                "text": "",
                "created_at": "2026-03-02T10:00:00.000000Z",
                "content": list(content),
            },
        ],
    }


def _answers(path: Path) -> list[Answer]:
    assert IMPORT.refuse(hand(path)) is None
    return [fact for fact in IMPORT.read(hand(path)) if isinstance(fact, Answer)]


def _one(tmp_path: Path, *content: dict[str, Any]) -> Answer:
    [answer] = _answers(write(tmp_path / "conversations.json", json.dumps([_conversation(*content)])))
    return answer


def test_cited_is_what_the_text_cites_or_links_to_and_retrieved_what_the_search_gave(tmp_path: Path) -> None:
    answer = _one(tmp_path, *SEARCH, TEXT)
    assert [(c.url, c.spans) for c in answer.citations] == [
        ("https://a.example/tents", ((0, 17),)),
        ("https://c.example/list", ((22, 56),)),
    ]
    assert answer.text[22:56] == "[the list](https://c.example/list)"
    assert [page.url for page in answer.retrievals] == ["https://a.example/tents", "https://b.example/other"]
    assert answer.queries == ("best tents",)
    assert (answer.id, answer.status, answer.skipped_blocks) == ("c1/m1", Status.GROUNDED, 0)
    assert answer.ask
    assert answer.ask.prompt.text == "Which tent?"


def test_results_that_are_told_as_text_are_found(tmp_path: Path) -> None:
    told = json.dumps([{"title": "T", "url": "https://a.example/t"}])
    block = {"type": "tool_result", "content": [{"type": "text", "text": told}]}
    assert [page.url for page in _one(tmp_path, block, TEXT).retrievals] == ["https://a.example/t"]


def test_an_answer_without_search_or_link_is_ungrounded_and_one_without_words_incomplete(tmp_path: Path) -> None:
    assert _one(tmp_path, {"type": "text", "text": "The dome."}).status is Status.UNGROUNDED
    assert _one(tmp_path, *SEARCH).status is Status.INCOMPLETE


def test_an_old_message_that_has_its_words_beside_its_blocks_is_read(tmp_path: Path) -> None:
    conversation = _conversation()
    conversation["chat_messages"][1]["text"] = "The dome."
    path = write(tmp_path / "conversations.json", json.dumps([conversation]))
    assert [answer.text for answer in _answers(path)] == ["The dome."]


def test_blocks_nobody_knows_are_counted(tmp_path: Path) -> None:
    assert _one(tmp_path, {"type": "hologram"}, TEXT).skipped_blocks == 1


def test_the_zip_is_read_and_is_not_taken_for_one_of_chatgpt(tmp_path: Path) -> None:
    path = zipped(tmp_path / "claude.zip", {"users.json": [], "conversations.json": [_conversation(TEXT)]})
    assert len(_answers(path)) == 1
    assert chatgpt_export.IMPORT.refuse(hand(path)) == "its conversations are those of Claude"


def test_a_zip_of_chatgpt_is_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "chatgpt.zip", {"conversations.json": [{"mapping": {}}]})
    assert IMPORT.refuse(hand(path)) == "a zip without conversations of Claude"
    assert chatgpt_export.IMPORT.refuse(hand(path)) is None


@pytest.mark.parametrize("body", ['[{"chat_messages": [', '[{"chat_messages": []}, {"other": 1}]'])
def test_a_damaged_export_names_the_conversation(tmp_path: Path, body: str) -> None:
    assert "export" in problem(IMPORT, hand(write(tmp_path / "conversations.json", body)))
