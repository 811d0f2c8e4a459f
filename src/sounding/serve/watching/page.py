"""The page of a training, served from a thread of its own while the training goes on, to this machine alone."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from anyio import to_thread
from fastapi import FastAPI
from fastapi.responses import Response

from sounding.contract.records import Example
from sounding.contract.task import Task
from sounding.errors import UsageError
from sounding.machine.metering.meter import Meter
from sounding.serve.answers import answered
from sounding.serve.events import event, streaming
from sounding.serve.gate import add_gate, entrance
from sounding.serve.metrics import Metrics
from sounding.serve.running import bound, server
from sounding.serve.settings import Settings
from sounding.serve.watching.course import Course, Place
from sounding.serve.watching.looks import Looks
from sounding.training.feed import Feed
from sounding.training.loop import Interrupted
from sounding.training.onlooker import Onlooker
from sounding.training.progress import Standing

EVERY = 1.0
"""Seconds from one message to a page to the next."""
GRACE = 3
"""Seconds in which pages are told that the training is over."""


class Watcher(Onlooker):
    """Tells a course what a training tells, and shows it the model now and again."""

    def __init__(self, course: Course) -> None:
        self.course = course
        self.looks: Looks | None = None
        self._metering = ExitStack()

    def __enter__(self) -> Watcher:
        meter = self._metering.enter_context(Meter())
        self.course.energy = lambda: meter.cost
        return self

    def __exit__(self, *error: object) -> None:
        self._metering.close()

    def journal(self, task: Task, validation: Sequence[Example], feed: Feed) -> Looks:
        """Looks at the training that begins now."""
        self.course.begin()
        self.looks = Looks(self.course, task, validation, feed)
        return self.looks

    def stepped(self, standing: Standing) -> None:
        """After each step."""
        self.course.note(standing)

    def validated(self, row: Mapping[str, Any]) -> None:
        """After each look at the validation rows."""
        self.course.validated(row)

    def say(self, message: str) -> None:
        """Something that the person should know."""
        self.course.say(message)


@contextmanager
def watching(port: int, title: str, say: Callable[[str], None]) -> Iterator[Watcher]:
    """A watcher whose page is served at the loopback while the context lasts; 0 is any port that is free.

    `say` hears the address. Raises UsageError for a port that is in use, at once.
    """
    try:
        listening = bound(Settings(port=port))
    except UsageError as error:
        raise UsageError(error.what, where=error.where, fix=f"Give another one: --watch {port + 1}") from None
    watcher = Watcher(Course(title))
    served = server(page(watcher), Settings(), lifespan="off", timeout_graceful_shutdown=GRACE)
    thread = threading.Thread(target=served.run, kwargs={"sockets": [listening]}, name="page", daemon=True)
    with listening:
        thread.start()
        say(f"watch http://127.0.0.1:{listening.getsockname()[1]}/")
        try:
            yield watcher
            watcher.course.state = "finished"
        except (Interrupted, KeyboardInterrupt):
            watcher.course.state = "stopped"
            raise
        except BaseException:
            watcher.course.state = "failed"
            raise
        finally:
            served.should_exit = True
            thread.join(GRACE + 1)


def page(watcher: Watcher) -> FastAPI:
    """The page and its two addresses, as an ASGI application."""
    made = FastAPI(title="sounding", docs_url=None, redoc_url=None, openapi_url=None)
    made.add_api_route("/", entrance("watch.html"))

    @made.get("/watch/course")
    async def course() -> Response:
        return streaming(_events(watcher.course))

    @made.get("/watch/examples")
    async def examples() -> Response:
        looks = watcher.looks
        return answered([] if looks is None else await to_thread.run_sync(looks.drawn))

    add_gate(made, Settings(), Metrics())
    return made


async def _events(course: Course) -> AsyncIterator[str]:
    """What becomes known of a course, every second, until the training is over; that is the last."""
    place = Place()
    while True:
        told, place = course.since(place)
        yield event(told)
        if told["state"] != "training":
            return
        for _ in range(10):
            await asyncio.sleep(EVERY / 10)
            if course.state != "training":
                break
