"""Screens of single environments, brought to what is learnt from: without colours, smaller, several at a time.

Legend of shapes: N copies, S stacked screens, C planes of a screen, H rows, W columns.
"""

from __future__ import annotations

import numpy as np
import PIL.Image
from numpy.typing import NDArray

LUMA = np.array([0.299, 0.587, 0.114], np.float32)
"""The weights of red, green and blue in grey (ITU-R BT.601)."""


def scaled(screen: NDArray[np.uint8], size: int, grey: bool) -> NDArray[np.uint8]:
    """A screen [H, W] or [H, W, C] as planes [C, size, size]: each pixel is the mean of those that it covers."""
    planes = screen[None] if screen.ndim == 2 else np.moveaxis(screen, -1, 0)
    if len(planes) == 4:
        planes = planes[:3]  # without what tells how clear it is
    if grey and len(planes) == 3:
        planes = np.rint(np.tensordot(LUMA, planes, axes=1)).astype(np.uint8)[None]
    if size and planes.shape[1:] != (size, size):
        boxed = [PIL.Image.fromarray(plane).resize((size, size), PIL.Image.Resampling.BOX) for plane in planes]
        planes = np.stack([np.asarray(plane) for plane in boxed])
    return np.ascontiguousarray(planes)


class Stacks:
    """The latest S screens of N copies, black before the first one: [N, S · C, H, W]."""

    def __init__(self, n: int, stack: int, shape: tuple[int, ...]) -> None:
        self._planes = shape[0]
        self._seen = np.zeros((n, stack * shape[0], *shape[1:]), np.uint8)

    def begin(self, which: NDArray[np.int64], screens: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """An episode begins with `screens` [K, C, H, W] in the copies `which`; what they see."""
        self._seen[which] = 0
        self._seen[which, -self._planes :] = screens
        return self._seen[which]

    def add(self, active: NDArray[np.bool_], screens: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """`screens` [N, C, H, W] of the copies that are `active`; what all see."""
        moved = np.concatenate([self._seen[:, self._planes :], screens], axis=1)
        self._seen = np.where(active[:, None, None, None], moved, self._seen)
        return self._seen
