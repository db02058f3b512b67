"""One file per file format a person can drop in; each defines `IMPORT`."""
