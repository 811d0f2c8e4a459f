"""What an environment shows, what can be done in it, and what was put around it.

Legend of shapes: C channels, H rows, W columns of a screen; D numbers of a vector or an action.
"""

from __future__ import annotations

from dataclasses import dataclass

FRAMES, VECTOR = "frames", "vector"
DISCRETE, CONTINUOUS = "discrete", "continuous"


@dataclass(frozen=True)
class Observation:
    """What is seen at a time.

    `kind` is "frames", of shape [C, H, W] and type uint8, or "vector", of shape [D] and type float32. A screen has
    numbers from `low` to `high`; those of a vector may be infinite. `stack` screens lie behind each other, the latest
    last, each of C / stack planes: 1 grey, 3 colours, else what the environment says.
    """

    kind: str
    shape: tuple[int, ...]
    low: float
    high: float
    stack: int = 1

    @property
    def dtype(self) -> str:
        """The type of its numbers."""
        return "uint8" if self.kind == FRAMES else "float32"

    @property
    def planes(self) -> int:
        """How many of the channels are one screen."""
        return self.shape[0] // self.stack


@dataclass(frozen=True)
class Actions:
    """What can be done: one of `n` actions ("discrete"), or `n` numbers within `low` and `high` ("continuous").

    `names` are what people call discrete actions, if anybody does, and `noop` is the one that does nothing.
    """

    kind: str
    n: int
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()
    names: tuple[str, ...] = ()
    noop: int | None = None

    @property
    def discrete(self) -> bool:
        """Whether one of several is chosen."""
        return self.kind == DISCRETE

    def text(self, action: int) -> str:
        """The name of a discrete action, else its number."""
        return self.names[action] if self.names else str(action)


@dataclass(frozen=True)
class Spec:
    """An environment by its `name`, with what was put around it in `wrappers`: sentences for people.

    `lives`: whether it tells how many are left. `skip`: how many frames of a second go by in a step, of
    `frames_per_second`.
    """

    name: str
    observation: Observation
    actions: Actions
    wrappers: tuple[str, ...] = ()
    lives: bool = False
    skip: int = 1
    frames_per_second: float = 30.0
