import pytest

from crawlers.sandbox.faults import Fault, Faults, parse, spoiled
from crawlers.sandbox.serving import Sent
from geo_flywheel import plugins
from geo_flywheel.errors import ConfigError
from geo_flywheel.records import Capture, Status

_WHOLE = Sent(200, b"0123456789")


def test_the_next_asks_of_a_provider_meet_a_fault_and_no_others() -> None:
    faults = Faults(1)
    faults.order(Fault("drop", "openai", next=2))
    met = [faults.due(name) for name in ("xai", "openai", "openai", "openai")]
    assert [fault and fault.kind for fault in met] == [None, "drop", "drop", None]
    assert faults.standing() == []
    assert faults.given == {"drop": 2}


def test_orders_for_the_next_asks_are_met_one_after_the_other() -> None:
    faults = Faults(1)
    faults.order(Fault("cut", next=1))
    faults.order(Fault("drop", next=1))
    assert [(fault := faults.due("groq")) and fault.kind for _ in range(3)] == ["cut", "drop", None]


def test_a_rate_meets_its_share_the_same_ones_for_the_same_seed() -> None:
    def met(seed: int) -> list[bool]:
        faults = Faults(seed)
        faults.order(Fault("garbage", rate=0.3))
        return [faults.due("xai") is not None for _ in range(1000)]

    assert met(1) == met(1) != met(2)
    assert 250 < sum(met(1)) < 350


def test_orders_can_be_taken_back() -> None:
    faults = Faults(1)
    faults.order(Fault("drop", rate=1))
    faults.clear()
    assert faults.due("xai") is None


@pytest.mark.parametrize(
    ("form", "header", "said"),
    [("seconds", "retry-after", "30"), ("milliseconds", "retry-after-ms", "30000"), ("date", "retry-after", "GMT")],
)
def test_a_throttle_says_when_to_come_again(form: str, header: str, said: str) -> None:
    reply = spoiled(parse({"kind": "throttle", "next": 1, "seconds": 30, "form": form}), "openai", _WHOLE)
    ((name, value),) = reply.headers
    assert (reply.status, name) == (429, header)
    assert said in value


def test_a_throttle_says_it_as_google_does_or_not_at_all() -> None:
    google = spoiled(parse({"kind": "throttle", "next": 1, "seconds": 30, "form": "retry_info"}), "gemini", _WHOLE)
    assert b'"retryDelay":"30s"' in google.body
    assert google.headers == spoiled(Fault("throttle", form="none"), "gemini", _WHOLE).headers == ()


def test_other_faults_are_what_they_are_called() -> None:
    assert spoiled(Fault("status", status=529), "xai", _WHOLE).status == 529
    assert spoiled(Fault("slow", seconds=3), "xai", _WHOLE) == Sent(200, b"0123456789", wait=3)
    assert spoiled(Fault("cut"), "xai", _WHOLE).cut == 5
    assert spoiled(Fault("drop"), "xai", _WHOLE).cut == -1


@pytest.mark.parametrize("provider", plugins.engines())
def test_a_failure_inside_a_200_is_read_as_one(provider: str) -> None:
    reply = spoiled(Fault("failure"), provider, _WHOLE)
    (answer,) = plugins.engine(provider).read(Capture(provider, reply.body, http_status=reply.status))
    assert (reply.status, answer.status) == (200, Status.ERROR)


@pytest.mark.parametrize(("provider", "status"), [("perplexity", 403), ("xai", 410), ("openai", 410), ("groq", 410)])
def test_a_service_that_is_gone_says_so(provider: str, status: int) -> None:
    reply = spoiled(Fault("retired"), provider, _WHOLE)
    (answer,) = plugins.engine(provider).read(Capture(provider, reply.body, http_status=reply.status))
    assert (reply.status, answer.status) == (status, Status.RETIRED)


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        ({"kind": "fire", "next": 1}, "kind is none of throttle"),
        ({"kind": "drop", "provider": "opnai", "next": 1}, "provider is none of"),
        ({"kind": "throttle", "form": "minutes", "next": 1}, "form is none of"),
        ({"kind": "drop"}, "how many asks"),
        ({"kind": "drop", "rate": 1.5}, "how many asks"),
        ({"kind": "drop", "when": 1}, "no such order"),
        ({"kind": "drop", "next": "2"}, "without quotes"),
    ],
)
def test_an_order_that_makes_no_sense_is_refused(told: dict[str, object], reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        parse(told)
