"""Where the files that travel with the package lie: inside an installed wheel, or beside the package in a checkout."""

from functools import cache
from pathlib import Path

from geo_flywheel.errors import ConfigError

_PACKAGE = Path(__file__).resolve().parent


@cache
def folder(name: str) -> Path:
    """Return the folder of shipped files called `name` ("data", "queries").

    Raises:
        ConfigError: If neither an installed package nor a checkout has it.
    """
    places = (_PACKAGE / "_shipped" / name, _PACKAGE.parent / name)
    for place in places:
        if place.is_dir():
            return place
    tried = " nor ".join(str(place) for place in places)
    raise ConfigError(
        f"geo_flywheel: its folder {name!r} is missing, neither {tried} exists; "
        "reinstall the package, or run it from a complete checkout"
    )
