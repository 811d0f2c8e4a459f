"""Results as JSON that every client reads, and as drawings that a page shows."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from fastapi import Response

from sounding.contract.inputs import Audible
from sounding.files import json_text
from sounding.runs.prediction import Result

if TYPE_CHECKING:
    from sounding.challenges.explanations.explanation import Explanation


def answered(value: Any, status: int = 200) -> Response:
    """JSON, sent. Its strings may hold what is no UTF-8, and its numbers are finite or null."""
    try:
        text = json_text(value, allow_nan=False)
    except (TypeError, ValueError):  # numpy's numbers, or what is not finite
        text = json_text(plain(value))
    return Response(text, status, media_type="application/json")


def plain(value: Any) -> Any:
    """The same in what JSON has: numpy's numbers and arrays become Python's, what is not finite becomes null."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, str | int | bool) else str(value)


def best(result: Result, top: int | None) -> list[dict[str, Any]]:
    """The answer as the Hugging Face pipelines shape it, best first."""
    return result.to_dicts()[:top]


def shown(result: Result, why: Explanation | None = None) -> dict[str, Any]:
    """All that a page shows of an answer: in words, in numbers, drawn over its input, and the input to be heard."""
    found: dict[str, Any] = {
        "label": result.label,
        "score": result.score,
        "lines": list(result.lines),
        "note": result.note,
        "answers": result.to_dicts(),
        "drawing": result.plot(weights=None if why is None else why.weights).markup(),
        "sound": _heard(result),
    }
    if isinstance(result.input, str):
        found["text"] = str(result.input)
    return found if why is None else {**found, "explanation": explained(why)}


def explained(why: Explanation) -> dict[str, Any]:
    """An explanation with every segment by its name."""
    segments = [
        {"where": why.input.segment_name(why.value, part), "weight": float(weight)}
        for part, weight in enumerate(why.weights)
    ]
    return {**why.to_json(), "segments": segments}


def _heard(result: Result) -> dict[str, str] | None:
    input = result.task.input
    if not isinstance(input, Audible):
        return None
    clip = input.clip(result.input, "the recording")
    return {"name": clip.name, "url": f"data:{clip.media};base64,{clip.base64}"}
