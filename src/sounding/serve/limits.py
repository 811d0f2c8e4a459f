"""Looking at what was sent before it costs anything: bytes, brackets, pixels, seconds."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncGenerator
from io import BytesIO
from typing import Any

import numpy as np
import PIL.Image
from fastapi import Request
from starlette.requests import ClientDisconnect

from sounding.serve.refusals import Refusal
from sounding.serve.security import header
from sounding.serve.settings import MEGABYTE, Limits
from sounding.wording import counted

PICTURES = frozenset(("JPEG", "MPO", "PNG", "WEBP", "BMP", "GIF", "TIFF", "PPM", "AVIF", "HEIF"))
"""Formats of pictures that are taken from strangers: none of them is opened by a program beside Pillow."""
_STRINGS = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_STEPS = np.zeros(256, np.int8)
_STEPS[[*b"[{"]], _STEPS[[*b"]}"]] = 1, -1


async def chunks(request: Request, limits: Limits) -> AsyncGenerator[bytes, None]:
    """The body as it comes. Raises Refusal for one that is too large, by its header or as it is counted.

    What is left of it is not read. That it comes too slowly is seen by the connection.
    """
    declared = header(request.scope, b"content-length")
    if declared.isdecimal() and int(declared) > limits.body:
        raise _too_large(limits)
    there, more = 0, True
    while more:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        chunk, more = message.get("body", b""), message.get("more_body", False)
        there += len(chunk)
        if there > limits.body:
            raise _too_large(limits)
        yield chunk


async def body(request: Request, limits: Limits) -> bytes:
    """All of the body; see `chunks`."""
    return b"".join([chunk async for chunk in chunks(request, limits)])


def _too_large(limits: Limits) -> Refusal:
    what = f"the request is larger than {limits.body / MEGABYTE:g} MB"
    return Refusal(413, what, "Send less at a time", {"Connection": "close"})


def parsed(text: bytes, limits: Limits) -> Any:
    """What JSON says. Raises Refusal for what is none, is nested too deep, or holds numbers that JSON has not."""
    opened = text.count(b"[") + text.count(b"{")  # counted first, which most requests are done with
    if opened > limits.depth and _depth(text) > limits.depth:
        raise Refusal(400, f"the JSON is nested deeper than {limits.depth} levels", "Send it flat")
    try:
        return _DECODER.decode(text.decode(json.detect_encoding(text), "surrogatepass"))
    except (ValueError, RecursionError) as error:  # numbers of thousands of digits are a ValueError as well
        raise Refusal(400, f"this is no JSON ({error})", 'Such as: {"inputs": "a text"}') from None


def _no_number(word: str) -> Any:
    raise Refusal(400, f"{word} is no JSON", "Write null for a value that is missing")


_DECODER = json.JSONDecoder(parse_constant=_no_number)


def _depth(text: bytes) -> int:
    """How deep brackets stand within brackets, whether or not they are closed."""
    signs = np.frombuffer(_STRINGS.sub(b"", text), np.uint8)
    return int(_STEPS[signs].cumsum(dtype=np.int64).max(initial=0))


def require_file(data: bytes, limits: Limits) -> bytes:
    """The bytes of a file, if they may be opened: a picture or a recording that is not too large, or something else."""
    if not _is_small_picture(data, limits):
        _require_short_sound(data, limits)
    return data


def _is_small_picture(data: bytes, limits: Limits) -> bool:
    """Whether it is a picture at all. Raises Refusal for one that is too large, or of a format that is not taken."""
    try:
        with PIL.Image.open(BytesIO(data)) as picture:  # the header alone
            (width, height), kind = picture.size, picture.format
    except (PIL.Image.DecompressionBombError, PIL.Image.DecompressionBombWarning):
        raise _too_many_pixels("", limits) from None
    except Exception:  # of broken files, decoders raise anything; opening all of it says what is wrong
        return False
    if width * height > limits.pixels:
        raise _too_many_pixels(f" ({width:,} × {height:,})", limits)
    if kind not in PICTURES:
        raise Refusal(415, f"pictures of the format {kind} are not taken", "Send a JPEG, PNG or WebP file")
    return True


def _too_many_pixels(size: str, limits: Limits) -> Refusal:
    what = f"the picture has more than {limits.pixels / 1e6:g} million pixels{size}"
    return Refusal(413, what, "Scale it down")


def _require_short_sound(data: bytes, limits: Limits) -> None:
    try:
        from sounding.modalities.audio import audio_files

        header = audio_files.soundfile().info(BytesIO(data))
    except Exception:  # as above; without the package, no recording is opened at all
        return
    if header.samplerate <= 0 or header.frames / header.samplerate > limits.seconds:
        hours = header.frames / max(1, header.samplerate) / 3600
        what = f"the recording is {hours:,.1f} hours long, and at most {limits.seconds / 60:g} minutes are taken"
        raise Refusal(413, what, "Cut it into parts")


def require_length(text: str, limits: Limits) -> str:
    """A text that is not too long."""
    if len(text) > limits.characters:
        what = f"the text has {counted(len(text), 'character')}, and at most {limits.characters:,} are taken"
        raise Refusal(413, what, "Send a part of it")
    return text
