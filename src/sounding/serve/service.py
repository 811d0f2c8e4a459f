"""A question in, an answer out: runs, the queue and the limits together. The addresses are thin above it."""

from __future__ import annotations

import asyncio
import math
import os
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from anyio import to_thread

from sounding.contract.inputs import Corruptible
from sounding.contract.modality import Typed
from sounding.errors import DataError, SoundingError, UsageError, did_you_mean
from sounding.randomness import stream
from sounding.runs.prediction import Question, Result
from sounding.serve.inputs import cells
from sounding.serve.metrics import Metrics
from sounding.serve.models import Loaded, Shelf
from sounding.serve.posted import Asked
from sounding.serve.queue import Queue, Work
from sounding.serve.refusals import LATE, Refusal, busy
from sounding.serve.settings import Settings

if TYPE_CHECKING:
    from sounding.challenges.explanations.explanation import Explanation
    from sounding.games.thinking import Thinker
    from sounding.serve.models import Served

T = TypeVar("T")
SHORT = 2_000
"""Characters of inputs that are read at once."""
WORST = 5
"""The severity of the strongest disturbance."""


@dataclass(frozen=True)
class Disturbance:
    """How an input is made worse before it is answered: a corruption of its modality, at a severity from 1 to 5."""

    name: str
    severity: int
    seed: int = 0


@dataclass
class Service:
    """What all addresses use."""

    shelf: Shelf
    settings: Settings
    metrics: Metrics = field(default_factory=Metrics)

    def __post_init__(self) -> None:
        self.queue = Queue(self.settings.waiting, self.settings.timeout)
        self._games = Queue(self.settings.waiting, self.settings.timeout)  # their rules take a minute to compile
        self.compiling = ""  # the game whose rules are being compiled
        self._aside = ThreadPoolExecutor(os.cpu_count(), "aside")  # few: each may hold a large picture

    def stop(self) -> None:
        """Compute no more."""
        self.queue.stop()
        self._games.stop(seconds=0)
        self._aside.shutdown(wait=False, cancel_futures=True)

    async def aside(self, function: Callable[[], T]) -> T:
        """What a function gives: beside the computations, and not in the event loop."""
        return await asyncio.get_running_loop().run_in_executor(self._aside, function)

    async def load(self, name: str) -> Loaded:
        """The model of that name, in memory."""
        ready = self.shelf.ready(name)
        return await to_thread.run_sync(self.shelf.get, name) if ready is None else ready

    # ---- playing

    async def compile_games(self) -> None:
        """Let every kind of game think once, so that nobody's first move waits for the compiler."""
        first: dict[str, str] = {}
        for run in self.shelf.runs:
            if run.about.plays:
                first.setdefault(run.about.application, run.name)

        def compile_all() -> None:
            for game, name in first.items():
                self.compiling = game
                with suppress(SoundingError, Refusal, MemoryError):  # told to whoever asks
                    self.shelf.get(name).thinker()
            self.compiling = ""

        with suppress(Refusal):  # it goes on beyond the time limit
            await self._games.compute(compile_all)

    async def thinker(self, loaded: Loaded, lines: int | None = None) -> Thinker:
        """What plays with a model, on a board of so many lines. Raises Refusal while its rules are being compiled."""
        try:
            found: Thinker = await self._games.compute(partial(loaded.thinker, lines))
        except Refusal as error:
            if error.status != LATE:
                raise
            raise busy(f"the rules of {loaded.name} are still being compiled", "Ask again in a minute") from None
        return found

    # ---- answering

    async def answers(self, asked: Asked, disturbance: Disturbance | None = None) -> tuple[Loaded, list[Result]]:
        """The answers to what was asked, and the model that gave them."""
        loaded = await self.load(asked.model)
        options = checked_options(loaded.model, asked.parameters)
        if (
            disturbance is None and loaded.model.task.input.written and _is_short(asked.inputs)
        ):  # a thread would take longer than reading it
            questions = self._read(loaded.model, asked.inputs)
        else:
            questions = await self.aside(partial(self._read, loaded.model, asked.inputs, disturbance))
        return loaded, await self.queue.ask(_answering(loaded, options), questions)

    def _read(self, model: Served, sent: Sequence[Any], disturbance: Disturbance | None = None) -> list[Question]:
        """The questions in what was sent. Whatever goes wrong in reading it is the sender's to mend."""
        try:
            found = [model.read(cell) for cell in cells(model.task.input, sent, self.settings.limits)]
        except (SoundingError, Refusal, MemoryError):
            raise
        except Exception as error:  # modalities read what people have on their own machine, and strangers send anything
            raise DataError(
                f"this cannot be read ({type(error).__name__}: {error})", fix="Send it otherwise"
            ) from error
        return found if disturbance is None else [_disturbed(model, question, disturbance) for question in found]

    async def explain(self, loaded: Loaded, result: Result, method: str, seed: int = 0) -> Explanation:
        """Which parts of an input carry the answer to it."""
        return await self.queue.compute(lambda: loaded.model.explain(result, method, seed))

    async def pieces(self, name: str, text: str, parameters: Mapping[str, Any]) -> AsyncGenerator[str]:
        """How a text goes on, piece by piece as it is written."""
        loaded = await self.load(name)
        options = checked_options(loaded.model, parameters)
        if not loaded.model.task.streams:
            raise Refusal(400, f"{loaded.name} does not write texts", "GET /v1/models says what each model does")
        (cell,) = cells(loaded.model.task.input, [text], self.settings.limits)

        def begin() -> Iterator[Any]:
            return loaded.model.stream(Typed(cell), **options)

        async with aclosing(self.queue.stream(begin)) as pieces:
            async for piece in pieces:
                yield str(piece)


def _is_short(sent: Sequence[Any]) -> bool:
    """Whether inputs are few letters: typed, they are read in less than a millisecond."""
    return all(isinstance(each, str) for each in sent) and sum(map(len, sent)) <= SHORT


def checked_options(model: Served, given: Mapping[str, Any]) -> dict[str, Any]:
    """How to answer, out of a request. Raises UsageError for what the task has not, or what would cost too much."""
    if not given:
        return {}
    odd = [name for name, value in given.items() if not _is_setting(value)]
    if odd:
        raise UsageError(f"{odd[0][:80]} is no number and no word", fix="Give a number, a word, true or false")
    options = model.task.Options
    options.require_modest(given)
    model.task.options.changed(given)  # raises for what is unknown or out of range, ahead of the queue
    return dict(given)


def _is_setting(value: Any) -> bool:
    return isinstance(value, str) or (isinstance(value, int | float) and math.isfinite(value))


def _answering(loaded: Loaded, options: Mapping[str, Any]) -> Work:
    """The work of one model that is asked to answer in one way."""
    key = (loaded.name, loaded.generation, tuple(sorted(options.items())))
    return Work(key, partial(loaded.model.answer, **options), loaded.model.batch)


def _disturbed(model: Served, question: Question, how: Disturbance) -> Question:
    input = model.task.input
    if not isinstance(input, Corruptible):
        raise UsageError("this kind of input cannot be disturbed", fix="Leave the disturbance out")
    known = input.corruptions
    if how.name not in known:
        raise UsageError(f"no disturbance {how.name[:80]!r}", fix=did_you_mean(how.name, known))
    if not 1 <= how.severity <= WORST:
        raise UsageError(f"there is no severity {how.severity}", fix=f"Give 1 to {WORST}")
    worse = known[how.name](question.value, how.severity, stream("disturbance", how.seed))
    return Question(worse, worse)
