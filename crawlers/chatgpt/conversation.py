"""A conversation of ChatGPT: a tree of messages, of which one path is shown, cut into turns.

A turn is what stands between two messages of the user: hidden thoughts, tool calls and results, and one or more shown
messages, which make one answer. Where the user asked for the answer again the tree forks below the question (or further
down, between two messages of the assistant): every branch is an answer to the same question, and the shown path tells
which one was kept. Where the user edited the question it forks above it: that is another question, and no judgement.
"""

from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from crawlers.chatgpt import message as messages
from crawlers.reading.citing import Citing, retrievals
from crawlers.reading.lenient import mapping, moment, sequence, text
from crawlers.reading.wire import Document
from geo_flywheel.errors import Unreadable
from geo_flywheel.records import Answer, Ask, Citation, Prompt, Retrieval, Status
from geo_flywheel.urls import canonical

MAX_BRANCHES = 100
"""Answers to one question that are read; a hand does not ask for more."""

_HIDDEN_TYPES = {"code", "reasoning_recap", "thoughts", "user_editable_context", "model_editable_context"}
_BETWEEN = "\n\n"
_CUT_OFF = {"interrupted", "max_tokens"}
_SEARCHERS = ("browser", "web")


class Reply(NamedTuple):
    """An answer, and the ids of the messages it was made of."""

    answer: Answer
    messages: frozenset[str]


class Turn(NamedTuple):
    """The answers to one question: the one that is shown, and those that were left for it."""

    kept: Reply | None
    left: tuple[Reply, ...]


class Tree:
    """The messages of one conversation."""

    def __init__(self, conversation: Document) -> None:
        """Take a conversation; links between its messages are taken from `parent`, `children` may be missing."""
        self.nodes = {key: node for key, node in mapping(conversation.get("mapping")).items() if isinstance(node, dict)}
        self.id = text(conversation.get("conversation_id")) or text(conversation.get("id"))
        self._parents = self._parent_of_each()
        self._children: dict[str, list[str]] = {}
        for node, parent in self._parents.items():
            self._children.setdefault(parent, []).append(node)
        self._current = text(conversation.get("current_node"))
        self.id = self.id or next((node for node in self.nodes if node not in self._parents), "")

    def message(self, node: str) -> Document:
        """Return the message of a node; empty for the root."""
        return mapping(self.nodes[node].get("message"))

    def path(self) -> list[str]:
        """Return the nodes shown last, from the root; without a current node those that lead to the newest one."""
        current = self._current if self._current in self.nodes else self._newest()
        return self._climb(current, "")

    def branches(self, kept: list[str], question: str | None) -> Iterator[list[str]]:
        """Yield the other ways from a question to an answer.

        Args:
            kept: Nodes of the shown answer, in order.
            question: Node of the question, None when the answer has none.
        """
        for place, node in enumerate(kept):
            parent = self._parents.get(node, "")
            for sibling in self._children.get(parent, []):
                forked = parent == question or self._role(sibling) == self._role(node) == "assistant"
                if sibling != node and forked and not asks(self.message(sibling)):
                    for leaf in self._leaves(sibling):
                        yield kept[:place] + self._climb(leaf, parent)

    def _leaves(self, start: str) -> Iterator[str]:
        """The last nodes before the next question, one per answer below `start`."""
        waiting, seen = [start], {start}
        while waiting:
            node = waiting.pop()
            below = [n for n in self._children.get(node, []) if n not in seen and not asks(self.message(n))]
            answering = [n for n in below if self._role(n) == "assistant"]
            chosen = answering or below[-1:]
            seen.update(chosen)
            waiting += reversed(chosen)
            if not chosen:
                yield node

    def _climb(self, node: str, end: str) -> list[str]:
        """The nodes from below `end` down to `node`; a circle is cut where it closes."""
        way: dict[str, None] = {}
        while node and node != end and node not in way:
            way[node] = None
            node = self._parents.get(node, "")
        return list(way)[::-1]

    def _parent_of_each(self) -> dict[str, str]:
        parents = {
            child: key
            for key, node in self.nodes.items()
            for child in sequence(node.get("children"))
            if isinstance(child, str) and child in self.nodes
        }
        told = {key: text(node.get("parent")) for key, node in self.nodes.items()}
        return parents | {key: parent for key, parent in told.items() if parent in self.nodes}

    def _newest(self) -> str:
        leaves = [node for node in self.nodes if node not in self._children]
        times = {node: moment(self.message(node).get("create_time")) for node in leaves}
        dated = [node for node in leaves if times[node]]
        return max(dated, key=lambda node: str(times[node])) if dated else (leaves or [""])[-1]

    def _role(self, node: str) -> str:
        return _role(self.message(node))


