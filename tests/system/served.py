#!/usr/bin/env python3
"""Runs an installed gateway and acts as its service manager, health check and client.

    served.py [--root FOLDER] --probe 'PROBE COMMAND' COMMAND...

COMMAND must serve an echo on 127.0.0.1:8080, like the packaged configurations. With --root, it must notify a service manager,
whose socket is in FOLDER/run, with READY=1 and STOPPING=1. PROBE COMMAND must succeed. A client's session must echo, and end
with 1001 when the gateway gets SIGTERM; the gateway must then exit with 0 before docker would kill it.
"""
import argparse
import contextlib
import os
import pathlib
import shlex
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

START = 30  # seconds until it must serve
GRACE = 10  # seconds from SIGTERM until it must have exited; the default of `docker stop`
ADDRESS = ("127.0.0.1", 8080)


def say(text):
    print(f"served.py: {text}", flush=True)


class Manager:
    """The service manager's side of $NOTIFY_SOCKET."""

    def __init__(self, root):
        self.folder = tempfile.mkdtemp(prefix="notify-", dir=os.path.join(root, "run"))
        os.chmod(self.folder, 0o711)
        path = os.path.join(self.folder, "socket")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(path)
        os.chmod(path, 0o666)
        self.inside = "/" + os.path.relpath(path, root)

    def expect(self, state, seconds):
        self.socket.settimeout(seconds)
        lines = self.socket.recv(4096).decode().splitlines()
        assert state in lines, f"{state} expected, got {lines}"
        say(f"the service manager is told {' '.join(lines)}")

    def close(self):
        self.socket.close()
        shutil.rmtree(self.folder)


class Session:
    """A minimal WebSocket client: small messages, one frame each."""

    def __init__(self):
        self.socket = socket.create_connection(ADDRESS, START)
        self.reader = self.socket.makefile("rb")
        self.socket.sendall(
            b"GET /echo HTTP/1.1\r\nHost: localhost:8080\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
        status = self.reader.readline()
        assert b" 101 " in status, status
        while self.reader.readline() != b"\r\n":
            pass

    def send(self, opcode, payload):
        mask = b"\0\0\0\0"  # a valid mask that changes nothing
        self.socket.sendall(bytes([0x80 | opcode, 0x80 | len(payload)]) + mask + payload)

    def receive(self):
        head = self.reader.read(2)
        assert len(head) == 2, "the connection ended without a Close frame"
        return head[0] & 0x0F, self.reader.read(head[1] & 0x7F)

    def echo(self, text):
        self.send(1, text)
        got = self.receive()
        assert got == (1, text), got

    def expect_close(self, code):
        opcode, payload = self.receive()
        assert opcode == 8, opcode
        got = struct.unpack("!H", payload[:2])[0]
        assert got == code, got
        self.send(8, payload)
        assert self.reader.read() == b"", "bytes after Close"
        self.reader.close()
        self.socket.close()
        say(f"the session ends with {got} {payload[2:].decode()!r}")


def program(pid):
    """The gateway's process: the given one or the descendant that runs the program."""
    waiting = [pid]
    while waiting:
        pid = waiting.pop()
        with contextlib.suppress(OSError):
            if pathlib.Path(f"/proc/{pid}/comm").read_text() == "upgate\n":
                return pid
            for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
                waiting += map(int, (task / "children").read_text().split())
    raise AssertionError("no upgate among the processes")


def wait_until_healthy(command, gateway):
    """Like docker, tolerates failing health checks while the container starts."""
    deadline = time.monotonic() + START
    while True:
        probe = subprocess.run(command, timeout=START, capture_output=True, text=True)
        if probe.returncode == 0:
            say(f"`{shlex.join(command)}` says {probe.stdout.strip()!r}")
            return
        assert gateway.poll() is None, f"the gateway ended with {gateway.returncode}"
        assert time.monotonic() < deadline, f"`{shlex.join(command)}` fails: {probe.stdout}{probe.stderr}"
        time.sleep(0.2)


def run(command, probe, manager):
    environment = dict(os.environ)
    if manager:
        environment["NOTIFY_SOCKET"] = manager.inside
    gateway = subprocess.Popen(command, env=environment)
    try:
        if manager:
            manager.expect("READY=1", START)
        wait_until_healthy(probe, gateway)
        session = Session()
        session.echo(b"hello")
        pid = program(gateway.pid)
        status = pathlib.Path(f"/proc/{pid}/status").read_text()
        uid = status.split("Uid:")[1].split()[0]
        assert uid != "0", "the gateway runs as root"
        say(f"an echo from process {pid} of user {uid}")
        began = time.monotonic()
        os.kill(pid, signal.SIGTERM)
        if manager:
            manager.expect("STOPPING=1", GRACE)
        session.expect_close(1001)
        code = gateway.wait(GRACE)
        assert code == 0, f"exit code {code}"
        say(f"ended with 0, {time.monotonic() - began:.1f} s after SIGTERM")
    finally:
        if gateway.poll() is None:
            gateway.kill()
            gateway.wait()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--root")
    parser.add_argument("--probe", required=True, type=shlex.split)
    parser.add_argument("command", nargs=argparse.REMAINDER)
    arguments = parser.parse_args()
    with contextlib.ExitStack() as stack:
        manager = Manager(arguments.root) if arguments.root else None
        if manager:
            stack.callback(manager.close)
        run(arguments.command, arguments.probe, manager)


if __name__ == "__main__":
    sys.exit(main())
