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

# The crawl: who is asked. `geo-flywheel plan` shows what one sweep asks and what it costs at most.
# One table per provider (openai, anthropic, gemini, perplexity, …), named as in `geo-flywheel read --help`.
#   engines   which of its engines, for a provider that has several
#   model     which model; without it the provider's usual one
#   url       another address than its own
#   options   further settings of the provider
# [providers.openai]
# model = "gpt-6.1-sol"
# options = { max_output_tokens = 4096 }

# What may be spent, in US dollars; a run or a day (UTC) that would cost more stops asking.
# unknown_price says what to do with an ask whose price nothing tells: "refuse" or "allow".
# [budget]
# run_usd = 5.00
# day_usd = 10.00
# unknown_price = "refuse"

# How often each prompt is asked per engine, locale and sweep (an even number), how many asks are in flight at once,
# and where prompts are asked from that name no locale of their own.
# [crawl]
# repeats = 4
# connections = 10
# locales = ["en-US", "de-DE"]

# Signals and corpora: what `geo-flywheel gather` asks beside the engines. `geo-flywheel doctor` lists all sources and
# what each one lacks. Their keys come from the environment:
#   ga4, search_console   GOOGLE_REFRESH_TOKEN, GOOGLE_CLIENT_ID and GOOGLE_CLIENT_SECRET, or for an hour
#                         GOOGLE_ACCESS_TOKEN
#   plausible             PLAUSIBLE_API_KEY
#   matomo                MATOMO_TOKEN
# host is that of your pages, exactly as in their addresses: these tools tell paths alone.
# [signals.ga4]
# property = 123456789
# host = "www.example.com"
# [signals.search_console]
# site = "sc-domain:example.com"
# [signals.plausible]
# host = "www.example.com"
# [signals.matomo]
# url = "https://matomo.example.com"
# site_id = 1
# host = "www.example.com"
# [signals.wikimedia]
# articles = ["https://en.wikipedia.org/wiki/Running_shoe"]
# [signals.hackernews]
# [signals.wikipedia_links]
# [signals.tranco]
# [corpora.common_crawl_index]

# When sweeps come again; a name of yours per job. `geo-flywheel schedule install` writes what starts them.
#   cron           minute, hour, day of month, month, day of week
#   timezone       whose clock that is
#   catch_up       of slots that passed while the machine was off: run only the "latest", "all", or "skip" those that
#                  are later than grace_minutes; what is not run is recorded as missed
#   providers      who is asked; without it everybody configured
#   what           "crawl", or "gather" for a job that asks sources = ["ga4"] in place of providers
# [schedule.weekly]
# cron = "0 6 * * 1"
# timezone = "Europe/Berlin"
# catch_up = "latest"
# grace_minutes = 120
# providers = ["openai"]

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
