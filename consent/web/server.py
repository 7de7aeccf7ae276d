"""uvicorn, run as an endpoint that is open to the web: our protocol, no proxy headers believed, a clean stop."""

import functools
import gc
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from typing import NoReturn

import uvicorn
from starlette.types import ASGIApp, Scope

from consent.errors import Problem
from consent.web.protocol import Bounds, Guard, GuardedProtocol, never

if sys.platform != "win32":
    import resource

_LEFT = "LISTENING_SOCKET"
"""Variable of the environment: number of the socket, how often the program began anew, when it last did."""

ANEW_SECONDS = 60.0
"""A program that begins anew after less than this waits a second longer each time."""

STOP_SECONDS = 10
"""How long requests that were begun may take to end when the service stops."""

SWITCH_SECONDS = 0.0005
"""How long a thread may wait for the interpreter. The store's threads hand over rows many times a commit; with Python's
5 ms each hand-over would wait that long while the loop is busy (measured: 0.06 ms a row instead of 2)."""

GARBAGE = (50_000, 20, 20)
"""Python's own are (700, 10, 10), and every look at all that is loaded stops the loop for some 60 ms (measured)."""


class Server(uvicorn.Server):
    """Tells `listening` once connections are accepted, and waits for what is on its way when it stops."""

    def __init__(self, config: uvicorn.Config, guard: Guard, listening: Callable[[], None]) -> None:
        super().__init__(config)
        self._guard = guard
        self._listening = listening

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            _settle_memory()
            self._listening()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._guard.draining = True
        await super().shutdown(sockets)


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one. Raises Problem when the address cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    found = socket.socket(family, socket.SOCK_STREAM)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((host, port))
    except OSError as error:
        found.close()
        raise Problem(
            "address",
            f"The service cannot listen on {host}, port {port}: {error.strerror}.",
            "Stop what uses it, or choose another with --port (0 takes a free one).",
        ) from error
    found.set_inheritable(True)
    return found


def adopt() -> socket.socket | None:
    """The socket that this process left to itself when it began anew; None at a first start."""
    told = os.environ.get(_LEFT, "").split(" ")
    return socket.socket(fileno=int(told[0])) if told[0] else None


def begin_anew(found: socket.socket) -> NoReturn:
    """Start this very program again, in this process: nothing of its memory or its open files goes on but the socket.

    Who is connected is cut off; who connects meanwhile waits. When that happens again and again, it takes its time.
    """
    last = os.environ.get(_LEFT, "").split(" ")
    often = int(last[1]) + 1 if last[0] and time.monotonic() - float(last[2]) < ANEW_SECONDS else 0
    time.sleep(min(often, ANEW_SECONDS / 2))
    os.environ[_LEFT] = f"{found.fileno()} {often} {time.monotonic()}"
    sys.stdout.flush()
    os.execv(sys.executable, sys.orig_argv)  # noqa: S606  # our own command line


def run(
    app: ASGIApp,
    found: socket.socket,
    bounds: Bounds,
    log_level: str,
    listening: Callable[[], None],
    *,
    is_prompt: Callable[[Scope], bool] = never,
) -> None:
    """Serve until the process is told to stop (SIGINT, SIGTERM), then answer what was begun.

    `is_prompt` tells which requests are begun without a task of their own: see `Guard`.
    """
    guard = Guard(bounds, is_prompt)
    config = uvicorn.Config(
        app,
        http=functools.partial(GuardedProtocol, guard),  # type: ignore[arg-type]  # made like the class it wraps
        ws="none",
        lifespan="on",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        log_level=log_level,
        timeout_graceful_shutdown=STOP_SECONDS,
        backlog=2_048,
    )
    logging.basicConfig(level=log_level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    sys.setswitchinterval(SWITCH_SECONDS)
    _raise_file_limit()
    for stop in (signal.SIGINT, signal.SIGTERM):  # uvicorn raises them again at its end: a clean stop is no failure
        signal.signal(stop, lambda *_: None)
    Server(config, guard, listening).run(sockets=[found])


def _settle_memory() -> None:
    """What is loaded by now stays: garbage is looked for among what comes later, and less often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GARBAGE)


def _raise_file_limit() -> None:
    """Each connection is a file: take as many as this user may have."""
    if sys.platform != "win32":
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
