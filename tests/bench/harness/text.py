"""The table on the terminal."""

from .summary import Row, rows

HEAD = ("", "msg/s", "CPU us", "user", "system", "p50 us", "p99", "p99.9", "x peer", "x floor", "busy g/l", "full")


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


def table(scenario: dict) -> str:
    lines = [f"{scenario['name']}: {scenario['title']}"]
    for row in [None, *rows(scenario)]:
        if row is not None and row.failure:
            lines.append(f"  {row.name:20} failed: {row.failure}")
            continue
        name, *cells = HEAD if row is None else _cells(row)
        lines.append(f"  {name:20}" + "".join(f"{cell:>10}" for cell in cells))
    return "\n".join(lines) + "\n"
