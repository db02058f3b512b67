"""Arrow schemas of the rows that bulk readers hand to the store."""

from typing import Any

import pyarrow as pa

from geo_flywheel.records import TableKind

OBSERVATION = pa.schema(
    [
        pa.field("observed_at", pa.timestamp("us"), nullable=False),
        pa.field("provider", pa.string(), nullable=False),
        pa.field("engine", pa.string(), nullable=False),
        pa.field("surface", pa.string(), nullable=False),
        pa.field("model", pa.string()),
        pa.field("prompt", pa.string()),
        pa.field("topic", pa.string()),
        pa.field("locale", pa.string()),
        pa.field("raw_url", pa.string()),
        pa.field("title", pa.string()),
        pa.field("position", pa.int32()),
        pa.field("cited", pa.int32(), nullable=False),
        pa.field("asked", pa.int32()),
    ]
)

PRESENCE = pa.schema(
    [
        pa.field("corpus", pa.string(), nullable=False),
        pa.field("unit", pa.string(), nullable=False),
        pa.field("unit_kind", pa.string(), nullable=False),
        pa.field("state", pa.string(), nullable=False),
        pa.field("method", pa.string(), nullable=False),
        pa.field("captures", pa.int64()),
        pa.field("documents", pa.int64()),
        pa.field("tokens", pa.int64()),
        pa.field("observed_on", pa.date32()),
    ]
)


def _placed(*fields: "pa.Field[Any]") -> pa.Schema:
    """Schema of rows about a unit."""
    unit = [pa.field("unit", pa.string(), nullable=False), pa.field("unit_kind", pa.string(), nullable=False)]
    return pa.schema([*unit, *fields])


ENGAGEMENT = _placed(
    pa.field("source", pa.string(), nullable=False),
    pa.field("day", pa.date32(), nullable=False),
    pa.field("metric", pa.string(), nullable=False),
    pa.field("value", pa.float64(), nullable=False),
    pa.field("kind", pa.string(), nullable=False),
    pa.field("assistant", pa.string()),
    pa.field("attribution", pa.string()),
    pa.field("rule", pa.string()),
    pa.field("partial", pa.bool_()),
)

PERMISSION = _placed(
    pa.field("signal", pa.string(), nullable=False),
    pa.field("agent", pa.string()),
    pa.field("purpose", pa.string(), nullable=False),
    pa.field("state", pa.string(), nullable=False),
    pa.field("value", pa.string()),
    pa.field("observed_at", pa.timestamp("us"), nullable=False),
)

LISTING = _placed(
    pa.field("source", pa.string(), nullable=False),
    pa.field("modified_on", pa.date32()),
    pa.field("observed_on", pa.date32(), nullable=False),
)

PAGE_TEXT = _placed(
    pa.field("status", pa.int32(), nullable=False),
    pa.field("title", pa.string()),
    pa.field("language", pa.string()),
    pa.field("words", pa.int32(), nullable=False),
    pa.field("text_sha256", pa.string(), nullable=False),
    pa.field("signature", pa.binary()),
    pa.field("observed_at", pa.timestamp("us"), nullable=False),
)

PAGE_RULE = _placed(
    pa.field("rule_set", pa.string(), nullable=False),
    pa.field("rule", pa.string(), nullable=False),
    pa.field("passed", pa.bool_()),
    pa.field("value", pa.float64()),
    pa.field("low", pa.float64()),
    pa.field("high", pa.float64()),
    pa.field("observed_at", pa.timestamp("us"), nullable=False),
)

PAGE_LINK = _placed(
    pa.field("target", pa.string(), nullable=False),
    pa.field("observed_on", pa.date32(), nullable=False),
)

SCHEMAS: dict[TableKind, pa.Schema] = {
    "observation": OBSERVATION,
    "presence": PRESENCE,
    "engagement": ENGAGEMENT,
    "permission": PERMISSION,
    "listing": LISTING,
    "page_text": PAGE_TEXT,
    "page_rule": PAGE_RULE,
    "page_link": PAGE_LINK,
}
