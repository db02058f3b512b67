"""Pages that a saved answer's own text cites: by a link, or by a marker `[n]` that a list of sources explains."""

from collections.abc import Mapping

from crawlers.reading.citing import Citing, markers
from crawlers.reading.linking import links
from geo_flywheel.records import Citation

Named = tuple[str, str | None]
"""Address and title of a page."""


def cited(text: str, numbered: Mapping[int, Named] | None = None) -> tuple[Citation, ...]:
    """Return the pages a text links to or marks, in their order, each with its spans.

    Args:
        text: The answer.
        numbered: Source that a marker stands for; a marker without one stands for nothing.
    """
    sources = numbered or {}
    mentions = [(link.span, (link.url, link.label)) for link in links(text)]
    mentions += [(span, sources[number]) for number, span in markers(text) if number in sources]
    citing = Citing(text)
    for span, (url, title) in sorted(mentions, key=lambda mention: mention[0]):
        citing.cite(url, None if title and title.isdigit() else title, span)
    return citing.citations()
