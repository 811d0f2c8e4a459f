"""The address that shows an agent act: an episode, streamed step by step, in an environment that may be disturbed."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import PIL.Image
from fastapi import APIRouter, Request, Response

from sounding.environments.chance import SEEDS
from sounding.environments.settings import DISTURBANCES, Disturbance
from sounding.errors import UsageError, did_you_mean
from sounding.randomness import entropy
from sounding.runs.prediction import Question
from sounding.serve.events import begun
from sounding.serve.posted import JSON, Asked, json_object
from sounding.serve.predicting import MODEL
from sounding.serve.refusals import Refusal
from sounding.serve.service import WORST, Service

LONGEST = 5_000
"""Steps after which an episode is cut off."""
SIDE = 480
"""Pixels of the longer side of a picture at most."""
FIELDS: dict[str, Any] = {
    "model": MODEL,
    "seed": {"type": "integer", "default": 0, "description": "The same episode again."},
    "steps": {"type": "integer", "default": 1000, "description": f"After which it is cut off, {LONGEST:,} at most."},
    "disturbance": {"type": "string", "description": "One of those that /v1/models lists; none where it is left out."},
    "severity": {"type": "integer", "minimum": 1, "maximum": WORST, "default": 1},
}
BODY: dict[str, Any] = {
    "requestBody": {"required": True, "content": {JSON: {"schema": {"type": "object", "properties": FIELDS}}}}
}


@dataclass(frozen=True)
class Wanted:
    """What episode is to be seen: its seed, its steps at most, and what it is disturbed by, how much."""

    seed: int
    steps: int
    disturbance: str
    severity: int


def router(service: Service) -> APIRouter:
    """The address that shows an agent."""
    found = APIRouter(tags=["games"])

    @found.post(
        "/v1/watch", summary="An episode of an agent, streamed: each step with its picture.", openapi_extra=BODY
    )
    async def watch(request: Request) -> Response:
        asked = Asked(words=await json_object(request, service.settings.limits))
        wanted = _wanted(asked)
        loaded = await service.load(asked.word("model", str, ""))
        if not service.shelf.find(loaded.name).about.acts:
            raise Refusal(400, f"{loaded.name} acts in no environment", "GET /v1/models says what each model does")
        return await begun(service.queue.stream(lambda: _episode(loaded.model, wanted)))

    return found


def _wanted(asked: Asked) -> Wanted:
    name, severity = asked.word("disturbance", str, ""), asked.word("severity", int, 1)
    if name and name not in DISTURBANCES:
        raise UsageError(f"no disturbance {name[:80]!r}", fix=did_you_mean(name, DISTURBANCES))
    if not 1 <= severity <= WORST:
        raise UsageError(f"there is no severity {severity}", fix=f"Give 1 to {WORST}")
    steps = asked.word("steps", int, 1000)
    if not 1 <= steps <= LONGEST:
        raise UsageError(f"{steps:,} steps are not shown", fix=f"Give 1 to {LONGEST:,}")
    return Wanted(asked.word("seed", int, 0), steps, name, severity)


def _episode(model: Any, wanted: Wanted) -> Iterator[dict[str, Any]]:
    """The steps of an episode: what is seen, what is done, what is expected of it, and the score until then."""
    from sounding.runs.watching import drawn_by, rate_of  # torch comes with it, which exported models do without

    agent = model.agent
    worse = DISTURBANCES[wanted.disturbance](wanted.severity, agent.scale) if wanted.disturbance else Disturbance()
    with agent.environments(1, worse, rendering=True) as environments:
        picture = drawn_by(environments, model.task.input)
        seen = environments.reset([entropy("episode", abs(wanted.seed)) % SEEDS])
        score, ended = 0.0, False
        for number in range(1, wanted.steps + 1):
            shown = _png(picture(seen))
            (answer,) = model.answer([Question(seen[0], seen[0])])
            step = environments.step(agent.act(seen))
            score, ended = score + float(step.rewards[0]), bool(step.ended[0])
            values = agent.values(seen)
            yield {
                "step": number,
                "picture": shown,
                "action": answer.to_dicts()[0]["label"],
                "answers": answer.to_dicts(),
                "expected": None if values is None else float(values[0]),
                "score": score,
                "ended": ended,
                "rate": rate_of(agent.spec),
            }
            if ended:
                return
            seen = step.obs


def _png(pixels: Any) -> str:
    """A picture [H, W, 3] as a data URL."""
    file, image = io.BytesIO(), PIL.Image.fromarray(pixels)
    image.thumbnail((SIDE, SIDE))
    image.save(file, "PNG", compress_level=1)
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"
