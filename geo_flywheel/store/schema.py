"""Arrow schemas of the rows that bulk readers hand to the store."""

import pyarrow as pa

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
