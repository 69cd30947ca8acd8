"""The table on the terminal."""

from .summary import HEALTH_GOAL, POLITE_GOAL, MemoryRow, PoliteRow, Row, memory_rows, polite_rows, rows

HEAD = ("", "msg/s", "CPU us", "user", "system", "p50 us", "p99", "p99.9", "x peer", "x relay", "busy g/l", "full")

MEMORY_HEAD = ("bytes each", "connections", "RSS idle", "after", "PSS idle", "after")


POLITE_HEAD = ("ms", "quiet p99", "p50", "p99", "max", "health p99", "max", "end", "held MiB", "after", "flood/s", "cores g/f/a", "late p99")


def number(value: float | None) -> str:
    """Three significant digits, more before the decimal point."""
    if value is None:
        return "-"
    if value >= 100:
        return f"{value:,.0f}"
    if value >= 10:
        return f"{value:.1f}"
    return f"{value:.2f}"


def _cells(row: Row) -> tuple[str, ...]:
    latency = row.latency_us or {}
    return (
        row.name,
        number(row.per_second),
        number(row.total_us),
        number(row.user_us),
        number(row.system_us),
        *(number(latency.get(key)) for key in ("p50", "p99", "p99.9")),
        number(row.to_peer),
        number(row.to_floor),
        f"{row.gateway_busy:.0%}/{row.load_busy:.0%}",
        row.saturated,
    )


def _memory_cells(row: MemoryRow) -> tuple[str, ...]:
    sizes = (row.idle, row.after_burst, row.idle_pss, row.after_burst_pss)
    return (row.name, f"{row.few:,} to {row.connections:,}", *(f"{size:,.0f}" for size in sizes))


def ending(row: PoliteRow) -> str:
    """Milliseconds from SIGTERM to the end of the process."""
    return ("" if row.ended else "> ") + number(row.end)


def _polite_cells(row: PoliteRow) -> tuple[str, ...]:
    times = (row.quiet_p99, row.p50, row.p99, row.most, row.health_p99, row.health_most)
    missed = row.p99 > POLITE_GOAL or row.health_p99 > HEALTH_GOAL
    return (
        row.name + ("  over" if missed else ""),
        *(number(time) for time in times),
        ending(row),
        *(f"{size / 2**20:.1f}" for size in (row.held, row.after)),
        number(row.units),
        "/".join(f"{share:.1f}" for share in row.cores.values()),
        number(row.lateness),
    )


_TABLES = {
    "memory": (MEMORY_HEAD, memory_rows, _memory_cells),
    "polite": (POLITE_HEAD, polite_rows, _polite_cells),
}


def table(scenario: dict) -> str:
    head, rows_of, cells_of = _TABLES.get(scenario["group"], (HEAD, rows, _cells))
    lines = [f"{scenario['name']}: {scenario['title']}", _line(head)]
    for row in rows_of(scenario):
        if row.failure:
            lines.append(f"  {row.name:20} failed: {row.failure}")
        else:
            lines.append(_line(cells_of(row)))
    return "\n".join(lines) + "\n"


def _line(cells: tuple[str, ...]) -> str:
    return f"  {cells[0]:20}" + "".join(f"{cell:>12}" for cell in cells[1:])
