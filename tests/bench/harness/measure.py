"""One measurement: a gateway, load and servers started afresh, and what came out."""

import json
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from . import processes
from .gateways import BUILD, Setting
from .processes import Failed
from .scenarios import Scenario, System

PROGRAMS = BUILD / "tests/bench"


@dataclass(frozen=True)
class Settings:
    """What holds for the whole run."""

    certificates: Path
    rounds: int = 3
    seconds: float = 2
    warmup: float = 0.5
    gateway_cores: str = "0"
    load_cores: str = "1"


def measure(scenario: Scenario, system: System, settings: Settings) -> dict:
    """Starts everything, measures once, ends everything."""
    with tempfile.TemporaryDirectory(prefix="upgate-bench-") as name:
        directory = Path(name)
        directory.chmod(0o755)  # workers that give up root look into it
        setting = _setting(directory, scenario, settings)
        gateway = system.gateway.start(setting)
        try:
            return _load(scenario, system, setting, settings, gateway)
        finally:
            processes.stop(gateway)


def _setting(directory: Path, scenario: Scenario, settings: Settings) -> Setting:
    port, tls_port, backend = processes.free_ports(3)
    return Setting(
        directory=directory,
        port=port,
        tls_port=tls_port,
        backend=backend,
        cert=settings.certificates / "cert.pem",
        key=settings.certificates / "key.pem",
        pem=settings.certificates / "both.pem",
        workers=scenario.workers,
        cores=settings.gateway_cores,
    )


def _load(scenario: Scenario, system: System, setting: Setting, settings: Settings, gateway: subprocess.Popen) -> dict:
    command = [
        str(PROGRAMS / "load"),
        scenario.mode,
        *clients(scenario, system, setting),
        f"--serve={system.server}-echo:{setting.backend}:{scenario.size}",
        f"--gateway={gateway.pid}",
        f"--seconds={settings.seconds}",
        f"--warmup={settings.warmup}",
    ]
    ran = subprocess.run(
        processes.pinned(settings.load_cores, command),
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    if ran.returncode != 0:
        raise Failed(ran.stderr.strip())
    return json.loads(ran.stdout)


def clients(scenario: Scenario, system: System, setting: Setting) -> list[str]:
    """The options that say who connects to what."""
    port = setting.tls_port if scenario.tls and not system.gateway.one_port else setting.port
    options = [
        f"--port={port}",
        f"--path=/{system.server}",
        f"--connections={scenario.connections}",
        f"--size={scenario.size}",
        f"--window={scenario.window}",
        "--sources=50",
    ]
    if scenario.tls:
        options.append(f"--tls={setting.cert}")
    if scenario.resume:
        options.append("--resume")
    if scenario.busy:
        options.append("--busy")
    return options
