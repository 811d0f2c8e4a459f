"""Requests to what was asked: JSON, a form with files, or the bytes of one file with the rest in the address.

{"model": "classify/1", "inputs": …, "parameters": {…}}      as the Hugging Face inference API has it
multipart/form-data: model, file (as often as wanted) or inputs, parameters as JSON
any other type: the body is a file; ?model=classify/1
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fastapi import Request
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from sounding.serve import limits
from sounding.serve.refusals import Refusal
from sounding.serve.security import header
from sounding.serve.settings import Limits

FORM, JSON = "multipart/form-data", "application/json"


@dataclass(frozen=True)
class Asked:
    """What a request asks: of which `model`, about which `inputs`, answered with which `parameters`.

    An input is what JSON holds, or bytes. `several`: a list was sent, and a list is expected. `words` are the other
    fields of the request.
    """

    model: str = ""
    inputs: tuple[Any, ...] = ()
    several: bool = False
    parameters: Mapping[str, Any] = field(default_factory=dict)
    words: Mapping[str, Any] = field(default_factory=dict)

    def word(self, name: str, kind: type, default: Any) -> Any:
        """The other field of that name, of its kind. Raises Refusal for one of another kind."""
        value = self.words.get(name)
        if value is None:
            return default
        if isinstance(value, str) and kind in (int, float, bool):  # a form knows strings alone
            value = _read(name, value, kind)
        if kind is float and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise Refusal(400, f"{name} is a {type(value).__name__}, and should be a {kind.__name__}")
        return value


def _read(name: str, text: str, kind: type) -> Any:
    if kind is bool:
        known = {"true": True, "1": True, "false": False, "0": False}
        if text.lower() in known:
            return known[text.lower()]
    else:
        try:
            return kind(text)
        except ValueError:
            pass
    raise Refusal(400, f"{name}={text[:40]!r} is no {kind.__name__}")


async def asked(request: Request, bounds: Limits) -> Asked:
    """What a request asks. Raises Refusal for one that cannot be read."""
    kind = _kind(request)
    if kind == FORM:
        return of_fields(*await form(request, bounds), bounds)
    data = await limits.body(request, bounds)
    if kind == JSON:
        return of_json(limits.parsed(data, bounds), bounds)
    if kind in ("", "application/x-www-form-urlencoded", "text/plain"):
        fix = f'Send {JSON} such as {{"inputs": "a text"}}, {FORM}, or a file with its own type'
        raise Refusal(415, f"requests of the type {kind or '(none)'} are not taken", fix)
    return Asked(request.query_params.get("model", ""), (_content(data),))


async def json_object(request: Request, bounds: Limits) -> dict[str, Any]:
    """The JSON object in a body. Raises Refusal for anything else."""
    kind = _kind(request)
    if kind != JSON:
        raise Refusal(415, f"requests of the type {kind or '(none)'} are not taken here", f"Send {JSON}")
    return _object(limits.parsed(await limits.body(request, bounds), bounds), "the request")


def _kind(request: Request) -> str:
    """The type of what was sent, without its parameters."""
    return header(request.scope, b"content-type").partition(";")[0].strip().lower()


def of_json(sent: Any, bounds: Limits) -> Asked:
    """What a JSON request asks."""
    words = dict(_object(sent, "the request"))
    model, parameters = words.pop("model", ""), words.pop("parameters", None)
    if not isinstance(model, str):
        raise Refusal(400, "the model is no string", "GET /v1/models lists what there is")
    inputs = words.pop("inputs", None)
    several = isinstance(inputs, list)
    every = tuple(inputs) if several else () if inputs is None else (inputs,)
    _require_few(len(every), bounds)
    return Asked(model, every, several, {} if parameters is None else _object(parameters, "parameters"), words)


async def form(request: Request, bounds: Limits) -> tuple[dict[str, list[str]], list[bytes]]:
    """The fields of a form by name, and its files. They stay in memory. Raises Refusal for what is no form."""
    parser = _InMemory(
        request.headers,
        limits.chunks(request, bounds),
        max_files=bounds.inputs,
        max_fields=bounds.inputs + 20,
        max_part_size=bounds.body,
    )
    try:
        found = await parser.parse()
    except MultiPartException as error:
        raise Refusal(400, f"the form cannot be read ({error.message})", "Send multipart/form-data") from None
    fields: dict[str, list[str]] = {}
    files = []
    for name, value in found.multi_items():
        if isinstance(value, UploadFile):
            files.append(_content(await value.read()))
        else:
            fields.setdefault(name, []).append(value)
    return fields, files


class _InMemory(MultiPartParser):
    """A parser that never writes a file to disk, however large it is."""

    spool_max_size = 0


def of_fields(fields: Mapping[str, list[str]], files: list[bytes], bounds: Limits) -> Asked:
    """What a form asks."""
    words: dict[str, Any] = {name: values[-1] for name, values in fields.items()}
    model, written = words.pop("model", ""), words.pop("parameters", "")
    words.pop("inputs", None)
    parameters = limits.parsed(written.encode("utf-8", "replace"), bounds) if written else {}
    every = (*files, *fields.get("inputs", ()))
    _require_few(len(every), bounds)
    return Asked(model, every, len(every) > 1, _object(parameters, "parameters"), words)


def _content(data: bytes) -> bytes:
    if not data:
        raise Refusal(400, "the file is empty", "Send one with something in it")
    return data


def _object(value: Any, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Refusal(400, f"{what} should be a JSON object, and is a {type(value).__name__}", 'Such as: {"inputs": …}')
    return value


def _require_few(count: int, bounds: Limits) -> None:
    if count > bounds.inputs:
        what = f"{count:,} inputs were sent, and at most {bounds.inputs} are answered at once"
        raise Refusal(413, what, "Send them in parts")
