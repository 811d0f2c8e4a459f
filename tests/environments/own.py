"""Environments of a user's own, registered where they are needed, good and bad."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces


class Walk(gymnasium.Env[Any, Any]):
    """A walk on the line with steps of chance, which ends at ±5. What is bad about it is told by `bad`."""

    metadata = {"render_modes": ["rgb_array"], "render_fps": 10}  # noqa: RUF012

    def __init__(self, bad: str = "", render_mode: str | None = None) -> None:
        self.render_mode = render_mode
        self.bad = bad
        self.observation_space = spaces.Box(-10, 10, (2,), np.float64)
        self.action_space = spaces.Discrete(3, start=-1)
        self.t = 0

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        super().reset(seed=seed)
        self.t = 0
        self.x = self.np_random.normal()
        return self._seen(), {"lives": 3}

    def step(self, action: int) -> Any:
        assert action in (-1, 0, 1)
        self.t += 1
        self.x += action + self.np_random.normal() / 4
        if self.bad == "chance":
            self.x += np.random.default_rng().normal()
        if self.bad == "raises" and self.t == 5:
            raise ZeroDivisionError("a wall of no width")
        reward = {"nan reward": float("nan"), "1e9": 1e9}.get(self.bad, self.x) if self.t == 5 else self.x
        return self._seen(), reward, abs(self.x) > 5, False, {"lives": 3 - self.t // 4}

    def render(self) -> Any:
        picture = np.zeros((8, 21, 3), np.uint8)
        picture[:, int(np.clip(round(self.x), -10, 10)) + 10] = 255
        return picture

    def _seen(self) -> Any:
        if self.bad == "nan" and self.t == 5:
            return np.array([np.nan, 0.0])
        return np.array([self.x, self.t / 10]) if self.bad != "shape" or self.t < 5 else np.zeros(3)


class Screen(gymnasium.Env[Any, Any]):
    """A dot that is moved over a colour screen by two numbers."""

    def __init__(self) -> None:
        self.observation_space = spaces.Box(0, 255, (40, 60, 3), np.uint8)
        self.action_space = spaces.Box(np.array([-1.0, -2.0]), np.array([1.0, 2.0]), dtype=np.float32)

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        super().reset(seed=seed)
        self.place = self.np_random.uniform(10, 30, 2)
        return self._seen(), {}

    def step(self, action: Any) -> Any:
        assert self.action_space.contains(action)
        self.place = np.clip(self.place + action, 0, [39, 59])
        return self._seen(), float(self.place[0]), False, False, {}

    def _seen(self) -> Any:
        screen = np.zeros((40, 60, 3), np.uint8)
        screen[tuple(self.place.astype(int))] = (200, 100, 50)
        return screen


class Spaces(gymnasium.Env[Any, Any]):
    """Spaces that nothing can be learnt from."""

    def __init__(self, observation: Any = None, action: Any = None) -> None:
        self.observation_space = observation or spaces.Box(-1, 1, (2,))
        self.action_space = action or spaces.Discrete(2)

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        return self.observation_space.sample(), {}


gymnasium.register("own/Walk-v0", entry_point=Walk, max_episode_steps=50)
gymnasium.register("own/Screen-v0", entry_point=Screen, max_episode_steps=20)
gymnasium.register("own/Spaces-v0", entry_point=Spaces)
for bad in ("raises", "nan", "nan reward", "1e9", "chance", "shape"):
    gymnasium.register(f"own/{bad.replace(' ', '')}-v0", entry_point=Walk, kwargs={"bad": bad})
