"""Pictures: what a camera, a scanner or a microscope saw.

A value is an array [H, W, C] with C 1 (grey) or 3 (colour), uint8 or float32 in [0, 1]. Before `fit` it has the
picture's own size, and 16 bits are uint16, so that `fit` can look at sizes and levels; afterwards it has the working
size and channels, and 16 bits are float32. Files are opened in `image_files.py`, disturbed in `corruptions.py`,
augmented in `augmentation.py`, varied in `strong_augmentation.py`.

Legend of shapes: B batch, C channels, H height, W width, P segments, M masks.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import PIL.Image

from sounding.contract.change import Change
from sounding.contract.inputs import (
    WHOLE,
    Attributable,
    Continuous,
    Corruptible,
    Corruption,
    Fingerprinted,
    Pictorial,
    Portable,
    StronglyAugmented,
    Threat,
    Window,
)
from sounding.contract.tensors import is_tensor
from sounding.drawing.rendering import Marks, Rendering
from sounding.errors import DataError, UsageError, did_you_mean
from sounding.modalities.pictures import drawing, image_files
from sounding.modalities.pictures.corruptions import CORRUPTIONS
from sounding.modalities.pictures.filters import gaussian

if TYPE_CHECKING:
    import torch
    from torch import Tensor

SQUARES = ("crop", "stretch", "pad")
FILLS = (*SQUARES, "whole", "own")
LARGEST = 64
"""The largest side that is learnt from the data: fast enough on a laptop. A larger one has to be asked for."""
LONGEST = 1024
"""The same for pictures that keep their shape or their size."""
SAMPLE = 2000
"""How many training pictures `fit` looks at, at most: the first ones, so they should come in random order."""
MEMORY = 2**28
"""Bytes of pictures that `fit` holds at most; large working sizes are learnt from fewer pictures."""


class Image(Attributable, Corruptible, Continuous, StronglyAugmented, Fingerprinted, Pictorial, Portable):
    """A picture at a working size.

    `size` is the working side in pixels; 0 learns it from the training pictures (their median shorter side, at most
    `LARGEST`, so that most are never scaled up). `fill` says how a picture that is not square becomes so: "crop" (the
    middle), "stretch" (all of it, distorted) or "pad" (all of it, between black bars). Or it need not: "whole"
    stretches all of it to one oblong whose sides are the median sides, and "own" leaves each its own size; then `size`
    is the longer side (in "own" the longest that is not scaled down), 0 being the median, at most `LONGEST`.

    After `fit`: `height`, `width`, `channels` (1 only if every picture looked at is grey), and `mean` and `std` of each
    channel in [0, 1]; `levels`, the darkest and the brightest of the pictures of 16 bits, where there are some.
    """

    columns = (
        *("image", "img", "picture", "photo", "image_path", "image_file", "image_file_name"),
        *("file", "filename", "file_name", "path"),
    )
    suffixes = image_files.readable()
    baselines = ("mean", "blur")
    value_range = (0.0, 1.0)
    threats = (Threat("L∞ 2/255", "linf", 2 / 255), Threat("L∞ 8/255", "linf", 8 / 255))

    def __init__(self, size: int = 0, fill: str = "crop") -> None:
        if fill not in FILLS:
            raise UsageError(f"no way to fill a picture called {fill!r}", fix=did_you_mean(fill, FILLS))
        if size < 0:
            raise UsageError(f"a picture cannot be {size} pixels wide", fix="Give a size above 0, or 0 to learn it")
        self.size, self.fill = size, fill
        self.height = self.width = 0
        self.channels = 3
        self.mean: list[float] = []
        self.std: list[float] = []
        self.levels: list[int] = []

    # ---- reading

    def accepts(self, cell: Any) -> bool:
        """Whether a cell is a picture, holds the bytes of one, or names a file that ends like one."""
        if isinstance(cell, Mapping):
            return self.accepts(cell["bytes"] if cell.get("bytes") is not None else cell.get("path"))
        if isinstance(cell, str | Path):
            return str(cell).strip().lower().endswith(self.suffixes)
        if isinstance(cell, bytes | bytearray | memoryview):
            return image_files.looks_like_picture(bytes(cell[:16]))
        if isinstance(cell, np.ndarray):
            return cell.ndim == 2 or (cell.ndim == 3 and cell.shape[2] <= 4)
        return isinstance(cell, PIL.Image.Image) or (is_tensor(cell) and cell.ndim in (2, 3))

    def read(self, cell: Any, root: Path = Path()) -> np.ndarray:
        """The array of a path (from `root`), {"bytes", "path"}, file bytes, Pillow image, numpy array or tensor.

        Raises DataError for whatever cannot be used: see `image_files.of_cell`.
        """
        side = 0 if self.fill == "own" else max(self.height, self.width)
        return self._prepared(image_files.of_cell(cell, root, side))

    def reread(self, value: np.ndarray) -> np.ndarray | None:
        """A picture of the working size is as it was; of others a smaller one may be decoded."""
        of_size = value.shape[:2] == (self.height, self.width) and not image_files.is_deep(value)
        return self._prepared(value) if of_size else None

    def image_size(self, cell: Any, root: Path = Path()) -> tuple[int, int]:
        """Width and height in pixels as the picture is seen; only the header of a file is read."""
        return image_files.image_size(cell, root)

    def _prepared(self, value: np.ndarray) -> np.ndarray:
        """The array at the working size and channels, once they are known."""
        if self.height and image_files.is_deep(value):
            value = image_files.scaled(value, *self._levels())
        if not self.height or value.shape == (self.height, self.width, self.channels):
            return value
        return image_files.with_channels(self._sized(value, self.height, self.width), self.channels)

    def _sized(self, value: np.ndarray, height: int, width: int) -> np.ndarray:
        if self.fill in SQUARES:
            return image_files.square(value, height, self.fill)
        if self.fill == "own":
            height, width = image_files.within(value.shape[:2], self.size or LONGEST)
        whole = (0, 0, value.shape[1], value.shape[0])
        return value if value.shape[:2] == (height, width) else image_files.resample(value, (width, height), whole)

    def _learnt(self, sides: np.ndarray) -> tuple[int, int]:
        """The working height and width for pictures of `sides` [N, 2]."""
        if self.fill in SQUARES:
            side = self.size or min(LARGEST, int(np.median(sides.min(axis=1))))
            return side, side
        height, width = np.median(sides, axis=0)
        scale = min(1.0, (self.size or LONGEST) / max(height, width))
        return max(1, round(height * scale)), max(1, round(width * scale))

    def remark(self, value: np.ndarray) -> str:
        """What is odd about a picture that can be used all the same."""
        height, width = value.shape[:2]
        if height == width == 1:
            return "1×1 pixel"
        if max(height, width) > 10 * min(height, width):
            return f"very long and thin ({width}×{height} pixels)"
        flat = (value[0] == value[0, 0]).all() and (value == value[0, 0]).all()  # the first row spares most the rest
        return "one colour all over" if flat else ""

    # ---- state

    def fit(self, values: Iterable[np.ndarray]) -> None:
        """Learn the working size, the channels, and each channel's mean and standard deviation.

        Looks at the first `SAMPLE` pictures, or fewer where those would take more than `MEMORY` bytes.
        """
        self.height = self.width = 0  # what a former fit learnt must not scale these
        largest = self.size or (LARGEST if self.fill in SQUARES else LONGEST)
        sides, sample, levels = [], [], []
        for value in islice(values, max(1, min(SAMPLE, MEMORY // (3 * largest**2)))):
            value = image_files.from_array(value)
            sides.append(value.shape[:2])
            levels.append((int(value.min()), int(value.max())) if image_files.is_deep(value) else None)
            sample.append(self._sized(value, *self._learnt(np.array(sides[-1:]))))
        if not sample:
            raise DataError("there is no picture to learn from", fix="Give at least one row whose picture can be read")
        self.height, self.width = self._learnt(np.array(sides))
        deep = [ends for ends in levels if ends]
        self.levels = [min(low for low, _ in deep), max(high for _, high in deep)] if deep else []
        sample = [
            image_files.scaled(value, *self._levels()) if ends else value
            for value, ends in zip(sample, levels, strict=True)
        ]
        self.channels = 1 if all((value == value[..., :1]).all() for value in sample) else 3
        sums = np.zeros((2, self.channels))
        for value in sample:
            unit = image_files.as_unit(self._prepared(value)).astype(np.float64)
            sums += unit.mean(axis=(0, 1)), (unit**2).mean(axis=(0, 1))
        mean, square = sums / len(sample)
        self.mean = mean.tolist()
        self.std = np.sqrt(np.maximum(square - mean**2, 1e-6)).tolist()

    def notes(self) -> list[str]:
        """How levels of 16 bits are understood."""
        if not self.levels:
            return []
        low, high = self.levels
        return [f"pictures of 16 bits: level {low:,} is black and {high:,} white, as in the training pictures"]

    def state(self) -> dict[str, Any]:
        """The working shape, the fill, and the statistics of channels and levels."""
        names = ("size", "fill", "height", "width", "channels", "mean", "std", "levels")
        return {name: getattr(self, name) for name in names}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take back what `state` gave."""
        for name in self.state():
            setattr(self, name, state.get(name, getattr(self, name)))

    # ---- tensors

    def encode(self, values: Sequence[np.ndarray]) -> Tensor:
        """Float32 [B, C, H, W] in [0, 1]; other sizes and channels are brought to the working ones.

        Pictures of their own size are padded with black, below and to the right, to the largest of the batch.
        """
        import torch

        stacked = torch.from_numpy(self._stacked(values)).permute(0, 3, 1, 2)
        x = stacked.to(torch.float32, memory_format=torch.contiguous_format)
        return x.div_(255) if stacked.dtype == torch.uint8 else x

    def arrays(self, values: Sequence[np.ndarray]) -> tuple[np.ndarray]:
        """The same without torch."""
        stacked = self._stacked(values)
        x = np.ascontiguousarray(stacked.transpose(0, 3, 1, 2), np.float32)
        return (x / np.float32(255) if stacked.dtype == np.uint8 else x,)

    @property
    def axes(self) -> Mapping[str, tuple[str | int, ...]]:
        """Batch, channels, height, width."""
        sides = ("height", "width") if self.fill == "own" else (self.height, self.width)
        return {"pixels": ("batch", self.channels, *sides)}

    @property
    def steps(self) -> Sequence[str]:
        """From a file to the tensor."""
        low, high = self._levels()
        levels = (
            [f"of 16 bits, level {low:,} is 0 and {high:,} is 1, and what is beyond is cut off"] if self.levels else []
        )
        return (
            f"decode the picture upright, {'grey' if self.channels == 1 else 'RGB'}; what is transparent is white",
            *levels,
            self._shaping(),
            "float32 in 0..1 (bytes divided by 255), channels first",
        )

    def _shaping(self) -> str:
        scaled = f"scale it to {self.width} × {self.height} pixels, bilinear, averaging where it shrinks"
        return {
            "crop": f"take the largest square in its middle and {scaled}",
            "pad": f"put it in the middle of a black square and {scaled}",
            "own": f"where its longer side is above {self.size or LONGEST} pixels, scale that to so many; pad a batch "
            "with black below and to the right",
        }.get(self.fill, scaled)

    def _stacked(self, values: Sequence[np.ndarray]) -> np.ndarray:
        """The pictures [B, H, W, C], uint8 if all of them are, else float32 in [0, 1]."""
        arrays = image_files.padded([self._prepared(value) for value in values])
        if not arrays:
            return np.empty((0, self.height, self.width, self.channels), np.float32)
        if any(array.dtype != np.uint8 for array in arrays):
            arrays = [image_files.as_unit(array) for array in arrays]
        return np.stack(arrays)

    def decode(self, x: Tensor) -> list[np.ndarray]:
        """Float32 arrays [H, W, C] that encode to exactly `x`."""
        return list(x.detach().cpu().float().permute(0, 2, 3, 1).contiguous().numpy())

    def augment(
        self,
        x: Tensor,
        rng: torch.Generator,
        *,
        crop: int = 0,
        flip: bool = False,
        colour: float = 0.0,
        mixup: float = 0.0,
        cutmix: float = 0.0,
        cutout: int = 0,
        noise: float = 0.0,
    ) -> tuple[Tensor, Change]:
        """A batch [B, C, H, W] varied for training, and what that did to the answers. What is 0 is left out.

        `crop` and `cutout` are in pixels (largest shift, side of a hole), `colour` is the largest relative change of
        brightness, contrast and saturation, `mixup` and `cutmix` are the parameters of their Beta distributions, and
        `noise` is the standard deviation of Gaussian noise.
        """
        from sounding.modalities.pictures import augmentation

        return augmentation.augment(
            x, rng, crop=crop, flipped=flip, colour=colour, mix=mixup, cut=cutmix, hole=cutout, noise=noise
        )

    def strong_augmentation(self, x: Tensor, rng: torch.Generator, strength: float = 1.0) -> Tensor:
        """A batch turned, sheared, moved and toned; see `strong_augmentation.py`."""
        from sounding.modalities.pictures import strong_augmentation as strong

        return strong.strong_augmentation(x, rng, strength)

    # ---- explaining

    def segments(self, value: np.ndarray) -> int:
        """P: the cells of a grid over the picture, 8 × 8, or 4 × 4 where the shorter side is below 16 pixels."""
        return _grid(value) ** 2

    def segment_name(self, value: np.ndarray, part: int) -> str:
        """The row of the grid from the top and the column from the left, counted from 1."""
        return drawing.cell_name(*divmod(part, _grid(value)))

    def mask(self, value: np.ndarray, mask: np.ndarray, baseline: str) -> np.ndarray:
        """The picture with only the cells where `mask` [P] is true."""
        return self.mask_many(value, np.asarray(mask)[None], baseline)[0]

    def mask_many(self, value: np.ndarray, masks: np.ndarray, baseline: str) -> list[np.ndarray]:
        """The pictures kept by each row of `masks` [M, P], all at once.

        "mean" shows the mean colour of the training pictures (of this picture, before `fit`) in place of what is taken
        away; "blur" shows it through a Gaussian blur of an eighth of the side.
        """
        height, width, channels = value.shape
        cells = np.repeat(_cells(height, width, _grid(value)), channels)  # flat, for one long and fast selection
        inside = np.take(np.asarray(masks, bool), cells, axis=1)
        kept = np.where(inside, value.ravel(), self._baseline(value, baseline).ravel())
        return list(kept.reshape(-1, height, width, channels))

    def _baseline(self, value: np.ndarray, baseline: str) -> np.ndarray:
        unit = image_files.as_unit(value)
        if baseline == "mean":
            known = len(self.mean) == value.shape[2]
            colour = np.array(self.mean, np.float32) if known else unit.mean(axis=(0, 1))
            return image_files.like(np.broadcast_to(colour, unit.shape), value)
        if baseline == "blur":
            return image_files.like(gaussian(unit, min(value.shape[:2]) / 8), value)
        raise UsageError(f"pictures have no baseline {baseline!r}", fix=did_you_mean(baseline, self.baselines))

    def aggregate(self, saliency: Tensor, value: np.ndarray) -> np.ndarray:
        """The sum of `saliency` [C, H, W] over each cell: [P]."""
        total = saliency.detach().cpu().double().sum(0).numpy()
        cells = _cells(*total.shape, _grid(value))
        return np.bincount(cells.ravel(), weights=total.ravel(), minlength=self.segments(value))

    @property
    def corruptions(self) -> Mapping[str, Corruption]:
        """The fifteen of Hendrycks and Dietterich; see `corruptions.py`."""
        return CORRUPTIONS

    def fingerprint(self, value: np.ndarray) -> np.ndarray:
        """The mean brightness in each cell of an 8 × 8 grid, in [0, 1]: [64]. Copies scaled or re-saved stay near."""
        height, width = value.shape[:2]
        value = image_files.as_unit(value) if image_files.is_deep(value) else value
        small = image_files.resample(value, (8, 8), (0, 0, width, height), PIL.Image.Resampling.BOX)
        return image_files.grey(small).ravel()

    # ---- showing

    def describe(self, value: np.ndarray) -> str:
        """Size and kind in words."""
        return f"{value.shape[1]}×{value.shape[0]} {'grey' if value.shape[2] == 1 else 'colour'} picture"

    def to_json(self, value: Any) -> Any:
        """The path of a picture that is still a cell, else its size; never its pixels."""
        if isinstance(value, np.ndarray):
            height, width, channels = (*value.shape, 1)[:3]
            return {"height": height, "width": width, "channels": channels}
        if isinstance(value, Mapping):
            return value.get("path")
        if isinstance(value, PIL.Image.Image):
            return getattr(value, "filename", None) or None
        return str(value) if isinstance(value, str | Path) else None

    def render(
        self,
        value: np.ndarray,
        weights: np.ndarray | None = None,
        answer: Marks | None = None,
        window: Window = WHOLE,
    ) -> Rendering:
        """The picture; over it the weight [P] of each cell, red for, blue against, clear for none; and an answer.

        The cells lie over a `window` of the picture.
        """
        grid = None if weights is None else np.reshape(weights, (math.isqrt(len(weights)), -1))
        return drawing.rendered(value, self.describe(value), grid, answer, window)

    def original(self, cell: Any, root: Path = Path()) -> np.ndarray:
        """The picture at its own size."""
        value = image_files.of_cell(cell, root)
        return image_files.scaled(value, *self._levels()) if image_files.is_deep(value) else value

    def _levels(self) -> tuple[int, int]:
        """Black and white of 16 bits; all of them where no training picture had any."""
        return (self.levels[0], self.levels[1]) if self.levels else (0, image_files.DEEPEST)

    def window(self, original: np.ndarray) -> Window:
        """The square in the middle of the picture, or around it, that the model sees; all of it for other fills."""
        height, width = original.shape[:2]
        if self.fill not in ("crop", "pad"):
            return WHOLE
        side = min(height, width) if self.fill == "crop" else max(height, width)
        across, down = side / width / 2, side / height / 2
        return 0.5 - across, 0.5 - down, 0.5 + across, 0.5 + down


def _grid(value: np.ndarray) -> int:
    """How many cells the grid over a picture has in each direction."""
    short = min(value.shape[:2])
    return 8 if short >= 16 else min(4, short)


@lru_cache(maxsize=32)
def _cells(height: int, width: int, grid: int) -> np.ndarray:
    """The cell of the grid that each pixel belongs to: [H, W], row by row."""
    rows, columns = np.arange(height) * grid // height, np.arange(width) * grid // width
    return rows[:, None] * grid + columns
