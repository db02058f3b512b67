"""`geo-flywheel init`."""

from pathlib import Path

import click

from geo_flywheel.cli.output import say
from geo_flywheel.workspace import make

TEMPLATE = """\
# The workspace of geo-flywheel: everything this program keeps lies in this folder.
# Keys of providers never stand here; they are taken from the environment.

[site]
# The sites you follow, as registrable domains. `geo-flywheel track` without a name follows these.
own = ["example.com"]
# The sites you compare them with.
rivals = ["example.org", "example.net"]

# The basket: what the answer engines are asked. Add, change and delete as you like, here or with
# `geo-flywheel basket add` and `geo-flywheel basket import`. A change makes a new revision in basket/; old ones stay.
#   text      the question, as a person would type it (needed)
#   topic     what it belongs to; rates are shown per topic, and each topic is split in two halves
#   locale    language and country it is asked from
#   persona   who asks
#   location  where they are
# Twenty prompts or more carry an interval for all questions of the kind; these six only show how it goes.

[[basket.prompts]]
text = "What is the best running shoe for flat feet?"
topic = "running shoes"
locale = "en-US"

[[basket.prompts]]
text = "Which running shoes last longest on asphalt?"
topic = "running shoes"
locale = "en-US"

[[basket.prompts]]
text = "Are carbon plate running shoes worth it for a beginner?"
topic = "running shoes"
locale = "en-US"
persona = "first-time marathon runner"

[[basket.prompts]]
text = "How often should running shoes be replaced?"
topic = "running shoes"
locale = "en-US"

[[basket.prompts]]
text = "How do I train for a first half marathon?"
topic = "training plans"
locale = "en-US"
persona = "first-time marathon runner"

[[basket.prompts]]
text = "Which training plan suits a marathon in under four hours?"
topic = "training plans"
locale = "en-US"
"""


@click.command()
@click.argument("folder", metavar="[DIR]", type=click.Path(path_type=Path, file_okay=False), default=".")
def command(folder: Path) -> None:
    """Make a workspace: a folder with a commented geo-flywheel.toml and an example basket.

    DIR is made where it is missing; default: the current folder. Nothing that lies in it is touched.
    """
    workspace = make(folder, TEMPLATE)
    say(f"made {workspace.config_path}; name your sites and prompts in it, then: geo-flywheel basket show")
