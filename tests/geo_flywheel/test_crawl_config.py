from decimal import Decimal

import pytest

from geo_flywheel.config import load, parse
from geo_flywheel.crawl_config import Budget, Crawl, GatheredFrom, Provider, ScheduledJob
from geo_flywheel.errors import ConfigError
from geo_flywheel.workspace import Workspace

WHOLE = """
[providers.openai]
model = "gpt"
url = "http://127.0.0.1:8080/openai/"
options = { max_tokens = 100, tool = { type = "web_search" } }
[providers.dataforseo]
engines = ["google_ai_mode", "google_ai_overview", "google_ai_mode"]
[budget]
run_usd = 0.1
day_usd = 3
unknown_price = "allow"
[crawl]
repeats = 6
connections = 20
locales = ["de-DE", "en-US", "de-DE"]
[schedule.weekly]
cron = " 0  6 * * 1 "
timezone = "Europe/Berlin"
catch_up = "skip"
grace_minutes = 30
providers = ["openai"]
[schedule.daily]
cron = "0 6 * * *"
"""


def test_without_tables_nobody_is_asked_and_the_defaults_hold() -> None:
    config = parse("")
    assert (config.providers, config.schedule) == ((), ())
    assert config.budget == Budget(None, None, "refuse")
    assert config.crawl == Crawl(repeats=4, connections=10, locales=())


