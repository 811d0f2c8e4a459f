"""Pictures of masks: laid over their picture with a legend, as a palette PNG, and as bits in base64.

The first colours are those of Okabe and Ito ("Color Universal Design", 2008), which people with any kind of colour
vision can tell apart; classes beyond them take the same colours again, darker and lighter.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image

OKABE_ITO = (
    *((0, 114, 178), (230, 159, 0), (0, 158, 115), (204, 121, 167)),
    *((86, 180, 233), (213, 94, 0), (240, 228, 66), (90, 90, 90)),
)
SHADES = (1.0, 0.6, 1.35, 0.35)
VOID = 255
LEGEND = 12
"""Classes that a legend names at most: those of the largest area."""


def palette() -> np.ndarray:
    """The colour of each class id: uint8 [256, 3]; void is white."""
    colours = np.array(OKABE_ITO, float)
    shade = np.array(SHADES)[(np.arange(256) // len(colours)) % len(SHADES)]
    table = np.clip(colours[np.arange(256) % len(colours)] * shade[:, None], 0, 255).astype(np.uint8)
    table[VOID] = 255
    return table


def drawn(axes: Any, picture: np.ndarray, mask: np.ndarray, names: Mapping[int, str] | Sequence[str]) -> None:
    """Draw `picture` [h, w, C] on matplotlib axes, and over it `mask` [H, W] with a legend; see `laid_over`."""
    unit = picture.astype(float) / 255 if picture.dtype == np.uint8 else picture.astype(float)
    axes.axis("off")
    axes.imshow(np.repeat(unit, 3, axis=2) if unit.shape[2] == 1 else unit, interpolation="nearest")
    laid_over(axes, mask, names, picture.shape[:2])


def laid_over(
    axes: Any, mask: np.ndarray, names: Mapping[int, str] | Sequence[str], shape: tuple[int, ...] | None = None
) -> None:
    """Draw `mask` [H, W] over a picture of `shape` (height, width) that the axes show already, with a legend beside it.

    `names` gives the name of each class id. What is void stays clear. The mask may have another size.
    """
    from matplotlib.patches import Patch

    height, width = shape or mask.shape
    extent = (-0.5, width - 0.5, height - 0.5, -0.5)
    colours = palette()
    shown = np.dstack([colours[mask], np.where(mask == VOID, 0, 140).astype(np.uint8)])
    axes.imshow(shown, extent=extent, interpolation="nearest")
    counts = np.bincount(mask.ravel(), minlength=256)[:VOID]
    largest = [int(i) for i in np.argsort(-counts, kind="stable")[:LEGEND] if counts[i]]
    patches = [Patch(color=colours[i] / 255, label=_name(names, i)) for i in largest]
    if patches:
        axes.legend(handles=patches, loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False, fontsize=7)


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
