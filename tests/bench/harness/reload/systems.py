"""The gateways that are reloaded while they run, behind one interface."""

import http.client
import os
import re
import shutil
import signal
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Callable

from .. import gateways, processes
from ..gateways import Gateway, Setting
from ..processes import Failed
from . import render
from .generation import Generation

_OLD_WORKERS = 10  # seconds until old workers of nginx and HAProxy end the connections that they still have


class System:
    """A gateway that can be reloaded."""

    def __init__(self, gateway: Gateway, rendering: Callable[[Generation], dict[str, object]]):
        self.gateway = gateway
        self._render = rendering

    @property
    def name(self) -> str:
        return self.gateway.name

    def missing(self) -> str:
        """Why it cannot be measured here; empty if it can."""
        program = self.gateway.command(_NOWHERE, Path())[0]
        return "" if shutil.which(program) else f"{program} is not installed"

    def start(self, setting: Setting, generation: Generation) -> None:
        self.setting = setting
        self.process = self._at(generation).start(setting)

    def reload(self, generation: Generation) -> None:
        """Tells the gateway to reload. confirmed() says when it says that it has, if it says so at all."""
        self.tell(self._at(generation).configure(self.setting))

    def tell(self, config: Path) -> None:
        raise NotImplementedError

    def confirmed(self) -> bool:
        return True

    def pids(self) -> list[int]:
        """Its living processes."""
        return [pid for pid in processes.tree(self.process.pid) if processes.alive(pid)]

    def log(self) -> str:
        """The end of its log."""
        return (self.setting.directory / "gateway.log").read_text()[-500:].strip()

    def stop(self) -> None:
        processes.stop(self.process)

    def _at(self, generation: Generation) -> Gateway:
        return replace(self.gateway, values=self.gateway.values | self._render(generation))


class Signalled(System):
    """Reloads on a signal and does not say when it is done."""

    def __init__(self, gateway: Gateway, rendering: Callable[[Generation], dict[str, object]], number: signal.Signals):
        super().__init__(gateway, rendering)
        self._number = number

    def tell(self, config: Path) -> None:
        self.process.send_signal(self._number)


class Upgate(Signalled):
    """Counts its configurations and the failed reloads in its metrics."""

    def __init__(self) -> None:
        super().__init__(replace(gateways.UPGATE, template="reload-upgate.yaml"), render.upgate, signal.SIGHUP)
        self._before = (0, 0)  # see _counts

    def missing(self) -> str:
        program = self.gateway.command(_NOWHERE, Path())[0]
        return "" if os.access(program, os.X_OK) else f"{program} is missing"

    def tell(self, config: Path) -> None:
        self._before = self._counts()
        super().tell(config)

    def confirmed(self) -> bool:
        try:
            generation, failed = self._counts()
        except OSError:
            return False
        if failed > self._before[1]:
            raise Failed(f"upgate refused a configuration: {self.log()}")
        return generation > self._before[0]

    def _counts(self) -> tuple[int, int]:
        """The number of the configuration in force, and how many reloads have failed."""
        connection = http.client.HTTPConnection("127.0.0.1", self.setting.admin, timeout=5)
        try:
            connection.request("GET", "/metrics")
            text = connection.getresponse().read().decode()
        finally:
            connection.close()
        return _metric(text, "upgate_config_generation"), _metric(text, 'upgate_reloads_total{result="failed"}')


def _metric(text: str, name: str) -> int:
    found = re.search(rf"^{re.escape(name)} (\d+)", text, re.MULTILINE)
    if not found:
        raise Failed(f"no {name} in the metrics of upgate")
    return int(found[1])


class Caddy(System):
    """Reloads by a command, which ends when the reload has. Closes upgraded connections unless it is told to wait with that."""

    def __init__(self, name: str, stream: str = ""):
        super().__init__(
            replace(gateways.CADDY, name=name, template="reload-Caddyfile", values={"STREAM": stream}), render.caddy
        )
        self._since = (2, 7) if stream else (2, 0)

    def missing(self) -> str:
        if reason := super().missing():
            return reason
        version = self.gateway.version()
        known = tuple(map(int, version.split(".")[:2])) >= self._since
        return "" if known else f"caddy {version} does not know stream_close_delay"

    def tell(self, config: Path) -> None:
        ran = subprocess.run(
            ["caddy", "reload", "--adapter", "caddyfile", "--config", str(config), "--address", f"127.0.0.1:{self.setting.admin}"],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            env=os.environ | {"HOME": str(self.setting.directory)},
        )
        if ran.returncode != 0:
            raise Failed(f"caddy reload: {ran.stderr[-500:].strip()}")


_NOWHERE = Setting(Path(), 0, 0, 0, Path(), Path(), Path())


def every() -> list[System]:
    """All systems, installed or not, in the order of the table."""
    nginx = replace(gateways.NGINX_4, name="nginx", template="reload-nginx.conf", values={"OLD_WORKERS": _OLD_WORKERS})
    haproxy = replace(
        gateways.HAPROXY_16,
        name="HAProxy",
        template="reload-haproxy.cfg",
        values={"OLD_WORKERS": _OLD_WORKERS},
        command=lambda s, config: ["haproxy", "-W", "-db", "-q", "-S", str(s.directory / "master"), "-f", str(config)],
    )
    return [
        Upgate(),
        Signalled(nginx, render.nginx, signal.SIGHUP),
        Signalled(haproxy, render.haproxy, signal.SIGUSR2),
        Caddy("Caddy"),
        Caddy("Caddy delay", "stream_close_delay 1h"),
    ]
