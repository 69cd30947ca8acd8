"""Generations in the languages of the gateways: values for the templates in peers/reload-*."""

from .generation import Generation


def upgate(generation: Generation) -> dict[str, object]:
    routes = generation.routes
    return {
        "PROBE": generation.probe,
        "LISTENERS": _lines(f'  - {{ address: "127.0.0.1:{port}" }}' for port in generation.listeners),
        "BACKENDS": _lines(
            f"  {route.name}: {{ connect_timeout: {route.connect_timeout}s, servers: [ "
            + ", ".join(f'"ws://{server}"' for server in route.servers)
            + " ] }"
            for route in routes
        ),
        "ROUTES": _lines(f"  - {{ path: /{route.name}, backend: {route.name} }}" for route in routes),
    }


def nginx(generation: Generation) -> dict[str, object]:
    routes = generation.routes
    return {
        "PROBE": generation.probe,
        "LISTENERS": _lines(f"    listen 127.0.0.1:{port};" for port in generation.listeners),
        "BACKENDS": _lines(
            f"  upstream {route.name} {{ " + " ".join(f"server {server};" for server in route.servers) + " }" for route in routes
        ),
        "ROUTES": _lines(
            f"    location = /{route.name} {{ proxy_pass http://{route.name}; proxy_connect_timeout {route.connect_timeout}s; }}"
            for route in routes
        ),
    }


def haproxy(generation: Generation) -> dict[str, object]:
    routes = generation.routes
    return {
        "PROBE": generation.probe,
        "LISTENERS": _lines(f"  bind 127.0.0.1:{port}" for port in generation.listeners),
        "BACKENDS": "\n".join(
            _lines(
                [
                    f"backend {route.name}",
                    f"  timeout connect {route.connect_timeout}s",
                    *(f"  server server-{place} {server}" for place, server in enumerate(route.servers)),
                ]
            )
            for route in routes
        ),
        "ROUTES": _lines(f"  use_backend {route.name} if {{ path /{route.name} }}" for route in routes),
    }


def caddy(generation: Generation) -> dict[str, object]:
    return {
        "PROBE": generation.probe,
        "LISTENERS": "".join(f", http://:{port}" for port in generation.listeners),
        "ROUTES": _lines(
            f"\thandle /{route.name} {{\n\t\treverse_proxy {' '.join(route.servers)} {{\n\t\t\ttransport http {{\n"
            f"\t\t\t\tdial_timeout {route.connect_timeout}s\n\t\t\t}}\n\t\t}}\n\t}}"
            for route in generation.routes
        ),
    }


def _lines(lines) -> str:
    return "\n".join(lines)
