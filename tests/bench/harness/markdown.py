"""Renders the results: tables by kind of workload for docs/benchmarks.md, and the summary table of README.md."""

from .reload import summary as reloads
from .summary import HEALTH_GOAL, POLITE_GOAL, MemoryRow, Row, memory_rows, polite_rows, rows
from .text import ending, number

_COLUMNS = ("upgate -> ws", "upgate -> tcp", "bare relay", "nginx", "HAProxy", "Caddy", "websockify")
_PLOT = "![CPU time by message against the number of connections](../tests/bench/results/connections.svg)"
_WORK = ("relay", "tls", "flood", "handshake", "http")

# Contents of the summary table: scenarios by name, and the columns.
_SUMMARY = ("ws-64-w1-c100", "ws-65536-w1-c100", "ws-64-w1-c1000", "wss-64-w1-c100", "handshake-ws", "http-small")
_SUMMARY_COLUMNS = ("upgate -> ws", "upgate -> tcp", "nginx", "HAProxy", "Caddy")
_POLITE_COLUMNS = ("upgate", "nginx", "HAProxy")


def render(report: dict, plotted: bool) -> str:
    """Everything between the marker comments; with the plot if there is one."""
    parts = (_preface(report), _PLOT if plotted else "", _cpu(report), _latency(report), _memory(report), _polite(report), _reload(report), _rest(report))
    return "\n\n".join(part for part in parts if part)


def render_summary(report: dict) -> str:
    """A table of CPU time with one scenario of each kind, one of memory, and one of floods."""
    head = "| | upgate → ws | → tcp | nginx | HAProxy | Caddy |\n| --- |" + " --- |" * len(_SUMMARY_COLUMNS) + "\n"
    chosen = [scenario for scenario in report["scenarios"] if scenario["name"] in _SUMMARY]
    cpu = []
    for scenario in chosen:
        cells = [_best(rows(scenario), column) for column in _SUMMARY_COLUMNS]
        cpu.append(f"| {_capital(scenario['title'])} | " + " | ".join(number(row.total_us) if row else "" for row in cells) + " |")
    memory = []
    for scenario in _of(report, "memory"):
        found = [row for row in memory_rows(scenario) if not row.failure]
        cells = [_least_memory(found, column) for column in _SUMMARY_COLUMNS]
        memory.append(f"| {'wss' if scenario['tls'] else 'ws'} | " + " | ".join(cells) + " |")
    tables = (
        f"CPU time in µs by message, by connection (upgrade) or by request ({_origin(report, chosen)}):\n\n{head}" + "\n".join(cpu) if cpu else "",
        f"Bytes that one more idle connection takes ({_origin(report, _of(report, 'memory'))}):\n\n{head}" + "\n".join(memory) if memory else "",
        _polite_summary(report),
    )
    return "\n\n".join(table for table in tables if table)


def _origin(report: dict, scenarios: list[dict]) -> str:
    """When, with which build, and where the figures of a table were measured: all of it, where runs were merged."""
    origins = []
    for scenario in scenarios:
        measured = scenario.get("measured", report)
        machine = measured["machine"]
        origins.append(
            f"{measured['date'][:10]}, upgate {machine['commit']}{_build(measured)}, {_workers(scenario['workers'])}; "
            f"{machine['cpu']}, {machine['cores']} cores"
        )
    return "; ".join(dict.fromkeys(origins))


def _workers(count: int) -> str:
    return {1: "one worker", 2: "two workers"}.get(count, f"{count} workers")


def _polite_summary(report: dict) -> str:
    """The floods for which there are figures of all systems."""
    lines, shown = [], []
    for scenario in _of(report, "polite"):
        found = {row.name: row for row in polite_rows(scenario) if not row.failure}
        if all(column in found for column in _POLITE_COLUMNS):
            shown.append(scenario)
            cells = (f"{number(found[column].p99)} ({number(found[column].health_p99)})" for column in _POLITE_COLUMNS)
            lines.append(f"| {_capital(scenario['title'])} | " + " | ".join(cells) + " |")
    if not lines:
        return ""
    head = (
        "Round trips of one client while others send as fast as they can: p99 in ms, and of a health check in parentheses "
        f"({_origin(report, shown)}):\n\n"
        f"| | {' | '.join(_POLITE_COLUMNS)} |\n| --- |" + " --- |" * len(_POLITE_COLUMNS) + "\n"
    )
    return head + "\n".join(lines)


