from dataclasses import replace

from geo_flywheel.simulate.market import Market, World
from geo_flywheel.simulate.scenery import host, path, prompts, title, url
from geo_flywheel.urls import canonical, site


def test_every_prompt_is_another_one_and_stands_with_its_topic() -> None:
    world = World(topics=9, prompts_per_topic=13)
    asked = prompts(world)
    assert len({prompt.id for prompt in asked}) == world.prompts
    assert [prompt.topic for prompt in asked[:26]] == ["running shoes"] * 13 + ["espresso machines"] * 13


def test_every_page_has_a_canonical_address_of_its_own_on_its_site() -> None:
    market = Market(replace(World(), pages=400, sites=170), 1)
    addresses = [url(market, page) for page in range(400)]
    assert [canonical(address).url for address in addresses] == addresses
    assert len(set(addresses)) == 400
    assert len({site(address) for address in addresses}) == 170
    assert addresses[3] == f"https://{host(int(market.site[3]))}{path(market, 3)}"


def test_hosts_are_names_that_nobody_can_own() -> None:
    assert all(host(number).endswith(".example") for number in range(200))


def test_a_title_tells_the_topic() -> None:
    market = Market(World(), 1)
    page = market.pages_of(0)[0]
    assert title(market, page).startswith("Running shoes:")
