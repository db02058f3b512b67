"""RFC 9309, section by section; the example is that of its section 5.1."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawlers.permissions import robots_rules
from crawlers.permissions.robots_rules import parse

_SIMPLE = b"""
User-Agent: *
Disallow: *.gif$
Disallow: /example/
Allow: /publications/

User-Agent: foobot
Disallow:/
Allow:/example/page.html
Allow:/example/allowed.gif

User-Agent: barbot
User-Agent: bazbot
Disallow: /example/page.html

User-Agent: quxbot
"""


def state(body: bytes | str, agent: str, path: str = "/") -> str:
    return parse(body if isinstance(body, bytes) else body.encode()).state(agent, f"https://a.example{path}")


@pytest.mark.parametrize(
    ("agent", "path", "said"),
    [
        ("foobot", "/", "disallowed"),
        ("foobot", "/example/page.html", "allowed"),
        ("foobot", "/example/allowed.gif", "allowed"),
        ("barbot", "/example/page.html", "disallowed"),
        ("bazbot", "/example/page.html", "disallowed"),
        ("barbot", "/x.gif", "allowed"),
        ("quxbot", "/example/", "allowed"),
        ("GPTBot", "/example/x", "disallowed"),
        ("GPTBot", "/x.gif", "disallowed"),
        ("GPTBot", "/publications/x", "allowed"),
    ],
)
def test_the_example_of_the_standard(agent: str, path: str, said: str) -> None:
    assert state(_SIMPLE, agent, path) == said


@pytest.mark.parametrize("named", ["gptbot", "GPTBOT", "GPTBot/1.3", "GPTBot 1.3", "  GPTBot  # ours"])
def test_a_group_is_found_by_its_token_in_any_case(named: str) -> None:
    assert state(f"User-agent: {named}\nDisallow: /", "GPTBot") == "disallowed"


@pytest.mark.parametrize(
    ("named", "agent"),
    [("Applebot", "Applebot-Extended"), ("Google", "Google-Extended"), ("bot", "GPTBot"), ("GPTBotX", "GPTBot")],
)
def test_a_token_that_is_a_part_of_another_is_another_one(named: str, agent: str) -> None:
    assert state(f"User-agent: {named}\nDisallow: /", agent) == "allowed"


def test_an_own_group_replaces_that_of_all_others_and_groups_of_one_token_are_one() -> None:
    rules = "User-agent: *\nDisallow: /a\n\nUser-agent: X\nDisallow: /b\n\nUser-agent: Y\nUser-agent: x\nDisallow: /c"
    assert [state(rules, "X", path) for path in ("/a", "/b", "/c")] == ["allowed", "disallowed", "disallowed"]
    assert [state(rules, "Y", path) for path in ("/a", "/b", "/c")] == ["allowed", "allowed", "disallowed"]
    assert state(rules, "Z", "/a") == "disallowed"


def test_the_longest_rule_decides_and_of_equal_ones_the_one_that_allows() -> None:
    rules = "User-agent: *\nAllow: /page\nDisallow: /*.htm\nDisallow: /p\nAllow: /q\nDisallow: /q"
    assert state(rules, "X", "/page") == "allowed"
    assert state(rules, "X", "/page.htm") == "disallowed"
    assert state(rules, "X", "/q") == "allowed"


def test_what_decides_is_told_as_it_is_written() -> None:
    rules = parse(
        b"User-agent: GPTBot\nDisallow: /\nAllow: /open/ # but this\n\nUser-agent: *\nDisallow: /x\nDisallow: /x/y"
    )
    assert rules.says("gptbot", "https://a.example/") == "User-agent: GPTBot; Disallow: /"
    assert rules.says("GPTBot", "https://a.example/open/1") == "User-agent: GPTBot; Allow: /open/"
    assert rules.says("X", "https://a.example/x/y/z") == "User-agent: *; Disallow: /x/y"
    assert "no rule is for it" in rules.says("X", "https://a.example/")
    assert "no group is for it" in parse(b"").says("X", "https://a.example/")


def test_rules_before_any_group_sitemaps_and_unknown_lines_end_nothing() -> None:
    rules = parse(
        b"Disallow: /\nSitemap: https://a.example/s.xml\nUser-agent: A\nSitemap: https://a.example/t.xml\n"
        b"User-agent: B\nDisallow: /b\nsitemap: https://a.example/s.xml\n"
    )
    assert rules.sitemaps == ("https://a.example/s.xml", "https://a.example/t.xml")
    assert [rules.state(agent, "https://a.example/b") for agent in "ABC"] == ["disallowed", "disallowed", "allowed"]


def test_as_much_is_read_as_the_standard_asks() -> None:
    padding = "# " + "x" * 1000 + "\n"
    within = padding * 400 + "User-agent: *\nDisallow: /"
    beyond = padding * 600 + "User-agent: *\nDisallow: /"
    assert [state(within, "X"), state(beyond, "X")] == ["disallowed", "allowed"]


def test_a_group_with_more_rules_than_can_be_judged_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(robots_rules, "MOST_RULES", 3)
    rules = "User-agent: *\n" + "".join(f"Disallow: /{n}\n" for n in range(4))
    assert state(rules, "X") == "unknown"
    assert parse(rules.encode()).says("X", "https://a.example/") == "User-agent: *; more than 3 rules"
    assert state(rules.replace("Disallow: /3\n", ""), "X") == "allowed"


def test_a_page_that_says_there_is_no_file_allows_everything() -> None:
    assert state("<!doctype html><html><body>Not found</body></html>", "GPTBot") == "allowed"


@given(st.text(alphabet=st.sampled_from("User-agent: *\nDisallow/Allow$%#é\r\x00"), max_size=200))
def test_every_file_is_read(text: str) -> None:
    assert state(text, "GPTBot") in {"allowed", "disallowed"}
