"""What is told of the texts of a log: of each request, host, referrer, User-Agent line and claim once."""

from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from geo_flywheel.records import LogFile
from geo_flywheel.store.access_logs import layouts
from geo_flywheel.store.access_logs.clients import Codes, Known
from geo_flywheel.store.access_logs.numbered import Numbered, Pages, distinct
from geo_flywheel.store.access_logs.rows import AGENT, HOST, REFERRER, TOLD, Rows
from geo_flywheel.store.access_logs.texts import MOST, Bytes, Texts
from geo_flywheel.store.numbers import VisitKind


class Told:
    """Numbered texts, and what was told of each.

    Attributes:
        texts: As `rows` says whose they are.
        pages: Those that requests ask for.
        said: Method and utm_source of requests.
        kinds: What visits have in common.
        of: What was told of each text, shape (text,) of `rows.TOLD`.
    """

    def __init__(self, file: LogFile, known: Known, beside: duckdb.DuckDBPyConnection, texts: Texts) -> None:
        """Begin with nothing told of `texts`; `beside` is where they are taken apart."""
        self.texts, self.pages = texts, Pages()
        self.said: Numbered[tuple[str, str | None]] = Numbered()
        self.kinds: Numbered[VisitKind] = Numbered()
        self.of = np.empty(0, TOLD)
        self._host, self._known, self._beside = file.host, known, beside
        self._hosts: dict[int, str] = {0: file.host} if file.layout == "combined" else {}

    @property
    def is_full(self) -> bool:
        """Whether there is more of anything than is worth remembering; of texts alone there are half as many."""
        return max(len(told.things) for told in (self.pages, self.said, self.kinds)) > 2 * MOST

    def kinds_of(self, whos: Codes, said: Codes) -> Codes:
        """Return the number of what each visit has in common with others, by who sent it and what it said."""
        found, which = distinct(whos, said)
        pairs = ((self._known.whos.things[who], self.said.things[words]) for who, words in found)
        return self.kinds.numbers(VisitKind(method, who, source) for who, (method, source) in pairs)[which]

    def learn(self, count: int) -> None:
        """Ask about those of the first `count` texts that are new."""
        first = self.of.size
        owners, texts = self.texts.owners(first, count), self.texts.between(first, count)
        self.of = np.append(self.of, np.zeros(owners.size, TOLD))
        self.of["page"][first:] = -1
        for tell, is_theirs in (
            (self._tell_hosts, owners == HOST),
            (self._tell_referrers, owners == REFERRER),
            (self._tell_agents, owners == AGENT),
            (self._tell_requests, owners >= 0),
        ):
            if is_theirs.any():
                tell(first + np.flatnonzero(is_theirs), texts.filter(pa.array(is_theirs)))

    def _tell_hosts(self, numbers: Codes, texts: Any) -> None:
        hosts = self._asked(texts, layouts.hosts(), {"host": self._host})["host"].to_pylist()
        self._hosts.update(zip(numbers.tolist(), hosts, strict=True))

    def _tell_referrers(self, numbers: Codes, texts: Any) -> None:
        self.of["sender"][numbers] = self._known.referrers([_said(text, "-") for text in texts.to_pylist()])

    def _tell_agents(self, numbers: Codes, texts: Any) -> None:
        self.of["client"][numbers] = self._known.clients([_said(text, "-", "") for text in texts.to_pylist()])

    def _tell_requests(self, numbers: Codes, texts: Any) -> None:
        asked = self._asked(texts, layouts.requests())
        sources = asked["utm_source"].to_pylist()
        hosts = [self._hosts[host] for host in self.texts.owners(0, self.of.size)[numbers].tolist()]
        pages = self.pages.numbers(zip(hosts, asked["path"].to_pylist(), strict=True))
        is_page = asked["is_path"].to_numpy() & np.array([host != "" for host in hosts])
        self.of["page"][numbers] = np.where(is_page, pages, -1)
        self.of["said"][numbers] = self.said.numbers(zip(asked["method"].to_pylist(), sources, strict=True))
        self.of["sender"][numbers] = self._known.campaigns(sources)

    def _asked(self, texts: Any, query: str, values: dict[str, str] | None = None) -> pa.Table:
        """What a query says of each text."""
        self._beside.register("texts", pa.table({"text": texts}))
        found = self._beside.execute(query, values).to_arrow_table()
        self._beside.unregister("texts")
        return found


class Claims:
    """Numbered claims, by agent and address and by those it was forwarded for, and what each proves."""

    def __init__(self, known: Known) -> None:
        """Begin with none."""
        self.texts = Texts()
        self._known = known
        self._proofs = np.empty(0, np.int64)  # -1 for a claim that nobody made without saying whom it forwards

    def proofs(self, text: Bytes, rows: Rows, clients: Codes, claims: Codes) -> Codes:
        """Return what claims prove, by the numbers that `Known` gives, asking about those that are new.

        Args:
            text: The block.
            rows: Its lines of agents, shape (line,).
            clients: Number of each agent.
            claims: Number of each claim.
        """
        self._proofs = np.append(self._proofs, np.full(len(self.texts) - self._proofs.size, -1))
        new, at = np.unique(claims, return_index=True)
        is_new = self._proofs[new] < 0
        new, at = new[is_new], at[is_new]
        if new.size:
            some = rows[at]
            ends = np.where(some["forwarded"] > 0, some["end"], 0)
            asked = zip(
                self._known.names(clients[at]),
                _texts(text, some["address"], some["address_end"]),
                (said.replace('"', ",") or None for said in _texts(text, some["forwarded"], ends)),
                strict=True,
            )
            self._proofs[new] = self._known.proofs(list(asked))
        return self._proofs[claims]


def _said(text: str, *nothing: str) -> str | None:
    """A text, None where it stands for nothing."""
    return None if text in nothing else text


def _texts(text: Bytes, start: Any, end: Any) -> list[str]:
    """What stands between two places of each line."""
    view = text.data
    return [str(view[at:until], "utf-8") for at, until in zip(start.tolist(), end.tolist(), strict=True)]
