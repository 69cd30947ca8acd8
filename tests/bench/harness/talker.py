"""Programs of ours that take commands on standard input and answer each with one line."""

import json
import select
import subprocess

from . import load
from .processes import Failed

_PATIENCE = 15.0  # seconds to wait for a line


class Silent(Failed):
    """A program still runs, but prints nothing."""


class Talker:
    """A program that answers line by line."""

    def __init__(self, command: list[str]):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, **load.pipes())

    def read(self, patience: float = _PATIENCE) -> str:
        ready, _, _ = select.select([self.process.stdout], [], [], patience)
        if not ready:
            raise Silent(f"load {self.process.args[1]} printed nothing for {patience:.0f} s")
        if line := self.process.stdout.readline():
            return line.strip()
        self.kill()
        raise Failed(self.process.stderr.read().strip() or f"load {self.process.args[1]} ended")

    def ask(self, command: str, patience: float = _PATIENCE) -> dict:
        """Sends a command that is answered with JSON."""
        try:
            self.process.stdin.write(command + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass  # it prints the reason on standard error
        return json.loads(self.read(patience))

    def kill(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
