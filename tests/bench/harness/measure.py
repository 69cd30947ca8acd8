"""One measurement, with a newly started gateway, load and servers."""

import os
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from . import http, load, memory, polite, processes, scaling
from .gateways import Setting
from .scenarios import Scenario, System


@dataclass(frozen=True)
class Settings:
    """Settings for the whole run."""

    certificates: Path
    rounds: int = 3
    seconds: float = 2
    warmup: float = 0.5


@dataclass(frozen=True)
class Run:
    """One measurement in progress."""

    scenario: Scenario
    system: System
    settings: Settings
    setting: Setting
    load_cores: str
    gateway: subprocess.Popen
    servers: list[subprocess.Popen] = field(default_factory=list)  # behind the gateway, stopped after it


_MEASURES = {"wrk": http.measure, "idle": memory.measure, "scaling": scaling.measure, "polite": polite.measure}


def measure(scenario: Scenario, system: System, settings: Settings) -> dict:
    """Starts everything, measures once, stops everything."""
    gateway_cores, load_cores = cores(scenario)
    with tempfile.TemporaryDirectory(prefix="upgate-bench-") as name:
        directory = Path(name)
        directory.chmod(0o755)  # readable for workers that drop root privileges
        port, tls_port, backend, polite_backend, admin = processes.free_ports(5)
        setting = Setting(
            directory=directory,
            port=port,
            tls_port=tls_port,
            backend=backend,
            polite=polite_backend,
            admin=admin,
            cert=settings.certificates / "cert.pem",
            key=settings.certificates / "key.pem",
            pem=settings.certificates / "both.pem",
            workers=scenario.workers,
            cores=gateway_cores,
        )
        gateway = system.gateway.start(setting)
        run = Run(scenario, system, settings, setting, load_cores, gateway)
        try:
            return _MEASURES.get(scenario.mode, load.measure)(run)
        finally:
            for process in (gateway, *run.servers):
                processes.stop(process)


def cores(scenario: Scenario) -> tuple[str, str]:
    """The cores for the gateway, and those for everything else."""
    if scenario.mode == "polite":
        return "", ""  # not pinned
    if scenario.mode != "scaling":
        return "0", "1"
    there = os.cpu_count() or 1
    return f"0-{scenario.workers - 1}", f"2-{there - 1}" if there >= 4 else f"0-{there - 1}"
