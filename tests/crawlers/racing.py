"""Schedulers in processes of their own, all after the same slots."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
_SCHEDULER = """
import asyncio, json, sys
from datetime import datetime, timedelta
from pathlib import Path
from crawlers.due import Doing, deal_with_due
from crawlers.leases import Leases
from geo_flywheel.crawl_config import ScheduledJob

file, hours, catch_up = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
ran, missed = [], []
begin = datetime(2026, 1, 1)
clock = lambda: begin + hours * timedelta(hours=1)

async def crawl(slot):
    ran.append(slot.at.isoformat())
    await asyncio.sleep(0)
    return "done"

doing = Doing(crawl, lambda gaps: missed.extend(gap.slot.at.isoformat() for gap in gaps), lambda text: None, clock)
def wait():
    print("ready", flush=True)
    sys.stdin.readline()

wait()
with Leases(file, clock) as leases:
    leases.since("hourly", "0 * * * * UTC", clock() - begin)
    wait()
    asyncio.run(deal_with_due([ScheduledJob("hourly", "0 * * * *", "UTC", catch_up)], leases, doing))
print(json.dumps({"ran": ran, "missed": missed}))
"""


def race(file: Path, schedulers: int, slots: int, catch_up: str = "all") -> tuple[list[list[str]], list[list[str]]]:
    """Let schedulers loose at one moment, to open the file and again to run as many hourly slots.

    Returns:
        What each ran, and what each found missed.
    """
    command = [sys.executable, "-c", _SCHEDULER, str(file), str(slots), catch_up]
    processes = [
        subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(schedulers)
    ]
    for _ in ("open the file", "run the slots"):
        for process in processes:
            assert process.stdout
            assert process.stdout.readline() == "ready\n"
        for process in processes:
            assert process.stdin
            process.stdin.write("\n")
            process.stdin.flush()
    told = [json.loads(process.communicate(timeout=120)[0]) for process in processes]
    assert all(process.returncode == 0 for process in processes)
    return [each["ran"] for each in told], [each["missed"] for each in told]
