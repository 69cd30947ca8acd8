"""The configurations that follow one another: the route of the measured clients stays, all around it changes."""

from dataclasses import dataclass

_ROUTES = 8  # other routes in each configuration
LISTENERS = 3  # ports that are added and removed in turn
_FIRST_PROBE = 1000


@dataclass(frozen=True)
class Route:
    """A route that no client uses."""

    name: str
    servers: tuple[str, ...]  # host:port
    connect_timeout: int  # seconds


@dataclass(frozen=True)
class Generation:
    """A configuration. Compared with the one before, a route is new, one is gone, and the others have other servers and another
    timeout; a listener is new and one is gone; the certificate is another one."""

    number: int
    backend: int  # port of a server
    ports: tuple[int, ...]  # those that listeners use in turn

    @property
    def probe(self) -> int:
        """GET /PROBE is answered with as many bytes, but only by this generation."""
        return _FIRST_PROBE + self.number

    @property
    def routes(self) -> list[Route]:
        return [self._route(number) for number in range(self.number, self.number + _ROUTES)]

    def _route(self, number: int) -> Route:
        turn = self.number + number
        servers = tuple(f"127.0.0.{2 + server}:{self.backend}" for server in range(1 + turn % 3))
        return Route(f"other-{number}", servers, 1 + turn % 5)

    @property
    def listeners(self) -> list[int]:
        return [port for place, port in enumerate(self.ports) if (self.number + place) % len(self.ports)]

    @property
    def certificate(self) -> str:
        return "even" if self.number % 2 == 0 else "odd"

    @property
    def next(self) -> "Generation":
        return Generation(self.number + 1, self.backend, self.ports)
