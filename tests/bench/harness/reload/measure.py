"""One measurement: clients, a time without reloads, as long a time with them, and what is left."""

import http.client
import os
import socket
import subprocess
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, TypeVar

from .. import memory, processes
from ..gateways import Setting
from ..processes import Failed
from ..talker import Talker
from .certificates import Rotation
from .generation import LISTENERS, Generation
from .systems import System

_PATIENCE = 30.0  # seconds until a reload must be in force
_POLL = 0.005  # seconds
_OPEN = 120.0  # seconds for all clients to connect
_SETTLED = 2.0  # seconds of load before anything is measured
_DRAIN = 15.0  # seconds for the last echoes
_T = TypeVar("_T")


@dataclass(frozen=True)
class Settings:
    programs: Path  # the directory of the measuring programs
    clients: int = 5000
    tls: int = 500  # more clients, with TLS
    handshakes: int = 100  # short sessions per second
    reloads: int = 100
    interval: float = 1.0  # seconds from one reload to the next
    settle: float = 15.0  # seconds from the last reload until memory and processes are counted
    workers: int = 1


def measure(system: System, settings: Settings) -> dict:
    """Starts everything, measures, stops everything."""
    with tempfile.TemporaryDirectory(prefix="upgate-reload-") as name:
        directory = Path(name)
        directory.chmod(0o755)  # readable for workers that drop root privileges
        run = _Run(system, settings, directory)
        try:
            return run.measure()
        finally:
            run.stop()


class _Run:
    def __init__(self, system: System, settings: Settings, directory: Path):
        port, tls_port, backend, web, admin, *listeners = processes.free_ports(5 + LISTENERS)
        self._system = system
        self._settings = settings
        self._rotation = Rotation(directory)
        self._generation = Generation(0, backend, tuple(listeners))
        self._servers: subprocess.Popen | None = None
        self._load: Talker | None = None
        # Whatever asks the gateway runs here and gives way to it.
        self._observer = ThreadPoolExecutor(1, initializer=_give_way)
        live = self._rotation.live
        self._setting = Setting(
            directory=directory,
            port=port,
            tls_port=tls_port,
            backend=backend,
            web=web,
            admin=admin,
            cert=live / "cert.pem",
            key=live / "key.pem",
            pem=live / "both.pem",
            workers=settings.workers,
            cores="",
        )

    def measure(self) -> dict:
        self._start()
        time.sleep(_SETTLED)
        self._load.ask("report")  # discards the time of opening the connections
        self._observe_all()
        quiet = self._load.ask("report")
        before = self._observed(self._held)
        reloads = self._reload_all()
        during = self._load.ask("report")
        time.sleep(self._settings.settle)
        after = self._observed(self._held)
        settling = self._load.ask("finish", _DRAIN)
        return {"quiet": quiet, "during": during, "settling": settling, "before": before, "after": after} | reloads

    def _start(self) -> None:
        setting, settings = self._setting, self._settings
        log = setting.directory / "backend.log"
        servers = [str(settings.programs / "backend"), f"ws-echo:{setting.backend}", f"http:{setting.web}"]
        self._servers = processes.start(servers, log)
        processes.wait_until_listening(self._servers, setting.web, log)
        self._rotation.use(self._generation.certificate)
        self._system.start(setting, self._generation)
        self._load = Talker(
            [
                str(settings.programs / "load"),
                "steady",
                "--path=/ws",
                f"--port={setting.port}",
                f"--connections={settings.clients}",
                f"--secure-port={setting.tls_port}",
                f"--secure-connections={settings.tls}",
                f"--handshakes={settings.handshakes}",
                f"--tls={self._rotation.trusted}",
                "--sources=50",
            ]
        )
        processes.prefer(self._load.process, self._servers)
        self._load.read(_OPEN)

    def _held(self) -> dict:
        """What the gateway holds now."""
        return {"processes": len(self._system.pids()), **memory.resident(self._system.process.pid)}

    def _observed(self, look: Callable[[], _T]) -> _T:
        return self._observer.submit(look).result()

    def _each_interval(self, step: Callable[[], None]) -> None:
        """Calls it once for each reload of the settings, at their times."""
        began = time.monotonic()
        for number in range(self._settings.reloads):
            time.sleep(max(0.0, began + number * self._settings.interval - time.monotonic()))
            step()
        time.sleep(max(0.0, began + self._settings.reloads * self._settings.interval - time.monotonic()))

    def _observe_all(self) -> None:
        """Asks what is asked after each reload, without reloads."""

        def step() -> None:
            self._observed(self._is_served)
            self._observed(self._held)

        self._each_interval(step)

    def _reload_all(self) -> dict:
        took, most = [], {"processes": 0, "rss": 0}

        def step() -> None:
            took.append(self._reload())
            held = self._observed(self._held)
            most.update({key: max(value, held[key]) for key, value in most.items()})

        self._each_interval(step)
        return {"reload_ms": took, "most": most}

    def _reload(self) -> float:
        """Milliseconds until the new configuration is in force."""
        self._generation = self._generation.next
        self._rotation.use(self._generation.certificate)
        began = time.monotonic()
        self._system.reload(self._generation)
        while not self._observed(self._is_served):
            if self._system.process.poll() is not None:
                raise Failed(f"{self._system.name} ended instead of reloading: {self._system.log()}")
            if time.monotonic() > began + _PATIENCE:
                raise Failed(f"a reload of {self._system.name} was not in force after {_PATIENCE:.0f} s: {self._system.log()}")
            time.sleep(_POLL)
        return (time.monotonic() - began) * 1000

    def _is_served(self) -> bool:
        return self._system.confirmed() and self._in_force()

    def _in_force(self) -> bool:
        """Whether new connections get the new configuration: its route, its certificate and its listeners."""
        return self._answers() and self._rotation.presented(self._setting.tls_port) and self._listens()

    def _answers(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self._setting.port, timeout=2)
        try:
            connection.request("GET", f"/{self._generation.probe}", headers={"Connection": "close"})
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def _listens(self) -> bool:
        return all(_listening(port) == (port in self._generation.listeners) for port in self._generation.ports)

    def stop(self) -> None:
        if self._load:
            self._load.kill()
        if hasattr(self._system, "process"):
            self._system.stop()
        if self._servers:
            processes.stop(self._servers)
        self._observer.shutdown()


def _give_way() -> None:
    """Lowers the priority of the calling thread only: what the harness starts does not inherit it."""
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 19)


def _listening(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(2)
        return probe.connect_ex(("127.0.0.1", port)) == 0
