"""Picture files into arrays, or a clear sentence that says why not.

A file may lie about its name, stop in the middle, hold sixteen bits or four inks, be turned by its camera, or declare
more pixels than memory has room for. All of that ends here: what comes out is an upright, fully decoded array
[H, W, C] with C 1 (grey) or 3 (colour), uint8 in 0..255 or float32 in [0, 1].

What stores sixteen bits comes out as it is, uint16. Which level is black and which is white nobody can tell from one
picture (twelve bits are often kept in sixteen): who has seen the training pictures can (`scaled`).
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import PIL.Image
import PIL.ImageOps

from sounding.contract.tensors import is_tensor
from sounding.errors import DataError
from sounding.files import require_content
from sounding.folders import BRANDS, picture_ending

if TYPE_CHECKING:
    from torch import Tensor

MAX_PIXELS = 100_000_000
"""Larger pictures are rejected by their header, before a pixel is decoded: 100 megapixels are 300 MB of memory."""

DEEPEST = 65535
"""The highest level of 16 bits."""
TURNED = 0x0112
"""The EXIF tag of how the camera was held; from 5 on, height and width change places."""
FORMATS = "JPEG, PNG, WebP, BMP, GIF, TIFF or PNM"
UNREAD = frozenset(("BUFR", "EPS", "GRIB", "HDF5", "IPTC", "MPEG", "PDF", "WMF"))
"""Formats that Pillow knows by name, and opens only with a program beside it, or not at all."""
PACKAGES = {"HEIC": "pillow-heif", "AVIF": "-U pillow"}
USUAL = (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".jpe", ".jfif", ".avif", ".heic", ".heif")


def readable() -> tuple[str, ...]:
    """The endings of picture files that can be read on this machine, the usual ones first."""
    with suppress(ImportError):  # Apple's pictures, where the package for them is installed
        import pillow_heif

        pillow_heif.register_heif_opener()
    known = PIL.Image.registered_extensions()
    opened = {ending for ending, kind in known.items() if kind in PIL.Image.OPEN and kind not in UNREAD}
    return (*(ending for ending in USUAL if ending in opened), *sorted(opened.difference(USUAL)))


def looks_like_picture(start: bytes) -> bool:
    """Whether bytes begin as one of the usual picture formats does."""
    return bool(picture_ending(start))


def of_cell(cell: Any, root: Path = Path(), side: int = 0) -> np.ndarray:
    """The array of a path (from `root`), {"bytes", "path"}, file bytes, Pillow image, numpy array or tensor.

    `side` is as in `load`. Raises DataError for anything else, and for what `load` and `from_array` refuse.
    """
    if isinstance(cell, Mapping):
        cell = cell["bytes"] if cell.get("bytes") is not None else cell.get("path")
    if isinstance(cell, str | Path) and str(cell).strip():
        if str(cell).startswith(("http://", "https://")):
            raise DataError(f"{cell} is on the network", fix="Download it and give its path; nothing is fetched here")
        return load(root / cell, side)
    if isinstance(cell, bytes | bytearray | memoryview):
        return load(bytes(cell), side)
    if isinstance(cell, PIL.Image.Image):
        return from_picture(cell)
    if isinstance(cell, np.ndarray):
        return from_array(cell)
    if is_tensor(cell):
        return from_tensor(cell)
    missing = cell is None or cell != cell or isinstance(cell, str)
    found = "there is no picture" if missing else f"a {type(cell).__name__} is not a picture"
    raise DataError(found, fix="Give the path of a picture file", or_remove=True)


def load(source: Path | bytes, side: int = 0) -> np.ndarray:
    """The array [H, W, C] (uint8, uint16, or float32 in [0, 1]) of a picture file or its bytes.

    Of several frames the first.

    `side` allows a large JPEG to be decoded at a fraction of its size, its shorter side still at least `2 * side`.
    Raises DataError for a file that is missing, empty, no picture, cut off, or larger than `MAX_PIXELS`.
    """
    name = source.name if isinstance(source, Path) else "the picture"
    require_content(source, name, "picture", "Give the path of one picture file")
    try:
        with PIL.Image.open(BytesIO(source) if isinstance(source, bytes) else source) as picture:
            _refuse_size(picture.size, name)
            if side:
                picture.draft(None, (2 * side, 2 * side))
            PIL.ImageOps.exif_transpose(picture, in_place=True)
            return _flat(picture)
    except (DataError, MemoryError):
        raise
    except PIL.UnidentifiedImageError:
        raise _unknown(source, name) from None
    except (PIL.Image.DecompressionBombError, PIL.Image.DecompressionBombWarning):
        raise _too_large(name) from None
    except PermissionError:
        raise DataError(f"{name} may not be read", fix="Change the permissions of the file") from None
    except (
        Exception
    ) as error:  # decoders meet broken files with a dozen kinds of exception; all mean the same to a user
        raise DataError(f"{name} is cut off or damaged ({error})", fix="Replace the file", or_remove=True) from None


def image_size(cell: Any, root: Path = Path()) -> tuple[int, int]:
    """Width and height of what `of_cell` gives, from the header alone where the cell is a file or its bytes."""
    if isinstance(cell, Mapping):
        cell = cell["bytes"] if cell.get("bytes") is not None else cell.get("path")
    source = BytesIO(bytes(cell)) if isinstance(cell, bytes | bytearray | memoryview) else cell
    if isinstance(source, str | Path | BytesIO):
        try:
            with PIL.Image.open(source if isinstance(source, BytesIO) else root / source) as picture:
                turned = picture.getexif().get(TURNED, 1) >= 5
                return (picture.height, picture.width) if turned else picture.size
        except Exception:  # whatever is wrong with the file, opening all of it says better
            pass
    height, width = of_cell(cell, root).shape[:2]
    return width, height


def _unknown(source: Path | bytes, name: str) -> DataError:
    """What to say of a file that Pillow does not know."""
    start = source[:16] if isinstance(source, bytes) else _start(source)
    if start[4:8] == b"ftyp" and start[8:12] in BRANDS:
        kind = BRANDS[start[8:12]].removeprefix(".").upper()
        fix = f"Install what reads it (pip install {PACKAGES[kind]}), or save it as JPEG or PNG"
        return DataError(f"{name} is {kind}, which cannot be read on this machine", fix=fix)
    return DataError(f"{name} is not a picture", fix=f"Give a {FORMATS} file", or_remove=True)


def _start(file: Path) -> bytes:
    with open(file, "rb") as opened:
        return opened.read(16)


def _refuse_size(size: tuple[int, int], name: str) -> None:
    if size[0] * size[1] > MAX_PIXELS:
        raise _too_large(name, f" ({size[0]}×{size[1]})")
    if min(size) < 1:
        raise DataError(f"{name} has no pixels", fix="Replace the file", or_remove=True)


def _too_large(name: str, size: str = "") -> DataError:
    limit = f"{MAX_PIXELS // 1_000_000} million pixels"
    return DataError(f"{name} declares more than {limit}{size}", fix="Scale it down before using it here")


def from_picture(picture: PIL.Image.Image) -> np.ndarray:
    """The array [H, W, C] (uint8, uint16, or float32 in [0, 1]) of a Pillow image: upright, transparency on white."""
    return _flat(PIL.ImageOps.exif_transpose(picture))


def _flat(picture: PIL.Image.Image) -> np.ndarray:
    if picture.mode.startswith("I") or picture.mode == "F":
        return _deep(np.asarray(picture))
    mode = "L" if picture.mode in ("1", "L", "LA") else "RGB"
    if picture.has_transparency_data:
        paper = PIL.Image.new("RGBA", picture.size, "white")
        paper.alpha_composite(picture.convert("RGBA"))
        picture = paper
    array = np.array(picture if picture.mode == mode else picture.convert(mode))
    return array[..., None] if mode == "L" else array


def _deep(grey: np.ndarray) -> np.ndarray:
    """A grey picture [H, W] that stores 16 bits, or floats in [0, 1] or [0, 255]."""
    low, high = float(grey.min()), float(grey.max())
    most = 255 if grey.dtype.kind == "f" else DEEPEST
    if not (low >= 0 and high <= most):  # written so that NaN is rejected as well
        fix = "Scale its values to 0..1, or to 16 bits, and save it again"
        raise DataError(f"the picture holds numbers outside 0 to {most} ({low:g} to {high:g})", fix=fix)
    if grey.dtype.kind == "f":
        return (grey / (1 if high <= 1 else 255)).astype(np.float32)[..., None]
    return grey.astype(np.uint16)[..., None]


def is_deep(array: np.ndarray) -> bool:
    """Whether an array holds levels of 16 bits, of which black and white are not known."""
    return array.dtype == np.uint16


def scaled(deep: np.ndarray, black: float, white: float) -> np.ndarray:
    """Deep levels as float32 in [0, 1]; what is beyond `black` or `white` is clipped."""
    unit = (deep.astype(np.float64) - black) / (white - black if white > black else 1)
    return unit.clip(0, 1).astype(np.float32)


def from_array(array: np.ndarray) -> np.ndarray:
    """The array [H, W, C] (uint8, uint16, or float32 in [0, 1]) of a numpy array H×W or H×W×C with C 1 to 4.

    Raises DataError for other shapes, for numbers out of range, and for NaN.
    """
    if array.ndim == 2:
        array = array[..., None]
    if array.ndim != 3 or array.shape[2] not in (1, 2, 3, 4) or 0 in array.shape:
        found = "×".join(map(str, array.shape)) or "a single number"
        raise DataError(f"an array of shape {found} is not a picture", fix="Give height × width, or height × width × 3")
    array = _ranged(array)
    if array.shape[2] in (2, 4):  # the last channel is opacity: lay the rest on white paper
        unit = as_unit(array)
        flat = unit[..., :-1] * unit[..., -1:] + 1 - unit[..., -1:]
        array = np.rint(flat * 255).astype(np.uint8) if array.dtype == np.uint8 else flat
    return array


def from_tensor(tensor: Tensor) -> np.ndarray:
    """The array of a tensor C×H×W, as networks have pictures, H×W, or H×W×C where the first side is no C (1, 3, 4).

    Raises DataError as `from_array` does.
    """
    plain = tensor.detach().cpu()
    plain = plain.float() if plain.is_floating_point() else plain
    if plain.ndim == 3 and plain.shape[0] in (1, 3, 4):
        plain = plain.permute(1, 2, 0)
    return from_array(np.ascontiguousarray(plain.numpy()))


def _ranged(array: np.ndarray) -> np.ndarray:
    """The array as uint8 or uint16, or as float32 when it holds fractions."""
    if array.dtype == np.uint8:
        return array
    if array.dtype == bool:
        return array.astype(np.uint8) * 255
    if array.dtype == np.uint16:
        return np.rint(array / 257).astype(np.uint8) if array.shape[2] in (2, 4) else array
    low, high = float(array.min()), float(array.max())
    top = 1.0 if array.dtype.kind == "f" else 255
    if not (low >= 0 and high <= top):  # written so that NaN is rejected as well
        found = f"numbers from {low:g} to {high:g}"
        raise DataError(f"the picture holds {found}", fix="Give whole numbers 0 to 255, or fractions 0 to 1")
    return array.astype(np.float32 if array.dtype.kind == "f" else np.uint8)


def as_unit(array: np.ndarray) -> np.ndarray:
    """The array as float32 in [0, 1]; a deep one that stands alone from its darkest level to its brightest."""
    if is_deep(array):
        return scaled(array, float(array.min()), float(array.max()))
    return (
        array.astype(np.float32) / np.float32(255) if array.dtype == np.uint8 else array.astype(np.float32, copy=False)
    )


def like(unit: np.ndarray, model: np.ndarray) -> np.ndarray:
    """Float values in [0, 1] in the number type of `model`; what lies outside the range is clipped."""
    unit = np.clip(unit, 0, 1)
    return np.rint(unit * 255).astype(np.uint8) if model.dtype == np.uint8 else unit.astype(np.float32, copy=False)


def grey(array: np.ndarray) -> np.ndarray:
    """Brightness [H, W], float32 in [0, 1], by the luma weights of ITU-R BT.601."""
    unit = as_unit(array)
    return unit[..., 0] if unit.shape[2] == 1 else unit @ np.array([0.299, 0.587, 0.114], dtype=np.float32)


def with_channels(array: np.ndarray, channels: int) -> np.ndarray:
    """The array with 1 or 3 channels."""
    if array.shape[2] == channels:
        return array
    return np.repeat(array, 3, axis=2) if channels == 3 else like(grey(array)[..., None], array)


def within(shape: tuple[int, int], longest: int) -> tuple[int, int]:
    """Height and width scaled down, where needed, so that neither is above `longest`."""
    scale = min(1.0, longest / max(shape))
    return max(1, round(shape[0] * scale)), max(1, round(shape[1] * scale))


def padded(arrays: list[np.ndarray]) -> list[np.ndarray]:
    """The arrays with black below and to the right, so that all have one size."""
    if len({array.shape[:2] for array in arrays}) < 2:
        return arrays
    tall, wide = np.max([array.shape[:2] for array in arrays], axis=0)
    return [np.pad(a, ((0, tall - a.shape[0]), (0, wide - a.shape[1]), (0, 0))) for a in arrays]


def square(array: np.ndarray, side: int, fill: str) -> np.ndarray:
    """The array as side × side: its middle ("crop"), all of it ("stretch"), or all between black bars ("pad")."""
    height, width = array.shape[:2]
    if (height, width) == (side, side):
        return array
    if fill == "pad":
        scale = side / max(height, width)
        size = max(1, round(width * scale)), max(1, round(height * scale))
        top, left = (side - size[1]) // 2, (side - size[0]) // 2
        out = np.zeros((side, side, array.shape[2]), array.dtype)
        out[top : top + size[1], left : left + size[0]] = resample(array, size, (0, 0, width, height))
        return out
    short = min(height, width)
    x, y = ((width - short) / 2, (height - short) / 2) if fill == "crop" else (0, 0)
    return resample(array, (side, side), (x, y, width - x, height - y))


def resample(
    array: np.ndarray, size: tuple[int, int], box: tuple[float, float, float, float], how: Any = None
) -> np.ndarray:
    """The part `box` (left, top, right, bottom) of the array at `size` (width, height); averages when it shrinks.

    Deep levels come out as float32, and levels still.
    """
    how = PIL.Image.Resampling.BILINEAR if how is None else how
    if array.dtype == np.uint8:
        picture = PIL.Image.fromarray(array[..., 0] if array.shape[2] == 1 else array)
        out = np.array(picture.resize(size, how, box=box, reducing_gap=3.0))
        return out[..., None] if out.ndim == 2 else out
    planes = [PIL.Image.fromarray(np.ascontiguousarray(plane, np.float32)) for plane in np.moveaxis(array, 2, 0)]
    return np.stack([np.asarray(plane.resize(size, how, box=box, reducing_gap=3.0)) for plane in planes], axis=2)
