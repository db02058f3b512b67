"""Where the recorded real data lie: beside the checkout, or where GEO_FLYWHEEL_REAL_DATA says."""

import os
from pathlib import Path

import pytest

_BESIDE = Path(__file__).resolve().parents[2] / "shared" / "data"


def folder(name: str) -> Path:
    """Return one folder of the real data; the test that asks is skipped, with the reason, where it is absent."""
    found = Path(os.environ.get("GEO_FLYWHEEL_REAL_DATA", _BESIDE)) / name
    if not found.is_dir():
        pytest.skip(f"no real data at {found}; set GEO_FLYWHEEL_REAL_DATA to the folder that holds {name}/")
    return found
