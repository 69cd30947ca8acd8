"""HTTP reverse proxying, measured with wrk."""

import json
import re
import subprocess

from . import processes
from .load import PROGRAMS
from .processes import Failed

_UNITS = {"us": 1, "ms": 1_000, "s": 1_000_000}


def measure(run) -> dict:
    log = run.setting.directory / "backend.log"
    backend = processes.start(
        processes.pinned(run.load_cores, [str(PROGRAMS / "backend"), f"http:{run.setting.backend}"]), log
    )
    try:
        processes.wait_until_listening(backend, run.setting.backend, log)
        _wrk(run, backend, run.settings.warmup)
        return _wrk(run, backend, run.settings.seconds)
    finally:
        processes.stop(backend)


def _wrk(run, backend: subprocess.Popen, seconds: float) -> dict:
    url = f"http://127.0.0.1:{run.setting.port}/{run.scenario.size}"
    # wrk accepts whole seconds only.
    wrk = ["wrk", "-t1", f"-c{run.scenario.connections}", f"-d{max(1, round(seconds))}s", "--latency", url]
    meter = [str(PROGRAMS / "meter"), str(run.gateway.pid), str(backend.pid), *wrk]
    ran = subprocess.run(
        processes.pinned(run.load_cores, meter), capture_output=True, text=True, check=False, timeout=300
    )
    if ran.returncode != 0:
        raise Failed(ran.stderr.strip() or ran.stdout)
    return parse(ran.stdout)


def parse(output: str) -> dict:
    """Converts the output of wrk, followed by that of meter, to the load generator's format."""
    if trouble := re.search(r"(Non-2xx|Socket errors).*", output):
        raise Failed(trouble[0])
    requests = int(re.search(r"(\d+) requests in", output)[1])
    used = json.loads(output.strip().splitlines()[-1])
    latency = {
        f"p{percent}": float(value) * _UNITS[unit]
        for percent, value, unit in re.findall(r"^\s+(50|99)%\s+([\d.]+)(us|ms|s)$", output, re.MULTILINE)
    }
    gateway_us = used["user_us"] + used["system_us"]
    return {
        "messages": requests,
        "seconds": used["seconds"],
        "per_second": requests / used["seconds"],
        "cpu_us": {
            "user": used["user_us"] / requests,
            "system": used["system_us"] / requests,
            "total": gateway_us / requests,
        },
        "busy": {
            "gateway": gateway_us / 1e6 / used["seconds"],
            "load": used["load_us"] / 1e6 / used["seconds"],
        },
        "latency_us": latency,
    }
