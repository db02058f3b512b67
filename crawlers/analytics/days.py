"""Days as sources write them."""

from datetime import date

from geo_flywheel.errors import Unreadable


def day_of(source: str, said: str) -> date:
    """Return the day a source names.

    Raises:
        Unreadable: If it is none by ISO 8601.
    """
    try:
        return date.fromisoformat(said)
    except ValueError as error:
        raise Unreadable(f"{source} names the day {said!r}, which is none; report it") from error
