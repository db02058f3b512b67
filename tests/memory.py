"""How much memory a process has taken at most."""

import re
import resource
import sys
from pathlib import Path

_STATUS = Path("/proc/self/status")


def most() -> int:
    """Bytes this process has had at most since it became this program.

    `ru_maxrss` begins with what its parent had, since Linux counts that until the new program starts.
    """
    if _STATUS.exists():
        found = re.search(r"^VmHWM:\s+(\d+) kB", _STATUS.read_text(), re.MULTILINE)
        if found:
            return int(found[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
