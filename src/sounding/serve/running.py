"""A service that listens: where, until when, and how it stops."""

from __future__ import annotations

import errno
import logging
import signal
import socket
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from sounding.errors import UsageError
from sounding.serve.app import app
from sounding.serve.connection import IDLE, connection
from sounding.serve.models import Shelf
from sounding.serve.settings import Settings

GRACE = 10
"""Seconds that requests in progress have to end, when the service is stopped."""
CONNECTIONS = 1024
"""Open at once; more are refused."""


def run(places: Sequence[Path], settings: Settings, say: Callable[[str], None]) -> None:
    """Serve runs until the process is told to stop (SIGINT, SIGTERM); requests in progress are answered first.

    Raises RunError for a run that cannot be opened, and UsageError for an address that cannot be listened at.
    """
    shelf = Shelf(places, settings.memory, say)
    listening = bound(settings)
    host, port = listening.getsockname()[:2]
    logging.basicConfig(level=logging.WARNING, format="  %(levelname)s %(message)s")
    say(f"serving {', '.join(run.name for run in shelf.runs)}")
    say(f"page http://{_shown(host)}:{port}/   addresses http://{_shown(host)}:{port}/docs   stop with Ctrl+C")
    if not settings.local and not settings.token:
        say("anybody who reaches this machine may ask: give --token, or leave --host out")
    for number in (signal.SIGINT, signal.SIGTERM):  # uvicorn stops by them, and hands them on when it has stopped
        signal.signal(number, lambda *_: None)
    with listening:
        server(app(shelf, settings), settings, timeout_graceful_shutdown=GRACE).run(sockets=[listening])
    say("stopped")


def server(application: ASGIApp, settings: Settings, **more: Any) -> uvicorn.Server:
    """What listens for an application of the package; `more` are further settings of uvicorn."""
    config = uvicorn.Config(
        application,
        http=connection(settings.limits),
        access_log=False,
        log_config=None,
        timeout_keep_alive=IDLE,
        limit_concurrency=CONNECTIONS,
        server_header=False,
        proxy_headers=False,  # nobody asks who asks
        **more,
    )
    return uvicorn.Server(config)


def bound(settings: Settings) -> socket.socket:
    """A socket at the address. Raises UsageError where it is in use, may not be used, or is none of this machine."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    found = socket.socket(family, socket.SOCK_STREAM)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((settings.host, settings.port))
        found.listen(2048)  # also tells whether another one listens there
    except (OSError, OverflowError) as error:
        found.close()
        raise _unusable(settings, error) from None
    return found


def _unusable(settings: Settings, error: Exception) -> UsageError:
    where, code = f"{settings.host}:{settings.port}", getattr(error, "errno", None)
    if code == errno.EADDRINUSE:
        return UsageError(f"port {settings.port} is in use", where=where, fix="Give another one: --port 8001")
    if code == errno.EACCES:
        return UsageError(f"port {settings.port} may not be used", where=where, fix="Give one above 1023")
    return UsageError(f"nothing can listen there ({error})", where=where, fix="Give --host 127.0.0.1, or 0.0.0.0")


def _shown(host: str) -> str:
    return {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)
