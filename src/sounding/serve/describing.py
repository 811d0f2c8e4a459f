"""What is served: the models, what each takes and how it may be asked, their cards, and how the service is."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, get_type_hints

from fastapi import APIRouter, Request, Response

from sounding.contract.inputs import Assembled, Audible, Corruptible, Explainable
from sounding.contract.modality import Modality, kind_name
from sounding.environments.settings import DISTURBANCES
from sounding.games.thinking import LEVELS
from sounding.serve.answers import answered
from sounding.serve.metrics import TYPE
from sounding.serve.models import Shelved
from sounding.serve.refusals import Refusal
from sounding.serve.security import CARD
from sounding.serve.service import WORST, Service

if TYPE_CHECKING:
    from sounding.serve.models import Words


def router(service: Service) -> APIRouter:
    """The addresses that tell of the service and its models."""
    found = APIRouter(tags=["models"])

    @found.get("/v1/models", summary="The models, as OpenAI lists them, with what each takes and how it may be asked.")
    async def models() -> Response:
        return answered({"object": "list", "data": [described(run) for run in service.shelf.runs]})

    @found.get("/v1/models/{name:path}", summary="One of the models.")
    async def model(name: str) -> Response:
        return answered(described(service.shelf.find(name)))

    @found.get("/v1/card", summary="The card of a model: what was measured of it, as JSON or as a page.")
    async def card(request: Request, model: str = "", format: str = "json") -> Response:
        run = service.shelf.find(model)
        if format not in ("json", "html"):
            raise Refusal(400, f"cards are not written as {format[:40]!r}", "Ask for json or html")
        if run.about.exported:
            what = f"{run.name} is an exported model, which has no card of its own"
            raise Refusal(404, what, "Serve its run; comparison.md in its folder has what was measured beside that")
        if not (run.place / "card.json").exists():
            raise Refusal(404, f"{run.name} has no card", f"Measure it: sounding card {run.name} --quick")
        from sounding.card.card import Card  # torch comes with it, which exported models do without

        found = Card.load(run.place)
        if format == "json":
            return answered(found.to_json())
        return Response(found.html(), media_type="text/html", headers={"Content-Security-Policy": CARD})

    @found.get("/health", summary="Whether the service answers, and how much waits.")
    async def health() -> Response:
        loaded = [run.name for run in service.shelf.runs if run.loaded is not None]
        warnings = [run.warning for run in service.shelf.runs if run.warning]
        return answered(
            {"status": "ok", "version": version("sounding"), "waiting": len(service.queue), "loaded": loaded}
            | ({"compiling": service.compiling} if service.compiling else {})
            | ({"warnings": warnings} if warnings else {})
        )

    @found.get("/metrics", summary="Counts in the text format of Prometheus.")
    async def metrics() -> Response:
        return Response(service.metrics.text(_gauges(service)), media_type=TYPE)

    return found


def _gauges(service: Service) -> Iterator[tuple[str, str, str, float]]:
    queue, shelf = service.queue, service.shelf
    yield "sounding_waiting", "gauge", "Inputs that wait.", len(queue)
    yield "sounding_batches_total", "counter", "Computations, each of a batch or of a step.", queue.batches
    yield "sounding_computed_total", "counter", "Inputs computed, or steps.", queue.computed
    yield "sounding_models_loaded", "gauge", "Models in memory.", sum(run.loaded is not None for run in shelf.runs)
    yield "sounding_model_bytes", "gauge", "Bytes of their weights.", shelf.bytes
    yield "sounding_evictions_total", "counter", "Models given back for want of memory.", shelf.evictions


def described(run: Shelved) -> dict[str, Any]:
    """A model as OpenAI lists it; what is known beyond that stands beside it."""
    task = run.task
    return {
        "id": run.name,
        "object": "model",
        "created": max(time for time, _ in run.stamp) // 1_000_000_000,
        "owned_by": "sounding",
        "task": run.about.application,
        "pipeline": task.pipeline,
        "summary": run.about.summary,
        "caution": task.caution,
        "loaded": run.loaded is not None,
        "warning": run.warning,
        "card": (run.place / "card.json").exists(),
        "exported": run.about.exported,
        "input": None if run.about.engine else taken(task.input, explained=not run.about.exported),
        "answer": None if run.about.engine else {"kind": kind_name(task.target), "streams": task.streams},
        "options": _options(task),
        "game": _game(run) if run.about.plays else None,
        "acts": {"disturbances": list(DISTURBANCES), "severities": WORST} if run.about.acts else None,
    }


def _game(run: Shelved) -> dict[str, Any]:
    """How it may be played with: its levels, the ratings that it knows, the lines of its boards if it has several."""
    return {"levels": len(LEVELS), "ratings": run.about.ratings, "sizes": list(run.about.boards)}


def taken(input: Modality, *, explained: bool = True) -> dict[str, Any]:
    """How a kind of input is given: what a form needs to ask for it."""
    table = isinstance(input, Assembled)
    return {
        "kind": kind_name(input),
        "written": input.written or table,
        "files": list(input.suffixes),
        "count": len(input.asked.split()),
        "table": table,
        "heard": isinstance(input, Audible),
        "explained": explained and isinstance(input, Explainable),
        "disturbances": list(input.corruptions) if isinstance(input, Corruptible) else [],
        "severities": WORST,
    }


def _options(task: Words) -> list[dict[str, Any]]:
    """How it may be asked to answer, with what it does where nothing is said."""
    kinds = get_type_hints(type(task.options))
    modest = task.Options.modest
    return [
        {"name": name, "type": kinds[name].__name__, "default": value, "range": modest.get(name)}
        for name, value in task.options.to_json().items()
    ]
