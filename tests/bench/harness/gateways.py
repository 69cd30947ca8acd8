"""The gateways that are measured: upgate, its peers, and the bare relay. Each starts from a template in peers/."""

import os
import re
import subprocess
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Callable

from . import processes
from .processes import Failed

BENCH = Path(__file__).resolve().parent.parent
ROOT = BENCH.parent.parent
BUILD = ROOT / "build" / "release"  # has the measuring programs and the bare relay
RELEASE = ROOT / "build" / "pgo-use" / "upgate"
SHIPPED = RELEASE  # what is measured; see use()


@dataclass(frozen=True)
class Setting:
    """The environment of a gateway: ports, files and cores."""

    directory: Path
    port: int
    tls_port: int
    backend: int
    cert: Path
    key: Path
    pem: Path
    polite: int = 0  # a second server, for polite clients
    admin: int = 0
    web: int = 0  # an HTTP server behind the gateway
    workers: int = 1
    cores: str = "0"  # empty: all


@dataclass(frozen=True)
class Gateway:
    """A program in front of the servers. `command` gets the file generated from `template`, if there is one."""

    name: str
    role: str  # product, peer or floor (the bare relay)
    command: Callable[[Setting, Path], list[str]]
    version: Callable[[], str]
    template: str = ""
    values: dict[str, object] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    one_port: bool = False  # with and without TLS at the same port
    rounds: int | None = None  # fewer than requested, for gateways that are many times slower

    def start(self, setting: Setting) -> subprocess.Popen:
        config = self.configure(setting)
        log = setting.directory / "gateway.log"
        environment = {key: value.format(s=setting) for key, value in self.environment.items()}
        process = processes.start(
            processes.pinned(setting.cores, self.command(setting, config)),
            log,
            env=os.environ | environment,
            cwd=setting.directory,
        )
        processes.wait_until_listening(process, setting.port, log)
        if self._has_tls_port():
            processes.wait_until_listening(process, setting.tls_port, log)
        return process

    def _has_tls_port(self) -> bool:
        return bool(self.template) and "@TLS_PORT@" in self._template()

    def _template(self) -> str:
        return (BENCH / "peers" / f"{self.template}.in").read_text()

    def configure(self, setting: Setting) -> Path:
        """Writes the configuration from the template, and returns its path."""
        if not self.template:
            return setting.directory
        text = self._template()
        values = {
            "DIR": setting.directory,
            "PORT": setting.port,
            "TLS_PORT": setting.tls_port,
            "BACKEND": setting.backend,
            "POLITE": setting.polite,
            "ADMIN": setting.admin,
            "WEB": setting.web,
            "CERT": setting.cert,
            "KEY": setting.key,
            "PEM": setting.pem,
            "WORKERS": setting.workers,
        } | self.values
        text = re.sub(r"@([A-Z_]+)@", lambda match: str(values[match[1]]), text)
        config = setting.directory / self.template
        config.write_text(text)
        return config


def _version(*command: str) -> Callable[[], str]:
    """Finds the first version number in a program's output."""

    def ask() -> str:
        said = subprocess.run(command, capture_output=True, text=True, check=False)
        match = re.search(r"\d+\.\d+[\w.+~-]*", said.stdout + said.stderr)
        if not match:
            raise Failed(f"{command[0]} does not print its version")
        return match[0]

    return ask


def use(binary: Path) -> None:
    """Measures this upgate instead of the release build."""
    global SHIPPED
    SHIPPED = binary.resolve()


def _upgate(template: str) -> Gateway:
    return Gateway(
        name="upgate",
        role="product",
        template=template,
        command=lambda s, config: [str(SHIPPED), "run", "--config", str(config)],
        version=lambda: _version(str(SHIPPED), "version")(),
    )


def _nginx(kib: int) -> Gateway:
    return Gateway(
        name=f"nginx {kib} KiB",
        role="peer",
        template="nginx.conf",
        values={"BUFFER_KIB": kib, "BUSY_KIB": 2 * kib},
        command=lambda s, config: ["nginx", "-p", str(s.directory), "-c", str(config)],
        version=_version("nginx", "-v"),
    )


def _haproxy(kib: int) -> Gateway:
    return Gateway(
        name=f"HAProxy {kib} KiB",
        role="peer",
        template="haproxy.cfg",
        values={"BUFFER_KIB": kib, "BUFFER": kib * 1024},
        command=lambda s, config: ["haproxy", "-db", "-q", "-f", str(config)],
        version=_version("haproxy", "-v"),
    )


UPGATE = _upgate("upgate.yaml")
UPGATE_POLITE = _upgate("polite.yaml")
NGINX_4 = _nginx(4)
NGINX_64 = _nginx(64)
HAPROXY_16 = _haproxy(16)
HAPROXY_64 = _haproxy(64)
NGINX_POLITE = replace(NGINX_4, name="nginx", template="polite-nginx.conf")
HAPROXY_POLITE = replace(HAPROXY_16, name="HAProxy", template="polite-haproxy.cfg")
CADDY = Gateway(
    name="Caddy",
    role="peer",
    template="Caddyfile",
    command=lambda s, config: ["caddy", "run", "--adapter", "caddyfile", "--config", str(config)],
    environment={
        "GOMAXPROCS": "{s.workers}",
        "HOME": "{s.directory}",
        "XDG_DATA_HOME": "{s.directory}",
        "XDG_CONFIG_HOME": "{s.directory}",
    },
    version=_version("caddy", "version"),
)
WEBSOCKIFY = Gateway(
    name="websockify",
    role="peer",
    command=lambda s, config: [
        "websockify",
        f"--cert={s.cert}",
        f"--key={s.key}",
        f"127.0.0.1:{s.port}",
        f"127.0.0.1:{s.backend}",
    ],
    version=_version("dpkg-query", "-W", "-f=${Version}", "websockify"),
    one_port=True,
    rounds=1,
)
FLOOR = Gateway(
    name="bare relay",
    role="floor",
    command=lambda s, config: [
        str(BUILD / "tests/bench/bare_relay"),
        str(s.port),
        str(s.backend),
    ],
    version=lambda: "",
)
