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
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sounding.errors import SoundingError
from sounding.serve.metrics import Metrics
from sounding.serve.refusals import Refusal, busy, of_error
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
    _add_errors(made)
    made.add_middleware(Guard, settings=settings, metrics=metrics)


def entrance(file: str) -> Callable[[], Awaitable[Response]]:
    """What gives a page of the package."""
    text = resources.files("sounding.serve").joinpath("page", file).read_text(encoding="utf-8")

    async def entered() -> Response:
        return Response(text, media_type="text/html", headers={"Content-Security-Policy": PAGE})

    return entered


def _add_errors(made: FastAPI) -> None:
    """Every error leaves as one message with its status; what nobody foresaw is a bug, and is logged whole."""

    async def refused(request: Request, error: Any) -> Response:
        return error.response()

    async def mendable(request: Request, error: Any) -> Response:
        return of_error(error).response()

    async def unknown(request: Request, error: Any) -> Response:
        return Refusal(error.status_code, str(error.detail).lower(), headers=error.headers).response()

    async def exhausted(request: Request, error: Any) -> Response:
        return busy("there is not enough memory for this", "Ask for less at a time").response()

    made.add_exception_handler(Refusal, refused)
    made.add_exception_handler(SoundingError, mendable)
    made.add_exception_handler(HTTPException, unknown)
    made.add_exception_handler(MemoryError, exhausted)


_HEADERS = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]


class Guard:
    """What is done around every request: whether it may ask, the headers of the answer, the count."""

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
                there = {name for name, _ in message["headers"]}
                message["headers"] = [*message["headers"], *(pair for pair in _HEADERS if pair[0] not in there)]
            await send(message)

        try:
            self._require_allowed(Request(scope))
            await self.app(scope, receive, sent)
        except Refusal as refusal:
            await refusal.response()(scope, receive, sent)
        except Exception:
            LOG.exception("%s %s", scope["method"], scope["path"])
            if not status:
                await Refusal(500, "this is a bug of the service", "Its log says more").response()(scope, receive, sent)
        finally:
            self.metrics.count(_address(scope), status, time.perf_counter() - began)

    def _require_allowed(self, request: Request) -> None:
        require_here(request, self.settings)
        path = request.scope["path"]
        if path not in ENTRANCES and not path.startswith(OPEN):
            require_token(request, self.settings)


def _address(scope: Scope) -> str:
    """The address that answered, without what names a model: labels of a metric are few."""
    return getattr(scope.get("route"), "path", "other")
