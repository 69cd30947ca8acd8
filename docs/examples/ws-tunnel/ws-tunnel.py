#!/usr/bin/env python3
"""Tunnels a TCP connection through a WebSocket to a route of upgate with tcp, tls or unix servers.

    ws-tunnel.py URL                  tunnels standard input and output, for ssh's ProxyCommand
    ws-tunnel.py URL --listen PORT    tunnels each connection to 127.0.0.1:PORT, for any other program

Needs Python 3.9 and websockets 10 or newer (Debian: python3-websockets).
"""

import argparse
import asyncio
import os
import ssl
import sys

import websockets

READ_SIZE = 64 * 1024


async def carry(connect, read, write):
    """Relays in both directions until either side ends. Returns an error message, or None."""
    try:
        async with connect() as socket:
            sender = asyncio.ensure_future(send_all(socket, read))
            try:
                async for data in socket:
                    await write(data)
            except websockets.ConnectionClosedError:
                pass  # reported below, by its close code
            finally:
                sender.cancel()
    except (OSError, asyncio.TimeoutError, websockets.InvalidHandshake) as error:
        return f"cannot connect: {error}"
    if socket.close_code == 1000:
        return None
    return f"closed with {socket.close_code} {socket.close_reason}".rstrip()


async def send_all(socket, read):
    while data := await read():
        await socket.send(data)
    # The gateway ends its side of the server's connection, and delivers the rest of the server's data before it answers.
    await socket.close()


async def carry_standard_streams(connect):
    # In threads, because standard streams may be files, pipes or a terminal, which asyncio cannot all poll.
    async def write(data):
        while data:
            data = data[await asyncio.to_thread(os.write, 1, data) :]

    return await carry(connect, lambda: asyncio.to_thread(os.read, 0, READ_SIZE), write)


async def carry_connections(connect, port):
    async def on_connection(reader, writer):
        async def write(data):
            writer.write(data)
            await writer.drain()

        try:
            if problem := await carry(connect, lambda: reader.read(READ_SIZE), write):
                say(problem)
        except OSError as error:
            say(f"connection lost: {error}")
        finally:
            writer.close()

    server = await asyncio.start_server(on_connection, "127.0.0.1", port)
    say(f"listening on 127.0.0.1:{server.sockets[0].getsockname()[1]}")
    await server.serve_forever()


def say(text):
    print(f"ws-tunnel: {text}", file=sys.stderr, flush=True)


def tls_context(options):
    context = ssl.create_default_context(cafile=options.ca)
    if options.cert:
        context.load_cert_chain(options.cert, options.key)
    return context


def main():
    parser = argparse.ArgumentParser(description="Tunnels a TCP connection through a WebSocket.")
    parser.add_argument("url", metavar="URL", help="ws://… or wss://…")
    parser.add_argument("--listen", metavar="PORT", type=int, help="accept connections on this port of 127.0.0.1; 0: any free port")
    parser.add_argument("--ca", metavar="FILE", help="CA certificates to trust instead of the system's")
    parser.add_argument("--cert", metavar="FILE", help="client certificate")
    parser.add_argument("--key", metavar="FILE", help="key of the client certificate, if it is in a separate file")
    options = parser.parse_args()

    arguments = {"compression": None, "ping_interval": None}  # the gateway pings
    if options.url.startswith("wss:"):
        arguments["ssl"] = tls_context(options)

    def connect():
        return websockets.connect(options.url, **arguments)

    asyncio.run(run(connect, options.listen))


async def run(connect, port):
    if port is not None:
        await carry_connections(connect, port)
    problem = await carry_standard_streams(connect)
    if problem:
        say(problem)
    # A thread may still be blocked on standard input, which would keep the process alive.
    os._exit(1 if problem else 0)


if __name__ == "__main__":
    main()
