"""What an agent is told of an environment in numbers: places, speeds, angles.

A value is an array [D] of float32. A segment is one of the numbers.

Legend of shapes: B batch, D numbers, P segments (P = D), M masks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sounding.contract.inputs import Attributable, Continuous, Corruptible, Corruption, Portable, Threat
from sounding.drawing.rendering import Marks, Rendering
from sounding.errors import DataError, UsageError, did_you_mean
from sounding.modalities.vectors.drawing import bars
from sounding.wording import counted

if TYPE_CHECKING:
    from torch import Tensor

SAMPLE = 10_000
"""Vectors that `fit` looks at, at most."""


class Vector(Attributable, Corruptible, Continuous, Portable):
    """`dimension` numbers, called by `names` where somebody calls them so. They are encoded as they are.

    After `fit`: `mean` and `std` of each number.
    """

    columns = ("observation", "numbers")
    noun = "observation"
    asked = "NUMBERS"
    baselines = ("mean", "zero")
    value_range = (-np.inf, np.inf)
    threats = (
        Threat("L∞ 1 % of the input", "linf", 0.01, relative=True),
        Threat("L∞ 5 % of the input", "linf", 0.05, relative=True),
    )

    def __init__(self, dimension: int, names: Sequence[str] = ()) -> None:
        if names and len(names) != dimension:
            raise ValueError(f"{len(names)} names for {dimension} numbers")
        self.dimension, self.names = dimension, tuple(names)
        self.mean: list[float] = []
        self.std: list[float] = []

    @property
    def arguments(self) -> Mapping[str, Any]:
        """How many numbers, and what they are called."""
        return {"dimension": self.dimension, "names": self.names}

    # ---- reading

    def accepts(self, cell: Any) -> bool:
        """Numbers, as a list, an array, or a string of them."""
        return isinstance(cell, np.ndarray | list | tuple | str)

    def read(self, cell: Any, root: Path = Path()) -> NDArray[np.float32]:
        """The numbers of an array, a list, or "0.1, -2, 3". Raises DataError for more or fewer, and for NaN."""
        fix = f"Give {counted(self.dimension, 'number')}, such as 0.1, -2"
        words = cell.replace(",", " ").split() if isinstance(cell, str) else cell
        try:
            value = np.asarray(words, np.float32)
        except (TypeError, ValueError):
            raise DataError(f"{str(cell)[:40]!r} are no numbers", fix=fix) from None
        if value.shape != (self.dimension,):
            raise DataError(f"{counted(value.size, 'number', 'are')} given", fix=fix)
        if not np.isfinite(value).all():
            raise DataError("a number is not finite", fix=fix)
        return value

    # ---- state

    def fit(self, values: Iterable[NDArray[Any]]) -> None:
        """Learn mean and standard deviation of each number. Raises DataError where there is nothing."""
        sample = list(islice(values, SAMPLE))
        if not sample:
            raise DataError("there are no numbers to learn from", fix="Play at least one step")
        stacked = np.stack(sample).astype(np.float64)
        self.mean, self.std = stacked.mean(axis=0).tolist(), stacked.std(axis=0).tolist()

    def state(self) -> dict[str, Any]:
        """Means and standard deviations."""
        return {"mean": self.mean, "std": self.std}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take them back."""
        self.mean, self.std = ([float(number) for number in state[key]] for key in ("mean", "std"))

    # ---- tensors

    def encode(self, values: Sequence[NDArray[Any]]) -> Tensor:
        """[B, D] of float32."""
        import torch

        return torch.from_numpy(self.arrays(values)[0])

    def arrays(self, values: Sequence[NDArray[Any]]) -> tuple[NDArray[np.float32]]:
        """The same without torch."""
        return (np.asarray(values, np.float32),)

    @property
    def axes(self) -> Mapping[str, tuple[str | int, ...]]:
        """Batch, numbers."""
        return {"numbers": ("batch", self.dimension)}

    @property
    def steps(self) -> Sequence[str]:
        """Nothing but the type."""
        named = f": {', '.join(self.names)}" if self.names else ""
        return (f"the {self.dimension} numbers that the environment tells, float32, as they are{named}",)

    def decode(self, x: Tensor) -> list[NDArray[Any]]:
        """The rows of `x` [B, D]."""
        return list(x.detach().cpu().float().numpy())

    # ---- explaining

    def segments(self, value: NDArray[Any]) -> int:
        """P = D."""
        return self.dimension

    def segment_name(self, value: NDArray[Any], part: int) -> str:
        """The name of a number, else which it is, counted from 1."""
        return self.names[part] if self.names else f"number {part + 1}"

    def mask(self, value: NDArray[Any], mask: NDArray[Any], baseline: str) -> NDArray[Any]:
        """The vector with only the numbers where `mask` [P] is true; others are 0, or the mean of the training."""
        if baseline not in self.baselines:
            raise UsageError(f"vectors have no baseline {baseline!r}", fix=did_you_mean(baseline, self.baselines))
        instead = self._mean if baseline == "mean" else np.zeros(self.dimension, np.float32)
        return np.where(np.asarray(mask, bool), value, instead)

    def aggregate(self, saliency: Tensor, value: NDArray[Any]) -> NDArray[Any]:
        """The saliency of each number: [P]."""
        return saliency.detach().cpu().double().numpy()

    @property
    def _mean(self) -> NDArray[np.float32]:
        return np.array(self.mean or [0.0] * self.dimension, np.float32)

    @property
    def _std(self) -> NDArray[np.float32]:
        return np.array(self.std or [1.0] * self.dimension, np.float32)

    # ---- disturbing

    @property
    def corruptions(self) -> Mapping[str, Corruption]:
        """Noise, sensors that are off by a constant, that fail, and that tell coarse steps; in standard deviations."""
        return {"noise": self._noise, "offset": self._offset, "lost": self._lost, "coarse": self._coarse}

    def _noise(self, value: NDArray[Any], severity: int, rng: np.random.Generator) -> NDArray[Any]:
        return value + (0.05 * severity * self._std * rng.normal(size=self.dimension)).astype(np.float32)

    def _offset(self, value: NDArray[Any], severity: int, rng: np.random.Generator) -> NDArray[Any]:
        return value + (0.1 * severity * self._std * rng.choice([-1, 1], self.dimension)).astype(np.float32)

    def _lost(self, value: NDArray[Any], severity: int, rng: np.random.Generator) -> NDArray[Any]:
        return np.where(rng.random(self.dimension) < 0.05 * severity, self._mean, value)

    def _coarse(self, value: NDArray[Any], severity: int, rng: np.random.Generator) -> NDArray[Any]:
        step = np.maximum(0.1 * severity * self._std, 1e-9)
        return (np.rint(value / step) * step).astype(np.float32)

    # ---- showing

    def describe(self, value: NDArray[Any]) -> str:
        """The first numbers."""
        shown = ", ".join(f"{number:.3g}" for number in value[:6])
        return f"{shown}, …" if len(value) > 6 else shown

    def to_json(self, value: Any) -> Any:
        """The numbers."""
        return np.asarray(value).tolist()

    def render(
        self, value: NDArray[Any], weights: NDArray[Any] | None = None, answer: Marks | None = None
    ) -> Rendering:
        """A bar for each number, in standard deviations from its mean, in the colour of its weight."""
        names = [self.segment_name(value, part) for part in range(self.dimension)]
        return bars(names, value, (value - self._mean) / np.maximum(self._std, 1e-9), weights)
