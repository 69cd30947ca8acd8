"""Starts and stops the processes of a measurement, pinned to cores."""

import atexit
import os
import resource
import signal
import socket
import subprocess
import time
from pathlib import Path

_running: list[subprocess.Popen] = []


class Failed(Exception):
    """A run that gave no result, with the reason."""


def free_ports(count: int) -> list[int]:
    """Free ports of 127.0.0.1 outside of the ephemeral port range."""
    low = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    ports: list[int] = []
    for port in range(low - 1, 1024, -1):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        ports.append(port)
        if len(ports) == count:
            return ports
    raise Failed("no free ports")


def allow_many_files() -> None:
    """Raises the limit of open files, for this process and those that it starts."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = min(most, 20000) if most != resource.RLIM_INFINITY else 20000
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def prefer(*measuring: subprocess.Popen | None) -> None:
    """Gives the measuring programs real-time priority, if allowed, so that their waits for a core are not counted as the gateway's."""
    for process in measuring:
        try:
            if process:
                os.sched_setscheduler(process.pid, os.SCHED_RR, os.sched_param(1))
        except PermissionError:
            pass


def pinned(cores: str, command: list[str]) -> list[str]:
    return ["taskset", "-c", cores, *command] if cores else command


def start(command: list[str], log: Path, **options) -> subprocess.Popen:
    """Starts a program in our session, so that all programs share one scheduling group."""
    with log.open("ab") as output:
        options.setdefault("stdout", output)
        process = subprocess.Popen(command, stderr=output, **options)
    _running.append(process)
    return process


def wait_until_listening(process: subprocess.Popen, port: int, log: Path) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise Failed(f"{process.args[-1]} ended: {log.read_text()[-500:]}")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.01)
    raise Failed(f"nothing listens on port {port}")


def tree(root: int) -> list[int]:
    """A process and its descendants."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text()
            except OSError:
                continue
            parents[int(entry.name)] = int(stat.rpartition(")")[2].split()[1])
    members = [root]
    for member in members:
        members += [pid for pid, parent in parents.items() if parent == member]
    return members


def alive(pid: int) -> bool:
    """Whether a process exists and has not just ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in ("Z", "X")
    except (FileNotFoundError, ProcessLookupError):
        return False


def cpu_seconds(root: int) -> float:
    """Processor time of all threads of a process and its descendants that are alive."""
    total = 0
    for pid in tree(root):
        for task in Path(f"/proc/{pid}/task").iterdir():
            try:
                total += int((task / "schedstat").read_text().split()[0])
            except OSError:
                continue  # it has just exited
    return total / 1e9


def stop(process: subprocess.Popen) -> None:
    if process.poll() is None:
        members = tree(process.pid)
        process.terminate()
        try:
            process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            for pid in members:
                _kill(pid)
            process.wait()
    if process in _running:
        _running.remove(process)


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


@atexit.register
def _stop_all() -> None:
    for process in list(_running):
        stop(process)
