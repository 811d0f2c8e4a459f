"""The gate of every page and address: who may ask, how errors leave, what is counted, and the pages of the package."""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable
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


def add_gate(made: FastAPI, settings: Settings, metrics: Metrics) -> None:
    """Put the gate around an application, and in it the files of its pages."""
    page = resources.files("sounding.serve").joinpath("page")
    made.mount("/page", StaticFiles(directory=str(page)), name="page")
    made.add_exception_handler(HTTPException, _unknown)
    made.add_middleware(Guard, settings=settings, metrics=metrics)


async def _unknown(request: Request, error: Any) -> Response:
    """What the router says of an address, or a method, that there is not."""
    return Refusal(error.status_code, str(error.detail).lower(), headers=error.headers).response()


def entrance(file: str) -> Callable[[], Awaitable[Response]]:
    """What gives a page of the package."""
    text = resources.files("sounding.serve").joinpath("page", file).read_text(encoding="utf-8")

    async def entered() -> Response:
        return Response(text, media_type="text/html", headers={"Content-Security-Policy": PAGE})

    return entered


class Guard:
    """What is done around every request: whether it may ask, the headers of the answer, the count.

    Every error leaves here as one message with its status; what nobody foresaw is a bug, and is logged whole.
    """

    def __init__(self, app: ASGIApp, settings: Settings, metrics: Metrics) -> None:
        self.app, self.settings, self.metrics = app, settings, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, if it may ask."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began, status = time.perf_counter(), 0

        async def sent(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], *HEADERS]
            await send(message)

        try:
            self._require_allowed(scope)
            await self.app(scope, receive, sent)
        except Exception as error:
            refusal = _told(error, scope)
            if not status:
                await refusal.response()(scope, receive, sent)
        finally:
            self.metrics.count(_address(scope), status, time.perf_counter() - began)

    def _require_allowed(self, scope: Scope) -> None:
        require_here(scope, self.settings)
        path = scope["path"]
        if path not in ENTRANCES and not path.startswith(OPEN):
            require_token(scope, self.settings)


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
