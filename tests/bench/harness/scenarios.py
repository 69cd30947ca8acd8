"""What is measured, with whom: the scenarios, in the order of the table."""

from dataclasses import dataclass, replace

from .gateways import (
    CADDY,
    FLOOR,
    HAPROXY_16,
    HAPROXY_64,
    NGINX_4,
    NGINX_64,
    UPGATE,
    WEBSOCKIFY,
    Gateway,
)


@dataclass(frozen=True)
class System:
    """A gateway with the kind of server behind it: ws, tcp, http, or none."""

    gateway: Gateway
    server: str = "ws"

    @property
    def name(self) -> str:
        same_product_twice = self.gateway.role == "product" and self.server in ("ws", "tcp")
        return f"{self.gateway.name} -> {self.server}" if same_product_twice else self.gateway.name


UPGATE_WS = System(UPGATE, "ws")
UPGATE_TCP = System(UPGATE, "tcp")
WEBSOCKIFY_TCP = System(WEBSOCKIFY, "tcp")
SMALL_PEERS = [System(NGINX_4), System(HAPROXY_16), System(CADDY)]
LARGE_PEERS = [System(NGINX_4), System(NGINX_64), System(HAPROXY_16), System(HAPROXY_64), System(CADDY)]


@dataclass(frozen=True)
class Scenario:
    name: str
    title: str
    group: str  # relay, tls, flood, handshake, http, memory, broadcast, scaling
    systems: tuple[System, ...]
    mode: str = "echo"  # of the load generator, or wrk
    connections: int = 100
    size: int = 64  # bytes of a message or body
    window: int = 1
    tls: bool = False
    resume: bool = False
    workers: int = 1

    @property
    def busy(self) -> bool:
        """Many connections keep a load that spins ahead of the gateway."""
        return self.connections >= 1000 and self.mode == "echo"


def _size(size: int) -> str:
    return f"{size} B" if size < 1024 else f"{size // 1024} KiB"


def _relay(size: int, window: int, connections: int, tls: bool = False) -> Scenario:
    peers = LARGE_PEERS if size >= 64 * 1024 else SMALL_PEERS
    systems = [UPGATE_WS, UPGATE_TCP, *peers]
    if not tls:
        systems.append(System(FLOOR))
    if connections <= 100:
        systems.append(WEBSOCKIFY_TCP)
    flight = f", {window} in flight" if window > 1 else ""
    kind = "wss" if tls else "ws"
    return Scenario(
        name=f"{kind}-{size}-w{window}-c{connections}",
        title=f"{kind}, {_size(size)}{flight}, {connections:,} connections",
        group="tls" if tls else "relay",
        systems=tuple(systems),
        connections=connections,
        size=size,
        window=window,
        tls=tls,
    )


SIZES = (64, 1024, 65536)

SCENARIOS: list[Scenario] = [
    *(_relay(size, 1, 100) for size in SIZES),
    *(_relay(size, 16, 100) for size in SIZES[:2]),
    *(_relay(size, 1, 1000) for size in SIZES),
    *(_relay(size, 1, 5000) for size in SIZES[:2]),
]


def smoke(scenario: Scenario) -> bool:
    """Those that show in a few minutes that everything works."""
    return scenario.name in {"ws-64-w1-c100", "ws-65536-w1-c100", "ws-64-w1-c1000"}
