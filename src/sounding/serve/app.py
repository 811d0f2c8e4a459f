"""The application: all addresses behind one gate."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

from anyio import to_thread
from fastapi import FastAPI

from sounding.serve import acting, describing, openai, playing, predicting
from sounding.serve.gate import add_gate, entrance
from sounding.serve.models import Shelf
from sounding.serve.predicting import PREDICT
from sounding.serve.service import Service
from sounding.serve.settings import Settings


def app(shelf: Shelf, settings: Settings | None = None) -> FastAPI:
    """The service of the runs on a shelf, as an ASGI application."""
    settings = settings or Settings()
    service = Service(shelf, settings)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        await to_thread.run_sync(service.stop)

    made = FastAPI(
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
    direct = {route.path: route.endpoint for route in routers[0].routes if getattr(route, "path", "") == PREDICT}
    add_gate(made, settings, service.metrics, direct)
    made.state.service = service
    return made