def _least_memory(found: list[MemoryRow], column: str) -> str:
    matching = [row.idle for row in found if row.name == column or row.name.split()[0] == column]
    return f"{min(matching):,.0f}" if matching else ""


def _of(report: dict, *groups: str) -> list[dict]:
    return [scenario for scenario in report["scenarios"] if scenario["group"] in groups]


def _preface(report: dict) -> str:
    machine, settings = report["machine"], report["settings"]
    peers = {name: version for name, version in machine["versions"].items() if name != "upgate"}
    versions = ", ".join(f"{name} {version}" for name, version in peers.items())
    return (
        f"Measured on {report['date'][:10]} with `tests/bench/run.sh` on {machine['cpu']}, {machine['cores']} cores, "
        f"{machine['system']}, Linux {machine['kernel']}: {settings['rounds']} rounds of {settings['seconds']:g} s, medians; "
        f"upgate {machine['commit']}{_build(report)}, one worker on one core, load and servers on another. {versions}."
    )


def _cpu(report: dict) -> str:
    lines = [
        "| CPU µs by message | upgate → ws | → tcp | bare relay | nginx | HAProxy | Caddy | websockify | best peer = 1 | bare relay = 1 |",
        "| --- |" + " --- |" * 9,
    ]
    for scenario in _of(report, *_WORK):
        found = rows(scenario)
        cells = [_best(found, column) for column in _COLUMNS]
        ours = [row for row in found if row.role == "product" and not row.failure]
        lines.append(
            f"| {_capital(scenario['title'])} | "
            + " | ".join(number(row.total_us) if row else "" for row in cells)
            + f" | {_worst(row.to_peer for row in ours)} | {_worst(row.to_floor for row in ours)} |"
        )
    return "\n".join(lines) if len(lines) > 2 else ""


def _capital(text: str) -> str:
    return text if text.startswith("ws") else text[:1].upper() + text[1:]


def _best(found: list[Row], column: str) -> Row | None:
    """The cheapest of a column's systems: for nginx, the best buffer size."""
    is_of = lambda row: row.name == column or (row.name.split()[0] == column and row.role == "peer")
    alone = column == "upgate -> ws"  # where upgate stands without saying what is behind it
    matching = [row for row in found if not row.failure and (is_of(row) or (alone and row.name == "upgate"))]
    return min(matching, key=lambda row: row.total_us, default=None)


def _worst(ratios) -> str:
    known = [ratio for ratio in ratios if ratio is not None]
    return f"{max(known):.2f}" if known else ""


def _latency(report: dict) -> str:
    """p99 in the scenarios whose load saturates the gateway."""
    lines = [
        "| p99, ms | upgate → ws | → tcp | bare relay | nginx | HAProxy | Caddy |",
        "| --- |" + " --- |" * 6,
    ]
    for scenario in _of(report, "relay"):
        if scenario["connections"] != 1000:
            continue
        cells = [_fastest(rows(scenario), column) for column in _COLUMNS[:-1]]
        lines.append(f"| {scenario['title']} | " + " | ".join(cells) + " |")
    return "\n".join(lines) if len(lines) > 2 else ""


def _fastest(found: list[Row], column: str) -> str:
    matching = [row for row in found if row.latency_us and (row.name == column or row.name.split()[0] == column)]
    return number(min(row.latency_us["p99"] for row in matching) / 1000) if matching else ""


