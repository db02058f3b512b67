"""Every reply written for a test against all engines: exactly one of them knows it for its own."""

import pytest

from crawlers.reading.wire import documents
from geo_flywheel import plugins
from tests.crawlers.engines.replies import CAPTURES, body

FOLDERS = sorted({folder.name for folder in CAPTURES.iterdir() if folder.is_dir()} - {"imports"})
NAMES = [f"{folder}/{file.name}" for folder in FOLDERS for file in sorted((CAPTURES / folder).iterdir())]


def test_every_engine_has_replies() -> None:
    assert plugins.names("engines") == FOLDERS


@pytest.mark.parametrize("name", NAMES)
def test_exactly_the_engine_of_a_reply_claims_it(name: str) -> None:
    told = documents(body(name), name)
    claiming = [known for known, engine in plugins.engines().items() if engine.claims(told)]
    assert claiming == [name.partition("/")[0]]
