"""One computation at a time, since each uses all cores: what waits is answered in batches, what is long step by step.

    ask       an input; inputs of one kind that wait together are computed together (dynamic batching)
    stream    an answer in pieces: after each piece the others have their turn

A bounded number of inputs may wait; above that, and past the time limit, a request is refused rather than kept. Nothing
waits for a batch to fill, but for a moment after one of several: those who asked together ask together again. Of these
half are enough, so that the others' requests are read while they are computed.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import AsyncGenerator, Callable, Hashable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from sounding.serve.refusals import LATE, Refusal, busy

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


@dataclass(eq=False, slots=True)
class _Job:
    """Something that waits: an input with its work, or the rest of a stream. `left`: nobody waits for it any more."""

    loop: asyncio.AbstractEventLoop
    settle: Callable[[Any], None]
    until: float
    work: Work | None = None
    input: Any = None
    pieces: Iterator[Any] | None = None
    begin: Callable[[], Iterator[Any]] | None = None
    left: bool = False

    def deliver(self, answer: Any) -> None:
        """Hand an answer to who waits for it, in the event loop."""
        with suppress(RuntimeError):  # the loop has ended
            self.loop.call_soon_threadsafe(self.settle, answer)


class _Answers:
    """The answers to the inputs of one request, gathered in the event loop; `all` is done when they are there."""

    def __init__(self, loop: asyncio.AbstractEventLoop, count: int) -> None:
        self.all: asyncio.Future[list[Any]] = loop.create_future()
        self._found: list[Any] = [None] * count
        self._missing = count

    def give_up(self, seconds: float) -> None:
        """Wait no longer."""
        self.settle(0, late(seconds))

    def settle(self, place: int, answer: Any) -> None:
        """Take one of them, or what is wrong with it."""
        if self.all.done():
            return
        if isinstance(answer, BaseException):
            self.all.set_exception(answer)
            return
        self._found[place] = answer
        self._missing -= 1
        if not self._missing:
            self.all.set_result(self._found)


class Queue:
    """What waits, and the thread that computes. `batches` and `computed` count what it did."""

    def __init__(self, room: int, seconds: float) -> None:
        self.room, self.seconds = room, seconds
        self.batches = self.computed = 0
        self._waiting: deque[_Job] = deque()
        self._ready = threading.Condition()
        self._stopping = False
        self._last = 0  # inputs of the last batch
        self._wanted = 1  # that have to wait until the thread is woken
        self._thread = threading.Thread(target=self._work, name="computing", daemon=True)
        self._thread.start()

    def __len__(self) -> int:
        return len(self._waiting)

    # ---- asked from the event loop

    async def ask(self, work: Work, inputs: Sequence[Any]) -> list[Any]:
        """The answers to inputs, in their order. Raises what computing them raised, and Refusal for want of room."""
        if not inputs:
            return []
        loop = asyncio.get_running_loop()
        answers, until = _Answers(loop, len(inputs)), time.monotonic() + self.seconds
        jobs = [_Job(loop, partial(answers.settle, place), until, work, value) for place, value in enumerate(inputs)]
        self._add(jobs)
        clock = loop.call_later(self.seconds, answers.give_up, self.seconds)
        try:
            return await answers.all
        finally:
            clock.cancel()
            for job in jobs:
                job.left = True

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
            job.left = True

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
            if len(self._waiting) >= self._wanted:
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
            self._forget()
            while not (self._waiting or self._stopping):
                self._wanted = 1
                self._ready.wait()
                self._forget()
            if self._stopping:
                return []
            work = self._waiting[0].work
            if work is None:
                return [self._waiting.popleft()]
            self._linger(work.most)
            return self._taken(work)

    def _linger(self, most: int) -> None:
        """Wait a moment for those who are answered together to ask again: for half of them and of those who wait."""
        self._wanted = min(most, (self._last + len(self._waiting)) // 2) if self._last > 1 else 0
        if len(self._waiting) < self._wanted:
            self._ready.wait(LINGER)

    def _taken(self, work: Work) -> list[_Job]:
        """What waits for this work, as much of it as is computed at once."""
        alike, others = list[_Job](), deque[_Job]()
        for job in self._waiting:
            fits = job.work is not None and job.work.key == work.key and len(alike) < work.most
            (alike if fits else others).append(job)
        self._waiting, self._last = others, len(alike)
        return alike

    def _forget(self) -> None:
        """Leave out what nobody waits for any more."""
        now = time.monotonic()
        for job in [job for job in self._waiting if job.left or (job.pieces is None and now > job.until)]:
            self._waiting.remove(job)
            if not job.left:
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
    return Refusal(LATE, f"no answer after {seconds:g} seconds", "Ask for less at a time")


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
