"""Summarizes the rounds of a scenario in one row per system: medians and ratios."""

from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class Row:
    name: str
    role: str
    failure: str = ""
    per_second: float = 0
    user_us: float = 0
    system_us: float = 0
    total_us: float = 0
    latency_us: dict[str, float] | None = None
    gateway_busy: float = 0
    load_busy: float = 0
    to_peer: float | None = None  # CPU, relative to the best peer's
    to_floor: float | None = None  # CPU, relative to the bare relay's

    @property
    def saturated(self) -> str:
        if self.gateway_busy >= 0.9:
            return "gateway"
        return "load" if self.load_busy >= 0.9 else "neither"


@dataclass(frozen=True)
class MemoryRow:
    """Bytes that one more idle connection takes: resident, or proportional if several processes share memory."""

    name: str
    role: str
    failure: str = ""
    few: int = 0  # connections from which on it was measured,
    connections: int = 0  # up to these
    idle: float = 0
    after_burst: float = 0
    idle_pss: float = 0
    after_burst_pss: float = 0


@dataclass(frozen=True)
class PoliteRow:
    """Results under floods; times in milliseconds."""

    name: str
    role: str
    failure: str = ""
    quiet_p99: float = 0
    p50: float = 0
    p99: float = 0
    most: float = 0
    health_p99: float = 0
    health_most: float = 0
    held: float = 0  # bytes, at the peak
    after: float = 0  # bytes
    end: float = 0  # from SIGTERM to the end of the process
    ended: bool = True  # false: it was still running
    units: float = 0  # per second, of what floods
    cores: dict[str, float] | None = None  # busy, on average
    lateness: float = 0  # p99 of the measuring program's own timers


# Goals for the answer times under floods, in milliseconds.
POLITE_GOAL = 50
HEALTH_GOAL = 100


def polite_rows(scenario: dict) -> list[PoliteRow]:
    return [_polite_row(system) for system in scenario["systems"]]


def _polite_row(system: dict) -> PoliteRow:
    results = system["rounds"]
    if not results:
        return PoliteRow(system["name"], system["role"], system["failure"])

    def middle(*path: str) -> float:
        return median(_at(result, path) for result in results)

    return PoliteRow(
        name=system["name"],
        role=system["role"],
        failure=system["failure"],
        quiet_p99=middle("quiet", "polite", "p99_us") / 1000,
        p50=middle("flooded", "polite", "p50_us") / 1000,
        p99=middle("flooded", "polite", "p99_us") / 1000,
        most=max(_at(result, ("flooded", "polite", "max_us")) for result in results) / 1000,
        health_p99=middle("flooded", "health", "p99_us") / 1000,
        health_most=max(_at(result, ("flooded", "health", "max_us")) for result in results) / 1000,
        held=middle("memory", "held"),
        after=middle("memory", "after"),
        end=middle("shutdown_ms"),
        ended=all(result["ended"] for result in results),
        units=median(result["flood"]["units"] / result["flood"]["seconds"] for result in results),
        cores={key: middle("cores", key) for key in results[0]["cores"]},
        lateness=middle("flooded", "lateness", "p99_us") / 1000,
    )


def memory_rows(scenario: dict) -> list[MemoryRow]:
    found = []
    for system in scenario["systems"]:
        if not system["rounds"]:
            found.append(MemoryRow(system["name"], system["role"], system["failure"]))
            continue
        result = system["rounds"][0]
        found.append(
            MemoryRow(
                name=system["name"],
                role=system["role"],
                few=result["from"],
                connections=result["connections"],
                idle=result["idle"]["rss"],
                after_burst=result["after_burst"]["rss"],
                idle_pss=result["idle"]["pss"],
                after_burst_pss=result["after_burst"]["pss"],
            )
        )
    return found


def rows(scenario: dict) -> list[Row]:
    systems = scenario["systems"]
    peer = _cheapest(system for system in systems if system["role"] == "peer")
    floor = _cheapest(system for system in systems if system["role"] == "floor")
    return [_row(system, peer, floor) for system in systems]


def _row(system: dict, peer: dict | None, floor: dict | None) -> Row:
    results = system["rounds"]
    if not results:
        return Row(system["name"], system["role"], failure=system["failure"])

    def middle(*path: str) -> float:
        return median(_at(result, path) for result in results)

    latency = None
    if "latency_us" in results[0]:
        latency = {key: middle("latency_us", key) for key in results[0]["latency_us"]}
    return Row(
        name=system["name"],
        role=system["role"],
        failure=system["failure"],
        per_second=middle("per_second"),
        user_us=middle("cpu_us", "user"),
        system_us=middle("cpu_us", "system"),
        total_us=middle("cpu_us", "total"),
        latency_us=latency,
        gateway_busy=middle("busy", "gateway"),
        load_busy=middle("busy", "load"),
        to_peer=ratio(system, peer),
        to_floor=ratio(system, floor),
    )


def ratio(system: dict, other: dict | None, *path: str) -> float | None:
    """The median over the rounds of the ratio of the two in the same round."""
    path = path or ("cpu_us", "total")
    if other is None or other is system:
        return None
    pairs = zip(system["rounds"], other["rounds"])
    ratios = [_at(one, path) / _at(two, path) for one, two in pairs if _at(two, path) > 0]
    return median(ratios) if ratios else None


def _at(result: dict, path: tuple[str, ...]) -> float:
    for key in path:
        result = result[key]
    return result


def _cheapest(systems) -> dict | None:
    measured = [system for system in systems if system["rounds"]]
    cost = lambda system: median(result["cpu_us"]["total"] for result in system["rounds"])
    return min(measured, key=cost, default=None)