def turns(conversation: Document) -> Iterator[Turn]:
    """Yield the turns on the shown path that have an answer.

    Raises:
        Unreadable: If a question has more than `MAX_BRANCHES` answers; the message does not name the file.
    """
    tree = Tree(conversation)
    for question, shown in _cut(tree, tree.path()):
        branches = list(islice(tree.branches(shown, question), MAX_BRANCHES))
        if len(branches) == MAX_BRANCHES:
            raise Unreadable(f"{MAX_BRANCHES} answers to one question; no hand asks so often: export it again")
        kept = _reply(tree, question, shown, again=bool(branches))
        others = [_reply(tree, question, branch, again=True) for branch in branches]
        left = {reply.answer.id: reply for reply in others if reply}
        if kept:
            left.pop(kept.answer.id, None)
        if kept or left:
            yield Turn(kept, tuple(left.values()))


def _cut(tree: Tree, path: list[str]) -> Iterator[tuple[str | None, list[str]]]:
    """The questions on a path, each with the nodes after it."""
    question: str | None = None
    after: list[str] = []
    for node in path:
        if asks(tree.message(node)):
            if after:
                yield question, after
            question, after = node, []
        else:
            after.append(node)
    if after:
        yield question, after


def asks(message: Document) -> bool:
    """Whether a message is a question of the user, and no note of the program's in the user's name."""
    return _role(message) == "user" and not _hidden(message)


def _role(message: Document) -> str:
    return text(mapping(message.get("author")).get("role"))


def _hidden(message: Document) -> bool:
    metadata, content = mapping(message.get("metadata")), mapping(message.get("content"))
    return bool(
        metadata.get("is_visually_hidden_from_conversation")
        or text(content.get("content_type")) in _HIDDEN_TYPES
        or (text(message.get("recipient")) or "all") != "all"
    )


def _shown(message: Document) -> bool:
    return _role(message) == "assistant" and not _hidden(message) and bool(messages.words(message).strip())


def _reply(tree: Tree, question: str | None, way: list[str], *, again: bool) -> Reply | None:
    """The answer a way makes; None when nothing of it was shown."""
    whole = [tree.message(node) for node in way]
    shown = [node for node in way if _shown(tree.message(node))]
    if not shown:
        return None
    last = tree.message(shown[-1])
    known = {name: page for message in whole for name, page in messages.references(message).items()}
    told = [messages.said(tree.message(node), known) for node in shown]
    citations, retrieved = _sources(told, whole)
    queries = _queries(whole)
    searched = bool(citations or retrieved or queries) or any(map(_is_search, whole))
    asking = tree.message(question) if question else {}
    times = [moment(message.get("create_time")) for message in ((last, asking) if again else (asking, last))]
    prompt = messages.words(asking).strip()
    answer = Answer(
        provider="chatgpt_export",
        engine="openai",
        surface="ui_export",
        status=_status(last, searched=searched),
        text=_joined(told),
        model_served=text(mapping(last.get("metadata")).get("model_slug")) or None,
        citations=citations,
        retrievals=retrieved,
        queries=queries,
        skipped_blocks=sum(part.skipped for part in told),
        asked_at=times[0] or times[1],
        ask=Ask(Prompt(prompt)) if prompt else None,
        id=f"{tree.id}/{text(last.get('id')) or shown[-1]}",
    )
    return Reply(answer, frozenset({*way, *(text(message.get("id")) for message in whole)} - {""}))


def _sources(told: list[messages.Said], whole: list[Document]) -> tuple[tuple[Citation, ...], tuple[Retrieval, ...]]:
    """The pages the words refer to, and those that were found for them; of the footnotes those not referred to."""
    citing = Citing(_joined(told))
    offset = 0
    for part in told:
        for page, span in part.mentions:
            citing.cite(page.url, page.title, (span[0] + offset, span[1] + offset) if span else None)
        offset += len(part.text) + len(_BETWEEN)
    citations = citing.citations()
    cited = {citation.url for citation in citations}
    footnotes = [page for part in told for page in part.consulted if canonical(page.url).url not in cited]
    pages = [page for message in whole for page in messages.listed(message)] + footnotes
    return citations, retrievals((page.url, page.title, None) for page in pages)


def _joined(told: list[messages.Said]) -> str:
    return _BETWEEN.join(part.text for part in told)


def _queries(whole: list[Document]) -> tuple[str, ...]:
    """Searches the engine ran, in order, each once."""
    found: list[str] = []
    for message in whole:
        metadata = mapping(message.get("metadata"))
        asked = metadata.get("search_model_queries")
        for query in (*sequence(mapping(asked).get("queries") or asked), *sequence(metadata.get("search_queries"))):
            told = mapping(query)
            found.append(text(query) or text(told.get("q")) or text(told.get("query")))
    return tuple(dict.fromkeys(query for query in found if query.strip()))


def _is_search(message: Document) -> bool:
    return _role(message) == "tool" and text(mapping(message.get("author")).get("name")).startswith(_SEARCHERS)


def _status(message: Document, *, searched: bool) -> Status:
    finish = text(mapping(mapping(message.get("metadata")).get("finish_details")).get("type"))
    if text(message.get("status")) not in {"", "finished_successfully"} or finish in _CUT_OFF:
        return Status.INCOMPLETE
    return Status.GROUNDED if searched else Status.UNGROUNDED
