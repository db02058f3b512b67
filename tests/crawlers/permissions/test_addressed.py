from crawlers.permissions.addressed import addressed, tokens
from geo_flywheel.registry.agents import agents


def test_every_agent_that_robots_txt_can_name_is_asked_about_once() -> None:
    names = {agent.name.lower() for agent in agents() if " " not in agent.name}
    assert names <= set(tokens())
    assert len({each.token.lower() for each in addressed()}) == len(addressed())
    assert not [token for token in tokens() if " " in token]


def test_names_that_only_robots_txt_knows_are_about_training_and_agents_of_several_purposes_about_any() -> None:
    purposes = {each.token: each.purpose for each in addressed()}
    assert (purposes["Google-Extended"], purposes["GPTBot"], purposes["Googlebot"]) == ("training", "training", "any")
    assert (purposes["OAI-SearchBot"], purposes["ChatGPT-User"]) == ("search_index", "user_fetch")
