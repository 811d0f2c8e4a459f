"""Pixels: the likeliest class of each, of pictures that are looked at each at its own size.

Legend of shapes: B batch, C channels, K classes, H height, W width.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sounding.contract.modality import Modality
from sounding.contract.postprocessing import Arrays, Network, Postprocessing
from sounding.contract.records import Prediction, grouped
from sounding.modalities.masks.mask import Mask
from sounding.modalities.pictures.image_files import within
from sounding.postprocessing.functions import softmax
from sounding.postprocessing.tiling import tiled


@dataclass(frozen=True)
class PixelClasses(Postprocessing):
    """The likeliest class of each pixel, from logits [B, K, H, W] for pictures [B, C, H, W] of any size.

    A picture with a side above `tile` pixels is looked at in windows that share `overlap` of their side (0: never).
    With `mirrored` the probabilities are averaged over a picture and its mirror image. Pictures were scaled so that no
    side is above `longest` pixels.
    """

    classes: tuple[str, ...]
    ids: tuple[int, ...]
    tile: int
    overlap: float
    mirrored: bool
    longest: int

    @property
    def steps(self) -> Sequence[str]:
        """Sizes, windows, softmax, means, the largest."""
        windows = (
            f"a picture with a side above {self.tile} pixels is looked at in windows of at most {self.tile} pixels a "
            f"side, evenly spread, neighbours sharing at least {self.overlap:.0%} of a side; where windows meet, the "
            "outputs are averaged, each weighed by its distance to the border of its window"
        )
        twice = "run the network a second time on the pictures mirrored left to right, and mirror what it gives back"
        return (
            "run the network on pictures of one size together, or one by one: what a batch was padded with is cut off",
            *([windows] if self.tile else []),
            *([twice] if self.mirrored else []),
            "softmax over the second axis",
            *(["the mean of both probabilities"] if self.mirrored else []),
            "a pixel has the class of the largest probability, in the order of `classes`; its number in masks is in "
            "`ids`; scale the mask to the picture's own size by nearest neighbour",
        )

    def predictions(self, network: Network, x: Arrays, values: Sequence[Any], target: Modality) -> list[Prediction]:
        """The mask of each picture; the score of a pixel is its probability, the confidence their mean."""
        assert isinstance(target, Mask)
        found: dict[int, Prediction] = {}
        sizes = [within(np.shape(value)[:2], self.longest) for value in values]
        for (height, width), rows in grouped(sizes).items():
            shares = self._shares(network, np.ascontiguousarray(x[0][rows][..., :height, :width]))
            for row, own in zip(rows, shares, strict=True):
                sure = own.max(axis=0)
                value = target.decode(own.argmax(axis=0))
                found[row] = Prediction(value, float(sure.mean()), sure.astype(np.float16))
        return [found[row] for row in range(len(values))]

    def _shares(self, network: Network, pictures: np.ndarray) -> np.ndarray:
        """Probabilities [B, K, H, W]."""
        shares = self._of(network, pictures)
        if not self.mirrored:
            return shares
        mirrored = self._of(network, np.ascontiguousarray(pictures[..., ::-1]))
        return (shares + mirrored[..., ::-1]) / 2

    def _of(self, network: Network, pictures: np.ndarray) -> np.ndarray:
        logits = tiled(lambda x: network((x,))[0], pictures, self.tile, self.overlap)
        return softmax(logits, axis=1)
