"""The basket: prompts in immutable revisions, each prompt in a half that never changes.

What to ask from now on stands in the configuration, where a person adds, edits and deletes. Before a basket is used it
is frozen: `NNNN-<id>.jsonl`, one prompt per line, where the id is a digest of the content. A revision is never written
again, and one that was changed is refused.

**Halves.** A prompt's rank is its place in the order of arrival within its topic, counted over all revisions, and its
half is the rank's parity (odd: A). So a topic's halves differ by one prompt at most while prompts only arrive, and
adding, deleting or reordering prompts never moves one that was there to the other half. Every engine is asked every
prompt, so that the parity inside a topic is the parity inside topic x engine.
"""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from geo_flywheel.config import PROMPT_KEYS
from geo_flywheel.errors import ConfigError
from geo_flywheel.records import Half, Prompt


@dataclass(frozen=True, slots=True)
class Entry:
    """A prompt and its place.

    Attributes:
        rank: Order of arrival within the topic it arrived in, from 1.
    """

    prompt: Prompt
    rank: int

    @property
    def half(self) -> Half:
        """A for an odd rank, B for an even one."""
        return "A" if self.rank % 2 else "B"


@dataclass(frozen=True, slots=True)
class Revision:
    """A basket at one time.

    Attributes:
        number: From 1, in the order in which they were frozen.
        entries: By topic, then rank.
    """

    number: int
    entries: tuple[Entry, ...]

    @property
    def content(self) -> bytes:
        """The file of the revision: one JSON object per prompt and line."""
        return b"".join(_line(entry) for entry in self.entries)

    @property
    def id(self) -> str:
        """Digest of the content, 12 hex digits."""
        return sha256(self.content).hexdigest()[:12]

    @property
    def file_name(self) -> str:
        """Name of the file it is frozen in."""
        return f"{self.number:04}-{self.id}.jsonl"


def revise(prompts: Iterable[Prompt], frozen: Sequence[Revision]) -> Revision:
    """Return the revision that holds these prompts: a frozen one if one is equal, else the next.

    Args:
        prompts: What to ask; none twice.
        frozen: All revisions so far, oldest first; a prompt in any of them keeps its rank.
    """
    ranks: dict[str, int] = {}
    last: Counter[str] = Counter()
    for revision in frozen:
        for entry in revision.entries:
            ranks.setdefault(entry.prompt.id, entry.rank)
            last[entry.prompt.topic] = max(last[entry.prompt.topic], entry.rank)
    entries = []
    for prompt in prompts:
        if prompt.id not in ranks:
            last[prompt.topic] += 1
            ranks[prompt.id] = last[prompt.topic]
        entries.append(Entry(prompt, ranks[prompt.id]))
    entries.sort(key=lambda entry: (entry.prompt.topic, entry.rank, entry.prompt.id))
    revised = Revision(frozen[-1].number + 1 if frozen else 1, tuple(entries))
    return next((revision for revision in frozen if revision.id == revised.id), revised)


def freeze(revision: Revision, folder: Path) -> Path:
    """Write a revision into the folder of revisions, unless it lies there already, and return its file.

    Raises:
        ConfigError: If the folder cannot be written.
    """
    file = folder / revision.file_name
    half_done = file.with_suffix(".part")
    try:
        if not file.exists():
            folder.mkdir(exist_ok=True)
            half_done.write_bytes(revision.content)
            half_done.replace(file)
    except OSError as error:
        raise ConfigError(f"{file}: cannot be written ({error.strerror}); see to the folder's permissions") from error
    return file


def frozen(folder: Path) -> list[Revision]:
    """Return the revisions in a folder, oldest first.

    Raises:
        ConfigError: If one is not as it was frozen.
    """
    return [_thaw(file) for file in sorted(folder.glob("*.jsonl"))]


def _thaw(file: Path) -> Revision:
    changed = ConfigError(f"{file}: is not as it was frozen; restore it, or delete it if nothing was asked")
    try:
        lines = [json.loads(line) for line in file.read_bytes().splitlines()]
        entries = [Entry(Prompt(**{key: line[key] for key in PROMPT_KEYS}), line["rank"]) for line in lines]
        revision = Revision(int(file.name[:4]), tuple(entries))
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read ({error.strerror}); see to its permissions") from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise changed from error
    if revision.file_name != file.name:
        raise changed
    return revision


def _line(entry: Entry) -> bytes:
    """A prompt as it stands in a revision, its half beside it for whoever reads the file."""
    told = {"half": entry.half, "rank": entry.rank} | {key: getattr(entry.prompt, key) for key in PROMPT_KEYS}
    return json.dumps(told, ensure_ascii=False).encode() + b"\n"
