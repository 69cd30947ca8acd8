"""Measurements with the load generator, which also runs the servers."""

import json
import subprocess

from . import processes
from .gateways import BUILD
from .processes import Failed

PROGRAMS = BUILD / "tests/bench"
_SERVERS = {"up": "sink", "down": "source"}  # all other modes: echo


def measure(run) -> dict:
    command = [*options(run), f"--seconds={run.settings.seconds}", f"--warmup={run.settings.warmup}"]
    result = finish(subprocess.Popen(processes.pinned(run.load_cores, command), **pipes()))
    if run.scenario.resume and result["resumed"] < 0.9:
        raise Failed(f"only {result['resumed']:.0%} of the sessions were resumed")
    if run.scenario.mode == "handshake" and result["orderly"] < 0.9:
        raise Failed(f"only {result['orderly']:.0%} of the connections ended cleanly")
    return result


def pipes() -> dict:
    return {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}


def finish(process: subprocess.Popen) -> dict:
    try:
        output, errors = process.communicate(timeout=300)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise Failed("the load never ended") from None
    if process.returncode != 0:
        raise Failed(errors.strip() or f"the load ended with {process.returncode}")
    return json.loads(output)


def server(run) -> str:
    """KIND:PORT:MESSAGE_SIZE of the server behind the gateway."""
    kind = _SERVERS.get(run.scenario.mode, "echo")
    return f"{run.system.server}-{kind}:{run.setting.backend}:{run.scenario.size}"


def options(run) -> list[str]:
    """The command of the load generator, with the options for its connections."""
    scenario, setting = run.scenario, run.setting
    tls_port = setting.port if run.system.gateway.one_port else setting.tls_port
    command = [
        str(PROGRAMS / "load"),
        scenario.mode,
        f"--port={tls_port if scenario.tls else setting.port}",
        f"--path=/{run.system.server}",
        f"--connections={scenario.connections}",
        f"--size={scenario.size}",
        f"--window={scenario.window}",
        f"--gateway={run.gateway.pid}",
        "--sources=50",
    ]
    if run.system.server in ("ws", "tcp"):
        command.append(f"--serve={server(run)}")
    if scenario.tls:
        command.append(f"--tls={setting.cert}")
    if scenario.resume:
        command.append("--resume")
    if scenario.busy:
        command.append("--busy")
    return command
