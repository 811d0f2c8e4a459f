"""How an environment is played, and how it is made harder when a model is tried."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from sounding.errors import UsageError


@dataclass(frozen=True)
class Settings:
    """What is put around an environment. None leaves what is usual of its kind.

    frame_skip   frames for which an action is held (ALE: 4, others: 1)
    sticky       probability that the action before is repeated (ALE: what the id says, MinAtar: 0.1, others: 0);
                 ALE draws for each frame, as Machado et al. (2018, JAIR 61) do, others for each step
    noop_max     an episode begins with fewer than so many frames in which nothing is done (ALE: 30, others: 0)
    life_loss    whether a lost life is told apart
    time_limit   steps after which an episode is cut off, beside the environment's own limit
    size, grey   of a screen: pixels of a side, 0 for as it is; without colours. Small grids (MinAtar) stay as they are
    stack        screens that are seen at a time (screens of pixels: 4, others: 1)
    fire_reset   ALE: press Fire once at the beginning of an episode, where the game has it
    """

    frame_skip: int | None = None
    sticky: float | None = None
    noop_max: int | None = None
    life_loss: bool = True
    time_limit: int | None = None
    size: int = 84
    grey: bool = True
    stack: int | None = None
    fire_reset: bool = True

    def __post_init__(self) -> None:
        """Raises UsageError for numbers with which nothing can be played."""
        for name, least in {"frame_skip": 1, "noop_max": 0, "time_limit": 1, "size": 0, "stack": 1}.items():
            value = getattr(self, name)
            if value is not None and value < least:
                raise UsageError(f"{name}={value} is out of range", fix=f"Give {name} {least} or more")
        if self.sticky is not None and not 0 <= self.sticky < 1:
            raise UsageError(f"sticky={self.sticky:g} is no probability of repeating", fix="Give 0 to below 1")

    def resolved(self, *, frame_skip: int, sticky: float, noop_max: int, stack: int) -> Resolved:
        """The settings with what is usual in place of None."""
        return Resolved(
            frame_skip if self.frame_skip is None else self.frame_skip,
            sticky if self.sticky is None else self.sticky,
            noop_max if self.noop_max is None else self.noop_max,
            stack if self.stack is None else self.stack,
        )


@dataclass(frozen=True)
class Resolved:
    """The settings that had an answer of the environment's own."""

    frame_skip: int
    sticky: float
    noop_max: int
    stack: int


@dataclass(frozen=True)
class Disturbance:
    """What a model did not learn with. The defaults disturb nothing.

    sticky, noop_max   in place of the settings'
    noise              standard deviation of Gaussian noise on what is seen: of screens a share of their range, of
                       vectors in units of `scale` (1 where nothing is given)
    brightness         added to screens, a share of their range
    delay              steps by which all is seen late
    """

    sticky: float | None = None
    noop_max: int | None = None
    noise: float = 0.0
    brightness: float = 0.0
    delay: int = 0
    scale: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        """Raises UsageError for what is no disturbance."""
        if self.noise < 0 or self.delay < 0:
            raise UsageError("noise and delay cannot be negative", fix="Give 0 or more")

    def of(self, settings: Settings) -> Settings:
        """The settings with the part of the disturbance that is theirs."""
        given = {name: getattr(self, name) for name in ("sticky", "noop_max") if getattr(self, name) is not None}
        return replace(settings, **given)

    @property
    def of_sight(self) -> bool:
        """Whether it changes what is seen."""
        return bool(self.noise or self.brightness or self.delay)


def _noise(severity: int, scale: tuple[float, ...]) -> Disturbance:
    return Disturbance(noise=0.05 * 2 ** (severity - 1), scale=scale)


def _sticky(severity: int, scale: tuple[float, ...]) -> Disturbance:
    return Disturbance(sticky=0.15 * severity)


def _delay(severity: int, scale: tuple[float, ...]) -> Disturbance:
    return Disturbance(delay=severity)


DISTURBANCES: Mapping[str, Callable[[int, tuple[float, ...]], Disturbance]] = MappingProxyType(
    {"noise": _noise, "actions that stick": _sticky, "delay": _delay}
)
"""What makes an environment harder, by a severity from 1 to 5 and the deviations of what is sensed."""
