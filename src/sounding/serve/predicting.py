"""The addresses that answer: predict, explain, and what a page shows."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response

from sounding.serve.answers import answered, best, explained, shown
from sounding.serve.posted import FORM, JSON, Asked, asked
from sounding.serve.refusals import Refusal
from sounding.serve.service import Disturbance, Service

PREDICT = "/v1/predict"
"""What is asked most often."""
ONE_FILE = {"type": "string", "format": "binary", "description": "A picture, a recording, a text or a table."}
INPUTS = {
    "description": "One input or a list of them: a text, a file in base64, moves, or a table as lists by column.",
    "anyOf": [{"type": "string"}, {"type": "object"}, {"type": "array"}],
}
MODEL = {"type": "string", "description": "A name that /v1/models lists; not needed where there is one."}
PARAMETERS = {"type": "object", "description": "How to answer: options that /v1/models lists, and top_k."}


def body(extra: dict[str, Any]) -> dict[str, Any]:
    """What the OpenAPI page says of a request's body, with its fields beside the usual ones."""
    fields = {"model": MODEL, "inputs": INPUTS, "parameters": PARAMETERS, **extra}
    form = {**fields, "parameters": {"type": "string", "description": "The same as JSON."}}
    form |= {"inputs": {"type": "string"}, "file": {"type": "array", "items": ONE_FILE}}
    content = {
        JSON: {"schema": {"type": "object", "properties": fields, "required": ["inputs"]}},
        FORM: {"schema": {"type": "object", "properties": form}},
    }
    return {"requestBody": {"required": True, "content": content}}


METHOD = {"method": {"type": "string", "default": "occlusion", "description": "How it is explained."}}
SEED = {"seed": {"type": "integer", "default": 0}}
SHOWING = {
    "explain": {"type": "string", "description": "A method of explanation; none where it is left out."},
    "disturbance": {"type": "string", "description": "One of the disturbances that /v1/models lists."},
    "severity": {"type": "integer", "minimum": 1, "maximum": 5, "default": 1},
}


def router(service: Service) -> APIRouter:
    """The addresses that answer."""
    found = APIRouter(tags=["answers"])

    @found.post(PREDICT, summary="Answers as the Hugging Face pipelines shape them.", openapi_extra=body({}))
    async def predict(request: Request) -> Response:
        what, top = _with_top(service, await asked(request, service.settings.limits))
        _, results = await service.answers(what)
        answers = [best(result, top) for result in results]
        return answered(answers if what.several or len(answers) != 1 else answers[0])

    @found.post(
        "/v1/explain",
        summary="Answers, with the weight of each part of their inputs.",
        openapi_extra=body({**METHOD, **SEED}),
    )
    async def explain(request: Request) -> Response:
        what, top = _with_top(service, await asked(request, service.settings.limits))
        method, seed = what.word("method", str, "occlusion"), what.word("seed", int, 0)
        loaded, results = await service.answers(what)
        answers = []
        for result in results:
            why = await service.explain(loaded, result, method, seed)
            answers.append({"answers": best(result, top), **explained(why)})
        return answered(answers if what.several or len(answers) != 1 else answers[0])

    @found.post(
        "/v1/show",
        summary="One answer with its drawing, explained or to a disturbed input: what the page asks.",
        openapi_extra=body({**SHOWING, **SEED}),
    )
    async def show(request: Request) -> Response:
        what = await asked(request, service.settings.limits)
        loaded, results = await service.answers(what, _disturbance(what))
        if len(results) != 1:
            raise Refusal(400, f"one input is shown at a time, and {len(results)} were sent", "Send one")
        method = what.word("explain", str, "")
        why = await service.explain(loaded, results[0], method, what.word("seed", int, 0)) if method else None
        return answered(await service.aside(lambda: shown(results[0], why)))

    return found


def _with_top(service: Service, what: Asked) -> tuple[Asked, int | None]:
    """What was asked without `top_k`, and that: how many answers are given, the best first; None for all.

    Where the task has an option of that name, the word is the option's.
    """
    if "top_k" not in what.parameters or "top_k" in service.shelf.find(what.model).task.Options.names():
        return what, None
    parameters = dict(what.parameters)
    top = parameters.pop("top_k")
    if top is not None and (not isinstance(top, int) or isinstance(top, bool) or top < 1):
        raise Refusal(400, "top_k is no number of answers", "Give 1 or more, or leave it out for all")
    return Asked(what.model, what.inputs, what.several, parameters, what.words), top


def _disturbance(what: Asked) -> Disturbance | None:
    name = what.word("disturbance", str, "")
    return Disturbance(name, what.word("severity", int, 1), what.word("seed", int, 0)) if name else None
