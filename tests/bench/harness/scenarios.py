"""The scenarios, in the order of the table, and the systems that each measures."""

from dataclasses import dataclass

from .gateways import (
    CADDY,
    FLOOR,
    HAPROXY_16,
    HAPROXY_64,
    HAPROXY_POLITE,
    NGINX_4,
    NGINX_64,
    NGINX_POLITE,
    UPGATE,
    UPGATE_POLITE,
    WEBSOCKIFY,
    Gateway,
)


@dataclass(frozen=True)
class System:
    """A gateway with a ws, tcp or http server behind it, or with a broadcast room."""

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
    group: str  # relay, tls, flood, handshake, http, memory, broadcast, scaling, polite; reload.sh adds reload
    systems: tuple[System, ...]
    mode: str = "echo"  # of the load generator, or wrk, scaling or polite
    connections: int = 100
    size: int = 64  # bytes of a message or body
    window: int = 1
    tls: bool = False
    resume: bool = False
    workers: int = 1
    rounds: int | None = None  # fewer than requested, if more add no information
    route: str = ""  # for polite scenarios: the kind of route (polite.py)
    flood: str = ""  # what is sent (load --flood)
    flood_options: tuple[str, ...] = ()

    @property
    def busy(self) -> bool:
        """With many connections, a spinning load generator keeps ahead of the gateway."""
        return self.connections >= 300 and self.mode == "echo"


def _size(size: int) -> str:
    return f"{size} B" if size < 1024 else f"{size // 1024} KiB"


def _relay(size: int, window: int, connections: int, tls: bool = False) -> Scenario:
    systems = [UPGATE_WS, UPGATE_TCP, *(LARGE_PEERS if size >= LARGE else SMALL_PEERS)]
    if not tls:
        systems.append(System(FLOOR))
    if connections == 100:
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


def _flood(direction: str, size: int) -> Scenario:
    peers = LARGE_PEERS if size >= LARGE else SMALL_PEERS
    return Scenario(
        name=f"flood-{direction}-{size}",
        title=f"as fast as it goes, {'to' if direction == 'up' else 'from'} the server, {_size(size)}, 16 connections",
        group="flood",
        systems=(UPGATE_WS, UPGATE_TCP, *peers, System(FLOOR), WEBSOCKIFY_TCP),
        mode=direction,
        connections=16,
        size=size,
    )


def _handshake(kind: str, title: str, **options) -> Scenario:
    systems = [UPGATE_WS, UPGATE_TCP, *SMALL_PEERS]
    if kind == "ws":
        systems.append(System(FLOOR))
    if kind != "wss-resumed":  # which websockify does not support
        systems.append(WEBSOCKIFY_TCP)
    return Scenario(
        name=f"handshake-{kind}",
        title=f"connect, upgrade, close: {title}",
        group="handshake",
        systems=tuple(systems),
        mode="handshake",
        connections=32,
        **options,
    )


def _http(name: str, size: int, connections: int) -> Scenario:
    gateways = [NGINX_4, NGINX_64, HAPROXY_16, HAPROXY_64, CADDY] if size >= LARGE else [NGINX_4, HAPROXY_16, CADDY]
    return Scenario(
        name=f"http-{name}",
        title=f"HTTP, kept alive, answers of {_size(size)}, {connections} connections",
        group="http",
        systems=tuple(System(gateway, "http") for gateway in (UPGATE, *gateways)),
        mode="wrk",
        connections=connections,
        size=size,
    )


def _memory(tls: bool) -> Scenario:
    kind = "wss" if tls else "ws"
    return Scenario(
        name=f"memory-{kind}",
        title=f"{kind}, idle connections, before and after 64 KiB on each",
        group="memory",
        systems=(UPGATE_WS, UPGATE_TCP, *(peer for peer in LARGE_PEERS if peer.gateway is not HAPROXY_64), WEBSOCKIFY_TCP),
        mode="idle",
        connections=7500,
        size=65536,
        tls=tls,
        rounds=1,
    )


