"""MinAtar's five games on grids of 10 × 10 (Young and Tian 2019, arXiv 1903.03176), by the package of that name.

It is GPL-3.0: imported where it is there, and no part of this package.
"""

from __future__ import annotations

import contextlib
import importlib
import logging
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sounding.environments.copies import Copies, Moved
from sounding.environments.grids import drawn
from sounding.environments.minatar_names import MINATAR_GAMES, MINATAR_IDS, USUAL
from sounding.environments.settings import Settings
from sounding.environments.spec import DISCRETE, FRAMES, Actions, Observation, Spec
from sounding.errors import UsageError, did_you_mean
from sounding.wording import percent

MOVES = ("NOOP", "LEFT", "UP", "RIGHT", "DOWN", "FIRE")
"""The actions in MinAtar's order."""
RATE = 15.0
"""Steps of a second that a person can follow."""


class MinAtarCopies(Copies):
    """N copies of a game. Version 0 of an id has all six actions, version 1, the usual one, the game's own."""

    def __init__(self, name: str, n: int, settings: Settings) -> None:
        """Raises UsageError for a game that MinAtar does not have, and where the package is missing."""
        name = f"{name}{USUAL}" if f"{name}{USUAL}" in MINATAR_IDS else name
        if name not in MINATAR_IDS:
            raise UsageError(f"no environment is called {name!r}", fix=did_you_mean(name, MINATAR_IDS))
        game, version = name.removeprefix("MinAtar/").rsplit("-", 1)
        kind = _game(MINATAR_GAMES[game])
        resolved = settings.resolved(frame_skip=1, sticky=0.1, noop_max=0, stack=1)
        if resolved.stack != 1 or resolved.frame_skip != 1:
            what = "MinAtar shows all that there is in one screen, and is played at each of its steps"
            raise UsageError(what, fix="Leave stack and frame_skip out")
        self._games = [kind(ramping=True) for _ in range(n)]
        self.sticky, self.noop_max = resolved.sticky, resolved.noop_max
        chosen = range(len(MOVES)) if version == "v0" else self._games[0].minimal_action_set()
        self._moves = np.array(list(chosen), np.int64)
        height, width, things = self._games[0].state_shape()
        names = tuple(MOVES[move] for move in self._moves)
        observation = Observation(FRAMES, (things, height, width), 0.0, 1.0)
        told = tuple(_wrappers(settings, self.sticky, self.noop_max, (height, width, things)))
        self.spec = Spec(name, observation, Actions(DISCRETE, len(names), names=names, noop=0), told, False, 1, RATE)

    def begin(self, which: NDArray[np.int64], seeds: NDArray[np.int64]) -> tuple[np.ndarray, NDArray[np.int64]]:
        """Begin an episode in the copies `which`."""
        for copy, seed in zip(which.tolist(), seeds.tolist(), strict=True):
            self._games[copy].random = np.random.RandomState(seed)
            self._games[copy].reset()
        return self._screens(which.tolist()), np.zeros(len(which), np.int64)

    def step(self, actions: np.ndarray, active: NDArray[np.bool_]) -> Moved:
        """Step the copies that are active."""
        n = len(self._games)
        rewards, over = np.zeros(n), np.zeros(n, np.bool_)
        for copy in np.flatnonzero(active).tolist():
            rewards[copy], over[copy] = self._games[copy].act(self._moves[actions[copy]])
        return Moved(self._screens(range(n)), rewards, over, np.zeros(n, np.bool_), np.zeros(n, np.int64))

    def render(self, copy: int) -> NDArray[np.uint8]:
        """The grid in colours, one for each kind of thing."""
        return drawn(self._screens([copy])[0])

    def _screens(self, copies: Iterable[int]) -> NDArray[np.uint8]:
        """What these copies show: [K, C, H, W]."""
        grids = np.stack([self._games[copy].state() for copy in copies])
        return np.ascontiguousarray(grids.transpose(0, 3, 1, 2)).view(np.uint8)


def _wrappers(settings: Settings, sticky: float, noop_max: int, shape: tuple[int, int, int]) -> Iterator[str]:
    if sticky:
        yield f"In {percent(sticky)} of the steps the action before is repeated (sticky actions)"
    if noop_max > 1:
        yield f"An episode begins with 0 to {noop_max - 1} steps without an action"
    yield f"Grids of {shape[1]} × {shape[0]}, on which {shape[2]} kinds of things are seen; it gets harder with time"
    if settings.time_limit:
        yield f"An episode is cut off after {settings.time_limit:,} steps"


def _game(name: str) -> Any:
    """The class of a game. Raises UsageError where the package is missing."""
    try:
        with _unheard():
            return importlib.import_module(f"minatar.environments.{name}").Env
    except ImportError:
        what = "MinAtar's games are those of the package minatar, which is missing"
        raise UsageError(what, fix="Install it: pip install minatar") from None


@contextlib.contextmanager
def _unheard() -> Iterator[None]:
    """Without what the package logs where seaborn is missing, of which nothing is needed here."""
    root = logging.getLogger()
    handlers, silent = root.handlers[:], root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(silent)
        root.handlers[:] = handlers
