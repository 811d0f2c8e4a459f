"""The addresses that OpenAI's clients know: completions, streamed or whole, and transcriptions.

They answer for every model that writes texts piece by piece, and for every one that hears: no task is named here.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any

from fastapi import APIRouter, Request, Response

from sounding.contract.answers import Exported
from sounding.contract.inputs import Audible, Lasting
from sounding.runs.prediction import Result
from sounding.serve.answers import answered
from sounding.serve.events import begun
from sounding.serve.models import Loaded
from sounding.serve.posted import FORM, JSON, Asked, form, json_object, of_fields
from sounding.serve.predicting import MODEL, ONE_FILE
from sounding.serve.refusals import Refusal
from sounding.serve.service import Service, checked_options

OPTIONS = {
    "max_tokens": "length", "temperature": "temperature", "top_p": "top_p", "top_k": "top_k", "min_p": "min_p",
    "repetition_penalty": "repetition_penalty", "seed": "seed", "stop": "stop",
}  # fmt: skip
"""The client's name of a setting → the option of the task, where it has one of that name."""
UNKNOWN = {"logprobs": (None, 0), "best_of": (None, 1), "suffix": (None, ""), "logit_bias": (None, {})}
UNKNOWN |= {"presence_penalty": (None, 0), "frequency_penalty": (None, 0), "echo": (None, False)}
"""What is not done, with the values that ask for nothing."""
MOST = 8
"""Answers to one prompt."""
FORMATS = ("json", "text", "verbose_json", "srt", "vtt")
COMPLETION: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            JSON: {
                "schema": {
                    "type": "object",
                    "required": ["prompt"],
                    "properties": {
                        "model": MODEL,
                        "prompt": {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]},
                        "max_tokens": {"type": "integer", "minimum": 0},
                        "temperature": {"type": "number", "minimum": 0},
                        "top_p": {"type": "number", "minimum": 0, "maximum": 1},
                        "stop": {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]},
                        "n": {"type": "integer", "minimum": 1, "maximum": MOST},
                        "seed": {"type": "integer"},
                        "stream": {"type": "boolean"},
                    },
                }
            }
        },
    }
}
TRANSCRIPTION: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            FORM: {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {
                        "file": ONE_FILE,
                        "model": MODEL,
                        "language": {"type": "string"},
                        "response_format": {"type": "string", "enum": list(FORMATS)},
                    },
                }
            }
        },
    }
}


def router(service: Service) -> APIRouter:
    """The addresses of OpenAI's clients."""
    found = APIRouter(tags=["OpenAI's clients"])
    limits = service.settings.limits

    @found.post("/v1/completions", summary="How texts go on.", openapi_extra=COMPLETION)
    async def completions(request: Request) -> Response:
        words = await json_object(request, limits)
        _require_known(words)
        asked = Asked(words=words)
        prompts, n = _prompts(words.get("prompt")), asked.word("n", int, 1)
        if not 1 <= n <= MOST or n * len(prompts) > limits.inputs:
            raise Refusal(400, f"n={n} is out of range", f"Give 1 to {MOST}, and fewer prompts at once")
        loaded = await service.load(asked.word("model", str, ""))
        parameters = _parameters(loaded, words)
        if asked.word("stream", bool, False):
            if n * len(prompts) != 1:
                raise Refusal(400, "one text is streamed at a time", "Send one prompt, and n=1")
            pieces = service.pieces(loaded.name, prompts[0], parameters)
            return await begun(_chunks(loaded, pieces))
        _require_writer(loaded)
        results = await _written(service, loaded, prompts, parameters, n)
        return answered(_completion(loaded, results, parameters))

    @found.post("/v1/audio/transcriptions", summary="What is said in a recording.", openapi_extra=TRANSCRIPTION)
    async def transcriptions(request: Request) -> Response:
        if not request.headers.get("content-type", "").lower().startswith(FORM):
            raise Refusal(415, "a recording is sent as a form", f"Send {FORM} with model and file")
        fields, files = await form(request, limits)
        kind = fields.get("response_format", ["json"])[-1]
        if kind not in FORMATS:
            raise Refusal(400, f"no response_format {kind[:40]!r}", f"Known: {', '.join(FORMATS)}")
        if fields.get("stream", ["false"])[-1].lower() == "true":
            raise Refusal(400, "transcripts are not streamed", "Leave stream out")
        if len(files) != 1:
            raise Refusal(400, f"one file is transcribed at a time, and {len(files)} were sent", "Send one")
        run = service.shelf.find(fields.get("model", [""])[-1])
        if not isinstance(run.task.input, Audible):
            raise Refusal(400, f"{run.name} does not hear", "GET /v1/models says what each model does")
        language = fields.get("language", [""])[-1]
        speaks = (
            bool(language) and "language" in run.task.Options.names() and bool(run.task.options.to_json()["language"])
        )
        asked = of_fields({"model": [run.name]}, files, limits)
        asked = Asked(asked.model, asked.inputs, False, {"language": language} if speaks else {})
        _, (result,) = await service.answers(asked)
        return _transcript(result, kind, language)

    return found


# ---- completions


def _require_known(words: Mapping[str, Any]) -> None:
    """Raise Refusal for what is not done, where it is asked for."""
    for name, nothing in UNKNOWN.items():
        if words.get(name) not in nothing:
            raise Refusal(400, f"{name} is not done here", "Leave it out")