def _scaling(workers: int) -> Scenario:
    return Scenario(
        name=f"scaling-{workers}",
        title=f"{workers} worker{'s' if workers > 1 else ''}, ws, 64 B, 2 x 100 connections, two loads",
        group="scaling",
        systems=(UPGATE_WS, UPGATE_TCP, System(NGINX_4), System(HAPROXY_16)),
        mode="scaling",
        workers=workers,
    )


def _polite(kind: str, route: str, connections: int, peers: bool = False) -> Scenario:
    flood, *options = {"unread": ("small", "unread"), "reset": ("empty", "resets"), "gets": ("http",)}.get(kind, (kind,))
    gateways = (UPGATE_POLITE, NGINX_POLITE, HAPROXY_POLITE) if peers else (UPGATE_POLITE,)
    return Scenario(
        name=f"polite-{kind}-{route}-{connections}",
        title=f"{FLOODS[kind]}, {ROUTES[route]}, {connections} connections",
        group="polite",
        systems=tuple(System(gateway, "flooded") for gateway in gateways),
        mode="polite",
        connections=connections,
        workers=2,
        route=route,
        flood=flood,
        flood_options=tuple(options),
    )


# The kinds of floods, and the routes they go to.
FLOODS = {
    "empty": "empty messages",
    "small": "messages of 64 B",
    "unread": "messages of 64 B, answers left unread",
    "bombs": "messages of 1 MB in 1 KB",
    "pings": "pings of 125 B",
    "reset": "64 KiB of empty messages, then a reset, again and again",
    "gets": "pipelined GETs",
}
ROUTES = {
    "echo": "echo",
    "deflate": "echo with compression",
    "stats": "stats",
    "room": "one broadcast room",
    "tcp": "TCP server",
    "ws": "WebSocket server",
    "enforced": "WebSocket server, enforced",
    "http": "HTTP server",
    "http-stats": "stats by HTTP",
}

LARGE = 64 * 1024
SIZES = (64, 1024, LARGE)

SCENARIOS: list[Scenario] = [
    *(_relay(size, 1, 100) for size in SIZES),
    *(_relay(size, 16, 100) for size in SIZES[:2]),
    *(_relay(size, 1, 1000) for size in SIZES),
    *(_relay(size, 1, 5000) for size in SIZES[:2]),
    *(_relay(64, 1, connections) for connections in (10, 300, 2500)),
    *(_relay(size, 1, 100, tls=True) for size in SIZES),
    _relay(64, 16, 100, tls=True),
    *(_flood(direction, size) for direction in ("up", "down") for size in (64, LARGE)),
    _handshake("ws", "ws"),
    _handshake("wss", "wss, full TLS 1.3, ECDSA P-256", tls=True),
    _handshake("wss-resumed", "wss, TLS 1.3 resumed", tls=True, resume=True),
    _http("small", 64, 100),
    _http("large", 256 * 1024, 20),
    _memory(tls=False),
    _memory(tls=True),
    Scenario(
        name="broadcast",
        title="one publisher, 64 B to each of 5,000 subscribers",
        group="broadcast",
        systems=(System(UPGATE, "room"),),
        mode="broadcast",
        connections=5000,
    ),
    _scaling(1),
    _scaling(2),
    *(_polite("empty", "echo", connections) for connections in (100, 300)),
    _polite("small", "echo", 300),
    _polite("unread", "echo", 300),
    _polite("pings", "echo", 300),
    _polite("reset", "echo", 300),
    _polite("bombs", "deflate", 100),
    _polite("small", "stats", 300),
    *(_polite("small", "room", connections) for connections in (100, 300)),
    _polite("empty", "tcp", 300),
    _polite("small", "tcp", 300),
    *(_polite(kind, "ws", 300, peers=True) for kind in ("empty", "small")),
    _polite("small", "enforced", 300),
    _polite("gets", "http", 300, peers=True),
    _polite("gets", "http-stats", 300),
]

SMOKE = {
    "ws-64-w1-c100",
    "ws-65536-w1-c100",
    "ws-64-w1-c1000",
    "wss-64-w1-c100",
    "handshake-ws",
    "handshake-wss",
    "http-small",
    "memory-ws",
    "broadcast",
    "polite-small-echo-300",
}


def smoke(scenario: Scenario) -> bool:
    """The scenarios of a quick check, a few minutes in all."""
    return scenario.name in SMOKE