def _memory(report: dict) -> str:
    """In a run of its own where it was measured again."""
    of_memory = _of(report, "memory")
    scenarios = {scenario["tls"]: memory_rows(scenario) for scenario in of_memory}
    if not scenarios:
        return ""
    measured = of_memory[0].get("measured", report)
    few, many = max((row.few, row.connections) for found in scenarios.values() for row in found)
    lines = [
        f"Memory as a slope: what each connection between {few:,} and {many:,} adds to the resident memory "
        f"({measured['date'][:10]}, upgate {measured['machine']['commit']}{_build(measured)}, {_workers(of_memory[0]['workers'])}):",
        "",
        "| Bytes by idle connection | ws | after 64 KiB on each | wss | after 64 KiB on each |",
        "| --- | --- | --- | --- | --- |",
    ]
    for name in dict.fromkeys(row.name for found in scenarios.values() for row in found):
        cells = [cell for tls in (False, True) for cell in _memory_cells(name, scenarios.get(tls, []))]
        lines.append(f"| {name.replace('->', '→')} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _memory_cells(name: str, found: list[MemoryRow]) -> tuple[str, str]:
    row = next((row for row in found if row.name == name and not row.failure), None)
    if row is None:
        return "", ""
    if name == "websockify":  # its processes share most of their resident memory
        return f"{row.idle_pss:,.0f}", f"{row.after_burst_pss:,.0f}"
    return f"{row.idle:,.0f}", f"{row.after_burst:,.0f}"


def _build(measured: dict) -> str:
    return "" if measured["settings"].get("shipped", True) else ", not the build that ships"


def _medians(rounds: list[int]) -> str:
    """What the figures are of."""
    return "one round" if rounds == [1] else f"medians of {' or '.join(map(str, rounds))} rounds"


def _polite(report: dict) -> str:
    """One line per scenario and system; values that miss the goal are in bold."""
    scenarios = _of(report, "polite")
    if not scenarios:
        return ""
    measured = scenarios[0].get("measured", report)  # may come from a separate run
    rounds = sorted({len(system["rounds"]) for scenario in scenarios for system in scenario["systems"]})
    lines = [
        f"A client that sends one message of 64 B at a time, and a health check, while others send as fast as they can "
        f"({measured['date'][:10]}, upgate {measured['machine']['commit']}{_build(measured)}, {_medians(rounds)}; {_workers(scenarios[0]['workers'])}, "
        f"which share {measured['machine']['cores']} cores with the load):",
        "",
        f"| Among floods, ms (goal: {POLITE_GOAL}, /healthz {HEALTH_GOAL}) | | p50 | p99 | /healthz p99 | held, MiB | SIGTERM → end |",
        "| --- |" + " --- |" * 6,
    ]
    for scenario in scenarios:
        for row in polite_rows(scenario):
            title = f"| {_capital(scenario['title'])} | {row.name} | "
            if row.failure:
                lines.append(f"{title}failed: {row.failure} | | | | |")
                continue
            cells = (
                number(row.p50),
                _bold_over(row.p99, POLITE_GOAL),
                _bold_over(row.health_p99, HEALTH_GOAL),
                f"{row.held / 2**20:.1f}",
                ending(row),
            )
            lines.append(title + " | ".join(cells) + " |")
    return "\n".join(lines)


def _reload(report: dict) -> str:
    """A line per figure and a column per system; figures that miss a goal are in bold."""
    parts = []
    for scenario in _of(report, "reload"):
        measured = scenario.get("measured", report)  # may come from a separate run
        build = "" if measured["settings"].get("shipped", True) else " (not the build that ships)"
        versions = ", ".join(f"{name} {version}" for name, version in measured["machine"]["versions"].items() if name != "upgate")
        head, *lines = reloads.table(scenario["systems"])
        parts.append(
            "\n".join(
                [
                    f"{_capital(scenario['title'])} ({measured['date'][:10]}, upgate {measured['machine']['commit']}{build}; {scenario['workers']} workers, "
                    f"which share {measured['machine']['cores']} cores with the load; {versions}):",
                    "",
                    f"| {' | '.join(head)} |",
                    "| --- |" + " --- |" * (len(head) - 1),
                    *(f"| {line[0]} | " + " | ".join(_bold_missed(cell) for cell in line[1:]) + " |" for line in lines),
                ]
            )
        )
    return "\n\n".join(parts)


def _bold_missed(cell: str) -> str:
    return f"**{cell.removesuffix(' !')}**" if cell.endswith(" !") else cell


def _bold_over(value: float, goal: float) -> str:
    return f"**{number(value)}**" if value > goal else number(value)


def _rest(report: dict) -> str:
    lines = []
    for scenario in _of(report, "broadcast"):
        for row in rows(scenario):
            if not row.failure:
                lines.append(
                    f"- Broadcast, {scenario['title']}: {number(row.total_us)} µs by delivery, "
                    f"{number(row.per_second)} deliveries a second."
                )
    scaling = {scenario["workers"]: rows(scenario) for scenario in _of(report, "scaling")}
    if len(scaling) > 1:
        one, most = scaling[min(scaling)], scaling[max(scaling)]
        lines += [_scaling(before, after, max(scaling)) for before, after in zip(one, most) if before.role == "product"]
    return "\n".join(lines)


def _scaling(one: Row, most: Row, workers: int) -> str:
    if one.failure or most.failure:
        return ""
    return (
        f"- {most.name.replace('->', '→')} with {workers} workers: {most.per_second / one.per_second:.2f} times the messages of one, "
        f"{number(most.total_us)} against {number(one.total_us)} µs each (gateway at work {most.gateway_busy / workers:.0%} of its "
        f"cores' time, each load {most.load_busy:.0%})."
    )
