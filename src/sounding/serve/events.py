"""Answers in pieces: events that a server sends, each a line of JSON.

https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any

from fastapi.responses import StreamingResponse

from sounding.errors import SoundingError
from sounding.files import json_text
from sounding.serve.answers import plain
from sounding.serve.refusals import Refusal, of_error

TYPE = "text/event-stream"
DONE = "data: [DONE]\n\n"
"""The event after the last, by which OpenAI's clients know that a stream is whole."""


def event(told: Any) -> str:
    """What is told, as an event."""
    return f"data: {json_text(plain(told))}\n\n"


def streaming(events: AsyncIterator[str]) -> StreamingResponse:
    """The answer that is made of events, each sent when it is there."""
    return StreamingResponse(events, media_type=TYPE)


async def begun(pieces: AsyncGenerator[Any]) -> StreamingResponse:
    """The answer that is made of pieces, once the first is there: what is wrong until then is told by a status.

    Where it breaks off later, an event says why; where it does not, DONE is the last. Raises what making the first
    piece raised.
    """
    first = await anext(pieces, None)
    return streaming(_events(first, pieces))


async def _events(first: Any, pieces: AsyncGenerator[Any]) -> AsyncIterator[str]:
    async with aclosing(pieces):  # whoever makes them learns at once that nobody listens any more
        if first is not None:
            yield event(first)
        try:
            async for piece in pieces:
                yield event(piece)
        except (Refusal, SoundingError) as error:
            refusal = of_error(error)
            yield event({"error": {"message": str(refusal), "code": refusal.status}})
            return
        yield DONE
