"""A polite client and a health check among connections that flood: how long they wait, what the gateway holds, and
how long it takes to end when it is told to in the middle of a flood."""

import json
import os
import select
import signal
import subprocess
import time
from dataclasses import dataclass

from . import load, memory, processes
from .load import PROGRAMS
from .talker import Silent, Talker

_QUIET = 1.0  # seconds without a flood, as a reference
_SETTLE = 2.0  # seconds from the end of a flood until memory is measured
_BEFORE_TERM = 1.5  # seconds of the second flood before SIGTERM
_END = 30.0  # seconds to wait for the gateway to end after SIGTERM


@dataclass(frozen=True)
class Route:
    """The route that is flooded, and the polite client's request on a route of the same kind."""

    path: str
    polite_path: str
    answer: str = "echo"  # load --answer
    server: str = ""  # a kind of the backend program


ROUTES = {
    "echo": Route("/echo", "/echo"),
    "deflate": Route("/deflate", "/deflate"),
    "stats": Route("/stats", "/stats", "any"),
    "room": Route("/room/flood", "/room/polite"),
    "tcp": Route("/tcp", "/polite/tcp", server="tcp-echo"),
    "ws": Route("/ws", "/polite/ws", server="ws-echo"),
    "enforced": Route("/enforced", "/polite/enforced", server="ws-echo"),
    "http": Route("/64", "/65", "http", server="http"),
    "http-stats": Route("/stats", "/stats", "http"),
}


def measure(run) -> dict:
    route = ROUTES[run.scenario.route]
    floods = _Floods(run, route)
    polite = None
    try:
        flooded_server = _serve(run, route, run.setting.backend)
        polite_server = _serve(run, route, run.setting.polite)
        polite = _Polite(run, route)
        processes.prefer(polite.process, polite_server)
        loads = [flooded_server, polite_server, polite.process]
        time.sleep(0.2)
        polite.report()
        time.sleep(_QUIET)
        result = {"quiet": polite.report()}
        result |= _flood(run, floods, polite, loads)
        polite.end()
        result["flooded_again"] = _flood_again(floods)
        return result | _terminate(run.gateway)
    finally:
        floods.kill()
        if polite:
            polite.end()


def _serve(run, route: Route, port: int) -> subprocess.Popen | None:
    """Starts a server; it ends with the run."""
    if not route.server:
        return None
    log = run.setting.directory / "backend.log"
    server = processes.start([str(PROGRAMS / "backend"), f"{route.server}:{port}"], log)
    run.servers.append(server)
    processes.wait_until_listening(server, port, log)
    return server


def _flood(run, floods: "_Floods", polite: "_Polite", loads: list) -> dict:
    """The measured flood, and the memory held after it."""
    idle = memory.resident(run.gateway.pid)["rss"]
    memory.forget_peak(run.gateway.pid)
    flooding = floods.start(60)
    polite.report()  # discards the time of opening the connections
    groups = {"gateway": [run.gateway], "flood": [flooding], "around": [p for p in loads if p]}
    before = {name: _cpu(group) for name, group in groups.items()}
    time.sleep(2 * run.settings.seconds)
    times = polite.report()
    used = {name: _busy(before[name], _cpu(group)) for name, group in groups.items()}
    peak = memory.peak(run.gateway.pid)
    flood = floods.end()
    time.sleep(_SETTLE)
    after = memory.resident(run.gateway.pid)["rss"]
    return {
        "flooded": times,
        "flood": flood,
        "cores": used,
        "memory": {"idle": idle, "held": peak - idle, "after": after - idle},
    }


def _flood_again(floods: "_Floods") -> bool:
    """Returns whether the gateway accepted all connections again; SIGTERM follows in either case."""
    try:
        floods.start(_BEFORE_TERM + _END)
        time.sleep(_BEFORE_TERM)
    except Silent:
        return False
    return True


def _cpu(group: list[subprocess.Popen]) -> tuple[float, float]:
    """Processor time and the time of the reading, because this program may have to wait for a core between readings."""
    return sum(processes.cpu_seconds(process.pid) for process in group), time.monotonic()


def _busy(before: tuple[float, float], after: tuple[float, float]) -> float:
    return (after[0] - before[0]) / (after[1] - before[1])


def _terminate(gateway: subprocess.Popen) -> dict:
    """Milliseconds from SIGTERM to the end of the process, or to the timeout."""
    watched = os.pidfd_open(gateway.pid)
    try:
        began = time.monotonic()
        gateway.send_signal(signal.SIGTERM)
        ended, _, _ = select.select([watched], [], [], _END)
        return {"shutdown_ms": (time.monotonic() - began) * 1000, "ended": bool(ended)}
    finally:
        os.close(watched)


class _Polite:
    """The polite client and the health check."""

    def __init__(self, run, route: Route):
        setting = run.setting
        self._talker = Talker(
            [
                str(PROGRAMS / "load"),
                "polite",
                f"--port={setting.port}",
                f"--path={route.polite_path}",
                f"--answer={route.answer}",
                f"--health={setting.admin}",
            ]
        )
        self.process = self._talker.process
        self._talker.read()

    def report(self) -> dict:
        """Answer times since the last report."""
        return self._talker.ask("report")

    def end(self) -> None:
        self._talker.kill()


class _Floods:
    """The flooding connections, one flood at a time."""

    def __init__(self, run, route: Route):
        self._run = run
        self._route = route
        self._talker: Talker | None = None

    def start(self, seconds: float) -> subprocess.Popen:
        """Returns when all connections are open and the flood begins; it ends by itself after `seconds`."""
        scenario, setting = self._run.scenario, self._run.setting
        command = [
            str(PROGRAMS / "load"),
            "flood",
            f"--port={setting.port}",
            f"--path={self._route.path}",
            f"--flood={scenario.flood}",
            f"--connections={scenario.connections}",
            f"--seconds={seconds}",
            "--sources=50",
            *(f"--{option}" for option in scenario.flood_options),
        ]
        self._talker = Talker(command)
        self._talker.read()
        return self._talker.process

    def end(self) -> dict:
        """Ends the flood with all its connections; returns its totals."""
        self._talker.process.stdin.close()
        result = json.loads(self._talker.read())
        self._talker.process.wait(timeout=15)
        return result

    def kill(self) -> None:
        if self._talker:
            self._talker.kill()
