import pytest

from crawlers.plan import Target
from crawlers.services import asking_of, options_of, services, sources
from geo_flywheel import plugins
from geo_flywheel.crawl_config import GatheredFrom, Provider
from geo_flywheel.errors import ConfigError

ASKING = asking_of(Provider("openai"))


def test_a_provider_named_without_more_is_asked_as_its_plugin_says() -> None:
    ((target, service),) = services([Provider("openai")], {}).items()
    assert target == Target("openai", "openai", ASKING.model)
    assert (service.url, service.model, service.keys) == (ASKING.url, ASKING.model, {})
    assert options_of(target, service) == ASKING.options


def test_the_configuration_takes_the_place_of_what_the_plugin_says() -> None:
    option = next(iter(ASKING.options))
    named = Provider("openai", ("openai",), "gpt", "http://127.0.0.1:1", {option: 7})
    ((target, service),) = services([named], {}).items()
    assert target.model == service.model == "gpt"
    assert service.url == "http://127.0.0.1:1"
    assert service.options == {option: 7}
    assert options_of(target, service) == {**ASKING.options, option: 7}


def test_only_the_providers_own_keys_are_taken_from_the_environment_and_none_that_is_empty() -> None:
    (key,) = ASKING.keys
    (service,) = services([Provider("openai")], {key: "sk-1", "PATH": "/bin"}).values()
    assert service.keys == {key: "sk-1"}
    assert "sk-1" not in repr(service)
    (service,) = services([Provider("openai")], {key: ""}).values()
    assert service.keys == {}


def test_every_provider_that_can_be_asked_can_be_configured_by_its_name_alone() -> None:
    can = [name for name, engine in plugins.engines().items() if engine.asking]
    found = services([Provider(name) for name in can], {})
    assert {target.provider for target in found} == set(can)
    assert all(service.url.startswith("https://") for service in found.values())


@pytest.mark.parametrize(
    ("provider", "complaint"),
    [
        (Provider("opnai"), "in [providers.opnai]: no plugin is called opnai; did you mean openai?"),
        (Provider("openai", ("opeanai",)), "no engine is called opeanai (in [providers.openai]); did you mean openai?"),
        (Provider("openai", options={"zzz": 1}), "no option is called zzz (in [providers.openai]); known are"),
    ],
)
def test_what_no_plugin_knows_is_refused_with_the_nearest(provider: Provider, complaint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        services([provider], {})
    assert complaint in str(caught.value)


def test_a_provider_whose_replies_are_only_read_cannot_be_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    mute = plugins.engine("openai")
    monkeypatch.setattr(plugins, "engine", lambda _: type(mute)(mute.read, mute.render, mute.claims))
    with pytest.raises(ConfigError, match=r"in \[providers.openai\]: its replies can be read, but it cannot be asked"):
        services([Provider("openai")], {})


def test_all_configured_sources_are_meant_or_those_named_configured_or_not() -> None:
    tables = [
        GatheredFrom("signals", "plausible", "https://p.example", {"host": "x"}),
        GatheredFrom("signals", "tranco"),
    ]
    environment = {"PLAUSIBLE_API_KEY": "k", "OTHER": "o"}
    found = sources(tables, environment)
    assert list(found) == ["plausible", "tranco"]
    assert (found["plausible"].url, found["plausible"].keys) == ("https://p.example", {"PLAUSIBLE_API_KEY": "k"})
    assert found["plausible"].options == {"site_id": "", "host": "x", "all_sessions": True}
    named = sources(tables, environment, ["hackernews", "tranco", "tranco"])
    assert {name: service.url for name, service in named.items()} == {
        "hackernews": "https://hn.algolia.com",
        "tranco": "https://tranco-list.eu",
    }


@pytest.mark.parametrize(
    ("table", "complaint"),
    [
        (GatheredFrom("signals", "gaa4"), "in [signals.gaa4]: no plugin is called gaa4; did you mean ga4?"),
        (GatheredFrom("signals", "ga4", "", {"propert": 1}), "no option is called propert (in [signals.ga4]); did you"),
        (GatheredFrom("corpora", "ga4"), "write [signals.ga4]"),
    ],
)
def test_a_source_or_an_option_that_no_plugin_knows_is_refused(table: GatheredFrom, complaint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        sources([table], {})
    assert complaint in str(caught.value)


def test_a_source_named_on_the_command_line_that_nobody_knows_is_refused() -> None:
    with pytest.raises(ConfigError, match="no plugin is called tranko; did you mean tranco"):
        sources([], {}, ["tranko"])
