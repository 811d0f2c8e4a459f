"""Games of Atari's, stepped many at a time by ale-py's own C++ environment.

Bellemare et al. 2013 (JAIR 47), Machado et al. 2018 (JAIR 61). ale-py is GPL-2.0-only: it is imported where it is
there, and is no part of this package.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from ale_py.vector_env import AtariVectorEnv
from numpy.typing import NDArray

from sounding.environments.copies import Copies, Moved
from sounding.environments.registry import AtariGame
from sounding.environments.settings import Resolved, Settings
from sounding.environments.spec import DISCRETE, FRAMES, Actions, Observation, Spec
from sounding.errors import UsageError
from sounding.wording import percent

SCREEN = (210, 160)
"""Rows and columns of the screen of an Atari 2600."""
LONGEST = 108_000
"""Frames of an episode: half an hour (Machado et al. 2018)."""
SECOND = 60
"""Frames of a second."""


class AtariCopies(Copies):
    """N copies of a game. Repeated actions and beginnings without any are the emulator's own.

    An episode that is begun with a seed loads the game anew, so that nothing is left of the one before.
    """

    def __init__(self, name: str, game: AtariGame, n: int, settings: Settings, threads: int, rendering: bool) -> None:
        self._name, self._n = name, n
        resolved = settings.resolved(frame_skip=4, sticky=game.sticky, noop_max=30, stack=4)
        size = (settings.size, settings.size) if settings.size else SCREEN

        def made(grey: bool, stack: int, size: tuple[int, int]) -> AtariVectorEnv:
            return AtariVectorEnv(
                game.rom,
                n,
                num_threads=threads,
                max_num_frames_per_episode=game.frames or LONGEST,
                repeat_action_probability=resolved.sticky,
                full_action_space=game.full_actions,
                img_height=size[0],
                img_width=size[1],
                grayscale=grey,
                stack_num=stack,
                frameskip=resolved.frame_skip,
                noop_max=resolved.noop_max,
                reward_clipping=False,
                use_fire_reset=settings.fire_reset,
            )

        self._played = made(settings.grey, resolved.stack, size)
        # For a person the same episodes are played once more, as large as they are and in colours.
        self._watched = made(False, 1, SCREEN) if rendering else None
        self._screens = np.zeros((n, *SCREEN, 3), np.uint8)
        lives = self._begin_all()
        names = tuple(action.name for action in self._played.ale.get_action_set())
        planes = resolved.stack * (1 if settings.grey else 3)
        observation = Observation(FRAMES, (planes, *size), 0.0, 255.0, resolved.stack)
        actions = Actions(DISCRETE, len(names), names=names, noop=names.index("NOOP"))
        told = tuple(_wrappers(settings, resolved, size, game.frames or LONGEST, "FIRE" in names, lives))
        self.spec = Spec(name, observation, actions, told, lives, resolved.frame_skip, SECOND)

    def begin(self, which: NDArray[np.int64], seeds: NDArray[np.int64]) -> tuple[np.ndarray, NDArray[np.int64]]:
        """Begin an episode in the copies `which`; the others are left alone."""
        begun = np.zeros(self._n, np.bool_)
        begun[which] = True
        observations, info = self._played.reset(seed=seeds, options={"reset_mask": begun})
        if self._watched is not None:
            self._screens = self._watched.reset(seed=seeds, options={"reset_mask": begun})[0][:, 0]
        return self._channels(observations)[which], info["lives"][which].astype(np.int64)

    def step(self, actions: np.ndarray, active: NDArray[np.bool_]) -> Moved:
        """Step all copies: those that are not active are begun anew ahead of their next step."""
        observations, rewards, terminated, truncated, info = self._played.step(actions)
        if self._watched is not None:
            self._screens = self._watched.step(actions)[0][:, 0]
        lives = info["lives"].astype(np.int64)
        return Moved(self._channels(observations), rewards.astype(np.float64), terminated, truncated, lives)

    def render(self, copy: int) -> NDArray[np.uint8]:
        """The screen, the brighter of the last two frames."""
        if self._watched is None:
            raise UsageError(f"{self._name} was made without being watched", fix="Make it with rendering=True")
        return self._screens[copy]

    def close(self) -> None:
        """Stop the emulators."""
        self._played.close()
        if self._watched is not None:
            self._watched.close()

    def _begin_all(self) -> bool:
        """Begin all copies, which has to come ahead of beginning some; whether the game tells its lives."""
        seeds = np.zeros(self._n, np.int64)
        if self._watched is not None:
            self._watched.reset(seed=seeds)
        return bool(self._played.reset(seed=seeds)[1]["lives"].any())

    @staticmethod
    def _channels(observations: np.ndarray) -> np.ndarray:
        """[N, S, H, W] or [N, S, H, W, 3] as [N, C, H, W]."""
        if observations.ndim == 4:
            return observations
        planes_first = np.moveaxis(observations, -1, 2)
        return np.ascontiguousarray(planes_first.reshape(len(planes_first), -1, *planes_first.shape[3:]))


def _wrappers(
    settings: Settings, resolved: Resolved, size: tuple[int, int], frames: int, fire: bool, lives: bool
) -> Iterator[str]:
    """What was put around the game, in sentences."""
    skip, sticky, longest = resolved.frame_skip, resolved.sticky, resolved.noop_max - 1
    if skip > 1:
        yield f"Each action is held for {skip} frames, and of the last two the brighter of each pixel is seen"
    if sticky:
        yield f"In {percent(sticky)} of the frames the action before is repeated (sticky actions, Machado et al. 2018)"
    if longest > 0:
        yield f"An episode begins with 0 to {longest} frames without an action"
    if settings.fire_reset and fire:
        yield "Fire is pressed once at the beginning of an episode"
    colours = "in grey" if settings.grey else "in colours"
    yield f"Screens of {size[1]} × {size[0]} {colours}, the last {resolved.stack} at a time"
    yield f"An episode is cut off after {frames:,} frames"
    if settings.time_limit:
        yield f"An episode is cut off after {settings.time_limit:,} steps"
    if lives and settings.life_loss:
        yield "A lost life is told to what learns, and the game goes on"
