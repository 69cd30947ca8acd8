"""Puts the instrumented build (preset `pgo-generate`) under a training load that covers all common paths, to record a profile."""

import http.client
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from . import processes
from .certificates import make_certificates
from .gateways import ROOT, Gateway, Setting
from .processes import Failed

BUILD = ROOT / "build" / "pgo-generate"
PROFILE = BUILD / "profile"
LOAD = BUILD / "tests/bench/load"
SECONDS = 0.6  # duration of each load below
REQUESTS = 1500  # HTTP requests of each kind

# Paths in training.yaml.in, and the server behind each.
ECHOES = [("/ws", "ws"), ("/tcp", "tcp"), ("/enforced", "ws"), ("/echo", "")]
SIZES = [64, 1024, 65536]


def loads() -> list[list[str]]:
    """Options for the load generator, except those for TLS and servers."""
    flows = [
        ["echo", f"--path={path}", f"--size={size}", f"--window={window}", *_server(server, "echo", size)]
        for path, server in ECHOES
        for size in SIZES
        for window in (1, 16)
        if (size, window) != (65536, 16)
    ]
    floods = [
        [mode, f"--path=/{kind}", f"--size={size}", *_server(kind, end, size)]
        for mode, end in (("up", "sink"), ("down", "source"))
        for kind in ("ws", "tcp")
        for size in (64, 65536)
    ]
    handshakes = [["handshake", f"--path=/{kind}", *_server(kind, "echo", 64)] for kind in ("ws", "tcp")]
    return [*flows, *floods, *handshakes, *handshakes, ["broadcast", "--path=/room"]]


def _server(kind: str, end: str, size: int) -> list[str]:
    return [f"--serve={kind}-{end}:@BACKEND@:{size}"] if kind else []


def main() -> int:
    try:
        with tempfile.TemporaryDirectory(prefix="upgate-train-") as name:
            train(Path(name))
    except Failed as failure:
        print(f"train: {failure}", file=sys.stderr)
        return 1
    if not any(PROFILE.glob("*.gcda")):
        print(f"train: no profile was recorded in {PROFILE}", file=sys.stderr)
        return 1
    return 0


def train(directory: Path) -> None:
    make_certificates(directory)
    port, tls_port, backend, admin, web = processes.free_ports(5)
    setting = Setting(
        directory=directory,
        port=port,
        tls_port=tls_port,
        backend=backend,
        cert=directory / "cert.pem",
        key=directory / "key.pem",
        pem=directory / "both.pem",
        cores="",
    )
    upgate = Gateway(
        name="upgate",
        role="product",
        template="training.yaml",
        values={"ADMIN": admin, "HTTP": web},
        command=lambda s, config: [str(BUILD / "upgate"), "run", "--config", str(config)],
        version=lambda: "",
    )
    log = directory / "backend.log"
    server = processes.start([str(BUILD / "tests/bench/backend"), f"http:{web}"], log)
    processes.wait_until_listening(server, web, log)
    gateway = upgate.start(setting)
    for options in loads():
        put_under_load(setting, gateway, options)
    ask(port, admin)
    # The profile is written at a normal exit.
    gateway.terminate()
    if gateway.wait(timeout=30) != 0:
        raise Failed(f"the gateway ended with {gateway.returncode}: {(directory / 'gateway.log').read_text()[-500:]}")
    processes.stop(gateway)
    processes.stop(server)


def put_under_load(setting: Setting, gateway: subprocess.Popen, options: list[str]) -> None:
    options = [option.replace("@BACKEND@", str(setting.backend)) for option in options]
    common = ["--connections=20", f"--seconds={SECONDS}", "--warmup=0.1", f"--gateway={gateway.pid}"]
    for ways in ([f"--port={setting.port}"], [f"--port={setting.tls_port}", f"--tls={setting.cert}"]):
        ran = subprocess.run([str(LOAD), *options, *common, *ways], capture_output=True, text=True, check=False, timeout=120)
        if ran.returncode != 0:
            raise Failed(f"{' '.join(options)}: {ran.stderr.strip()}")
        if json.loads(ran.stdout)["messages"] == 0:
            raise Failed(f"{' '.join(options)}: nothing came through")


def ask(port: int, admin: int) -> None:
    """Sends requests like those of browsers and monitoring."""
    browser = {
        "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
        "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
        "Accept-Language": "en-US,en;q=0.5",
        "Accept-Encoding": "gzip, deflate",
        "Origin": "https://app.example.com",
        "Cookie": "session=0123456789abcdef0123456789abcdef; theme=dark",
    }
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    for target in ("/64", "/4096", "/262144"):
        for headers in ({}, browser):
            for _ in range(REQUESTS if target != "/262144" else REQUESTS // 10):
                connection.request("GET", target, headers=headers)
                answer = connection.getresponse()
                if answer.status != 200 or len(answer.read()) != int(target[1:]):
                    raise Failed(f"GET {target}: {answer.status}")
    connection.close()
    connection = http.client.HTTPConnection("127.0.0.1", admin, timeout=20)
    for target in ("/stats", "/metrics", "/healthz"):
        for _ in range(20):
            connection.request("GET", target)
            answer = connection.getresponse()
            answer.read()
            if answer.status != 200:
                raise Failed(f"GET {target}: {answer.status}")
    connection.close()


if __name__ == "__main__":
    sys.exit(main())
