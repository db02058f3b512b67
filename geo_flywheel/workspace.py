"""Find or make a workspace: the folder that holds the configuration, the basket, the archive and the store."""

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from geo_flywheel.errors import ConfigError

if TYPE_CHECKING:
    from geo_flywheel.config import Config

CONFIG_NAME = "geo-flywheel.toml"


class Workspace(NamedTuple):
    """A folder with a geo-flywheel.toml, and where everything lies in it.

    Attributes:
        root: Absolute path of the folder.
    """

    root: Path

    @property
    def config_path(self) -> Path:
        """The configuration, written by a person."""
        return self.root / CONFIG_NAME

    @property
    def store_path(self) -> Path:
        """The database; a process that has it open shuts every other one out."""
        return self.root / "flywheel.duckdb"

    @property
    def published_path(self) -> Path:
        """Closed copy of the database, replaced after each run, for people who keep a SQL shell open."""
        return self.root / "published.duckdb"

    @property
    def archive_path(self) -> Path:
        """Folder of the evidence: WARC files, and under imports/ the files people dropped in."""
        return self.root / "archive"

    @property
    def basket_path(self) -> Path:
        """Folder of the frozen basket revisions."""
        return self.root / "basket"

    @property
    def schedule_path(self) -> Path:
        """Who dealt with which slot of the schedule: an SQLite file."""
        return self.root / "schedule.sqlite"

    def config(self) -> "Config":
        """Return the configuration as it stands in the file now.

        Raises:
            ConfigError: If it cannot be read or says something this program does not know.
        """
        from geo_flywheel.config import load

        return load(self.config_path)


def find(named: Path | None = None, start: Path | None = None) -> Workspace:
    """Return the workspace a person means.

    Args:
        named: The folder they named (or its geo-flywheel.toml); it is taken as it is, never searched upwards.
        start: Where the search upwards begins when they named none; default: the current folder.

    Raises:
        ConfigError: If there is no workspace there.
    """
    if named is not None:
        root = (named.parent if named.name == CONFIG_NAME else named).absolute()
        if (root / CONFIG_NAME).is_file():
            return Workspace(root)
        raise ConfigError(f"{named}: no {CONFIG_NAME} in it; make a workspace there: geo-flywheel init {named}")
    here = (start or Path.cwd()).absolute()
    for root in (here, *here.parents):
        if (root / CONFIG_NAME).is_file():
            return Workspace(root)
    raise ConfigError(
        f"no workspace in {here} or above it; make one with: geo-flywheel init, or name one with --workspace PATH"
    )


def make(root: Path, text: str) -> Workspace:
    """Make a workspace of a folder, and the folder where it is missing.

    Args:
        root: The folder; what lies in it stays.
        text: The configuration file to write.

    Raises:
        ConfigError: If it already is a workspace, or cannot be written.
    """
    workspace = Workspace(root.absolute())
    try:
        root.mkdir(parents=True, exist_ok=True)
        with workspace.config_path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        raise ConfigError(f"{error.filename}: is there already; edit it, or choose another folder") from error
    except OSError as error:
        raise ConfigError(f"{root}: cannot make a workspace here ({error.strerror}); choose another folder") from error
    return workspace
