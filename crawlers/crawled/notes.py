"""What is archived of files too large to keep: a note of what was read of each, and the rows that were wanted."""

import orjson

from crawlers.reading.lenient import mapping
from crawlers.reading.wire import Document
from geo_flywheel.errors import Unreadable
from geo_flywheel.records import Capture


def note_of(capture: Capture) -> Document:
    """Return the note that a capture holds.

    Raises:
        Unreadable: If it is garbled.
    """
    try:
        return mapping(orjson.loads(capture.body))
    except orjson.JSONDecodeError as error:
        raise Unreadable(f"{capture.name}: the note is cut off or garbled ({error}); gather it again") from error
