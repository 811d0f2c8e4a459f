"""The gate of every page and address: who may ask, how errors leave, what is counted, and the pages of the package.

What is asked most often is answered at the gate: the layers that FastAPI has behind it take as long as the answer.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from importlib import resources
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sounding.errors import SoundingError
from sounding.serve.metrics import Metrics
from sounding.serve.refusals import Refusal, of_error
from sounding.serve.security import HEADERS, PAGE, require_here, require_token
from sounding.serve.settings import Settings

ENTRANCES = ("/", "/docs", "/health")
OPEN = "/page/"
"""Addresses that need no token: they tell nothing of any model."""
LOG = logging.getLogger("sounding.serve")
Address = Callable[[Request], Awaitable[Response]]
"""What answers the requests to one address."""


def add_gate(made: FastAPI, settings: Settings, metrics: Metrics, direct: Mapping[str, Address] | None = None) -> None:
    """Put the gate around an application, and in it the files of its pages; what is posted to `direct` goes there."""
    page = resources.files("sounding.serve").joinpath("page")
    made.mount("/page", StaticFiles(directory=str(page)), name="page")
    made.add_exception_handler(HTTPException, _unknown)
    made.add_middleware(Guard, settings=settings, metrics=metrics, direct=direct or {})


async def _unknown(request: Request, error: Any) -> Response:
    """What the router says of an address, or a method, that there is not."""
    return Refusal(error.status_code, str(error.detail).lower(), headers=error.headers).response()


def entrance(file: str) -> Callable[[], Awaitable[Response]]:
    """What gives a page of the package."""
    text = resources.files("sounding.serve").joinpath("page", file).read_text(encoding="utf-8")

    async def entered() -> Response:
        return Response(text, media_type="text/html", headers={"Content-Security-Policy": PAGE})

    return entered


_HEADERS = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]


class Guard:
    """What is done around every request: whether it may ask, the headers of the answer, the count.

    Every error leaves here as one message with its status; what nobody foresaw is a bug, and is logged whole.
    """

    def __init__(self, app: ASGIApp, settings: Settings, metrics: Metrics, direct: Mapping[str, Address]) -> None:
        self.app, self.settings, self.metrics, self.direct = app, settings, metrics, direct

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, if it may ask."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began, status = time.perf_counter(), 0
        address = self.direct.get(scope["path"]) if scope["method"] == "POST" else None

        async def sent(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                there = {name for name, _ in message["headers"]}
                message["headers"] = [*message["headers"], *(pair for pair in _HEADERS if pair[0] not in there)]
            await send(message)

        try:
            request = Request(scope, receive)
            self._require_allowed(request)
            if address is None:
                await self.app(scope, receive, sent)
            else:
                response = await address(request)
                await response(scope, receive, sent)
        except Exception as error:
            refusal = _told(error, scope)
            if not status:
                await refusal.response()(scope, receive, sent)
        finally:
            path = _address(scope) if address is None else scope["path"]
            self.metrics.count(path, status, time.perf_counter() - began)

    def _require_allowed(self, request: Request) -> None:
        require_here(request, self.settings)
        path = request.scope["path"]
        if path not in ENTRANCES and not path.startswith(OPEN):
            require_token(request, self.settings)


def _told(error: Exception, scope: Scope) -> Refusal:
    """The refusal that an error means. What nobody foresaw is logged."""
    if isinstance(error, Refusal | SoundingError | MemoryError):
        return of_error(error)
    if isinstance(error, ClientDisconnect):
        return Refusal(400, "the client left")  # which nobody reads
    LOG.error("%s %s", scope["method"], scope["path"], exc_info=error)
    return Refusal(500, "this is a bug of the service", "Its log says more")


def _address(scope: Scope) -> str:
    """The address that answered, without what names a model: labels of a metric are few."""
    return getattr(scope.get("route"), "path", "other")
