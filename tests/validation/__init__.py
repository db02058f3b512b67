"""Coverage studies: what the intervals promise, counted in worlds whose truth is known."""
