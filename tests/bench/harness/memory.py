"""Memory of idle connections, before and after a message on each."""

import re
import subprocess
import time
from pathlib import Path

from . import load, processes
from .processes import Failed

_SETTLE = 0.5  # seconds, for work that a gateway does a little later
_FEW = 2500  # connections at the lower end of the slope
_PROCESS_EACH = (25, 75)  # both ends, for gateways with a process per connection


def measure(run) -> dict:
    """Bytes that one more connection takes, as the slope between two numbers of connections: resident and proportional,
    before and after the burst. Fixed costs and heap memory that is left over from the start do not count."""
    few, many = _FEW, run.scenario.connections
    if run.system.gateway.one_port:  # websockify: a process for each connection
        few, many = _PROCESS_EACH
    with _Holder(run, few, serves=True) as first:
        at_few = resident(run.gateway.pid)
        with _Holder(run, many - few, serves=False) as rest:
            at_many = resident(run.gateway.pid)
            first.burst()
            few_used = resident(run.gateway.pid)
            rest.burst()
            many_used = resident(run.gateway.pid)
    idle = {key: (at_many[key] - at_few[key]) / (many - few) for key in at_few}
    grown = {key: (many_used[key] - few_used[key]) / (many - few) for key in at_few}
    return {
        "from": few,
        "connections": many,
        "idle": idle,
        "after_burst": {key: idle[key] + grown[key] for key in idle},
    }


class _Holder:
    """A load generator that holds open connections."""

    def __init__(self, run, connections: int, serves: bool):
        replaced = ("--connections=",) if serves else ("--connections=", "--serve=")  # the first one serves both
        command = [option for option in load.options(run) if not option.startswith(replaced)]
        command.append(f"--connections={connections}")
        if not serves and run.system.server == "tcp":
            command.append("--stream")
        self._process = subprocess.Popen(processes.pinned(run.load_cores, command), stdin=subprocess.PIPE, **load.pipes())

    def __enter__(self):
        try:
            self._expect("open")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_) -> None:
        self._process.stdin.close()
        self._process.wait(timeout=30)

    def burst(self) -> None:
        """Sends one message on each connection and waits for the echoes."""
        self._process.stdin.write("burst\n")
        self._process.stdin.flush()
        self._expect("burst")

    def _expect(self, word: str) -> None:
        if self._process.stdout.readline().strip() != word:
            raise Failed(self._process.stderr.read().strip())
        time.sleep(_SETTLE)


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
