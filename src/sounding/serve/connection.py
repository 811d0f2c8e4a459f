"""HTTP as it comes over a connection: read by httptools, within limits that it has not, and sent in few packets."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from sounding.serve.refusals import Refusal
from sounding.serve.security import HEADERS
from sounding.serve.settings import Limits

IDLE = 15
"""Seconds after which a connection without requests is closed."""


def connection(limits: Limits) -> type[HttpToolsProtocol]:
    """Connections with these limits, as uvicorn makes them."""

    class Limited(Connection):
        bounds = limits

    return Limited


class Connection(HttpToolsProtocol):
    """A connection: what comes over it is refused where it is too long, too much or too slow; the rest is not read."""

    bounds = Limits()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin: something has to come, and soon."""
        super().connection_made(_Joined(transport, self.loop))  # type: ignore[arg-type]
        self._refusal: Refusal | None = None
        self._clock: asyncio.TimerHandle | None = None
        self._unread = 0  # bytes that came since something of a request was whole
        self.timeout_keep_alive_task = self.loop.call_later(IDLE, self.timeout_keep_alive_handler)

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        self._stop_clock()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read what came. A clock runs where it ends within a request."""
        self._moved = False
        super().data_received(data)
        self._unread = 0 if self._moved else self._unread + len(data)
        if self._unread > self.bounds.head:
            self._refuse(self._too_long())
        elif self._is_whole():
            self._stop_clock()
        elif self._clock is None and not self.transport.is_closing():
            self._clock = self.loop.call_later(self.bounds.upload, self._give_up)

    def on_headers_complete(self) -> None:
        """Answer, or let it wait for the answers to what was sent before it; only so much may wait."""
        self._moved = True
        self._look_at(self.headers)
        super().on_headers_complete()
        self.headers = []  # what stands after a body is no header: it could pass for one that was looked at

    def on_body(self, body: bytes) -> None:
        """A piece of the body."""
        self._moved = True
        super().on_body(body)

    # ---- what is refused

    def _is_whole(self) -> bool:
        """Whether all is there of the request that began last."""
        return self.cycle is not None and self.cycle.scope is self.scope and not self.cycle.more_body

    def _look_at(self, headers: Sequence[tuple[bytes, bytes]]) -> None:
        """Raises the refusal, which passes through the parser: that then calls what comes no HTTP."""
        bounds = self.bounds
        if len(headers) > bounds.headers:
            self._refusal = Refusal(431, f"the request has more than {bounds.headers} headers", "Send fewer")
        elif len(self.url) + sum(len(name) + len(value) for name, value in headers) > bounds.head:
            self._refusal = self._too_long()
        elif [name for name, _ in headers].count(b"host") != 1 and self.parser.get_http_version() == "1.1":
            self._refusal = Refusal(400, "the request has no Host, or several", "Send one")
        elif len(self.pipeline) >= bounds.pipelined:
            self._refusal = Refusal(429, "too many requests wait on this connection", "Read the answers")
        if self._refusal is not None:
            raise self._refusal

    def _too_long(self) -> Refusal:
        return Refusal(431, f"the headers are longer than {self.bounds.head:,} bytes", "Send less of them")

    def send_400_response(self, msg: str) -> None:
        """Refuse what cannot be read."""
        self._refuse(self._refusal or Refusal(400, "this is no HTTP request", "Send HTTP/1.1"))

    def _give_up(self) -> None:
        self._clock = None
        what = f"the request was not there after {self.bounds.upload:g} seconds"
        self._refuse(Refusal(408, what, "Send it faster, or less of it"))

    def _refuse(self, refusal: Refusal) -> None:
        """Say it, but not in the middle of an answer; and hang up."""
        if self.transport.is_closing():
            return
        answering = self.pipeline or (self.cycle and self.cycle.response_started and not self.cycle.response_complete)
        if not answering:
            response = refusal.response()
            headers = [*self.server_state.default_headers, *HEADERS, *response.raw_headers, (b"connection", b"close")]
            lines = b"".join(b"%s: %s\r\n" % pair for pair in headers)
            self.transport.write(b"".join((STATUS_LINE[refusal.status], lines, b"\r\n", response.body)))
        self.transport.close()

    def _stop_clock(self) -> None:
        if self._clock is not None:
            self._clock.cancel()
            self._clock = None


class _Joined:
    """A transport that sends at once what is written in one turn of the loop: head and body of an answer."""

    def __init__(self, transport: Any, loop: asyncio.AbstractEventLoop) -> None:
        self._transport, self._loop = transport, loop
        self._written: list[bytes] = []

    def write(self, data: bytes) -> None:
        """Send soon."""
        if not self._written:
            self._loop.call_soon(self._send)
        self._written.append(data)

    def close(self) -> None:
        """Send what was written, and close."""
        self._send()
        self._transport.close()

    def _send(self) -> None:
        if self._written:
            self._transport.write(b"".join(self._written))
            self._written.clear()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)
