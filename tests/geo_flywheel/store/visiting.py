"""Visits put into a store without a log."""

from collections.abc import Iterable
from datetime import datetime

from geo_flywheel.store.database import Store
from geo_flywheel.store.numbers import VisitKind, number_log_pages, number_visit_kinds


def visit(
    store: Store, reading_no: int, page: tuple[str, str], visits: Iterable[tuple[int, datetime, VisitKind]]
) -> None:
    """Put visits of a page, told by host and path, on record: key of its line, when it was, and of what kind."""
    [page_no] = number_log_pages(store, [page])
    for key, moment, kind in visits:
        [kind_no] = number_visit_kinds(store, [kind])
        store.connection.execute(
            "INSERT INTO visit VALUES (?, ?, ?, ?, ?, 200, 1)", [key, reading_no, moment, page_no, kind_no]
        )
