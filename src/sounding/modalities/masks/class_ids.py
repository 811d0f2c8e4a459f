"""From a cell to class ids: grey, palette, one-bit and coloured masks, arrays and polygons, or a sentence why not.

    8-bit grey      the numbers are the class ids
    palette         the numbers are the class ids, whatever the colours (unless a colour map names these)
    1 bit           0 and 1
    16-bit grey     as 8-bit, if no id is above 255; 0 and 65535 alone are 0 and 255
    colour          a class for each colour of the colour map; without one, only where red = green = blue
    black and white 0 and 255 alone, in every mask of the data: 255 is then class 1, not void
    255 as a class  where that was asked for: it is held as 254, since 255 means that nobody said

Legend of shapes: H height, W width.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import PIL.ImageOps

from sounding.errors import DataError
from sounding.modalities.masks import coco, panoptic
from sounding.modalities.pictures.image_files import MAX_PIXELS, looks_like_picture

VOID = 255
"""The id of a pixel that nobody labelled."""
DEEPEST = 65535
"""White in 16 bits."""
FULL = 254
"""The id that stands for 255 where 255 is a class like others."""
VOID_NAMES = frozenset(("void", "unlabeled", "unlabelled", "ignore", "ignored"))
"""Classes of these names are not classes, but the lack of one."""

Colour = tuple[int, int, int]


@dataclass(frozen=True)
class Scheme:
    """What the files around masks say about them: names of ids, ids of colours, and what 255 is where it is not void:
    the white of black and white masks, or a class like others (`full`).
    """

    names: Mapping[int, str] = field(default_factory=dict)
    colours: Mapping[Colour, int] = field(default_factory=dict)
    white: bool = False
    full: bool = False

    @property
    def void(self) -> list[int]:
        """The ids whose names say that they are no class."""
        return sorted(i for i, name in self.names.items() if name.strip().casefold() in VOID_NAMES)

    def as_black_and_white(self) -> Scheme:
        """The same for masks of 0 and 255 alone, which become 0 and 1."""
        return replace(self, names=dict(self.names) or {0: "0", 1: "255"}, white=True)

    def as_full(self) -> Scheme:
        """The same where 255 is a class: it becomes `FULL`, and keeps its name."""
        named = {i: name for i, name in self.names.items() if i < FULL}
        return replace(self, names={**named, FULL: self.names.get(VOID, str(VOID))}, full=True)

    def to_json(self) -> dict[str, Any]:
        """As JSON can hold it."""
        names, colours = [[i, n] for i, n in self.names.items()], [[*c, i] for c, i in self.colours.items()]
        return {"names": names, "colours": colours, "white": self.white, "full": self.full}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Scheme:
        """What `to_json` gave."""
        colours = {(r, g, b): i for r, g, b, i in stored["colours"]}
        return cls(dict(stored["names"]), colours, stored["white"], stored.get("full", False))


PLAIN = Scheme()
"""Nothing is known beside the masks themselves."""


def looks_like_mask(cell: Any, suffixes: tuple[str, ...]) -> bool:
    """Whether a raw cell could be a mask: used to guess columns."""
    if isinstance(cell, Mapping):
        held = cell.get("bytes")
        return (
            coco.is_cell(cell)
            or panoptic.is_cell(cell)
            or looks_like_mask(cell.get("path") if held is None else held, suffixes)
        )
    if isinstance(cell, str | Path):
        return str(cell).strip().lower().endswith(suffixes)
    if isinstance(cell, bytes | bytearray | memoryview):
        return looks_like_picture(bytes(cell[:16]))
    if isinstance(cell, np.ndarray):
        return cell.ndim == 2 and cell.dtype.kind in "bui"
    return isinstance(cell, PIL.Image.Image)


def of_cell(cell: Any, root: Path = Path(), scheme: Scheme = PLAIN) -> np.ndarray:
    """The class ids [H, W] (uint8) of a path, {"bytes", "path"}, file bytes, Pillow image, array or polygons.

    Raises DataError for anything else, and for a mask that is damaged, has no ids, or holds an unknown colour.
    """
    if isinstance(cell, Mapping) and coco.is_cell(cell):
        return coco.drawn(cell)
    if isinstance(cell, Mapping) and panoptic.is_cell(cell):
        return panoptic.drawn(cell, VOID)
    if isinstance(cell, Mapping):
        cell = cell["bytes"] if cell.get("bytes") is not None else cell.get("path")
    if isinstance(cell, np.ndarray):
        return _checked(_of_array(cell, scheme), scheme)
    if isinstance(cell, PIL.Image.Image):
        return _checked(_of_picture(cell, "the mask", scheme), scheme)
    if isinstance(cell, bytes | bytearray | memoryview):
        return _checked(_opened(BytesIO(bytes(cell)), "the mask", scheme), scheme)
    if isinstance(cell, str | Path) and str(cell).strip():
        path = root / cell
        if not path.is_file():
            raise DataError(f"there is no mask {path}", fix="Put it there, or remove the row")
        return _checked(_opened(path, path.name, scheme), scheme)
    found = "there is no mask" if cell is None or isinstance(cell, str) else f"a {type(cell).__name__} is not a mask"
    raise DataError(found, fix="Give the path of a mask (PNG)", or_remove=True)


def black_and_white(cells: Iterable[tuple[Any, Path]]) -> bool:
    """Whether the masks in (cell, root) hold 0 and 255 and nothing else; those that cannot be read do not count."""
    seen: set[int] = set()
    for cell, root in cells:
        try:
            seen.update(np.unique(of_cell(cell, root)).tolist())
        except (DataError, OSError):
            continue
        if seen - {0, VOID}:
            return False
    return seen == {0, VOID}


def unit(scores: np.ndarray) -> np.ndarray:
    """Confidences in [0, 1] as float32, also where they are kept as uint8 in 0..255."""
    return scores.astype(np.float32) / np.float32(255 if scores.dtype == np.uint8 else 1)


# ---- opening


def _opened(source: Path | BytesIO, name: str, scheme: Scheme) -> np.ndarray:
    try:
        with PIL.Image.open(source) as picture:
            return _of_picture(picture, name, scheme)
    except (DataError, MemoryError):
        raise
    except PIL.UnidentifiedImageError:
        raise DataError(f"{name} is not a picture", fix="Give a PNG file", or_remove=True) from None
    except Exception as error:  # decoders meet broken files with a dozen kinds of exception; all mean the same
        raise DataError(f"{name} is cut off or damaged ({error})", fix="Replace the file", or_remove=True) from None


def _of_picture(picture: PIL.Image.Image, name: str, scheme: Scheme) -> np.ndarray:
    if picture.width * picture.height > MAX_PIXELS:
        raise DataError(f"{name} declares {picture.width}×{picture.height} pixels", fix="Scale it down, or remove it")
    if picture.format == "JPEG":
        fix = "Save masks as PNG; JPEG changes the numbers of the classes near every edge"
        raise DataError(f"{name} is a JPEG, which no mask can be", fix=fix)
    picture = PIL.ImageOps.exif_transpose(picture)
    if picture.mode == "P":
        return _of_palette(picture, scheme)
    if picture.mode in ("PA", "LA"):
        picture = picture.getchannel(0)
    elif picture.mode not in ("1", "L", "F", "RGB") and not picture.mode.startswith("I"):
        picture = picture.convert("RGB")
    return _of_array(np.asarray(picture), scheme)


def _of_palette(picture: PIL.Image.Image, scheme: Scheme) -> np.ndarray:
    """The numbers; or what their colours mean, where a colour map has all of them."""
    numbers, colours = np.asarray(picture), np.asarray(picture.getpalette("RGB")).reshape(-1, 3)
    table = np.zeros(256, np.uint8)
    for number in np.unique(numbers).tolist():
        red, green, blue = colours[number].tolist() if number < len(colours) else (-1, -1, -1)
        if (red, green, blue) not in scheme.colours:
            return numbers
        table[number] = scheme.colours[red, green, blue]
    return table[numbers]


def _of_array(array: np.ndarray, scheme: Scheme) -> np.ndarray:
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[..., 0]
    if array.ndim == 3 and array.shape[2] in (3, 4) and array.dtype == np.uint8:
        return _of_colours(array[..., :3], scheme)
    if array.ndim != 2 or 0 in array.shape:
        found = "×".join(map(str, array.shape)) or "a single number"
        raise DataError(f"an array of shape {found} is not a mask", fix="Give height × width class ids")
    if array.dtype.kind not in "bui":
        raise DataError("the mask holds fractions, not class ids", fix="Save whole numbers, one for each class")
    if array.dtype.itemsize > 1 and array.max() == DEEPEST and not ((array > 0) & (array < DEEPEST)).any():
        array = np.where(array == DEEPEST, VOID, array)  # black and white, saved with 16 bits
    if array.dtype != np.uint8 and array.dtype != bool and (array.min() < 0 or array.max() > VOID):
        worst = int(array.min() if array.min() < 0 else array.max())
        raise DataError(f"the mask holds the class id {worst}", fix=f"Number the classes from 0 to {VOID - 1}")
    return array.astype(np.uint8)


def _of_colours(array: np.ndarray, scheme: Scheme) -> np.ndarray:
    """The class of each colour; where there is no colour map, grey that was saved as colour is still grey."""
    packed = array.astype(np.int32) @ np.array([65536, 256, 1], np.int32)
    used, places = np.unique(packed, return_inverse=True)
    colours = [(int(c) >> 16, int(c) >> 8 & 255, int(c) & 255) for c in used]
    if scheme.colours:
        if unknown := [colour for colour in colours if colour not in scheme.colours]:
            what = f"the mask has a colour that the colour map does not: {unknown[0]}"
            fix = "Add it to the map, or save the mask without smoothing, as PNG"
            raise DataError(f"{what}, and {len(unknown) - 1} more" if len(unknown) > 1 else what, fix=fix)
        return np.array([scheme.colours[c] for c in colours], np.uint8)[places].reshape(packed.shape)
    if all(r == g == b for r, g, b in colours):
        return array[..., 0]
    fix = "Put class_dict.csv (name,r,g,b) or label_colors.txt beside the folders, or save class ids as grey PNG"
    raise DataError(f"the mask is in colour ({len(colours)} colours), and no colour map says what they mean", fix=fix)


def _checked(value: np.ndarray, scheme: Scheme) -> np.ndarray:
    """White as class 1 where all masks are black and white, 255 as `FULL` where it is a class like others."""
    if scheme.full:
        if (value == FULL).any():
            what = f"the mask holds {FULL}, which stands for 255 where 255 is a class"
            raise DataError(what, fix=f"Number the classes from 0 to {FULL - 1}, besides 255")
        return np.where(value == VOID, np.uint8(FULL), value)
    if not scheme.white:
        return value
    if other := sorted(set(np.unique(value).tolist()) - {0, VOID}):
        what = f"the mask holds {other[0]}, where the others hold only 0 and 255"
        raise DataError(what, fix="Save it without smoothing, as PNG, or number the classes 0, 1, …")
    return (value == VOID).astype(np.uint8)
