"""Faults to order: which replies go wrong, and how.

An order names a provider or a source ("*" for each), a kind, and how many asks it meets: the `next` so many, or a
`rate` of them, decided by seed and by the number of the ask there. The first order that applies is what happens.
An ask that meets a fault uses up no answer, so that what it asks for is there when it is asked again; a slow reply is
an answer like any other.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http import HTTPStatus
from typing import Any, Literal, get_args

import numpy as np
import orjson

from crawlers.sandbox.serving import Sent, problem
from geo_flywheel import plugins
from geo_flywheel.errors import ConfigError
from geo_flywheel.records import Answer, Status

Kind = Literal["throttle", "status", "slow", "cut", "drop", "failure", "retired", "garbage"]
Form = Literal["seconds", "date", "milliseconds", "retry_info", "none"]
EVERYONE = "*"
_GONE = {"perplexity": HTTPStatus.FORBIDDEN, "xai": HTTPStatus.GONE}
_GARBAGE = b"\x00\xff{]<html>\xc3(" * 7


@dataclass(frozen=True, slots=True)
class Fault:
    """An order.

    Attributes:
        kind: "throttle": 429 with Retry-After in the given form; "status": that HTTP status; "slow": the answer, late;
            "cut": half of its body, then the connection breaks; "drop": the connection breaks without a reply;
            "failure": the failure this provider reports inside a 200; "retired": its notice that the service is gone;
            "garbage": 200 and bytes that are nothing.
        next: How many asks it meets; 0 when `rate` decides.
        rate: Share of the asks it meets, in [0, 1].
        seconds: What "slow" waits and "throttle" asks to wait.
    """

    kind: Kind
    provider: str = EVERYONE
    next: int = 0
    rate: float = 0.0
    seconds: float = 1.0
    form: Form = "seconds"
    status: int = 500


def parse(told: Mapping[str, Any]) -> Fault:
    """Return the order that a JSON object gives.

    Raises:
        ConfigError: If it holds what no order has.
    """
    kinds: tuple[plugins.Kind, ...] = ("engines", "signals", "corpora")
    known = [name for kind in kinds for name in plugins.names(kind)]
    allowed = {"kind": get_args(Kind), "form": get_args(Form), "provider": (EVERYONE, *known)}
    try:
        fault = Fault(**told)
    except TypeError as error:
        raise ConfigError(
            f"no such order ({error}); it takes kind, provider, next or rate, seconds, form, status"
        ) from error
    for name, values in allowed.items():
        if getattr(fault, name) not in values:
            raise ConfigError(f"{name} is none of {', '.join(values)}; name one of them")
    numbers = (fault.next, fault.rate, fault.seconds, fault.status)
    if not all(isinstance(number, int | float) for number in numbers):
        raise ConfigError("next, rate, seconds and status are numbers; write them without quotes")
    if not (fault.next > 0 or 0 < fault.rate <= 1):
        raise ConfigError("an order says how many asks it meets: next (from 1) or rate (up to 1)")
    return fault


class Faults:
    """The orders that stand."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._orders: list[Fault] = []
        self._asks: Counter[str] = Counter()
        self.given: Counter[str] = Counter()

    def order(self, fault: Fault) -> None:
        """Add an order after those that stand."""
        self._orders.append(fault)

    def clear(self) -> None:
        """Take all orders back."""
        self._orders.clear()

    def standing(self) -> list[dict[str, Any]]:
        """Return the orders that stand."""
        return [asdict(fault) for fault in self._orders]

    def due(self, provider: str) -> Fault | None:
        """Return the fault that the ask now at this provider meets, None when it meets none."""
        ask = self._asks[provider]
        self._asks[provider] += 1
        for place, fault in enumerate(self._orders):
            if fault.provider in {EVERYONE, provider} and (fault.next or self._drawn(fault, place, provider, ask)):
                self._use(place)
                self.given[fault.kind] += 1
                return fault
        return None

    def _drawn(self, fault: Fault, place: int, provider: str, ask: int) -> bool:
        about = (self._seed, place, ask, *provider.encode())
        return bool(np.random.default_rng(about).random() < fault.rate)

    def _use(self, place: int) -> None:
        left = self._orders[place]
        if left.next == 1:
            del self._orders[place]
        elif left.next:
            self._orders[place] = replace(left, next=left.next - 1)


def spoiled(fault: Fault, provider: str, whole: Sent) -> Sent:
    """Return what an ask gets in place of its whole reply."""
    match fault.kind:
        case "throttle":
            return _throttled(fault)
        case "status":
            return problem(fault.status, "This did not work.")
        case "slow":
            return replace(whole, wait=fault.seconds)
        case "cut":
            return replace(whole, cut=len(whole.body) // 2)
        case "drop":
            return replace(whole, cut=-1)
        case "failure":
            return replace(whole, body=_said(provider, Status.ERROR))
        case "retired":
            return _retired(provider)
        case "garbage":
            return replace(whole, body=_GARBAGE)


def _throttled(fault: Fault) -> Sent:
    """429, with the time to wait in one of the forms it is told in."""
    later = datetime.now(UTC) + timedelta(seconds=fault.seconds)
    headers = {
        "seconds": (("retry-after", str(max(1, round(fault.seconds)))),),
        "date": (("retry-after", format_datetime(later, usegmt=True)),),
        "milliseconds": (("retry-after-ms", str(round(1000 * fault.seconds))),),
    }
    reply = problem(HTTPStatus.TOO_MANY_REQUESTS, "Too many requests; try again later.")
    if fault.form == "retry_info":
        info = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": f"{fault.seconds:g}s"}
        error = {"code": 429, "message": "Quota exceeded.", "status": "RESOURCE_EXHAUSTED", "details": [info]}
        return replace(reply, body=orjson.dumps({"error": error}))
    return replace(reply, headers=headers.get(fault.form, ()))


def _retired(provider: str) -> Sent:
    """The notice of a service that is gone, in the provider's own words where these are known."""
    status = _GONE.get(provider)
    if status is None:
        return problem(HTTPStatus.GONE, "This service has been switched off.")
    return Sent(status, _said(provider, Status.RETIRED))


def _said(provider: str, status: Status) -> bytes:
    return plugins.engine(provider).render(Answer(provider, provider, "api", status, ""))
