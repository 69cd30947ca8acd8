"""Compares callgrind's instruction counts with the recorded ones; run by guard.sh."""

import json
import re
import sys
from pathlib import Path

TOLERANCE = 0.03
SKIP = 77  # for ctest

KNOWN = Path(__file__).resolve().parent.parent / "guard.json"


def counted(directory: Path) -> dict[str, int]:
    """Instructions by workload, from callgrind's dumps."""
    counts = {}
    for dump in directory.glob("callgrind.out.*"):
        text = dump.read_text(errors="replace")
        name = re.search(r"^desc: Trigger: Client Request: (\S+)", text, re.MULTILINE)
        total = re.search(r"^totals: (\d+)", text, re.MULTILINE)
        if name and total:
            counts[name[1]] = int(total[1])
    return counts


def compare(before: dict[str, int], now: dict[str, int]) -> bool:
    """Prints a line for each workload; returns whether all are within the tolerance."""
    fine = True
    for name in sorted(before.keys() | now.keys()):
        if name not in now or name not in before:
            print(f"{name:24} {'is gone' if name in before else 'is new'}: run guard.sh --update")
            fine = False
            continue
        change = now[name] / before[name] - 1
        verdict = ""
        if change > TOLERANCE:
            verdict, fine = "  SLOWER", False
        elif change < -TOLERANCE:
            verdict = "  faster: guard.sh --update records it"
        print(f"{name:24} {before[name]:>13,} -> {now[name]:>13,} {change:+7.2%}{verdict}")
    return fine


def main() -> int:
    build, directory, *update = sys.argv[1:]
    known = json.loads(KNOWN.read_text()) if KNOWN.exists() else {}
    now = counted(Path(directory))
    if not now:
        print("callgrind counted nothing", file=sys.stderr)
        return 1
    if update:
        known[build] = dict(sorted(now.items()))
        KNOWN.write_text(json.dumps(dict(sorted(known.items())), indent=2) + "\n")
        print(f"recorded the counts for {build} in {KNOWN.name}")
        return 0
    if build not in known:
        print(f"no counts for {build} in {KNOWN.name}; guard.sh --update records them")
        return SKIP
    return 0 if compare(known[build], now) else 1


if __name__ == "__main__":
    sys.exit(main())
