"""One computation at a time, since each uses all cores: what waits is answered in batches, what is long step by step.

    ask       an input; inputs of one kind that wait together are computed together (dynamic batching)
    stream    an answer in pieces: after each piece the others have their turn

A bounded number of inputs may wait; above that, and past the time limit, a request is refused rather than kept. Nothing
waits for a batch to fill, but for a moment after one of several: those who asked together ask together again.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import AsyncGenerator, Callable, Hashable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from sounding.serve.refusals import Refusal, busy

LINGER = 0.004
"""Seconds that a batch waits for company, where the last one had some."""
END = object()
"""What a stream gives when it has ended."""


@dataclass(frozen=True)
class Work:
    """How inputs are computed: `run` gives one answer for each of at most `most` inputs. Work of one `key` is alike."""

    key: Hashable
    run: Callable[[Sequence[Any]], Sequence[Any]]
    most: int = 1


@dataclass(eq=False)
class _Job:
    """Something that waits: an input with its work, or the rest of a stream."""

    loop: asyncio.AbstractEventLoop
    settle: Callable[[Any], None]
    until: float
    work: Work | None = None
    input: Any = None
    pieces: Iterator[Any] | None = None
    begin: Callable[[], Iterator[Any]] | None = None
    left: threading.Event = field(default_factory=threading.Event)
    """Set when nobody waits for it any more."""

    def deliver(self, answer: Any) -> None:
        """Hand an answer to who waits for it, in the event loop."""
        with suppress(RuntimeError):  # the loop has ended
            self.loop.call_soon_threadsafe(self.settle, answer)


class Queue:
    """What waits, and the thread that computes. `batches` and `computed` count what it did."""

    def __init__(self, room: int, seconds: float) -> None:
        self.room, self.seconds = room, seconds
        self.batches = self.computed = 0
        self._waiting: deque[_Job] = deque()
        self._ready = threading.Condition()
        self._crowded = self._stopping = False
        self._thread = threading.Thread(target=self._work, name="computing", daemon=True)
        self._thread.start()

    def __len__(self) -> int:
        return len(self._waiting)

    # ---- asked from the event loop

    async def ask(self, work: Work, inputs: Sequence[Any]) -> list[Any]:
        """The answers to inputs, in their order. Raises what computing them raised, and Refusal for want of room."""
        loop = asyncio.get_running_loop()
        futures: list[asyncio.Future[Any]] = [loop.create_future() for _ in inputs]
        until = time.monotonic() + self.seconds
        jobs = [
            _Job(loop, partial(_settle, future), until, work, value)
            for future, value in zip(futures, inputs, strict=True)
        ]
        self._add(jobs)
        try:
            async with asyncio.timeout(self.seconds):
                return [await future for future in futures]
        except TimeoutError:
            raise late(self.seconds) from None
        finally:
            for job in jobs:
                job.left.set()
            for future in futures:
                if not future.cancel() and not future.cancelled():
                    future.exception()  # looked at, so that nobody misses it

    async def compute(self, function: Callable[[], Any]) -> Any:
        """What a function gives, when it is its turn."""
        return (await self.ask(Work(object(), lambda _: [function()]), [None]))[0]

    async def stream(self, begin: Callable[[], Iterator[Any]]) -> AsyncGenerator[Any]:
        """The pieces of an answer. Where nobody asks for the next one any more, no more are computed."""
        loop = asyncio.get_running_loop()
        found: asyncio.Queue[Any] = asyncio.Queue()

        job = _Job(loop, found.put_nowait, time.monotonic() + self.seconds, begin=begin)
        self._add([job])
        try:
            while True:
                async with asyncio.timeout(self.seconds):
                    piece = await found.get()
                if piece is END:
                    return
                if isinstance(piece, BaseException):
                    raise piece
                yield piece
        except TimeoutError:
            raise late(self.seconds) from None
        finally:
            job.left.set()

    def stop(self, seconds: float = 5.0) -> None:
        """Compute no more; what still waits is refused."""
        with self._ready:
            self._stopping = True
            self._ready.notify_all()
        self._thread.join(seconds)

    def _add(self, jobs: Sequence[_Job]) -> None:
        with self._ready:
            if self._stopping:
                raise busy("the service is stopping")
            if len(self._waiting) + len(jobs) > self.room:
                raise busy(
                    f"{len(self._waiting):,} inputs are waiting, and there is room for {self.room:,}", "Try again"
                )
            self._waiting.extend(jobs)
            self._ready.notify_all()

    # ---- computed in a thread

    def _work(self) -> None:
        while jobs := self._next():
            first = jobs[0]
            if first.work is None:
                self._step(first)
            else:
                self._answer(first.work, jobs)
            self.batches += 1
            self.computed += len(jobs)
        for job in self._waiting:
            job.deliver(busy("the service is stopping"))

    def _next(self) -> list[_Job]:
        """What is computed next: the job that waits longest, and all that can be computed with it; none at the end."""
        with self._ready:
            while True:
                self._forget()
                if self._stopping:
                    return []
                if self._waiting:
                    break
                self._ready.wait()
            work = self._waiting[0].work
            if work is None:
                return [self._waiting.popleft()]
            if self._crowded:
                self._ready.wait_for(lambda: self._stopping or self._count(work.key) >= work.most, LINGER)
            alike = [job for job in self._waiting if job.work is not None and job.work.key == work.key][: work.most]
            for job in alike:
                self._waiting.remove(job)
            self._crowded = len(alike) > 1
            return alike

    def _count(self, key: Hashable) -> int:
        return sum(job.work is not None and job.work.key == key for job in self._waiting)

    def _forget(self) -> None:
        """Leave out what nobody waits for any more."""
        now = time.monotonic()
        for job in [job for job in self._waiting if job.left.is_set() or (job.pieces is None and now > job.until)]:
            self._waiting.remove(job)
            if not job.left.is_set():
                job.deliver(late(self.seconds))

    def _answer(self, work: Work, jobs: Sequence[_Job]) -> None:
        """Compute a batch; where that fails, one by one, so that nobody fails for a neighbour."""
        try:
            found = list(zip(jobs, work.run([job.input for job in jobs]), strict=True))
        except Exception as error:
            if len(jobs) == 1:
                jobs[0].deliver(error)
                return
            for job in jobs:
                self._answer(work, [job])
            return
        _deliver(found)

    def _step(self, job: _Job) -> None:
        """One piece of a stream, which then stands at the end of those who wait."""
        try:
            if job.pieces is None:
                assert job.begin is not None  # a job is an input or a stream
                job.pieces = job.begin()
            piece = next(job.pieces, END)
        except Exception as error:
            job.deliver(error)
            return
        job.deliver(piece)
        if piece is not END:
            with self._ready:
                self._waiting.append(job)


def late(seconds: float) -> Refusal:
    """That an answer was not there in time."""
    return Refusal(504, f"no answer after {seconds:g} seconds", "Ask for less at a time")


def _deliver(found: Sequence[tuple[_Job, Any]]) -> None:
    """Hand over the answers of a batch: each loop is woken once."""
    of: dict[asyncio.AbstractEventLoop, list[tuple[_Job, Any]]] = {}
    for job, answer in found:
        of.setdefault(job.loop, []).append((job, answer))
    for loop, theirs in of.items():
        with suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(_settle_all, theirs)


def _settle_all(found: Sequence[tuple[_Job, Any]]) -> None:
    for job, answer in found:
        job.settle(answer)


def _settle(future: asyncio.Future[Any], answer: Any) -> None:
    if future.done():
        return
    if isinstance(answer, BaseException):
        future.set_exception(answer)
    else:
        future.set_result(answer)
