"""Cost against the number of connections, as an SVG for light and dark mode."""

import math
from html import escape

from .summary import Row, rows

_WIDTH, _HEIGHT = 760, 420
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 150, 64, 52
_LABEL_GAP = 17
_SIZE = 64  # bytes of a message

# Name in the results, label in the plot, CSS class.
_LINES = (
    ("upgate -> ws", "upgate → ws", "ws"),
    ("upgate -> tcp", "upgate → tcp", "tcp"),
    ("bare relay", "bare relay", "floor"),
    ("nginx 4 KiB", "nginx", "nginx"),
    ("HAProxy 16 KiB", "HAProxy", "haproxy"),
    ("Caddy", "Caddy", "caddy"),
)

_STYLE = """
  text { font: 13px system-ui, sans-serif; fill: #1f2328 }
  .title { font-size: 16px; font-weight: 600 }
  .note { fill: #59636e }
  .grid { stroke: #d1d9e0 }
  .line { fill: none; stroke-width: 2.5 }
  .ws { stroke: #1f6feb } .tcp { stroke: #0a8f7f } .floor { stroke: #6e7781; stroke-dasharray: 5 4 }
  .nginx { stroke: #bc6c00 } .haproxy { stroke: #b5358b } .caddy { stroke: #7a52c7 }
  .dot { stroke-width: 0 }
  .dot.ws, text.ws { fill: #1f6feb } .dot.tcp, text.tcp { fill: #0a8f7f } .dot.floor, text.floor { fill: #6e7781 }
  .dot.nginx, text.nginx { fill: #bc6c00 } .dot.haproxy, text.haproxy { fill: #b5358b } .dot.caddy, text.caddy { fill: #7a52c7 }
  text.ws, text.tcp, text.floor, text.nginx, text.haproxy, text.caddy { stroke: none }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } .note { fill: #9198a1 } .grid { stroke: #3d444d }
    .ws { stroke: #58a6ff } .tcp { stroke: #2dd4bf } .floor { stroke: #9198a1 }
    .nginx { stroke: #f0a030 } .haproxy { stroke: #f27ac6 } .caddy { stroke: #b197fc }
    .dot.ws, text.ws { fill: #58a6ff } .dot.tcp, text.tcp { fill: #2dd4bf } .dot.floor, text.floor { fill: #9198a1 }
    .dot.nginx, text.nginx { fill: #f0a030 } .dot.haproxy, text.haproxy { fill: #f27ac6 } .dot.caddy, text.caddy { fill: #b197fc }
  }
"""


def render(report: dict) -> str | None:
    """The plot, or None if the results have too few points."""
    series = _series(report)
    counts = sorted({count for points in series.values() for count, _ in points})
    if len(counts) < 2:
        return None
    top = _ceiling(max(cost for points in series.values() for _, cost in points))
    across = lambda count: _LEFT + (_WIDTH - _LEFT - _RIGHT) * _share(count, counts)
    down = lambda cost: _HEIGHT - _BOTTOM - (_HEIGHT - _TOP - _BOTTOM) * cost / top
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-labelledby="title">',
        f"<style>{_STYLE}</style>",
        f'<text id="title" class="title" x="{_LEFT}" y="26">CPU time by echoed message against connections</text>',
        f'<text class="note" x="{_LEFT}" y="46">µs, {_SIZE} B messages, one under way on each connection; lower is better</text>',
        *_grid(counts, top, across, down),
    ]
    for name, _, style in _LINES:
        if points := series.get(name):
            path = " ".join(f"{across(count):.1f},{down(cost):.1f}" for count, cost in points)
            parts.append(f'<polyline class="line {style}" points="{path}"/>')
            parts += [
                f'<circle class="dot {style}" cx="{across(count):.1f}" cy="{down(cost):.1f}" r="3.5"/>'
                for count, cost in points
            ]
    parts += _labels(series, down)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _series(report: dict) -> dict[str, list[tuple[int, float]]]:
    series: dict[str, list[tuple[int, float]]] = {}
    for scenario in sorted((s for s in report["scenarios"] if "connections" in s), key=lambda s: s["connections"]):
        if scenario["group"] != "relay" or scenario["size"] != _SIZE or scenario["window"] != 1:
            continue
        for row in rows(scenario):
            if not row.failure and any(row.name == name for name, _, _ in _LINES):
                series.setdefault(row.name, []).append((scenario["connections"], row.total_us))
    return series


def _share(count: int, counts: list[int]) -> float:
    return math.log(count / counts[0]) / math.log(counts[-1] / counts[0])


def _ceiling(cost: float) -> float:
    step = _step(cost)
    return math.ceil(cost / step) * step


def _step(cost: float) -> float:
    """Between four and ten grid lines, at round numbers."""
    step = 10 ** math.floor(math.log10(cost))
    return next(step / part for part in (1, 2, 5, 10) if cost / (step / part) >= 4)


def _grid(counts: list[int], top: float, across, down) -> list[str]:
    step = _step(top)
    parts = []
    for index in range(round(top / step) + 1):
        y = down(index * step)
        parts.append(f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text class="note" x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{index * step:g}</text>')
    y = _HEIGHT - _BOTTOM + 20
    parts += [f'<text class="note" x="{across(count):.1f}" y="{y}" text-anchor="middle">{count:,}</text>' for count in counts]
    middle = (_LEFT + _WIDTH - _RIGHT) / 2
    parts.append(f'<text class="note" x="{middle}" y="{y + 20}" text-anchor="middle">connections</text>')
    return parts


def _labels(series: dict, down) -> list[str]:
    """Labels at the ends of the lines, moved apart where they would overlap."""
    ends = sorted((down(series[name][-1][1]), label, style) for name, label, style in _LINES if name in series)
    parts, lowest = [], 0.0
    for y, label, style in ends:
        lowest = max(y, lowest + _LABEL_GAP)
        parts.append(f'<text class="{style}" x="{_WIDTH - _RIGHT + 12}" y="{lowest + 4:.1f}">{escape(label)}</text>')
    return parts
