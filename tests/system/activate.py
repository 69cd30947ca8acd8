#!/usr/bin/env python3
"""Opens a listening socket and starts a program with it, as systemd's socket activation does: the socket outlives the program.

activate.py HOST PROGRAM ARGUMENT...   prints the port; then, for each line on standard input, starts the program once more and
                                       prints its process id. Ends its programs, and itself, at the end of the input.
"""

import ctypes
import os
import signal
import socket
import subprocess
import sys

FIRST = 3  # where the program looks for the socket


def end_with_parent() -> None:
    """Run in each child: it gets SIGTERM when this process is gone, however that ends."""
    pr_set_pdeathsig = 1
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGTERM)


def main() -> None:
    host, *command = sys.argv[1:]
    listener = socket.create_server((host, 0), backlog=1024)
    kept = os.dup(listener.fileno()) if listener.fileno() == FIRST else listener.fileno()
    os.dup2(kept, FIRST, inheritable=True)
    print(listener.getsockname()[1], flush=True)
    script = 'LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=clients exec "$@"'
    children = []
    for _ in sys.stdin:
        child = subprocess.Popen(
            ["sh", "-c", script, "sh", *command],
            pass_fds=[FIRST],
            stdin=subprocess.DEVNULL,
            preexec_fn=end_with_parent,
        )
        children.append(child)
        print(child.pid, flush=True)
    for child in children:
        if child.poll() is None:
            child.terminate()
        child.wait()


if __name__ == "__main__":
    main()
