"""Copies of any environment of gymnasium's, the user's own included, stepped one after the other."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

from sounding.environments import spaces
from sounding.environments.copies import Copies, CopyFailedError, Moved
from sounding.environments.registry import registered
from sounding.environments.screens import Stacks
from sounding.environments.settings import Settings
from sounding.environments.spec import FRAMES, Spec
from sounding.errors import UsageError
from sounding.wording import capital, percent


class GymnasiumCopies(Copies):
    """N environments as `gymnasium.make` gives them."""

    def __init__(self, name: str, n: int, settings: Settings, rendering: bool) -> None:
        """Raises UsageError for an environment that cannot be made or learnt from."""
        self._environments = [_made(name, rendering) for _ in range(n)]
        first = self._environments[0]
        pixels = spaces.is_screen(first.observation_space) and first.observation_space.dtype == np.uint8
        resolved = settings.resolved(frame_skip=1, sticky=0.0, noop_max=0, stack=4 if pixels else 1)
        if resolved.noop_max:
            what = f"{name} does not say which of its actions does nothing, so that no episode can begin with it"
            raise UsageError(what, fix="Leave noop_max out")
        self._skip, self.sticky = resolved.frame_skip, resolved.sticky
        stack = resolved.stack if spaces.is_screen(first.observation_space) else 1
        self._seen = spaces.seen(name, first.observation_space, settings, stack)
        self._space = first.action_space
        self._lives = np.zeros(n, np.int64)
        observation = self._seen.observation
        screen = (observation.planes, *observation.shape[1:])  # of one, without those behind it
        self._stacks = Stacks(n, stack, screen) if observation.kind == FRAMES else None
        self._empty = np.zeros((n, *(screen if self._stacks else observation.shape)), observation.dtype)
        rate = float(first.metadata.get("render_fps") or 30.0)
        actions = spaces.actions(name, first.action_space)
        self.spec = Spec(name, observation, actions, self._wrappers(name, settings, stack), False, self._skip, rate)

    def begin(self, which: NDArray[np.int64], seeds: NDArray[np.int64]) -> tuple[np.ndarray, NDArray[np.int64]]:
        """Begin an episode in the copies `which`."""
        found = []
        for copy, seed in zip(which.tolist(), seeds.tolist(), strict=True):
            try:
                value, info = self._environments[copy].reset(seed=seed)
                found.append(self._seen.read(value))
            except Exception as error:
                raise CopyFailedError(copy, f"raised {type(error).__name__}: {error}") from error
            self._lives[copy] = _lives(info)
        observations = np.stack(found)
        if self._stacks:
            observations = self._stacks.begin(which, observations)
        return observations, self._lives[which]

    def step(self, actions: np.ndarray, active: NDArray[np.bool_]) -> Moved:
        """Step the copies that are active, each for as many frames as an action is held."""
        n = len(self._environments)
        observations = self._empty.copy()
        rewards = np.zeros(n)
        terminated, truncated = np.zeros(n, np.bool_), np.zeros(n, np.bool_)
        for copy in np.flatnonzero(active).tolist():
            try:
                action = spaces.given(self._space, actions[copy])
                for _ in range(self._skip):
                    value, reward, over, cut, info = self._environments[copy].step(action)
                    rewards[copy] += float(reward)
                    if over or cut:
                        break
                observations[copy] = self._seen.read(value)
            except Exception as error:
                raise CopyFailedError(copy, f"raised {type(error).__name__}: {error}") from error
            terminated[copy], truncated[copy] = over, cut
            self._lives[copy] = _lives(info)
        if self._stacks:
            observations = self._stacks.add(active, observations)
        return Moved(observations, rewards, terminated, truncated & ~terminated, self._lives.copy())

    def render(self, copy: int) -> NDArray[np.uint8]:
        """What the environment draws."""
        environment = self._environments[copy]
        if environment.render_mode != "rgb_array":
            raise UsageError(f"{environment.spec.id} draws no pictures", fix="Give it the render mode rgb_array")
        try:
            drawn = environment.render()
        except Exception as error:
            what = f"{environment.spec.id} cannot be drawn: {error}"
            raise UsageError(what, fix="Mend that, or do without") from error
        if not isinstance(drawn, np.ndarray) or drawn.ndim != 3 or drawn.shape[2] != 3:
            raise UsageError(f"{environment.spec.id} draws no picture in red, green and blue", fix="Do without")
        return drawn.astype(np.uint8)

    def close(self) -> None:
        """Close all."""
        for environment in self._environments:
            environment.close()

    def _wrappers(self, name: str, settings: Settings, stack: int) -> tuple[str, ...]:
        told = []
        if self._skip > 1:
            told.append(f"each action is held for {self._skip} frames")
        if self.sticky:
            told.append(f"the action before is repeated in place of a new one in {percent(self.sticky)} of the steps")
        if self._seen.observation.kind == FRAMES:
            _, height, width = self._seen.observation.shape
            planes = {1: "in grey", 3: "in colours"}.get(self._seen.observation.planes, "")
            several = f", the last {stack} at a time" if stack > 1 else ""
            told.append(f"screens of {width} × {height} {planes}".rstrip() + several)
        limit = registered(name).max_episode_steps
        if limit:
            told.append(f"an episode is cut off after {limit:,} frames")
        if settings.time_limit:
            told.append(f"an episode is cut off after {settings.time_limit:,} steps")
        return tuple(capital(words) for words in told)


def _made(name: str, rendering: bool) -> Any:
    """One environment. Raises UsageError where it cannot be made."""
    record = registered(name)
    try:
        wanted: dict[str, Any] = {"render_mode": "rgb_array"} if rendering and _draws(record) else {}
        return gymnasium.make(record.id, disable_env_checker=True, **wanted)
    except gymnasium.error.DependencyNotInstalled as error:
        raise UsageError(f"{name} needs a package that is missing", fix=str(error)) from error
    except Exception as error:
        what = f"{name} cannot be made: {type(error).__name__}: {error}"
        raise UsageError(what, fix="Mend the environment") from error


def _draws(record: Any) -> bool:
    """Whether an environment has pictures of itself."""
    kind = record.entry_point
    if isinstance(kind, str):
        kind = gymnasium.envs.registration.load_env_creator(kind)
    return "rgb_array" in getattr(kind, "metadata", {}).get("render_modes", ())


def _lives(info: Any) -> int:
    """How many lives are left, where an environment says so."""
    told = info.get("lives") if isinstance(info, dict) else None
    return int(told) if isinstance(told, int | np.integer) else 0
