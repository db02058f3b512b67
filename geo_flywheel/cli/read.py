"""`geo-flywheel read`: what a saved reply of an answer engine cites, without a store or a workspace."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from geo_flywheel.cli.output import say
from geo_flywheel.errors import GeoFlywheelError, Unreadable

if TYPE_CHECKING:
    from geo_flywheel.records import Answer


@click.command()
@click.argument("provider")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.pass_context
def command(ctx: click.Context, provider: str, files: tuple[Path, ...]) -> None:
    """Read saved replies of PROVIDER and print one JSON object per answer.

    PROVIDER is the name of an engine plugin: anthropic, gemini, groq, openai, openrouter, perplexity, xai.
    Full JSON, server-sent events and one event per line are told apart by themselves. A file that cannot be read
    gives one error on stderr and stops no other.
    """
    import orjson

    from geo_flywheel import plugins

    engine, failed = plugins.engine(provider), False
    for file in files:
        try:
            for answer in engine.read(_capture(provider, file)):
                sys.stdout.buffer.write(orjson.dumps(_object(file, answer)) + b"\n")
        except GeoFlywheelError as error:
            say(f"error: {error}")
            failed = True
    sys.stdout.buffer.flush()
    ctx.exit(int(failed))


def _capture(provider: str, file: Path) -> Any:
    from crawlers.reading.wire import MAX_BODY
    from geo_flywheel.records import Capture

    try:
        if file.stat().st_size > MAX_BODY:
            raise Unreadable(
                f"{file}: {file.stat().st_size:,} bytes, and one reply has at most {MAX_BODY:,}; split the file"
            )
        return Capture(provider, file.read_bytes(), str(file))
    except OSError as error:
        raise Unreadable(f"{file}: cannot be read ({error.strerror}); check the path and its rights") from error


def _object(file: Path, answer: "Answer") -> dict[str, Any]:
    return {
        "file": str(file),
        "provider": answer.provider,
        "engine": answer.engine,
        "surface": answer.surface,
        "model_served": answer.model_served,
        "status": str(answer.status),
        "text": answer.text,
        "cited": [
            {
                "url": page.url,
                "raw_url": page.raw_url,
                "title": page.title,
                "position": page.position,
                "occurrences": page.occurrences,
                "spans": page.spans,
            }
            for page in answer.citations
        ],
        "retrieved": [
            {"url": page.url, "raw_url": page.raw_url, "title": page.title, "rank": page.rank}
            for page in answer.retrievals
        ],
        "queries": answer.queries,
        "cost_usd": answer.cost_usd,
        "skipped_blocks": answer.skipped_blocks,
    }
