import re
from pathlib import Path

from crawlers.services import services, sources
from geo_flywheel import plugins
from geo_flywheel.cli.init import TEMPLATE
from geo_flywheel.config import load, parse
from tests.conftest import Run


def test_the_configuration_it_writes_is_commented_and_runs_as_it_is(run: Run, tmp_path: Path) -> None:
    assert run("init", "new/place").exit_code == 0
    config = load(tmp_path / "new" / "place" / "geo-flywheel.toml")
    assert config.own
    assert config.rivals
    assert len(config.prompts) == len({prompt.id for prompt in config.prompts}) == TEMPLATE.count("[[basket.prompts]]")
    assert all(prompt.topic and prompt.locale for prompt in config.prompts)
    for word in ("own", "rivals", "text", "topic", "locale", "persona", "location"):
        assert (
            word in "".join(line for line in TEMPLATE.splitlines() if line.startswith("#")) or f"\n{word} =" in TEMPLATE
        )


def test_it_says_what_it_made_and_what_to_do_next_on_stderr(run: Run, tmp_path: Path) -> None:
    result = run("init")
    assert result.stdout == ""
    assert str(tmp_path / "geo-flywheel.toml") in result.stderr
    assert run("basket", "show").exit_code == 0


def test_a_workspace_that_is_there_stays(run: Run, tmp_path: Path) -> None:
    (tmp_path / "geo-flywheel.toml").write_text("# mine\n")
    result = run("init")
    assert result.exit_code == 2
    assert result.stderr.startswith("error: ")
    assert "is there already" in result.stderr
    assert (tmp_path / "geo-flywheel.toml").read_text() == "# mine\n"


def test_the_template_says_how_many_prompts_it_holds() -> None:
    assert len(parse(TEMPLATE).prompts) == 6
    assert "these six" in TEMPLATE


def test_every_table_the_template_shows_is_one_the_program_takes() -> None:
    shown = parse(re.sub(r"^# (?=\[|[a-z_]+ = )", "", TEMPLATE, flags=re.MULTILINE))
    assert set(plugins.names("signals")) - set(sources(shown.sources, {})) <= {"access_log"}
    assert list(services(shown.providers, {}))
    assert [job.name for job in shown.schedule] == ["weekly"]
