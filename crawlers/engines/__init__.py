"""One file per provider of answers; each defines `ENGINE`."""
