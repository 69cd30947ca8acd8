"""One measurement: a gateway, load and servers started afresh, and what came out."""

import os
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from . import http, load, memory, processes, scaling
from .gateways import Setting
from .scenarios import Scenario, System


@dataclass(frozen=True)
class Settings:
    """What holds for the whole run."""

    certificates: Path
    rounds: int = 3
    seconds: float = 2
    warmup: float = 0.5


@dataclass(frozen=True)
class Run:
    """One measurement under way."""

    scenario: Scenario
    system: System
    settings: Settings
    setting: Setting
    load_cores: str
    gateway: subprocess.Popen


_MEASURES = {"wrk": http.measure, "idle": memory.measure, "scaling": scaling.measure}


def measure(scenario: Scenario, system: System, settings: Settings) -> dict:
    """Starts everything, measures once, ends everything."""
    gateway_cores, load_cores = cores(scenario)
    with tempfile.TemporaryDirectory(prefix="upgate-bench-") as name:
        directory = Path(name)
        directory.chmod(0o755)  # workers that give up root look into it
        port, tls_port, backend = processes.free_ports(3)
        setting = Setting(
            directory=directory,
            port=port,
            tls_port=tls_port,
            backend=backend,
            cert=settings.certificates / "cert.pem",
            key=settings.certificates / "key.pem",
            pem=settings.certificates / "both.pem",
            workers=scenario.workers,
            cores=gateway_cores,
        )
        gateway = system.gateway.start(setting)
        try:
            run = Run(scenario, system, settings, setting, load_cores, gateway)
            return _MEASURES.get(scenario.mode, load.measure)(run)
        finally:
            processes.stop(gateway)


def cores(scenario: Scenario) -> tuple[str, str]:
    """Where the gateway runs, and where everything else does."""
    if scenario.mode != "scaling":
        return "0", "1"
    there = os.cpu_count() or 1
    return f"0-{scenario.workers - 1}", f"2-{there - 1}" if there >= 4 else f"0-{there - 1}"
