"""Access logs: their lines taken apart, told who stands behind them, counted and stored."""

from hashlib import sha256
from pathlib import Path

_SAYING = ("layouts", "clock", "rows", "walk", "told")  # the code that decides what a line says


def version() -> str:
    """Return a name for the state of the code that decides what a line says; logs read by another are out of date."""
    here = Path(__file__)
    return sha256(b"".join(here.with_name(f"{code}.py").read_bytes() for code in _SAYING)).hexdigest()
