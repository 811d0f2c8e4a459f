"""The application: all addresses behind one gate.

What is asked most often goes through it alone: the layers that FastAPI has around and behind it take as long as the
rest of a short answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any

from anyio import to_thread
from fastapi import APIRouter, FastAPI, Request
from fastapi.routing import APIRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from sounding.serve import acting, describing, openai, playing, predicting
from sounding.serve.gate import Guard, add_gate, entrance
from sounding.serve.models import Shelf
from sounding.serve.service import Service
from sounding.serve.settings import Settings


class Application(FastAPI):
    """FastAPI's, with addresses that are asked `directly`: what is posted there passes none of its layers."""

    def __init__(self, **words: Any) -> None:
        super().__init__(**words)
        self.directly: dict[str, ASGIApp] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        direct = self.directly.get(scope["path"]) if scope.get("method") == "POST" else None
        await (super().__call__ if direct is None else direct)(scope, receive, send)


def app(shelf: Shelf, settings: Settings | None = None) -> Application:
    """The service of the runs on a shelf, as an ASGI application."""
    settings = settings or Settings()
    service = Service(shelf, settings)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        compiling = asyncio.create_task(service.compile_games())
        yield
        compiling.cancel()
        await to_thread.run_sync(service.stop)

    made = Application(
        title="sounding",
        version=version("sounding"),
        summary="Trained models that answer.",
        docs_url=None,  # its page is fetched from elsewhere; ours lies in the package
        redoc_url=None,
        lifespan=lifespan,
    )
    routers = [part.router(service) for part in (predicting, playing, acting, openai, describing)]
    for router in routers:
        made.include_router(router)
    for address, file in (("/", "index.html"), ("/docs", "docs.html")):
        made.add_api_route(address, entrance(file), include_in_schema=False)
    add_gate(made, settings, service.metrics)
    made.directly = {predicting.PREDICT: Guard(_direct(routers[0], predicting.PREDICT), settings, service.metrics)}
    made.state.service = service
    return made


def _direct(router: APIRouter, path: str) -> ASGIApp:
    """The address of a router without what FastAPI does for it: its endpoint takes the request, and nothing else."""
    (route,) = (route for route in router.routes if isinstance(route, APIRoute) and route.path == path)

    async def answered(scope: Scope, receive: Receive, send: Send) -> None:
        scope["route"] = route
        response = await route.endpoint(Request(scope, receive))
        await response(scope, receive, send)

    return answered
