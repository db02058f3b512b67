"""`geo-flywheel basket`: what the answer engines are asked."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from geo_flywheel.cli import Session
from geo_flywheel.cli.output import Format, format_option, say, write_rows

if TYPE_CHECKING:
    from geo_flywheel.records import Prompt
    from geo_flywheel.workspace import Workspace

COLUMNS = ("half", "topic", "locale", "persona", "location", "text")


@click.group()
def command() -> None:
    """The prompts that are asked: add, show, import."""


@command.command()
@click.argument("text")
@click.option("--topic", default="", help="What the prompt belongs to.")
@click.option("--locale", default="", help="Language and country it is asked from, such as en-US.")
@click.option("--persona", default="", help="Who asks.")
@click.option("--location", default="", help="Where they are.")
@click.pass_obj
def add(session: Session, text: str, topic: str, locale: str, persona: str, location: str) -> None:
    """Add the prompt TEXT to the basket and freeze the new revision."""
    from geo_flywheel.records import Prompt

    if not text.strip():
        raise click.UsageError("TEXT is empty; write the question")
    _add(session.workspace(), [Prompt(text.strip(), topic, locale, persona, location)])


@command.command(name="import")
@click.argument("file", type=click.Path(path_type=Path))
@click.pass_obj
def import_(session: Session, file: Path) -> None:
    """Add the prompts in FILE to the basket and freeze the new revision.

    FILE is .csv with a header (text, topic, locale, persona, location), .ndjson with the same keys, or .txt with one
    prompt per line. A prompt that is there already is left as it is.
    """
    from crawlers.prompt_files import read_prompts

    _add(session.workspace(), read_prompts(file))


@command.command()
@format_option()
@click.pass_obj
def show(session: Session, format_: Format) -> None:
    """Show the basket as it stands in geo-flywheel.toml, each prompt with its half."""
    from crawlers.basket import frozen, revise

    workspace = session.workspace()
    past = frozen(workspace.basket_path)
    revision = revise(workspace.config().prompts, past)
    rows = [[entry.half, *(getattr(entry.prompt, name) for name in COLUMNS[1:])] for entry in revision.entries]
    write_rows(COLUMNS, rows, format_)
    state = "" if revision in past else ", not yet frozen"
    say(f"revision {revision.number} ({revision.id}), {len(rows)} prompts{state}")


def _add(workspace: "Workspace", prompts: "Sequence[Prompt]") -> None:
    """Add what is new to the configuration, freeze the basket, and say what became of it."""
    from crawlers.basket import freeze, frozen, revise
    from geo_flywheel.config import add_prompts

    there = {prompt.id for prompt in workspace.config().prompts}
    new: dict[str, Prompt] = {}
    for prompt in prompts:
        if prompt.id not in there:
            new.setdefault(prompt.id, prompt)
    past = frozen(workspace.basket_path)
    add_prompts(workspace.config_path, new.values())
    revision = revise(workspace.config().prompts, past)
    freeze(revision, workspace.basket_path)
    rest = "" if len(new) == len(prompts) else "; the others were there already"
    say(f"added {len(new)} of {len(prompts)} prompts{rest}")
    say(f"revision {revision.number} ({revision.id}), {len(revision.entries)} prompts")
