"""The table: a row per figure, a column per system; and the goals."""

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

from ..text import number

RATIO_GOAL = 1.5  # p99 during reloads, relative to that without
GROWTH_GOAL = 0.05  # of resident memory
_PHASES = ("quiet", "during", "settling")


@dataclass(frozen=True)
class Figure:
    label: str
    cell: Callable[[dict], str]
    missed: Callable[[dict], bool] = lambda result: False
    timed: bool = False  # depends on the machine and on the number of clients


def _total(result: dict, group: str, key: str) -> int:
    return sum(result[phase][group][key] for phase in _PHASES)


def _count(label: str, group: str, key: str, goal: bool = True) -> Figure:
    return Figure(
        label,
        lambda result: f"{_total(result, group, key):,}",
        lambda result: goal and _total(result, group, key) > 0,
    )


def _quantile(result: dict, phase: str, key: str) -> float:
    return result[phase]["steady"]["round_trips"][key]


def ratio(result: dict) -> float:
    quiet = _quantile(result, "quiet", "p99_us")
    return _quantile(result, "during", "p99_us") / quiet if quiet else 0.0


def growth(result: dict) -> float:
    return result["after"]["rss"] / result["before"]["rss"] - 1


def _milliseconds(phase: str, key: str) -> Callable[[dict], str]:
    return lambda result: number(_quantile(result, phase, key) / 1000)


def _mebibytes(phase: str) -> Callable[[dict], str]:
    return lambda result: f"{result[phase]['rss'] / 2**20:.1f}"


FIGURES = (
    Figure("Reloads", lambda result: f"{len(result['reload_ms']):,}"),
    _count("Steady clients closed", "steady", "closes"),
    _count("Messages sent", "steady", "sent", goal=False),
    _count("… lost", "steady", "lost"),
    _count("… repeated", "steady", "repeated"),
    _count("… out of order", "steady", "out_of_order"),
    _count("… altered", "steady", "altered"),
    _count("Handshakes of short sessions", "sessions", "started", goal=False),
    _count("… refused or reset", "sessions", "refused"),
    _count("… broken before the echo", "sessions", "broken"),
    Figure("p50 without reloads, ms", _milliseconds("quiet", "p50_us")),
    Figure("p50 during reloads, ms", _milliseconds("during", "p50_us")),
    Figure("p99 without reloads, ms", _milliseconds("quiet", "p99_us")),
    Figure("p99 during reloads, ms", _milliseconds("during", "p99_us")),
    Figure("… ratio", lambda result: f"{ratio(result):.2f}", lambda result: ratio(result) > RATIO_GOAL, timed=True),
    Figure("Memory before, MiB", _mebibytes("before")),
    Figure("… most during reloads, MiB", _mebibytes("most")),
    Figure("… after, MiB", _mebibytes("after")),
    Figure("… change", lambda result: f"{growth(result):+.1%}", lambda result: abs(growth(result)) > GROWTH_GOAL, timed=True),
    Figure("Processes before, most, after", lambda result: ", ".join(str(result[at]["processes"]) for at in ("before", "most", "after"))),
    Figure("Reload in force after, median ms", lambda result: number(median(result["reload_ms"]))),
    Figure("… longest, ms", lambda result: number(max(result["reload_ms"]))),
)


def missed(result: dict, timed: bool) -> list[str]:
    """The labels of the goals that a result misses; with `timed` also those that depend on the load of the machine."""
    return [figure.label for figure in FIGURES if (timed or not figure.timed) and figure.missed(result)]


def table(systems: list[dict]) -> list[list[str]]:
    """Lines of cells: the names, then a line for each figure. Columns of systems that failed are left out."""
    measured = [(system["name"], system["rounds"][0]) for system in systems if system["rounds"]]
    head = ["", *(name for name, _ in measured)]
    return [head, *([figure.label, *(_cell(figure, result) for _, result in measured)] for figure in FIGURES)]


def _cell(figure: Figure, result: dict) -> str:
    return figure.cell(result) + (" !" if figure.missed(result) else "")


def reasons(result: dict) -> dict[str, int]:
    """Why connections ended, most frequent first."""
    total: dict[str, int] = {}
    for phase in _PHASES:
        for group in ("steady", "sessions"):
            for reason, count in result[phase][group]["reasons"].items():
                total[reason] = total.get(reason, 0) + count
    return dict(sorted(total.items(), key=lambda item: -item[1]))
