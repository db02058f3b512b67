"""Write the rows of bulk readers: dated observations and corpus presences, as Arrow batches."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Literal

import pyarrow as pa

from geo_flywheel import urls
from geo_flywheel.errors import StoreError
from geo_flywheel.records import Prompt
from geo_flywheel.store.database import Store
from geo_flywheel.store.numbers import number_links, number_prompts
from geo_flywheel.store.schema import OBSERVATION, PRESENCE

_CHUNK = 1_000_000

# The key of a row is its content, and for the second and later equal rows of one file their ordinal: so overlapping
# files add up to the most that one of them holds, never to their sum.
_FRESH = """
INSERT INTO {table}
SELECT CASE WHEN ordinal = 1 THEN content ELSE md5_number(content || '#' || ordinal) END AS key,
    * EXCLUDE (content, ordinal)
FROM (SELECT *, row_number() OVER (PARTITION BY content) AS ordinal FROM incoming)
WHERE key NOT IN (SELECT key FROM {table} JOIN settled USING (reading_no))
"""

_OBSERVED = """
INSERT INTO incoming
SELECT
    md5_number(concat_ws(chr(31), epoch_us(c.observed_at), c.provider, c.engine, c.surface, coalesce(c.model, ''),
        coalesce(c.topic, ''), coalesce(c.prompt, ''), coalesce(c.locale, ''), coalesce(c.raw_url, ''),
        coalesce(c.position, -1), c.cited, coalesce(c.asked, -1))),
    ?, c.observed_at, c.provider, c.engine, c.surface, c.model, n.prompt_no, c.topic, l.page_no, l.link_no,
    c.position, c.cited, c.asked
FROM chunk AS c
LEFT JOIN (SELECT * FROM link WHERE url_rules = ?) AS l ON l.raw_url = c.raw_url
LEFT JOIN numbered AS n ON n.prompt = c.prompt AND n.locale = coalesce(c.locale, '')
"""

_PRESENT = """
INSERT INTO incoming
SELECT
    md5_number(concat_ws(chr(31), corpus, unit, unit_kind, state, method, coalesce(captures, -1),
        coalesce(documents, -1), coalesce(tokens, -1), coalesce(observed_on, DATE '0001-01-01'))),
    ?, corpus, unit, unit_kind, site, site_key, state, method, captures, documents, tokens, observed_on
FROM chunk
JOIN place USING (unit)
"""


def append(
    store: Store, reading_no: int, kind: Literal["observation", "presence"], batches: Iterable[pa.RecordBatch]
) -> Counter[str]:
    """Store bulk rows and return how many were new.

    Args:
        store: Inside a transaction, with the temporary table `settled` in place.
        reading_no: Reading the rows belong to.
        kind: Table they go to.
        batches: With the schema of that table in `schema`.

    Raises:
        StoreError: If a batch has another schema.
    """
    resolve = _resolve_observations if kind == "observation" else _resolve_presences
    schema = OBSERVATION if kind == "observation" else PRESENCE
    run = store.connection.execute
    run(
        "CREATE OR REPLACE TEMP TABLE incoming AS"
        f" SELECT CAST(NULL AS UHUGEINT) AS content, * EXCLUDE (key) FROM {kind} LIMIT 0"
    )
    for chunk in _chunks(batches, schema):
        with store.staged("chunk", chunk):
            resolve(store, reading_no)
    before = store.rows(f"SELECT count(*) FROM {kind}")[0][0]
    run(_FRESH.format(table=kind))
    run("DROP TABLE incoming")
    return Counter({kind: store.rows(f"SELECT count(*) FROM {kind}")[0][0] - before})


def _chunks(batches: Iterable[pa.RecordBatch], schema: pa.Schema) -> Iterator[pa.Table]:
    held: list[pa.RecordBatch] = []
    for batch in batches:
        if not batch.schema.equals(schema):
            raise StoreError(f"rows of schema {batch.schema} do not fit the table; the import has a bug: report it")
        held.append(batch)
        if sum(b.num_rows for b in held) >= _CHUNK:
            yield pa.Table.from_batches(held, schema)
            held = []
    if held:
        yield pa.Table.from_batches(held, schema)


def _resolve_observations(store: Store, reading_no: int) -> None:
    """From chunk: number pages and prompts, key the rows, and add them to incoming."""
    number_links(store, "(SELECT raw_url, CAST(NULL AS VARCHAR) AS domain FROM chunk)")
    distinct = store.rows(
        "SELECT prompt, coalesce(locale, ''), coalesce(min(topic), '') FROM chunk WHERE prompt IS NOT NULL"
        " GROUP BY 1, 2 ORDER BY 1, 2"
    )
    prompts = [Prompt(text, topic=topic, locale=locale) for text, locale, topic in distinct]
    numbers = number_prompts(store, prompts)
    asked = pa.table(
        {
            "prompt": pa.array([p.text for p in prompts], pa.string()),
            "locale": pa.array([p.locale for p in prompts], pa.string()),
            "prompt_no": pa.array([numbers[p.id] for p in prompts], pa.int32()),
        }
    )
    with store.staged("numbered", asked):
        store.connection.execute(_OBSERVED, [reading_no, urls.version()])


def _resolve_presences(store: Store, reading_no: int) -> None:
    """From chunk: find the site of each unit, key the rows, and add them to incoming."""
    units = [unit for (unit,) in store.rows("SELECT DISTINCT unit FROM chunk")]
    pages = [unit if "://" in unit else f"https://{unit}/" for unit in units]
    places = pa.table(
        {
            "unit": pa.array(units, pa.string()),
            "site": pa.array([urls.site(page) for page in pages], pa.string()),
            "site_key": pa.array([urls.site_key(page) for page in pages], pa.string()),
        }
    )
    with store.staged("place", places):
        store.connection.execute(_PRESENT, [reading_no])
