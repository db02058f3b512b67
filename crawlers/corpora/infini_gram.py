"""infini-gram: whether distinctive sentences of a page stand in C4, Dolma, DCLM, RedPajama or the Pile.

Source:
    https://infini-gram.readthedocs.io/en/latest/api.html and liujch1998/infini-gram of 2025-12-06: arguments that are
    wrong are told with status 200 and the key `error`. It counts tokens, so that a sentence cut in another place may
    count 0.
"""

from collections.abc import AsyncIterator, Iterable

from crawlers.base import Gathered, Http, Service, Source, Wanted
from crawlers.crawled import sentence_index
from crawlers.crawled.manners import MANNERS, Polite, names, whole
from crawlers.crawled.sentence_index import Asking, Index
from geo_flywheel.errors import ConfigError
from geo_flywheel.records import Capture, Fact
from geo_flywheel.registry import corpora

NAME = "infini_gram"
URL = "https://api.infini-gram.io/"
METHOD = "distinctive sentences"
OPTIONS = {**MANNERS, "indexes": [], "sentences": 4, "most_pages": 25, "sites": ""}
_KIND = "v4_"


async def gather(http: Http, wanted: Wanted, service: Service) -> AsyncIterator[Gathered]:
    """Yield, per page and corpus, the counts of the page's sentences.

    Raises:
        ConfigError: If an index is configured that data/corpora.toml does not name.
    """
    options = {**OPTIONS, **service.options}
    asking = Asking(
        service.url, whole(options, "sentences", NAME), whole(options, "most_pages", NAME), str(options["sites"])
    )
    indexes = _indexes(names(options, "indexes", NAME))
    async for each in sentence_index.gather(http, Polite(http, NAME, options), wanted, asking, indexes):
        yield each


def read(capture: Capture) -> Iterable[Fact]:
    """Yield whether a page's text stands in a corpus: present, or unknown."""
    return sentence_index.read(capture, METHOD)


SOURCE = Source("infini-gram: sentences of your pages in C4, Dolma, DCLM and others", gather, read, URL, (), OPTIONS)


def _indexes(named: tuple[str, ...]) -> list[Index]:
    known = {
        name: Index(name, held.name)
        for held in corpora().values()
        for name in held.infini_gram
        if name.startswith(_KIND)
    }
    for name in named:
        if name not in known:
            raise ConfigError(f"{NAME}: no corpus is known for the index {name}; there are {', '.join(known)}")
    return [known[name] for name in named or known]
