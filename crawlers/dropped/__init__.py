"""Getting at what a dropped file holds, whatever packed it: bounded, streaming, nothing written to disk."""
