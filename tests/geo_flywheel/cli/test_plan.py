import json

import pytest

from geo_flywheel.workspace import Workspace
from tests.conftest import Run
from tests.queries.markets import Answer, Market, fill, pages, week

PROMPTS = '[[basket.prompts]]\ntext = "a"\n[[basket.prompts]]\ntext = "b"\nlocale = "de-DE"\n'


def write(workspace: Workspace, text: str) -> None:
    with workspace.config_path.open("a") as file:
        file.write(text)


def test_it_shows_asks_and_the_worst_case_and_sums_them_up(run: Run, workspace: Workspace) -> None:
    write(workspace, f'{PROMPTS}[crawl]\nrepeats = 6\nlocales = ["en-US", "fr-FR"]\n[providers.openai]\n')
    result = run("plan", "--format", "json", workspace=workspace)
    (line,) = json.loads(result.stdout)
    assert (line["provider"], line["engine"]) == ("openai", "openai")
    assert (line["prompts"], line["repeats"], line["asks"]) == (3, 6, 18)
    assert line["usd_at_most"] == pytest.approx(18 * line["usd_per_ask_at_most"])
    assert line["usd_per_ask_at_most"] > 0
    assert f"18 asks, at most {line['usd_at_most']:.2f} USD\n" in result.stderr


def test_where_no_price_is_known_the_cost_is_empty_and_said(run: Run, workspace: Workspace) -> None:
    write(workspace, f'{PROMPTS}[providers.openai]\nmodel = "unheard-of"\n')
    result = run("plan", "--format", "json", workspace=workspace)
    (line,) = json.loads(result.stdout)
    assert (line["model"], line["usd_per_ask_at_most"], line["usd_at_most"]) == ("unheard-of", None, None)
    assert "8 asks, at most 0.00 USD and 8 asks whose price nothing tells (unknown_price is refuse)" in result.stderr


def test_a_plan_beyond_the_budget_says_where_a_run_will_stop(run: Run, workspace: Workspace) -> None:
    write(workspace, f"{PROMPTS}[providers.openai]\n[budget]\nrun_usd = 0.01\n")
    assert "a run stops asking at 0.01 USD (run_usd)" in run("plan", workspace=workspace).stderr


def test_planning_writes_nothing_and_needs_no_key(
    run: Run, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    write(workspace, f"{PROMPTS}[providers.openai]\n")
    assert run("plan", workspace=workspace).exit_code == 0
    assert [file.name for file in workspace.root.iterdir()] == ["geo-flywheel.toml"]


def test_without_providers_it_says_what_to_write(run: Run, workspace: Workspace) -> None:
    result = run("plan", "--format", "csv", workspace=workspace)
    assert result.exit_code == 0
    assert result.stdout.count("\n") == 1
    assert "write a table such as [providers.openai]" in result.stderr


def test_a_provider_nobody_knows_is_a_configuration_error(run: Run, workspace: Workspace) -> None:
    write(workspace, "[providers.opnai]\n")
    result = run("plan", workspace=workspace)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "did you mean openai?" in result.stderr


def test_it_says_which_change_two_such_sweeps_tell_and_what_that_is_assumed_from(
    run: Run, workspace: Workspace
) -> None:
    prompts = "".join(f'[[basket.prompts]]\ntext = "prompt {n}"\n' for n in range(200))
    write(workspace, f"{prompts}[providers.openai]\n")
    said = run("plan", workspace=workspace).stderr
    assert "200 prompts x 4 repeats: two such sweeps of an engine tell a change of 4.6 points" in said
    assert "sd of 0.14 and keep 0.80 of it from sweep to sweep: assumed, until two weeks" in said


def test_where_prompts_were_repeated_before_it_says_so_from_how_they_answered(run: Run, workspace: Workspace) -> None:
    answers = [
        Answer("openai", week(number), prompt, (0,) if (prompt + repeat + number) % 4 == 0 else (1,), provider="openai")
        for number in range(3)
        for prompt in range(12)
        for repeat in range(4)
    ]
    fill(workspace.store_path, Market(pages=pages("own.example/a", "one.example/b"), answers=tuple(answers)))
    write(workspace, f"{PROMPTS}[providers.openai]\n")
    said = run("plan", workspace=workspace).stderr
    assert "openai, own.example: two such sweeps tell a change of" in said
    assert "of its citation rate (25.0%) from none, four times in five, if prompts differ by an sd of" in said
    assert "assumed" not in said


def test_one_week_of_answers_is_not_enough_to_know_how_prompts_behave(run: Run, workspace: Workspace) -> None:
    answers = [Answer("openai", week(0), prompt, (0,), provider="openai") for prompt in range(12) for _ in range(4)]
    fill(workspace.store_path, Market(pages=pages("own.example/a"), answers=tuple(answers)))
    write(workspace, f"{PROMPTS}[providers.openai]\n")
    assert "assumed, until two weeks" in run("plan", workspace=workspace).stderr
