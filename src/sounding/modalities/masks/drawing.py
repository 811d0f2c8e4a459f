"""Pictures of masks: laid over their picture with a legend, as a palette PNG, and as bits in base64.

The first colours are those of Okabe and Ito ("Color Universal Design", 2008), which people with any kind of colour
vision can tell apart; classes beyond them take the same colours again, darker and lighter.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
import PIL.Image

from sounding.drawing.colours import OKABE_ITO, hexadecimal
from sounding.drawing.rendering import Marks
from sounding.drawing.shapes import Raster

SHADES = (1.0, 0.6, 1.35, 0.35)
VOID = 255
OPACITY = 140
"""Of 255: how much of the picture a class hides."""
KEPT = 1152
"""Pixels that a drawing keeps along the longer side."""
LEGEND = 12
"""Classes that a legend names at most: those of the largest area."""


def palette() -> np.ndarray:
    """The colour of each class id: uint8 [256, 3]; void is white."""
    colours = np.array([tuple(bytes.fromhex(colour[1:])) for colour in OKABE_ITO], float)
    shade = np.array(SHADES)[(np.arange(256) // len(colours)) % len(SHADES)]
    table = np.clip(colours[np.arange(256) % len(colours)] * shade[:, None], 0, 255).astype(np.uint8)
    table[VOID] = 255
    return table


def mask_marks(mask: np.ndarray, names: Mapping[int, str] | Sequence[str], background: int | None = None) -> Marks:
    """The classes of `mask` [H, W] in colour over the whole picture, with a legend.

    What is void stays clear, and so does the class `background`. `names` gives the name of each class id.
    """
    colours = palette()
    step = -(-max(mask.shape) // KEPT)
    small = mask[::step, ::step]
    clear = [VOID] if background is None else [VOID, background]
    shown = np.dstack([colours[small], np.where(np.isin(small, clear), 0, OPACITY).astype(np.uint8)])
    counts = np.bincount(mask.ravel(), minlength=256)
    counts[clear] = 0
    largest = [int(i) for i in np.argsort(-counts, kind="stable")[:LEGEND] if counts[i]]
    legend = tuple((hexadecimal(colours[i]), _name(names, i)) for i in largest)
    return Marks((Raster(0, 0, 1, 1, shown),), legend)


def png(mask: np.ndarray, path: str | Path, names: Mapping[int, str] | Sequence[str] = ()) -> None:
    """Write a palette PNG whose pixel values are the class ids; the names go into its text, one `id name` a line."""
    from PIL.PngImagePlugin import PngInfo

    picture = PIL.Image.frombytes("P", (mask.shape[1], mask.shape[0]), np.ascontiguousarray(mask, np.uint8).tobytes())
    picture.putpalette(palette().tobytes())
    text = PngInfo()
    ids = [int(i) for i in np.unique(mask) if i != VOID]
    text.add_itxt("classes", "\n".join(f"{i} {_name(names, i)}" for i in ids))
    picture.save(path, "PNG", pnginfo=text)


def base64_png(inside: np.ndarray) -> str:
    """A PNG of one bit for each pixel [H, W], white where true, in base64."""
    held = BytesIO()
    PIL.Image.fromarray(inside.astype(np.uint8) * 255).convert("1", dither=PIL.Image.Dither.NONE).save(held, "PNG")
    return base64.b64encode(held.getvalue()).decode("ascii")


def _name(names: Mapping[int, str] | Sequence[str], id: int) -> str:
    if isinstance(names, Mapping):
        return names.get(id, str(id))
    return names[id] if id < len(names) else str(id)
