"""Who stands behind the lines of a log: each distinct User-Agent line, referrer and claim is asked about once."""

from collections.abc import Callable, Hashable, Sequence
from datetime import date
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np

from geo_flywheel.records import Client, Proof, Sender, Visitors
from geo_flywheel.store.access_logs.numbered import Numbered, distinct
from geo_flywheel.store.access_logs.rows import IS_AGENT, IS_MACHINE, IS_PERSON
from geo_flywheel.store.numbers import Who

Claim = tuple[str, str | None, str | None]
Codes = np.ndarray[Any, np.dtype[np.int64]]
Mask = np.ndarray[Any, np.dtype[np.bool_]]

_Value = TypeVar("_Value", bound=Hashable)
_AGE = 183  # days
_MOST = 500_000  # values remembered of one kind
_DAY = 86_400_000_000  # microseconds
_EPOCH = date(1970, 1, 1).toordinal()
_ATTRIBUTIONS = (None, "referrer", "utm")
_NO_PROOF = Proof("unverifiable")
_NOBODY = Client(is_machine=True)  # sends no User-Agent line: no browser does that


class Senders(NamedTuple):
    """By whom lines were sent, by the numbers that `Known` gives; all of shape (line,).

    Attributes:
        client: Who sent it.
        referrer: The assistant whose page refers to it, 0 for none.
        campaign: The assistant that its utm_source names, 0 for none.
    """

    client: Codes
    referrer: Codes
    campaign: Codes

    def only(self, which: Codes | Mask) -> "Senders":
        """Of some of the lines."""
        return Senders(*(codes[which] for codes in self))


class Memory(Generic[_Value]):
    """What was told of values, remembered while there are not too many."""

    def __init__(self, ask: Callable[[Sequence[_Value]], Codes]) -> None:
        """Remember what `ask` says."""
        self._ask = ask
        self._told: dict[_Value, int] = {}

    def told(self, values: Sequence[_Value]) -> Codes:
        """Return what is told of each, asking about those that are not known."""
        distinct = set(values)
        if len(self._told) + len(distinct) > _MOST:
            self._told.clear()
        new = list(distinct - self._told.keys())
        self._told.update(zip(new, self._ask(new).tolist(), strict=True))
        return np.array([self._told[value] for value in values], np.int64)


class Known:
    """What those who stand behind the lines of a log are, by numbers.

    Attributes:
        whos: Those who sent visits.
    """

    def __init__(self, visitors: Visitors) -> None:
        """Ask `visitors`."""
        self._visitors = visitors
        self._clients = Numbered(_NOBODY)
        self._senders: Numbered[Sender | None] = Numbered(None)
        self._proofs: Numbered[Proof | None] = Numbered(None)
        self.whos: Numbered[Who] = Numbered()

    def clients(self, agents: Sequence[str | None]) -> Codes:
        """Return the number of who each User-Agent line stands for."""
        told = iter(self._visitors.clients([agent for agent in agents if agent is not None]))
        return self._clients.numbers(_NOBODY if agent is None else next(told) for agent in agents)

    def referrers(self, referrers: Sequence[str | None]) -> Codes:
        """Return the number of the assistant each referrer is a page of."""
        parts = [(referrer or "").split("/", 3) for referrer in referrers]
        hosts = [part[2] if len(part) > 2 else "" for part in parts]  # noqa: PLR2004 - scheme, nothing, host
        distinct = list(set(hosts))
        told = dict(zip(distinct, self._visitors.senders(distinct), strict=True))
        return self._senders.numbers(
            next((sender for sender in told[host] if f"/{part[-1]}".startswith(sender.path)), None)
            for host, part in zip(hosts, parts, strict=True)
        )

    def campaigns(self, sources: Sequence[str | None]) -> Codes:
        """Return the number of the assistant that adds each utm_source."""
        told = iter(self._visitors.campaigns([source for source in sources if source is not None]))
        return self._senders.numbers(None if source is None else next(told) for source in sources)

    def proofs(self, claims: Sequence[Claim]) -> Codes:
        """Return the number of what each claim proves."""
        return self._proofs.numbers(self._visitors.proofs(claims))

    def kinds(self) -> Codes:
        """Return of each client whether it is a person, a machine or an agent, as `rows` numbers them."""
        return self._clients.array(_kind)

    def are_agents(self, by: Senders) -> Mask:
        """Return which lines are of agents."""
        is_agent: Mask = self.kinds()[by.client] == IS_AGENT
        return is_agent

    def are_visits(self, by: Senders) -> Mask:
        """Return which lines are of agents, or of people whom assistants sent.

        An agent's own requests, and those of any program, are no person's, whatever referrer or utm_source they bear.
        """
        kinds = self.kinds()[by.client]
        is_visit: Mask = (kinds == IS_AGENT) | ((kinds == IS_PERSON) & ((by.referrer > 0) | (by.campaign > 0)))
        return is_visit

    def names(self, agents: Codes) -> list[str]:
        """Return the name of each agent."""
        return [str(self._clients.things[agent].agent) for agent in agents.tolist()]

    def visits(self, by: Senders, proofs: Codes, moments: Codes) -> Codes:
        """Return the number of who sent each visit.

        Args:
            by: Who sent them.
            proofs: Numbers of what their claims prove, 0 for people.
            moments: When they came, microseconds since 1970, UTC.
        """
        is_agent = self.are_agents(by)
        assistant = np.where(is_agent, 0, np.where(by.referrer > 0, by.referrer, by.campaign))
        attribution = np.where(is_agent, 0, np.where(by.referrer > 0, 1, 2))
        found, which = distinct(by.client, assistant, attribution, self._proven(proofs, moments))
        return self.whos.numbers(self._who(*codes) for codes in found)[which]

    def _who(self, client: int, assistant: int, attribution: int, proof: int) -> Who:
        by, sender, proven = self._clients.things[client], self._senders.things[assistant], self._proofs.things[proof]
        return Who(
            by.agent,
            by.operator or (sender.operator if sender else None),
            by.purpose,
            proven.verification if proven else None,
            sender.assistant if sender else None,
            _ATTRIBUTIONS[attribution],
        )

    def _proven(self, proofs: Codes, moments: Codes) -> Codes:
        """What claims prove that were made then: a list of another time calls nobody false."""
        dates = self._proofs.array(_day_of_list)[proofs]
        is_old = (dates >= 0) & (np.abs(moments // _DAY - dates) > _AGE)
        return np.where(is_old, self._proofs.numbers([_NO_PROOF]), proofs)


def _kind(client: Client) -> int:
    return IS_AGENT if client.agent else IS_MACHINE if client.is_machine else IS_PERSON


def _day_of_list(proof: Proof | None) -> int:
    """Days from 1970 to the list by which a claim is false, -1 for none."""
    if proof is None or proof.verification != "spoofed" or proof.as_of is None:
        return -1
    return proof.as_of.toordinal() - _EPOCH
