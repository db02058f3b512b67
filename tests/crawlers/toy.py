"""A file format for tests, one JSON object per line, whose reader can be given a bug and be mended again."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from crawlers.base import DroppedFile, Import
from geo_flywheel import plugins, urls
from geo_flywheel.errors import ConfigError, Unreadable
from geo_flywheel.records import (
    Answer,
    Ask,
    Citation,
    Fact,
    Feedback,
    Presence,
    PresenceState,
    Prompt,
    Retrieval,
    Status,
    Table,
)
from geo_flywheel.store.schema import OBSERVATION

Line = dict[str, Any]
Bug = Callable[[Line], list[Line]]


def sound(line: Line) -> list[Line]:
    """Read a line as it is."""
    return [line]


@dataclass(slots=True)
class Toy:
    """The reader as it is at the moment.

    Attributes:
        version: Name of its state; a mended reader has another one.
        bug: What it makes of a line: the lines it takes in its place.
    """

    version: str = "toy-1"
    bug: Bug = sound

    def refuse(self, file: DroppedFile) -> str | None:
        """Take what begins like a line of ours."""
        return None if file.head.startswith(b'{"toy"') else "not a toy"

    def read(self, file: DroppedFile) -> Iterator[Fact]:
        """Yield the answers, presences and judgements, then the sightings as tables."""
        sightings: dict[int, list[Line]] = {}
        for number, text in enumerate(file.path.read_text(encoding="utf-8").splitlines(), 1):
            for line in self.bug(json.loads(text)):
                if "crash" in line:
                    raise Unreadable(f"{file.name}: line {number}: told to fail; mend it")
                if line["toy"] == "sighting":
                    sightings.setdefault(line.get("table", 0), []).append(line)
                else:
                    yield _FACTS[line["toy"]](line)
        for lines in sightings.values():
            rows = [_sighting(line, file.options) for line in lines]
            yield Table("observation", iter([pa.RecordBatch.from_pylist(rows, OBSERVATION)]))


def install(patch: pytest.MonkeyPatch) -> Toy:
    """Make the toy the only format there is."""
    toy = Toy()
    format_ = Import("toys", toy.refuse, toy.read)

    def named(name: str) -> Import:
        if name != "toy":
            raise ConfigError(f"no plugin is called {name}; there are toy")
        return format_

    def version(name: str) -> str:
        named(name)
        return toy.version

    patch.setattr(plugins, "imports", lambda: {"toy": format_})
    patch.setattr(plugins, "import_", named)
    patch.setattr(plugins, "version", version)
    return toy


def write(path: Path, *lines: Line) -> Path:
    """Write a file of lines."""
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


def sighting(url: str | None = "https://a.example/1", **more: Any) -> Line:
    """A line: a page was seen cited."""
    return {"toy": "sighting", "url": url, **more}


def answer(text: str, *cited: str, **more: Any) -> Line:
    """A line: an answer that cites pages."""
    return {"toy": "answer", "text": text, "cited": list(cited), **more}


def presence(unit: str, tokens: int, **more: Any) -> Line:
    """A line: what a corpus holds of a host."""
    return {"toy": "presence", "unit": unit, "tokens": tokens, **more}


def judgement(answer_id: str, rating: int) -> Line:
    """A line: what a person thought of an answer."""
    return {"toy": "judgement", "answer": answer_id, "rating": rating}


def _sighting(line: Line, options: dict[str, str]) -> Line:
    return {
        "observed_at": datetime.fromisoformat(line.get("at", "2026-03-02T09:00:00")),
        "provider": "tracker",
        "engine": options.get("set.engine", line.get("engine", "one")),
        "surface": "tracker",
        "prompt": line.get("prompt"),
        "topic": line.get("topic"),
        "raw_url": line["url"],
        "position": line.get("position"),
        "cited": 0 if line["url"] is None else line.get("count", 1),
        "asked": line.get("asked"),
    }


def _answer(line: Line) -> Answer:
    cited = enumerate(line["cited"], 1)
    seen = enumerate(line.get("retrieved", []), 1)
    prompt = line.get("prompt")
    return Answer(
        provider=line.get("provider", "toys"),
        engine=line.get("engine", "one"),
        surface="api",
        status=Status.GROUNDED if line["cited"] else Status.UNGROUNDED,
        text=line["text"],
        model_served=line.get("model"),
        citations=tuple(
            Citation(urls.canonical(url).url, url, line.get("title"), n, domain=line.get("domain")) for n, url in cited
        ),
        retrievals=tuple(Retrieval(urls.canonical(url).url, url, None, n) for n, url in seen),
        queries=tuple(line.get("queries", ())),
        asked_at=datetime.fromisoformat(line.get("at", "2026-03-02T09:00:00")),
        ask=Ask(Prompt(prompt, line.get("topic", ""))) if prompt is not None else None,
        id=line.get("id"),
    )


def _presence(line: Line) -> Presence:
    state = PresenceState.PRESENT if line["tokens"] else PresenceState.ABSENT
    return Presence(line.get("corpus", "c4"), line["unit"], "host", state, "counted", tokens=line["tokens"])


def _judgement(line: Line) -> Feedback:
    return Feedback(line["answer"], "rating", line["rating"])


_FACTS: dict[str, Callable[[Line], Fact]] = {"answer": _answer, "presence": _presence, "judgement": _judgement}
