"""Describes the machine and the versions of the gateways."""

import os
import platform
import re
import subprocess
from pathlib import Path

from .gateways import CADDY, HAPROXY_16, NGINX_4, ROOT, UPGATE, WEBSOCKIFY, Gateway

_ALL = {"upgate": UPGATE, "nginx": NGINX_4, "HAProxy": HAPROXY_16, "Caddy": CADDY, "websockify": WEBSOCKIFY}


def describe(gateways: dict[str, Gateway] = _ALL) -> dict:
    cpu = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    release = platform.freedesktop_os_release()
    return {
        "cpu": cpu[1] if cpu else platform.machine(),
        "cores": os.cpu_count(),
        "kernel": platform.release(),
        "system": f"{release['NAME']} {release.get('VERSION_ID', '')}".strip(),
        "commit": _output("git", "-C", str(ROOT), "describe", "--always", "--dirty"),
        "compiler": _output("c++", "-dumpfullversion"),
        "versions": {name: gateway.version() for name, gateway in gateways.items()},
    }


def _output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
