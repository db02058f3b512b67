"""Who stands behind the lines of a log: each distinct User-Agent line, referrer and claim is asked about once."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from geo_flywheel.records import Client, Proof, Sender, Visitors

_Told = TypeVar("_Told")
_AGE = 183  # days
_MOST = 500_000  # values remembered of one kind
_PERSON, _MACHINE, _AGENT = 0, 1, 2
_NOBODY = Client(is_machine=True)  # sends no User-Agent line: no browser does that


class Known:
    """What is known so far of those who stand behind the lines of one log."""

    def __init__(self, visitors: Visitors) -> None:
        """Begin with nothing known."""
        self._visitors = visitors
        self._clients: dict[str, Client] = {}
        self._hosts: dict[str, Sequence[Sender]] = {}
        self._campaigns: dict[str, Sender | None] = {}
        self._proofs: dict[tuple[str, str | None, str | None], Proof] = {}

    def visits(self, chunk: pa.Table) -> tuple[pa.Table, np.ndarray[Any, np.dtype[np.bool_]]]:
        """Return the lines of agents, and of people whom assistants sent, and which lines they are.

        An agent's own requests, and those of any program, are no person's, whatever referrer or utm_source they bear.

        Args:
            chunk: Lines, as `log_layouts.parsed` gives them.

        Returns:
            Those lines with the columns `operator`, `purpose`, `verification`, `assistant` and `attribution` beside,
            their `agent` the name of the agent; and a mask of the chunk, shape (line,).
        """
        agents, clients = _coded(chunk["agent"], self._told_clients)
        referrers, senders = _coded(chunk["referrer"], self._told_senders)
        sources, campaigns = _coded(chunk["utm_source"], self._told_campaigns)
        clients = [*clients, _NOBODY]
        kinds = np.array([_kind(client) for client in clients], np.int8)[agents]
        sent = np.array([*(sender is not None for sender in senders), False])[referrers]
        tagged = np.array([*(sender is not None for sender in campaigns), False])[sources]
        is_visit = (kinds == _AGENT) | ((kinds == _PERSON) & (sent | tagged))
        which = np.flatnonzero(is_visit)
        found = chunk.take(pa.array(which))
        is_agent, is_referred = kinds[which] == _AGENT, sent[which]
        who = agents[which]
        told = [None, *senders, None, *campaigns]  # by referrer, then by utm_source
        by = np.where(is_referred, 1 + referrers[which], 2 + len(senders) + sources[which])
        by = np.where(is_agent, 0, by)
        names = _spread([client.agent for client in clients], who)
        operators = _spread([client.operator for client in clients], who)
        columns = {
            "agent": names,
            "operator": pc.coalesce(operators, _spread([of.operator if of else None for of in told], by)),
            "purpose": _spread([client.purpose for client in clients], who),
            "verification": self._proven(found, np.flatnonzero(is_agent), names),
            "assistant": _spread([of.assistant if of else None for of in told], by),
            "attribution": _spread([None, "referrer", "utm"], np.where(is_agent, 0, np.where(is_referred, 1, 2))),
        }
        for name, values in columns.items():
            found = found.drop_columns(name) if name in found.column_names else found
            found = found.append_column(name, values)
        return found, is_visit

    def _proven(self, found: pa.Table, which: Any, names: Any) -> Any:
        """What the claims of agents prove, null for people."""
        rows = pa.array(which)
        columns = (column.take(rows).to_pylist() for column in (names, found["address"], found["forwarded"]))
        claims = list(zip(*columns, strict=True))
        _learn(self._proofs, set(claims), self._visitors.proofs)
        proofs = [self._proofs[claim] for claim in claims]
        told = np.full(found.num_rows, None, object)
        told[which] = [proof.verification for proof in proofs]
        claimed = zip(which, proofs, strict=True)
        spoofed = [(place, proof) for place, proof in claimed if proof.verification == "spoofed"]
        moments = found["happened_at"].take(pa.array([place for place, _ in spoofed], pa.int64())).to_pylist()
        for (place, proof), moment in zip(spoofed, moments, strict=True):
            if proof.as_of and abs((moment.date() - proof.as_of).days) > _AGE:
                told[place] = "unverifiable"  # a list of another time calls nobody false
        return pa.array(told, pa.string())

    def _told_clients(self, lines: Sequence[str]) -> list[Client]:
        _learn(self._clients, set(lines), self._visitors.clients)
        return [self._clients[line] for line in lines]

    def _told_senders(self, referrers: Sequence[str]) -> list[Sender | None]:
        """The assistant each referrer is a page of."""
        parts = [referrer.split("/", 3) for referrer in referrers]
        hosts = [part[2] if len(part) > 2 else "" for part in parts]  # noqa: PLR2004 - scheme, nothing, host
        _learn(self._hosts, set(hosts), self._visitors.senders)
        return [
            next((sender for sender in self._hosts[host] if f"/{part[-1]}".startswith(sender.path)), None)
            for host, part in zip(hosts, parts, strict=True)
        ]

    def _told_campaigns(self, sources: Sequence[str]) -> list[Sender | None]:
        _learn(self._campaigns, set(sources), self._visitors.campaigns)
        return [self._campaigns[source] for source in sources]


def _kind(client: Client) -> int:
    return _AGENT if client.agent else _MACHINE if client.is_machine else _PERSON


def _spread(values: Sequence[str | None], codes: Any) -> Any:
    """The value of each code."""
    return pa.array(values, pa.string()).take(pa.array(codes))


def _coded(
    column: pa.ChunkedArray, told: Callable[[Sequence[str]], list[_Told]]
) -> tuple[np.ndarray[Any, np.dtype[np.int32]], list[_Told]]:
    """A number for each value of a dictionary column, and what is told of each distinct one.

    Null has the number after these.
    """
    coded = column.combine_chunks()
    distinct = coded.dictionary.to_pylist()
    return coded.indices.fill_null(len(distinct)).to_numpy(), told(distinct)


def _learn(known: dict[Any, Any], values: set[Any], ask: Callable[[Sequence[Any]], Sequence[Any]]) -> None:
    """Ask about those values that are not known."""
    if len(known) + len(values) > _MOST:
        known.clear()
    new = list(values - known.keys())
    known.update(zip(new, ask(new), strict=True))
