"""What an agent sees of an environment: the latest screens, or grids of things, behind each other.

A value is an array [C, H, W], as the environment's `Observation` says: uint8, or float32 in the same range where it was
disturbed. The latest screen is in the last channels.

Legend of shapes: B batch, C channels, H rows, W columns, P segments, M masks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sounding.contract.inputs import (
    Attributable,
    Continuous,
    Corruptible,
    Corruption,
    Portable,
    StronglyAugmented,
    Threat,
)
from sounding.drawing.rendering import Marks, Rendering
from sounding.environments.grids import drawn
from sounding.environments.spec import Observation
from sounding.errors import DataError, UsageError, did_you_mean
from sounding.modalities.frames.corruptions import of_grids, of_screens
from sounding.modalities.pictures import drawing
from sounding.modalities.pictures.filters import gaussian

if TYPE_CHECKING:
    import torch
    from torch import Tensor

SAMPLE = 2000
"""Screens that `fit` looks at, at most."""
FINE, COARSE = 7, 5
"""Patches in each direction: of a screen, and of a grid of few cells."""
SMALL = 16
"""Cells of a side below which it is a grid of few."""
SHIFT = 4
"""Pixels by which a screen is moved at most, where it is varied (Kostrikov et al. 2020, arXiv 2004.13649)."""


class Frames(Attributable, Corruptible, Continuous, StronglyAugmented, Portable):
    """Screens of one `observation`. A segment is a patch of all that are seen at a time.

    After `fit`: `mean` of each channel, in shares of the range.
    """

    columns = ("observation", "screen", "frames")
    noun = "screen"
    baselines = ("mean", "blur")
    value_range = (0.0, 1.0)

    def __init__(self, observation: Observation) -> None:
        self.observation = observation
        self.mean: list[float] = []

    @property
    def arguments(self) -> Mapping[str, Any]:
        """What is seen."""
        return {"observation": self.observation}

    @property
    def threats(self) -> tuple[Threat, ...]:
        """Small balls on screens; larger ones on grids, on which a thing is there or is not."""
        if self._is_grid:
            return Threat("L∞ 0.1", "linf", 0.1), Threat("L∞ 0.3", "linf", 0.3)
        return Threat("L∞ 1/255", "linf", 1 / 255), Threat("L∞ 4/255", "linf", 4 / 255)

    @property
    def _is_grid(self) -> bool:
        return self.observation.high == 1.0

    # ---- reading

    @property
    def written(self) -> bool:
        """Nobody types a screen."""
        return False

    def accepts(self, cell: Any) -> bool:
        """An array, or the name of a file of one."""
        return isinstance(cell, np.ndarray) or (isinstance(cell, str | Path) and str(cell).endswith(".npy"))

    def read(self, cell: Any, root: Path = Path()) -> NDArray[Any]:
        """The array of an array, or of a file .npy. Raises DataError for one of another shape or range."""
        if isinstance(cell, str | Path):
            try:
                cell = np.load(root / cell, allow_pickle=False)
            except (OSError, ValueError) as error:
                raise DataError(f"no array can be read: {error}", fix="Give a file that numpy.save wrote") from None
        shape = self.observation.shape
        if not isinstance(cell, np.ndarray) or cell.shape != shape:
            found = f"an array of shape {cell.shape}" if isinstance(cell, np.ndarray) else type(cell).__name__
            raise DataError(f"{found} is no screen of this environment", fix=f"Give an array of shape {shape}")
        if not (np.isfinite(cell).all() and cell.min() >= self.observation.low and cell.max() <= self.observation.high):
            fix = f"Give numbers from {self.observation.low:g} to {self.observation.high:g}"
            raise DataError("the numbers of this screen are out of range", fix=fix)
        return cell if cell.dtype == np.uint8 else cell.astype(np.float32)

    # ---- state

    def fit(self, values: Iterable[NDArray[Any]]) -> None:
        """Learn the mean of each channel from the first `SAMPLE` screens. Raises DataError where there is none."""
        means = [self._unit(value).mean(axis=(1, 2)) for value in islice(values, SAMPLE)]
        if not means:
            raise DataError("there is no screen to learn from", fix="Play at least one step")
        self.mean = np.mean(means, axis=0).tolist()

    def state(self) -> dict[str, Any]:
        """The means."""
        return {"mean": self.mean}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take them back."""
        self.mean = [float(mean) for mean in state["mean"]]

    # ---- tensors

    def encode(self, values: Sequence[NDArray[Any]]) -> Tensor:
        """The screens in [0, 1]: [B, C, H, W] of float32, channels last: bytes are laid out in half the time."""
        import torch

        stacked = torch.from_numpy(values if isinstance(values, np.ndarray) else np.stack(values))
        stacked = stacked.contiguous(memory_format=torch.channels_last)
        low, high = self.observation.low, self.observation.high
        return stacked / high if low == 0 else (stacked.float() - low) / (high - low)

    def arrays(self, values: Sequence[NDArray[Any]]) -> tuple[NDArray[np.float32]]:
        """The same without torch."""
        return (self._unit(values if isinstance(values, np.ndarray) else np.stack(values)),)

    @property
    def axes(self) -> Mapping[str, tuple[str | int, ...]]:
        """Batch, channels, rows, columns."""
        return {"screens": ("batch", *self.observation.shape)}

    @property
    def steps(self) -> Sequence[str]:
        """From what the environment shows to the tensor."""
        seen = self.observation
        several = f", {seen.stack} behind each other, the latest last" if seen.stack > 1 else ""
        return (
            f"screens as the environment shows them, channels first{several}",
            f"float32 in 0..1: {seen.low:g} is 0 and {seen.high:g} is 1",
        )

    def decode(self, x: Tensor) -> list[NDArray[Any]]:
        """Values of float32, which encode to `x` [B, C, H, W] again."""
        low, high = self.observation.low, self.observation.high
        return list((x.detach().cpu().float() * (high - low) + low).numpy())

    def strong_augmentation(self, x: Tensor, rng: torch.Generator, strength: float = 1.0) -> Tensor:
        """Screens [B, C, H, W] moved by up to `SHIFT` pixels, each by its own, and a little brighter or darker."""
        import torch

        from sounding.modalities.frames.shifting import shifted

        moved = shifted(x, rng, 0 if self._is_grid else round(SHIFT * strength))
        factor = torch.randn(len(x), 1, 1, 1, generator=rng).clamp(-2, 2) * 0.05 * strength + 1
        return (moved * factor.to(x)).clamp(0, 1)

    # ---- explaining

    def segments(self, value: NDArray[Any]) -> int:
        """P: the patches of a grid, 7 × 7 over a screen, 5 × 5 over a grid of few cells."""
        return self._patches**2

    def segment_name(self, value: NDArray[Any], part: int) -> str:
        """The row of patches from the top and the column from the left, counted from 1."""
        return drawing.cell_name(*divmod(part, self._patches))

    def mask(self, value: NDArray[Any], mask: NDArray[Any], baseline: str) -> NDArray[Any]:
        """The screens with only the patches where `mask` [P] is true."""
        return self.mask_many(value, np.asarray(mask)[None], baseline)[0]

    def mask_many(self, value: NDArray[Any], masks: NDArray[Any], baseline: str) -> list[NDArray[Any]]:
        """The screens kept by each row of `masks` [M, P].

        "mean" shows the mean of the training screens (of this one, before `fit`) in place of what is taken away; "blur"
        shows it through a Gaussian blur of an eighth of the side.
        """
        inside = np.asarray(masks, bool)[:, self._cells][:, None]
        return list(np.where(inside, value, self._baseline(value, baseline)))

    def aggregate(self, saliency: Tensor, value: NDArray[Any]) -> NDArray[Any]:
        """The sum of `saliency` [C, H, W] over each patch: [P]."""
        total = saliency.detach().cpu().double().sum(0).numpy()
        return np.bincount(self._cells.ravel(), weights=total.ravel(), minlength=self._patches**2)

    def _baseline(self, value: NDArray[Any], baseline: str) -> NDArray[Any]:
        unit = self._unit(value)
        if baseline == "mean":
            means = np.array(self.mean) if self.mean else unit.mean(axis=(1, 2))
            return self._like(np.broadcast_to(means[:, None, None], unit.shape), value)
        if baseline == "blur":
            blurred = gaussian(np.moveaxis(unit, 0, -1), min(value.shape[1:]) / 8)
            return self._like(np.moveaxis(blurred, -1, 0), value)
        raise UsageError(f"screens have no baseline {baseline!r}", fix=did_you_mean(baseline, self.baselines))

    @cached_property
    def _patches(self) -> int:
        short = min(self.observation.shape[1:])
        return FINE if short >= SMALL else min(COARSE, short)

    @cached_property
    def _cells(self) -> NDArray[np.int64]:
        """[H, W]: the patch that each pixel belongs to."""
        height, width = self.observation.shape[1:]
        rows, columns = np.arange(height) * self._patches // height, np.arange(width) * self._patches // width
        return rows[:, None] * self._patches + columns

    def _unit(self, value: NDArray[Any]) -> NDArray[np.float32]:
        low, high = self.observation.low, self.observation.high
        return (value.astype(np.float32) - np.float32(low)) / np.float32(high - low)

    def _like(self, unit: NDArray[Any], value: NDArray[Any]) -> NDArray[Any]:
        """A screen in [0, 1] in the range of `value`, and of its type; a grid can hold a part of a thing then."""
        low, high = self.observation.low, self.observation.high
        ranged = unit.clip(0, 1) * (high - low) + low
        whole = value.dtype == np.uint8 and not self._is_grid
        return np.rint(ranged).astype(np.uint8) if whole else ranged.astype(np.float32)

    # ---- disturbing

    @property
    def corruptions(self) -> Mapping[str, Corruption]:
        """Noise, brightness, lost screens and dead pixels; of grids things that are not seen, or seen for nothing."""
        return of_grids() if self._is_grid else of_screens(self.observation)

    # ---- showing

    def describe(self, value: NDArray[Any]) -> str:
        """Size and number in words."""
        _, height, width = self.observation.shape
        if self._is_grid:
            return f"grid of {width} × {height}"
        several = f", the last {self.observation.stack} of them" if self.observation.stack > 1 else ""
        return f"screen of {width} × {height} pixels{several}"

    def to_json(self, value: Any) -> Any:
        """The shape, never the pixels."""
        return {"shape": list(value.shape)} if isinstance(value, np.ndarray) else str(value)

    def picture(self, value: NDArray[Any]) -> NDArray[np.uint8]:
        """The latest screen as people see it: [h, w, 1 or 3]."""
        latest = value[-self.observation.planes :]
        if self._is_grid:
            return drawn((latest >= 0.5).astype(np.uint8))
        planes = latest if len(latest) in (1, 3) else latest.mean(axis=0, keepdims=True)
        return np.rint(255 * np.moveaxis(self._unit(planes), 0, -1)).astype(np.uint8)

    def render(
        self, value: NDArray[Any], weights: NDArray[Any] | None = None, answer: Marks | None = None
    ) -> Rendering:
        """The latest screen; over it the weight [P] of each patch, red for and blue against."""
        grid = None if weights is None else np.reshape(weights, (self._patches, self._patches))
        return drawing.rendered(self.picture(value), self.describe(value), grid, answer)
