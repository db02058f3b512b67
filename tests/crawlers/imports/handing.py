"""Handing files to the readers as the intake does, and collecting what they say."""

import json
import zipfile
from pathlib import Path
from typing import Any

from crawlers.base import DroppedFile, Import
from crawlers.dropped.files import opened
from geo_flywheel.errors import Unreadable
from geo_flywheel.records import Table

CAPTURES = Path(__file__).resolve().parents[2] / "captures" / "imports"


def hand(path: Path, **options: str) -> DroppedFile:
    """Return a file with its head; an option "set.engine" is written set_engine here."""
    said = {key.replace("_", ".", 1): value for key, value in options.items()}
    with opened(DroppedFile(path, path.name, b"", {})) as stream:
        return DroppedFile(path, path.name, stream.read(64 * 1024), said)


def write(path: Path, content: bytes | str) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def zipped(path: Path, members: dict[str, Any]) -> Path:
    """Write a zip of members: bytes as they are, everything else as JSON."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content if isinstance(content, bytes) else json.dumps(content))
    return path


def problem(plugin: Import, file: DroppedFile) -> str:
    """Read everything in a file; return what is wrong with it, "" when it was read."""
    try:
        for fact in plugin.read(file):
            if isinstance(fact, Table):
                list(fact.batches)
    except Unreadable as error:
        return str(error)
    return ""


def rows(plugin: Import, file: DroppedFile) -> list[dict[str, Any]]:
    """Return the rows of the one table in a file."""
    (table,) = plugin.read(file)
    assert isinstance(table, Table)
    return [row for batch in table.batches for row in batch.to_pylist()]