def test_every_key_is_read() -> None:
    config = parse(WHOLE)
    assert config.providers == (
        Provider(
            "openai", (), "gpt", "http://127.0.0.1:8080/openai", {"max_tokens": 100, "tool": {"type": "web_search"}}
        ),
        Provider("dataforseo", ("google_ai_mode", "google_ai_overview")),
    )
    assert config.budget == Budget(Decimal("0.1"), Decimal(3), "allow")
    assert config.crawl == Crawl(6, 20, ("de-DE", "en-US"))
    assert config.schedule == (
        ScheduledJob("weekly", "0 6 * * 1", "Europe/Berlin", "skip", 30, ("openai",)),
        ScheduledJob("daily", "0 6 * * *", "UTC", "latest", 120, ()),
    )


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[provider.openai]", "nothing is called provider at the top; did you mean providers?"),
        ("[providers]\nopenai = 3", "openai (in [providers]) is a number, not a table; write [providers.openai]"),
        ('[providers."a b"]', '"a b" (in [providers]) is no name; use letters'),
        ("[providers.openai]\nmodle = 1", "nothing is called modle in [providers.openai]; did you mean model?"),
        ("[providers.openai]\nmodel = 1", "model (in [providers.openai]) is a number, not text"),
        ('[providers.x]\nengines = "y"', "engines (in [providers.x]) is text, not a list"),
        ("[providers.x]\noptions = 1", "options (in [providers.x]) is a number, not a table"),
        ('[providers.x]\nurl = "ftp://a.example"', "url (in [providers.x]) is no address"),
        ('[providers.x]\nurl = "https://["', "url (in [providers.x]) is no address"),
        ('[providers.x]\nurl = "https://me:pw@a.example"', "url (in [providers.x]) holds more than host and path"),
        ('[providers.x]\nurl = "https://a.example/?key=1"', "url (in [providers.x]) holds more than host and path"),
        ('[budget]\nrun_usd = "5"', "run_usd (in [budget]) is text, not a number; write run_usd = 5.00"),
        ("[budget]\nrun_usd = true", "run_usd (in [budget]) is true or false, not a number"),
        ("[budget]\nday_usd = -1", "day_usd (in [budget]) is -1; write an amount of zero or more"),
        ("[budget]\nday_usd = inf", "day_usd (in [budget]) is inf"),
        ("[budget]\nday_usd = nan", "day_usd (in [budget]) is nan"),
        ('[budget]\nunknown_price = "ask"', 'unknown_price (in [budget]) is "ask"; write one of refuse, allow'),
        ("[crawl]\nrepeats = 3", "repeats (in [crawl]) is 3; write an even number"),
        ("[crawl]\nrepeats = 0", "repeats (in [crawl]) is 0; write a number from 2 to 1000"),
        ("[crawl]\nrepeats = 4.0", "repeats (in [crawl]) is a number, not a whole number; write repeats = 4"),
        ("[crawl]\nrepeats = true", "repeats (in [crawl]) is true or false"),
        ("[crawl]\nconnections = 1000", "connections (in [crawl]) is 1000; write a number from 1 to 100"),
        ("[crawl]\nlocales = [1]", "locales (in [crawl]) is a number, not text"),
        ("[schedule.w]", 'there is no cron in [schedule.w]; write cron = "0 6 * * 1"'),
        ('[schedule.w]\ncron = "* * * * * *"', "6 fields, not 5; write minute, hour"),
        ('[schedule.w]\ncron = "61 * * * *"', 'cron (in [schedule.w]) is "61 * * * *": bad minute'),
        ('[schedule.w]\ncron = "5-1 * * * *"', "bad minute"),
        (f'[schedule.w]\ncron = "{"9" * 5000} * * * *"', "cron (in [schedule.w]) is"),
        ('[schedule.w]\ncron = "0 0 30 2 *"', "cron (in [schedule.w]) is"),
        ('[schedule.w]\ncron = "0 0 */31 * MON#5"', "cron (in [schedule.w]) is"),
        ('[schedule.w]\ncron = "0 6 * * 1"\ntimezone = "Europe/Berlni"', "did you mean Europe/Berlin?"),
        ('[schedule.w]\ncron = "0 6 * * 1"\ntimezone = "../etc/passwd"', 'no zone is called "../etc/passwd"'),
        ('[schedule.w]\ncron = "0 6 * * 1"\ntimezone = "Europe"', 'no zone is called "Europe"'),
        ('[schedule.w]\ncron = "0 6 * * 1"\ncatch_up = "some"', "write one of latest, all, skip"),
        ('[schedule.w]\ncron = "0 6 * * 1"\ngrace_minutes = 0', "write a number from 1 to"),
        (
            '[providers.openai]\n[schedule.w]\ncron = "0 6 * * 1"\nproviders = ["opnai"]',
            "nothing is called opnai in [providers], though it stands in [schedule.w]; did you mean openai?",
        ),
        ('[schedule.w]\ncron = "0 6 * * 1"\nproviders = ["x"]', "known are none"),
    ],
)
def test_what_it_does_not_know_is_refused_with_place_and_remedy(text: str, complaint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(text)
    assert complaint in str(caught.value)


@pytest.mark.parametrize(
    "secret", ['api_key = "sk-1"', 'options = { token = "sk-1" }', 'options = { a = [{ x_api_key = "sk-1" }] }']
)
def test_a_secret_of_a_provider_is_refused_however_deep_and_not_repeated(secret: str) -> None:
    with pytest.raises(ConfigError, match=r"looks like a secret.*environment") as caught:
        parse(f"[providers.x]\n{secret}")
    assert "sk-1" not in str(caught.value)
    assert "[providers.x]" in str(caught.value)


def test_the_message_names_the_file_too(workspace: Workspace) -> None:
    with workspace.config_path.open("a") as file:
        file.write("[crawl]\nrepeats = 5\n")
    with pytest.raises(ConfigError, match=r"geo-flywheel\.toml: repeats \(in \[crawl\]\) is 5"):
        load(workspace.config_path)


def test_sources_are_read_with_their_options_signals_first() -> None:
    config = parse(
        "[corpora.common_crawl_index]\nmost_crawls = 3\n"
        '[signals.ga4]\nproperty = 123\nurl = "http://127.0.0.1:8080/ga4/"\n[signals.tranco]\n'
    )
    assert config.sources == (
        GatheredFrom("signals", "ga4", "http://127.0.0.1:8080/ga4", {"property": 123}),
        GatheredFrom("signals", "tranco"),
        GatheredFrom("corpora", "common_crawl_index", "", {"most_crawls": 3}),
    )


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[signal.ga4]\n", "nothing is called signal at the top; did you mean signals?"),
        ('[signals.plausible]\napi_key = "x"\n', "looks like a secret"),
        ('[signals.plausible]\ndeep = { password = "x" }\n', "looks like a secret"),
        ('[signals.matomo]\nurl = "https://u:p@x.example"\n', "holds more than host and path"),
        ("[signals]\nga4 = 5\n", "write [signals.ga4]"),
        ("[signals.x]\n[corpora.x]\n", "x stands in [signals] and in [corpora]; take out the one it is not"),
    ],
)
def test_a_source_that_is_wrongly_written_is_told(text: str, complaint: str) -> None:
    with pytest.raises(ConfigError) as raised:
        parse(text)
    assert complaint in str(raised.value)


def test_a_job_gathers_from_all_sources_or_from_those_named() -> None:
    table = '[signals.ga4]\n[corpora.wayback]\n[schedule.nightly]\ncron = "0 3 * * *"\nwhat = "gather"\n'
    every = ScheduledJob("nightly", "0 3 * * *", what="gather")
    assert parse(table).schedule == (every,)
    named = ScheduledJob("nightly", "0 3 * * *", what="gather", sources=("wayback", "ga4"))
    assert parse(f'{table}sources = ["wayback", "ga4"]\n').schedule == (named,)


@pytest.mark.parametrize(
    ("more", "complaint"),
    [
        ('what = "dance"', 'what (in [schedule.x]) is "dance"; write one of crawl, gather'),
        ('what = "gather"\nproviders = ["openai"]', "nothing is called providers in [schedule.x]"),
        ('sources = ["ga4"]', "nothing is called sources in [schedule.x]"),
        ('what = "gather"\nsources = ["ga5"]', "nothing is called ga5 in [signals] or [corpora], though it stands in"),
    ],
)
def test_a_job_that_gathers_is_checked(more: str, complaint: str) -> None:
    with pytest.raises(ConfigError) as raised:
        parse(f'[signals.ga4]\n[schedule.x]\ncron = "0 3 * * *"\n{more}\n')
    assert complaint in str(raised.value)
