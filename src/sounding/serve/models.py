"""Runs and exported models by name: loaded when they are first asked for, given back where memory is short, read
anew where they changed.

A run that is damaged while it is served stays as it was in memory, and it is said so. Where only exported models are
served, torch is not imported.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sounding.errors import SoundingError, UsageError, did_you_mean
from sounding.exports import description, runtime
from sounding.exports.runtime import ExportedModel, ExportedTask, is_exported
from sounding.games.shipped import boards_of
from sounding.games.thinking import Limit, Thinker
from sounding.serve.engines import Engine, is_engine, place_of
from sounding.serve.refusals import Refusal, busy

if TYPE_CHECKING:
    from sounding.contract.task import Task
    from sounding.runs.model import Model

    Served = Model | ExportedModel | Engine
    Words = Task | ExportedTask

Stamp = tuple[tuple[int, int], ...]
"""Time and size of the files that a model is made of; (0, 0) for one that is missing."""
FILES = ("config.json", "best/config.json", "best/model.safetensors", "model.safetensors")
EXPORTED = (description.FILE, description.STATE)
"""Written after the network, each time."""


@dataclass(frozen=True)
class About:
    """What is known of a model ahead of loading it: its `application`, what that is for, and what else it can do.

    `ratings`: between which it can be asked to play like a player rated so. `boards`: networks of the package by the
    lines of their boards, where there are several.
    """

    application: str
    summary: str
    plays: bool = False
    acts: bool = False
    exported: bool = False
    ratings: tuple[int, int] | None = None
    engine: bool = False  # of the package, which can be played with alone
    boards: Mapping[int, Path] = field(default_factory=dict)


@dataclass(frozen=True)
class Loaded:
    """A model in memory: the `bytes` that it takes there, and which of the loadings of its run it is."""

    name: str
    model: Served
    bytes: int
    generation: int
    boards: Mapping[int, Path] = field(default_factory=dict)

    def thinker(self, lines: int | None = None) -> Thinker:
        """What plays with it, on a board of so many lines where there are several.

        It has thought once, so that compiled rules are there before a clock runs. Raises UsageError where it has learnt
        no game, and for a board that there is no network for.
        """
        if self.boards and lines is not None and lines not in self.boards:
            known = " and ".join(map(str, sorted(self.boards)))
            raise UsageError(f"{self.name} is played on {known} lines, not on {lines}", fix="Give one of these")
        place = None if lines is None else self.boards.get(lines)
        if place not in self._thinkers:
            self._thinkers[place] = _warmed(self.model if place is None else _model(place))
        return self._thinkers[place]

    @cached_property
    def _thinkers(self) -> dict[Path | None, Thinker]:
        return {}


@dataclass
class Shelved:
    """What is served. `warning` says what is wrong with its files, where the model in memory is an older one."""

    name: str
    place: Path
    task: Words
    about: About
    stamp: Stamp
    loaded: Loaded | None = None
    warning: str = ""
    used: int = 0
    looked: float = 0.0
    """When its files were last looked at."""
    generation: int = 0


@dataclass
class Shelf:
    """The runs in `places`, or games that the package plays by itself, kept in at most `memory` bytes of weights.

    The one in use is always kept. Raises RunError, when it is made, for a folder that is no run, or of another format.
    May be used from any thread.
    """

    places: Sequence[Path]
    memory: int
    say: Callable[[str], None] = lambda message: None
    every: float = 0.1
    """Seconds after which the files of a model in memory are looked at again: else each answer would pay for that."""
    evictions: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        if not self.places:
            raise UsageError("there is nothing to serve", fix="Name a run: sounding serve runs/classify/1")
        self._lock, self._uses = threading.RLock(), 0
        self._runs: Mapping[str, Shelved] = {
            name: Shelved(name, place, *_opened(place), _stamp(place)) for name, place in named(self.places).items()
        }

    @property
    def runs(self) -> list[Shelved]:
        """All of them, in the order in which they were named."""
        return list(self._runs.values())

    @property
    def bytes(self) -> int:
        """What the models in memory take."""
        return sum(run.loaded.bytes for run in self._runs.values() if run.loaded is not None)

    def find(self, name: str) -> Shelved:
        """The run of that name; without one, the only run. Raises Refusal where that is none."""
        if not name and len(self._runs) == 1:
            return next(iter(self._runs.values()))
        if name not in self._runs:
            what = f"no model is called {name[:80]!r}" if name else "the request names no model"
            raise Refusal(404, what, did_you_mean(name, self._runs))
        return self._runs[name]

    def ready(self, name: str) -> Loaded | None:
        """The model of a run that is in memory and whose files are as they were; None where `get` has to be asked.

        Never waits. Raises Refusal as `find` does.
        """
        run = self.find(name)
        if not self._lock.acquire(blocking=False):  # something is being loaded
            return None
        try:
            if run.loaded is None or self._has_changed(run):
                return None
            self._note_use(run)
            return run.loaded
        finally:
            self._lock.release()

    def get(self, name: str) -> Loaded:
        """The model of a run, loaded if it is not there or its files have changed. Raises Refusal where there is none.

        Takes as long as loading takes.
        """
        run = self.find(name)
        with self._lock:
            self._note_use(run)
            stamp = _stamp(run.place)
            if run.loaded is None or stamp != run.stamp:
                self._load(run, stamp)
            assert run.loaded is not None  # else it would have been refused
            return run.loaded

    def _has_changed(self, run: Shelved) -> bool:
        now = time.monotonic()
        if now - run.looked < self.every:
            return False
        run.looked = now
        return _stamp(run.place) != run.stamp

    def _note_use(self, run: Shelved) -> None:
        self._uses += 1
        run.used = self._uses

    def _load(self, run: Shelved, stamp: Stamp) -> None:
        """Load a run; where that fails, an older model of it is kept."""
        run.stamp = stamp
        try:
            model = _model(run.place)
        except (SoundingError, MemoryError) as error:
            what = f"{run.name} cannot be loaded ({error or 'there is not enough memory'})"
            if run.loaded is None:
                self.say(what)
                raise busy(what) from None
            run.warning = f"{what}; the one loaded before is kept"
            self.say(run.warning)
            return
        run.generation += 1
        run.task, run.warning = model.task, ""
        run.loaded = Loaded(run.name, model, _bytes(model), run.generation, run.about.boards)
        self.say(f"{run.name} is loaded")
        self._make_room(run)

    def _make_room(self, kept: Shelved) -> None:
        """Give back the models that were used longest ago, until the others fit."""
        for run in sorted(self._runs.values(), key=lambda run: run.used):
            if self.bytes <= self.memory:
                return
            if run is not kept and run.loaded is not None:
                run.loaded = None
                self.evictions += 1
                self.say(f"{run.name} is given back, for want of memory")


def named(places: Sequence[Path]) -> dict[str, Path]:
    """The runs by the last two parts of their paths, "classify/1", or by more of them where two would be alike.

    What was exported to its usual place is named by the run and the format: "classify/1/onnx"; what the package plays
    by the game.
    """
    own = {str(place): found for place in places if (found := place_of(place)) is not None}
    whole = list(dict.fromkeys(place.resolve() for place in places if str(place) not in own))
    parts = 2
    while len({_last(place, parts) for place in whole}) < len(whole):
        parts += 1
    return {**own, **{_last(place, parts): place for place in whole}}


def _last(place: Path, parts: int) -> str:
    if place.parent.name == description.PLACE and is_exported(place):
        return f"{_last(place.parent.parent, parts)}/{place.name}"
    return "/".join(place.parts[-parts:]).lstrip("/")


def _opened(place: Path) -> tuple[Words, About]:
    """What a run, or an exported model, has learnt, without its weights."""
    if is_exported(place):
        model = runtime.load(place)
        return model.task, About(model.description.task, model.description.summary, model.plays, exported=True)
    if is_engine(place):
        engine = Engine.of(place)
        return engine.task, About(engine.name, engine.summary, plays=True, engine=True)
    from sounding import catalog
    from sounding.contract.player import Player
    from sounding.runs.folder import Run
    from sounding.runs.policy import acts

    run = Run.open(place)
    kind = catalog.find(run.config["task"])
    plays = issubclass(kind, Player) and kind.thinker is not Player.thinker
    task = kind.restored(run.model_config())
    ratings = task.ratings if isinstance(task, Player) else None
    name = catalog.name_of(kind)
    boards = boards_of(name)
    several = boards if len(boards) > 1 and place in boards.values() else {}
    return task, About(name, catalog.summary(kind), plays, acts(task), ratings=ratings, boards=several)


def _model(place: Path) -> Served:
    """The model in memory, ready to answer."""
    if is_exported(place):
        model = runtime.load(place)
        _ = model.network  # opened here, where a damaged one is refused, and not at the first answer
        return model
    if is_engine(place):
        return Engine.of(place)
    from sounding import api

    return api.load(place)


def _warmed(model: Served) -> Thinker:
    found: Thinker = model.thinker if isinstance(model, Engine) else model.thinker()
    found.think(found.game, found.game.start(1), Limit(simulations=2))
    return found


def _stamp(place: Path) -> Stamp:
    found = []
    for name in EXPORTED if is_exported(place) else FILES:
        try:
            status = os.stat(os.path.join(place, name))  # asked at each request, at which a Path would be slow
            found.append((status.st_mtime_ns, status.st_size))
        except OSError:
            found.append((0, 0))
    return tuple(found)


def _bytes(model: Served) -> int:
    """Of the weights, and of the copy of them that answers faster."""
    if isinstance(model, ExportedModel):
        return 2 * model.network_bytes
    if isinstance(model, Engine):
        return 0  # its network is the package's, and small
    tensors: list[Any] = [*model.module.parameters(), *model.module.buffers()]
    return 2 * sum(tensor.numel() * tensor.element_size() for tensor in tensors)
