"""A picture on matplotlib axes, and over it how much each cell of a grid weighs."""

from __future__ import annotations

from typing import Any

import numpy as np

from sounding.modalities.pictures import picture

SMALL, LARGE = 3.0, 6.0
"""Inches: the shorter side of a small picture, and the longer side of any."""


def drawn(axes: Any, value: np.ndarray, weights: np.ndarray | None = None) -> None:
    """Show the picture [H, W, C]; over it, the `weights` [rows, columns] of its cells: red for, blue against."""
    height, width = value.shape[:2]
    axes.axis("off")
    axes.imshow(picture.with_channels(picture.as_unit(value), 3), interpolation="nearest")
    if weights is None:
        return
    grid = np.asarray(weights, float)
    top = float(np.abs(grid).max()) or 1.0
    extent = (-0.5, width - 0.5, height - 0.5, -0.5)
    strength = 0.75 * np.abs(grid) / top
    axes.imshow(grid, cmap="RdBu_r", vmin=-top, vmax=top, alpha=strength, extent=extent, interpolation="nearest")


def alongside(axes: Any, value: np.ndarray, left: int) -> None:
    """Show one picture more, to the right of one that is `left` pixels wide and as high."""
    height, width = value.shape[:2]
    start = 1.08 * left - 0.5
    extent = (start, start + width, height - 0.5, -0.5)
    axes.imshow(picture.with_channels(picture.as_unit(value), 3), extent=extent, interpolation="nearest")
    axes.set_xlim(-0.5, start + width)


def inches(value: np.ndarray) -> tuple[float, float]:
    """Width and height at which a picture [H, W, C] is well seen: larger where there is more to see."""
    height, width = value.shape[:2]
    scale = min(LARGE / max(height, width), SMALL * max(1.0, min(height, width) / 160) / min(height, width))
    return width * scale, height * scale
