"""The DuckDB store and the archive beside it: the only rooms that know where facts lie on disk."""
