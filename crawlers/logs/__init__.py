"""Access logs: which format a file is in, and who stands behind each of its lines."""
