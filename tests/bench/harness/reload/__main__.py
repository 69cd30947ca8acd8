"""The command line of reload.sh."""

import argparse
import datetime
import fnmatch
import json
import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

from .. import gateways, machine, processes
from ..gateways import BUILD, ROOT, use
from ..processes import Failed
from . import summary
from .measure import Settings, measure
from .systems import System, every

# Option, default, default of --quick, meaning.
_NUMBERS = (
    ("--reloads", 100, 5, "number of reloads"),
    ("--clients", 5000, 50, "clients that stay connected, without TLS"),
    ("--tls", 500, 5, "more of them, with TLS"),
    ("--handshakes", 100, 20, "short sessions per second"),
    ("--interval", 1.0, 0.5, "seconds from one reload to the next"),
    ("--settle", 15.0, 1.0, "seconds from the last reload until memory and processes are counted"),
)


def arguments() -> argparse.Namespace:
    quick = "--quick" in sys.argv
    parser = argparse.ArgumentParser(prog="reload.sh", allow_abbrev=False, description="Measures what reloads of the configuration do to clients.")
    for option, full, small, meaning in _NUMBERS:
        text = f"{meaning} (default: {full:g}; with --quick: {small:g})"
        parser.add_argument(option, type=type(full), metavar="N", default=small if quick else full, help=text)
    parser.add_argument(
        "--systems",
        default="upgate" if quick else "*",
        help="names, with * and ?, separated by commas, in any case (default: all; with --quick: upgate)",
    )
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="workers of each gateway (default: one per core)")
    parser.add_argument("--quick", action="store_true", help="a smoke test: few clients and reloads, and no goals for times and memory")
    parser.add_argument("--json", type=Path, default=ROOT / "build/reload.json", help="file for the results")
    parser.add_argument("--upgate", type=Path, help="measure this program instead of the release build, which is then not built")
    parser.add_argument("--build", type=Path, help="a build directory with upgate and the measuring programs; nothing is built")
    parser.add_argument("--list", action="store_true", help="list the systems")
    options = parser.parse_args()
    if options.reloads < 1 or options.clients < 1 or options.tls < 0 or options.handshakes < 0:
        parser.error("--reloads and --clients are 1 or more, --tls and --handshakes 0 or more")
    if options.upgate and not os.access(options.upgate, os.X_OK):
        parser.error(f"--upgate: not an executable: {options.upgate}")
    if upgate := options.upgate or (options.build and options.build / "upgate"):
        use(upgate)
    return options


def chosen(patterns: str) -> list[System]:
    wanted = patterns.lower().split(",")
    return [system for system in every() if any(fnmatch.fnmatch(system.name.lower(), pattern) for pattern in wanted)]


def run(system: System, settings: Settings) -> dict:
    result = {"name": system.name, "role": system.gateway.role, "failure": system.missing(), "rounds": []}
    if not result["failure"]:
        try:
            result["rounds"].append(measure(system, settings))
        except (Failed, subprocess.SubprocessError) as failure:
            result["failure"] = str(failure)
    return result


def describe(systems: list[System], settings: Settings, options: argparse.Namespace) -> dict:
    """The report without results; a scenario like those of run.sh, so that tests/bench/report can add it to them."""
    installed = {system.name: system.gateway for system in systems if not system.missing()}
    return {
        "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "machine": machine.describe(installed),
        "settings": {"shipped": gateways.SHIPPED == gateways.RELEASE, "workers": settings.workers},
        "scenarios": [
            {
                "name": "reload",
                "title": f"{settings.reloads:,} reloads under {settings.clients:,} ws and {settings.tls:,} wss clients",
                "group": "reload",
                "quick": options.quick,
                **{key: value for key, value in asdict(settings).items() if key != "programs"},
                "systems": [],
            }
        ],
    }


def show(systems: list[dict]) -> None:
    lines = summary.table(systems)
    if len(lines[0]) > 1:
        width = max(len(line[0]) for line in lines) + 2
        for line in lines:
            print(f"{line[0]:{width}}" + "".join(f"{cell:>16}" for cell in line[1:]))
    for system in systems:
        if system["failure"]:
            print(f"{system['name']}: not measured: {system['failure']}")
        for result in system["rounds"]:
            for reason, count in summary.reasons(result).items():
                print(f"{system['name']}: {count:,} × {reason}")


def main() -> int:
    options = arguments()
    systems = chosen(options.systems)
    if not systems:
        print("reload.sh: no such system; see --list", file=sys.stderr)
        return 2
    if options.list:
        for system in systems:
            print(f"{system.name:16} {system.missing()}".rstrip())
        return 0
    processes.allow_many_files()
    programs = (options.build or BUILD) / "tests/bench"
    names = ("reloads", "clients", "tls", "handshakes", "interval", "settle", "workers")
    settings = Settings(programs=programs.resolve(), **{name: getattr(options, name) for name in names})
    report = describe(systems, settings, options)
    results = report["scenarios"][0]["systems"]
    options.json.parent.mkdir(parents=True, exist_ok=True)
    if not options.quick:
        for core in range(os.cpu_count() or 1):
            processes.start([str(programs / "spin"), str(core)], options.json.with_suffix(".log"))
    for system in systems:
        print(f"reload.sh: {system.name}", file=sys.stderr)
        results.append(run(system, settings))
        options.json.write_text(json.dumps(report, indent=1) + "\n")
    show(results)
    return verdict(results, timed=not options.quick)


def verdict(systems: list[dict], timed: bool) -> int:
    """1 if upgate could not be measured or missed a goal."""
    failed = False
    for system in systems:
        if system["role"] != "product":
            continue
        goals = [goal for result in system["rounds"] for goal in summary.missed(result, timed)]
        for goal in goals:
            print(f"{system['name']} missed its goal: {goal}")
        failed = failed or bool(goals or system["failure"])
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
