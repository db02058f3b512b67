"""Conversations of ChatGPT written by hand: nodes in the order they were said, linked by their parents."""

from typing import Any

Node = dict[str, Any]

CITE = "\ue200cite\ue202turn0search3\ue201"


def said(
    node: str,
    parent: str | None,
    role: str,
    *parts: object,
    kind: str = "text",
    metadata: Node | None = None,
    **more: Any,
) -> Node:
    """Return a node with a message; its creation time is its number: "n12" was said 12 seconds after the start."""
    digits = "".join(filter(str.isdigit, node)) or "0"
    message = {
        "id": more.pop("message_id", f"m-{node}"),
        "author": {"role": role, "name": more.pop("name", None)},
        "create_time": 1_767_225_600 + int(digits),
        "content": {"content_type": kind, "parts": list(parts)},
        "status": "finished_successfully",
        "recipient": "all",
        "metadata": metadata or {},
    }
    return {"id": node, "parent": parent, "message": message | more}


def conversation(*nodes: Node, current: str | None = None, **more: Any) -> Node:
    root = {"id": "root", "parent": None, "message": None}
    mapping = {node["id"]: node for node in (root, *nodes)}
    return {"conversation_id": "c1", "mapping": mapping, "current_node": current or nodes[-1]["id"]} | more


def asked(text: str = "best crm?", *, node: str = "n1", parent: str = "root", **more: Any) -> Node:
    return said(node, parent, "user", text, **more)


def reference(url: str, matched: str = CITE, kind: str = "grouped_webpages", **more: Any) -> Node:
    return {"type": kind, "matched_text": matched, "start_idx": 0, "items": [{"title": "T", "url": url}]} | more
