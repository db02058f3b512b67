"""Rows that two captures both hold: stored once, with a note of who leans on whom.

Files overlap, and a row is one fact however many files tell of it. A reading does not store what the current reading of
another capture holds; it *leans* on that one. When the one leaned on is superseded, the rows both held go with it, so
the reading that leans is out of date and has to be made again.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

import pyarrow as pa

from geo_flywheel.store.database import Store

KEYED = (
    "answer", "observation", "feedback",
    "presence", "engagement", "permission", "listing", "page_text", "page_rule", "page_link",
    "log_line",
)  # fmt: skip
_OUT_OF_DATE = "SELECT reading_no FROM leaning WHERE on_reading_no NOT IN (SELECT reading_no FROM current_reading)"


@dataclass(slots=True)
class Overlap:
    """What the current readings of other captures hold of what one reading is about to store.

    Attributes:
        store: Inside a transaction.
        pending: Identities of the captures whose present rows do not count: its own, and those to be read again soon.
    """

    store: Store
    reading_no: int
    pending: Iterable[str]
    _settled: bool = field(default=False, init=False)

    def held(self, table: str, keyed: str) -> int:
        """Find the rows that are held, and note which readings this one leans on for them.

        Args:
            table: Table the rows are for.
            keyed: Relation with their keys.

        Returns:
            How many keys are held; where there are any they stand in the temporary table `held`.
        """
        if not self.store.rows(f"SELECT 1 FROM {table} JOIN {keyed} AS k USING (key) LIMIT 1"):
            return 0
        self._settle()
        run = self.store.connection.execute
        run(
            f"CREATE OR REPLACE TEMP TABLE held AS SELECT DISTINCT key, reading_no FROM {table}"
            f" JOIN settled USING (reading_no) JOIN {keyed} AS k USING (key)"
        )
        run("INSERT INTO leaning SELECT DISTINCT ?, reading_no FROM held", [self.reading_no])
        return int(self.store.rows("SELECT count(DISTINCT key) FROM held")[0][0])

    def _settle(self) -> None:
        if not self._settled:
            with self.store.staged("waiting", pa.table({"identity": pa.array(self.pending, pa.string())})):
                self.store.connection.execute(
                    "CREATE OR REPLACE TEMP TABLE settled AS SELECT r.reading_no FROM current_reading AS r"
                    " JOIN capture AS c USING (capture_no) WHERE c.identity NOT IN (SELECT identity FROM waiting)"
                )
            self._settled = True


def out_of_date(store: Store) -> set[str]:
    """Return the captures whose last reading leans on one that was superseded since."""
    if not store.rows("SELECT 1 FROM leaning LIMIT 1"):
        return set()
    found = store.rows(
        "SELECT c.identity FROM current_reading AS r JOIN capture AS c USING (capture_no)"
        f" WHERE r.reading_no IN ({_OUT_OF_DATE})"
        " AND r.reading_no = (SELECT max(reading_no) FROM reading AS l WHERE l.capture_no = r.capture_no)"
    )
    return {identity for (identity,) in found}


def with_leaning(store: Store, identities: Iterable[str]) -> set[str]:
    """Return the captures and all whose readings lean on theirs, however far: they are read again together."""
    with store.staged("named", pa.table({"identity": pa.array(identities, pa.string())})):
        found = store.rows(
            "WITH RECURSIVE due AS ("
            " SELECT capture_no FROM capture JOIN named USING (identity)"
            " UNION SELECT r.capture_no FROM current_reading AS r JOIN leaning AS l ON l.reading_no = r.reading_no"
            " JOIN reading AS o ON o.reading_no = l.on_reading_no JOIN due AS d ON d.capture_no = o.capture_no"
            ") SELECT identity FROM capture JOIN due USING (capture_no)"
        )
    return {identity for (identity,) in found}


def mark_doubles(store: Store, identity: str) -> None:
    """Mark as out of date the readings that hold rows this capture's holds as well.

    They stored them in the expectation that it would be superseded, which then failed.
    """
    for table in KEYED:
        store.connection.execute(
            f"INSERT INTO leaning SELECT DISTINCT t.reading_no, 0 FROM {table} AS t"
            " JOIN current_reading AS r ON r.reading_no = t.reading_no"
            f" JOIN {table} AS own ON own.key = t.key AND own.reading_no <> t.reading_no"
            " JOIN current_reading AS o ON o.reading_no = own.reading_no"
            " JOIN capture AS c ON c.capture_no = o.capture_no WHERE c.identity = ?",
            [identity],
        )
