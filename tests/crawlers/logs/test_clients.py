import json

import pytest

from crawlers.logs.clients import client
from geo_flywheel.registry.agents import agents, control_tokens
from tests import real_data
from tests.crawlers.logs.requests import CHROME, GPTBOT

PEOPLE = [
    CHROME,
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
    "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "Mozilla/5.0 (Linux; Android 10; CUBOT X30) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0 Safari/537.36",
    "Mozilla/4.0 (compatible; MSIE 8.0; Windows NT 6.1; Trident/4.0)",
    "Opera/9.80 (Windows NT 6.1; U; en) Presto/2.10.289 Version/12.02",
]
PROGRAMS = [
    "",
    "curl/8.5.0",
    "python-requests/2.32",
    "Go-http-client/2.0",
    "Mozilla/5.0 zgrab/0.x",
    "Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/120.0 Safari/537.36",
    "DreamHost SiteMonitor 1.0",
    "Sogou web spider/4.0(+http://www.sogou.com/docs/help/webmasters.htm#07)",
]
AGENTS = {
    GPTBOT: ("GPTBot", "training"),
    GPTBOT.replace("GPTBot/1.3", "gptbot/9"): ("GPTBot", "training"),
    f"{CHROME}; compatible; OAI-SearchBot/1.3; +https://openai.com/searchbot": ("OAI-SearchBot", "search_index"),
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko); compatible; ChatGPT-User/1.0; +https://openai.com/bot": (
        "ChatGPT-User",
        "user_fetch",
    ),
    "Mozilla/5.0 (compatible; Claude-SearchBot/1.0; +mailto:x@anthropic.com)": ("Claude-SearchBot", "search_index"),
    "Mozilla/5.0 AppleWebKit/537.36 (compatible; ClaudeBot/1.0; +claudebot@anthropic.com)": ("ClaudeBot", "training"),
    "meta-externalagent/1.1 (+https://developers.facebook.com/docs/sharing/webmasters/crawler)": (
        "meta-externalagent",
        "training",
    ),
    "meta-externalfetcher/1.1": ("meta-externalfetcher", "user_fetch"),
    "Mozilla/5.0 (compatible; Amzn-SearchBot/0.1) Chrome/119.0 Safari/537.36": ("Amzn-SearchBot", "search_index"),
    "Mozilla/5.0 (compatible; Amazonbot/0.1; +https://developer.amazon.com/support/amazonbot)": ("Amazonbot", "mixed"),
    "Googlebot-Image/1.0": ("Googlebot", "mixed"),
    "CCBot/2.0 (https://commoncrawl.org/faq/)": ("CCBot", "training"),
    "AI2Bot-Dolma (+https://www.allenai.org/crawler)": ("AI2Bot-Dolma", "training"),
}


@pytest.mark.parametrize("line", PEOPLE)
def test_browsers_are_people(line: str) -> None:
    found = client(line)
    assert (found.agent, found.is_machine) == (None, False)


@pytest.mark.parametrize("line", PROGRAMS)
def test_programs_are_no_people_and_no_agents(line: str) -> None:
    found = client(line)
    assert (found.agent, found.is_machine) == (None, True)


@pytest.mark.parametrize("line", AGENTS)
def test_agents_are_known_by_their_token_whatever_its_case_and_version(line: str) -> None:
    found = client(line)
    assert (found.agent, found.purpose) == AGENTS[line]
    assert found.is_machine


@pytest.mark.parametrize("token", control_tokens())
def test_a_token_that_stands_in_robots_only_is_no_agent(token: str) -> None:
    found = client(f"Mozilla/5.0 (compatible; {token}/1.0)")
    assert (found.agent, found.is_machine) == (None, True)


@pytest.mark.parametrize("agent", agents(), ids=lambda agent: agent.name)
def test_every_token_finds_its_agent_and_no_other(agent: object) -> None:
    for token in agent.tokens:  # type: ignore[attr-defined]
        assert client(f"Mozilla/5.0 (compatible; {token.rstrip('/')}/1.0)").agent == agent.name  # type: ignore[attr-defined]


@pytest.mark.parametrize("word", ["Devine", "Traeger", "Cursory", "xGPTBot"])
def test_a_token_inside_another_word_is_none(word: str) -> None:
    assert client(f"Mozilla/5.0 (Linux; {word} 5) AppleWebKit/537.36 Chrome/120.0").agent is None


def test_no_agent_of_the_list_that_sites_keep_is_taken_for_a_person() -> None:
    listed = json.loads((real_data.folder("formats") / "ai.robots.txt_robots.json").read_text())
    lines = [f"Mozilla/5.0 (compatible; {name}/1.0)" for name in listed]
    assert len(lines) > 100
    assert [line for line in lines if not client(line).is_machine] == []
    known = {agent.name.lower() for agent in agents()} & {name.lower() for name in listed}
    assert len(known) > 60
