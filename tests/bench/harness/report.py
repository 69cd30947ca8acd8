"""Puts results into docs/benchmarks.md and README.md and draws the plot; run by tests/bench/report."""

import argparse
import json
import sys
from pathlib import Path

from . import markdown, plot

BENCH = Path(__file__).resolve().parent.parent
ROOT = BENCH.parent.parent
BEGIN = "<!-- tests/bench/report begins -->"
END = "<!-- tests/bench/report ends -->"


def with_tables(page: Path, tables: str) -> str:
    """The text of the page with the part between the markers replaced."""
    before, begin, rest = page.read_text().partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise SystemExit(f"report: no '{BEGIN}' and '{END}' in {page.relative_to(ROOT)}")
    return f"{before}{BEGIN}\n{tables}\n{END}{after}"


def added(kept: dict, results: dict) -> dict:
    """The kept results with these scenarios replaced or added; each of them records its own date and machine."""
    measured = {key: results[key] for key in ("date", "machine", "settings")}
    new = {scenario["name"]: scenario | {"measured": measured} for scenario in results["scenarios"]}
    scenarios = [new.pop(scenario["name"], scenario) for scenario in kept["scenarios"]]
    return kept | {"scenarios": [*scenarios, *new.values()]}


def main() -> int:
    parser = argparse.ArgumentParser(prog="report", description="Puts results of run.sh into docs/benchmarks.md and README.md.")
    parser.add_argument("results", nargs="?", type=Path, help="results to keep and render; default: render the kept results")
    parser.add_argument("--add", action="store_true", help="merge these results into the kept ones instead of replacing them")
    parser.add_argument("--check", action="store_true", help="only check that the pages and the plot are up to date")
    options = parser.parse_args()

    kept = BENCH / "results/latest.json"
    if options.results and not options.check:
        kept.parent.mkdir(exist_ok=True)
        results = json.loads(options.results.read_text())
        if options.add:
            results = added(json.loads(kept.read_text()), results)
        kept.write_text(json.dumps(results, indent=1) + "\n")
    report = json.loads((options.results if options.check and options.results else kept).read_text())

    picture = plot.render(report)
    tables = {"docs/benchmarks.md": markdown.render(report, picture is not None), "README.md": markdown.render_summary(report)}
    wanted = {ROOT / page: with_tables(ROOT / page, text) for page, text in tables.items()}
    if picture:
        wanted[kept.parent / "connections.svg"] = picture
    stale = [path for path, text in wanted.items() if not path.exists() or path.read_text() != text]
    if options.check:
        for path in stale:
            print(f"{path.relative_to(ROOT)} is out of date; run tests/bench/report")
        return 1 if stale else 0
    for path in stale:
        path.write_text(wanted[path])
    return 0


if __name__ == "__main__":
    sys.exit(main())
