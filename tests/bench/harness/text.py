"""The table on the terminal."""

from .summary import MemoryRow, Row, memory_rows, rows

HEAD = ("", "msg/s", "CPU us", "user", "system", "p50 us", "p99", "p99.9", "x peer", "x floor", "busy g/l", "full")

MEMORY_HEAD = ("bytes each", "connected", "RSS idle", "after", "PSS idle", "after")


def number(value: float | None) -> str:
    """Three digits that matter, more before the point."""
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
    return (row.name, f"{row.connections:,}", *(f"{size:,.0f}" for size in sizes))


def table(scenario: dict) -> str:
    memory = scenario["group"] == "memory"
    found = memory_rows(scenario) if memory else rows(scenario)
    lines = [f"{scenario['name']}: {scenario['title']}", _line(MEMORY_HEAD if memory else HEAD)]
    for row in found:
        if row.failure:
            lines.append(f"  {row.name:20} failed: {row.failure}")
        else:
            lines.append(_line(_memory_cells(row) if memory else _cells(row)))
    return "\n".join(lines) + "\n"


def _line(cells: tuple[str, ...]) -> str:
    return f"  {cells[0]:20}" + "".join(f"{cell:>11}" for cell in cells[1:])
