"""The command line of the benchmark."""

import argparse
import datetime
import fnmatch
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from . import machine, processes, text
from .certificates import make_certificates
from .gateways import ROOT, use
from .load import PROGRAMS
from .measure import Settings, measure
from .processes import Failed
from .scenarios import SCENARIOS, Scenario, System, smoke


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="run.sh", description="Measures upgate and its peers.")
    parser.add_argument("scenarios", nargs="*", metavar="scenario", help="names, with * and ?, or smoke; default: all")
    parser.add_argument("--rounds", type=int, help="number of rounds; each measures every system once (default: 3; smoke: 1)")
    parser.add_argument("--seconds", type=float, help="duration of one measurement (default: 2; smoke: 1)")
    parser.add_argument("--warmup", type=float, default=0.5, help="seconds of load before each measurement (default: 0.5)")
    parser.add_argument("--systems", default="*", help="only systems with these names, with * and ?, separated by commas")
    parser.add_argument("--json", type=Path, default=ROOT / "build/bench.json", help="file for the results")
    parser.add_argument("--upgate", type=Path, help="measure this program instead of the release build, which is then not built")
    parser.add_argument("--high-priority", action="store_true", help="run with a higher priority than all other programs (root)")
    parser.add_argument("--list", action="store_true", help="list the scenarios")
    options = parser.parse_args()
    if options.upgate:
        if not os.access(options.upgate, os.X_OK):
            parser.error(f"--upgate: not an executable: {options.upgate}")
        use(options.upgate)
    quick = options.scenarios == ["smoke"]
    options.rounds = options.rounds or (1 if quick else 3)
    options.seconds = options.seconds or (1 if quick else 2)
    return options


def chosen(patterns: list[str]) -> list[Scenario]:
    if not patterns:
        return SCENARIOS
    wanted = []
    for scenario in SCENARIOS:
        matches = any(fnmatch.fnmatch(scenario.name, pattern) for pattern in patterns)
        if matches or ("smoke" in patterns and smoke(scenario)):
            wanted.append(scenario)
    return wanted


def prepare(high_priority: bool) -> None:
    processes.allow_many_files()
    if high_priority:
        # Where this file exists, the kernel schedules sessions as groups, and the niceness of a process counts only within its group.
        group = Path("/proc/self/autogroup")
        if group.exists():
            group.write_text("-20")
        os.setpriority(os.PRIO_PROCESS, 0, -20)


def run(scenario: Scenario, systems: list[System], settings: Settings) -> dict:
    results = [
        {"name": system.name, "role": system.gateway.role, "server": system.server, "failure": "", "rounds": []}
        for system in systems
    ]
    for number in range(scenario.rounds or settings.rounds):
        for system, result in zip(systems, results):
            if result["failure"] or number >= (system.gateway.rounds or settings.rounds):
                continue
            try:
                result["rounds"].append(measure(scenario, system, settings))
            except (Failed, subprocess.TimeoutExpired) as failure:
                result["failure"] = str(failure)
    return {
        "name": scenario.name,
        "title": scenario.title,
        "group": scenario.group,
        "connections": scenario.connections,
        "size": scenario.size,
        "window": scenario.window,
        "tls": scenario.tls,
        "busy": scenario.busy,
        "workers": scenario.workers,
        "systems": results,
    }


def main() -> int:
    options = arguments()
    wanted = chosen(options.scenarios)
    if not wanted:
        print("run.sh: no such scenario; see --list", file=sys.stderr)
        return 2
    if options.list:
        for scenario in wanted:
            print(f"{scenario.name:24} {scenario.title}")
        return 0
    prepare(options.high_priority)
    report = {
        "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "machine": machine.describe(),
        "settings": {"rounds": options.rounds, "seconds": options.seconds, "warmup": options.warmup, "shipped": not options.upgate},
        "scenarios": [],
    }
    patterns = options.systems.split(",")
    with tempfile.TemporaryDirectory(prefix="upgate-bench-") as name:
        certificates = Path(name)
        make_certificates(certificates)
        settings = Settings(certificates, options.rounds, options.seconds, options.warmup)
        for core in range(os.cpu_count() or 1):
            processes.start([str(PROGRAMS / "spin"), str(core)], certificates / "spin.log")
        for scenario in wanted:
            systems = [s for s in scenario.systems if any(fnmatch.fnmatch(s.name, p) for p in patterns)]
            if systems:
                report["scenarios"].append(run(scenario, systems, settings))
                print(text.table(report["scenarios"][-1]), flush=True)
                options.json.parent.mkdir(parents=True, exist_ok=True)
                options.json.write_text(json.dumps(report, indent=1) + "\n")
    print(f"results: {options.json}; tests/bench/README.md explains them")
    failed = any(system["failure"] for scenario in report["scenarios"] for system in scenario["systems"])
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