def _prompts(prompt: Any) -> list[str]:
    prompts = prompt if isinstance(prompt, list) else [prompt]
    if not prompts or not all(isinstance(each, str) for each in prompts):
        raise Refusal(400, "the prompt is no text", 'Send a string, or a list of strings: "prompt": "Once upon a time"')
    return prompts


def _parameters(loaded: Loaded, words: Mapping[str, Any]) -> dict[str, Any]:
    """The options that a request sets, by the names that the clients or the task give them."""
    known = loaded.model.task.Options.names()
    found = {}
    for name, option in OPTIONS.items():
        value = words.get(name)
        if value is None:
            continue
        if option not in known:
            raise Refusal(400, f"{loaded.name} has no {name}", "Leave it out")
        found[option] = _stops(value) if name == "stop" else value
    found |= {name: words[name] for name in known if name not in OPTIONS and words.get(name) is not None}
    return checked_options(loaded.model, found)


def _stops(value: Any) -> str:
    """The texts that end an answer, as the option has them."""
    stops = value if isinstance(value, list) else [value]
    if not all(isinstance(stop, str) and "|" not in stop for stop in stops):
        raise Refusal(400, "stop is no text, or holds a |", "Give a string, or a list of them")
    return "|".join(stops)


def _require_writer(loaded: Loaded) -> None:
    if not loaded.model.task.streams:
        raise Refusal(400, f"{loaded.name} does not write texts", "GET /v1/models says what each model does")


async def _written(
    service: Service, loaded: Loaded, prompts: list[str], parameters: Mapping[str, Any], n: int
) -> list[Result]:
    """The answers to each prompt, `n` to each: with another seed, where there is one."""
    seeded = "seed" in loaded.model.task.Options.names()
    if n > 1 and not seeded:
        raise Refusal(400, f"{loaded.name} has one answer to a prompt", "Leave n out")
    first = int(parameters.get("seed", loaded.model.task.options.to_json().get("seed", 0)))
    drawn = []
    for number in range(n):
        seed = {"seed": first + number} if n > 1 else {}
        drawn.append((await service.answers(Asked(loaded.name, tuple(prompts), True, {**parameters, **seed})))[1])
    return [results[row] for row in range(len(prompts)) for results in drawn]


def _completion(loaded: Loaded, results: list[Result], parameters: Mapping[str, Any]) -> dict[str, Any]:
    input = loaded.model.task.input
    texts = [str(result.value) for result in results]
    read = sum(input.length(result.input) for result in results)
    lengths = [input.length(text) if text else 0 for text in texts]
    most = int(parameters.get("length", loaded.model.task.options.to_json().get("length", 0))) or None
    choices = [
        {"index": k, "text": text, "logprobs": None, "finish_reason": _ended(length, most)}
        for k, (text, length) in enumerate(zip(texts, lengths, strict=True))
    ]
    usage = {"prompt_tokens": read, "completion_tokens": sum(lengths), "total_tokens": read + sum(lengths)}
    return {**_envelope(loaded), "choices": choices, "usage": usage}


def _ended(length: int, most: int | None) -> str:
    return "stop" if most is None or length < most else "length"


def _envelope(loaded: Loaded) -> dict[str, Any]:
    return {
        "id": f"cmpl-{uuid.uuid4().hex}",
        "object": "text_completion",
        "created": int(time.time()),
        "model": loaded.name,
    }


async def _chunks(loaded: Loaded, pieces: AsyncGenerator[str]) -> AsyncGenerator[dict[str, Any]]:
    """A text that goes on as OpenAI's clients read it: a chunk for each piece, and one that says that it has ended."""
    envelope = _envelope(loaded)

    def chunk(text: str, reason: str | None) -> dict[str, Any]:
        choice = {"index": 0, "text": text, "logprobs": None, "finish_reason": reason}
        return {**envelope, "choices": [choice]}

    async with aclosing(pieces):
        async for piece in pieces:
            yield chunk(piece, None)
    yield chunk("", "stop")


# ---- transcriptions


def _transcript(result: Result, kind: str, language: str) -> Response:
    (answer,) = result.to_dicts()[:1]
    text = str(answer.get("text", result.label))
    if kind == "json":
        return answered({"text": text})
    if kind == "text":
        return Response(f"{text}\n", media_type="text/plain; charset=utf-8")
    if kind == "verbose_json":
        return answered({**_timed(answer, text), "duration": _seconds(result), "language": language or "unknown"})
    target, ending = result.task.target, f".{kind}"
    if not isinstance(target, Exported) or ending not in target.endings:
        raise Refusal(400, "this model's transcripts have no times", "Ask for json or text")
    return Response(target.exported([("recording", result.value)], ending), media_type="text/plain; charset=utf-8")


def _timed(answer: Mapping[str, Any], text: str) -> dict[str, Any]:
    words = [
        {"word": chunk["text"], "start": chunk["timestamp"][0], "end": chunk["timestamp"][1]}
        for chunk in answer.get("chunks", ())
    ]
    return {"task": "transcribe", "text": text, "words": words, "segments": []}


def _seconds(result: Result) -> float:
    input = result.task.input
    return input.seconds(result.input) if isinstance(input, Lasting) else 0.0
