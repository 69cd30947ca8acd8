"""Memory of idle connections, before and after a message on each."""

import re
import subprocess
import time
from pathlib import Path

from . import load, processes
from .processes import Failed

_SETTLE = 0.5  # seconds, for work that a gateway does a little later
_PROCESS_EACH = 50  # connections, for gateways with a process per connection


def measure(run) -> dict:
    """Bytes per connection: resident and proportional, before and after the burst."""
    connections = run.scenario.connections
    command = load.options(run)
    if run.system.gateway.one_port:  # websockify: a process for each connection
        connections = _PROCESS_EACH
        command = [option for option in command if not option.startswith("--connections=")]
        command.append(f"--connections={connections}")
    before = resident(run.gateway.pid)
    holder = subprocess.Popen(
        processes.pinned(run.load_cores, command), stdin=subprocess.PIPE, **load.pipes()
    )
    try:
        _expect(holder, "open")
        idle = _difference(before, resident(run.gateway.pid), connections)
        holder.stdin.write("burst\n")
        holder.stdin.flush()
        _expect(holder, "burst")
        after = _difference(before, resident(run.gateway.pid), connections)
    finally:
        holder.stdin.close()
        holder.wait(timeout=30)
    return {"connections": connections, "idle": idle, "after_burst": after}


def _expect(holder: subprocess.Popen, word: str) -> None:
    if holder.stdout.readline().strip() != word:
        raise Failed(holder.stderr.read().strip())
    time.sleep(_SETTLE)


def _difference(before: dict, now: dict, connections: int) -> dict:
    return {key: (now[key] - before[key]) / connections for key in before}


def forget_peak(root: int) -> None:
    """Resets what peak() measures (proc(5), clear_refs)."""
    for pid in processes.tree(root):
        Path(f"/proc/{pid}/clear_refs").write_text("5")


def peak(root: int) -> int:
    """The sum of the peak resident sizes of a process and its descendants."""
    status = (Path(f"/proc/{pid}/status").read_text() for pid in processes.tree(root))
    return sum(int(re.search(r"^VmHWM:\s+(\d+) kB", text, re.MULTILINE)[1]) * 1024 for text in status)


def resident(root: int) -> dict[str, int]:
    """Bytes of a process and its descendants: Rss counts shared pages once per process, Pss once in total."""
    total = {"rss": 0, "pss": 0}
    for pid in processes.tree(root):
        try:
            rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has just exited
        for key in total:
            kib = re.search(rf"^{key}:\s+(\d+) kB", rollup, re.MULTILINE | re.IGNORECASE)
            total[key] += int(kib[1]) * 1024
    return total
