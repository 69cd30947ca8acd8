"""One worker and several, under as much load as the machine can generate."""

import subprocess
from dataclasses import replace

from . import load, processes

_LOADS = 2


def measure(run) -> dict:
    """Several load generators at once, with one server for all of them."""
    echo = replace(run, scenario=replace(run.scenario, mode="echo"))
    log = run.setting.directory / "backend.log"
    backend = processes.start(
        processes.pinned(run.load_cores, [str(load.PROGRAMS / "backend"), load.server(echo)]), log
    )
    try:
        processes.wait_until_listening(backend, run.setting.backend, log)
        command = [option for option in load.options(echo) if not option.startswith("--serve=")]
        command += [f"--seconds={run.settings.seconds}", f"--warmup={run.settings.warmup}"]
        command += [] if run.system.server == "ws" else ["--stream"]
        loads = [
            subprocess.Popen(processes.pinned(run.load_cores, command), **load.pipes())
            for _ in range(_LOADS)
        ]
        return join([load.finish(process) for process in loads])
    finally:
        processes.stop(backend)


def join(results: list[dict]) -> dict:
    """Combines results of simultaneous load generators: each measured the total processor time of the gateway."""
    joined = dict(results[0])
    messages = sum(result["messages"] for result in results)
    used = {
        key: sum(result["cpu_us"][key] * result["messages"] for result in results) / len(results)
        for key in results[0]["cpu_us"]
    }
    joined["messages"] = messages
    joined["per_second"] = sum(result["per_second"] for result in results)
    joined["cpu_us"] = {key: value / messages for key, value in used.items()}
    joined["busy"] = {
        "gateway": results[0]["busy"]["gateway"],
        "load": max(result["busy"]["load"] for result in results),
    }
    return joined
