"""Opening recordings: files, bytes and arrays become samples of one channel.

Files are read by libsndfile through the package soundfile: WAV, FLAC, OGG, MP3, AIFF and more, 8 to 32 bits, any rate
and number of channels. Channels are averaged.

Legend of shapes: T samples, C channels.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

from sounding.contract.tensors import is_tensor
from sounding.errors import DataError, UsageError
from sounding.files import require_content

SUFFIXES = (".wav", ".flac", ".ogg", ".mp3", ".oga", ".opus", ".aiff", ".aif", ".au", ".caf", ".w64", ".sph")
"""Endings of files that libsndfile reads, the usual ones first."""
FORMATS = "WAV, FLAC, OGG or MP3"
LONGEST = 4 * 3600
"""Seconds: longer recordings are refused by their header, before a sample is read (4 hours are 1 GB at 16 kHz)."""
CLIPS = "clips"
"""The folder beside a table in which Common Voice keeps the recordings that the table names."""
_BLOCK = 2**18  # samples of each channel that are read together: all channels of hours are never in memory
_BEGINNINGS = (b"RIFF", b"fLaC", b"OggS", b"ID3", b"\xff\xfb", b"\xff\xf3", b"FORM", b".snd", b"caff", b"NIST")


class Sound(NamedTuple):
    """`samples` [T], float32 in [-1, 1], `rate` of them a second; `channels` there were."""

    samples: np.ndarray
    rate: int
    channels: int = 1


def looks_like_sound(start: bytes) -> bool:
    """Whether bytes begin as one of the usual formats does."""
    return start.startswith(_BEGINNINGS)


def of_cell(cell: Any, root: Path = Path(), rate: int = 16_000) -> Sound:
    """The sound of a path (from `root`), {"bytes", "path"}, {"array", "sampling_rate"}, (samples, rate), file bytes, or
    an array of samples, whose rate is taken to be `rate`.

    Raises DataError for anything else, and for what `load` and `from_array` refuse.
    """
    if isinstance(cell, Mapping) and "array" in cell:
        return from_array(cell["array"], int(cell.get("sampling_rate") or rate))
    if isinstance(cell, Mapping):
        cell = cell["bytes"] if cell.get("bytes") is not None else cell.get("path")
    if isinstance(cell, str | Path) and str(cell).strip():
        if str(cell).startswith(("http://", "https://")):
            raise DataError(f"{cell} is on the network", fix="Download it and give its path; nothing is fetched here")
        return load(found(root, cell))
    if isinstance(cell, bytes | bytearray | memoryview):
        return load(bytes(cell))
    if isinstance(cell, tuple) and len(cell) == 2:
        return from_array(cell[0], int(cell[1]))
    if isinstance(cell, np.ndarray | list) or is_tensor(cell):
        return from_array(cell, rate)
    missing = cell is None or cell != cell or isinstance(cell, str)
    what = "there is no recording" if missing else f"a {type(cell).__name__} is not a recording"
    raise DataError(what, fix="Give the path of a sound file", or_remove=True)


def found(root: Path, cell: str | Path) -> Path:
    """The file that a cell names, which may lie in the folder of clips beside its table."""
    path = root / cell
    beside = root / CLIPS / cell
    return beside if not os.path.exists(path) and os.path.exists(beside) else path


def load(source: Path | bytes) -> Sound:
    """The sound of a file or of its bytes.

    Raises DataError for a file that is missing, empty, no sound, without a sample, cut off, or longer than `LONGEST`.
    """
    name = source.name if isinstance(source, Path) else "the recording"
    require_content(source, name, "recording", "Give the path of one sound file")
    library = soundfile()
    try:
        with library.SoundFile(BytesIO(source) if isinstance(source, bytes) else os.fspath(source)) as file:
            rate, channels, frames = file.samplerate, file.channels, file.frames
            _refuse_length(frames, rate, name)
            samples, there = np.empty(max(0, frames), np.float32), 0
            while there < frames and len(block := file.read(_BLOCK, dtype="float32", always_2d=True)):  # [T, C]
                samples[there : there + len(block)] = mixed(block)
                there += len(block)
    except PermissionError:
        raise DataError(f"{name} may not be read", fix="Change the permissions of the file") from None
    except library.LibsndfileError as error:
        if _begins_as_sound(source):
            what = f"{name} is cut off or damaged ({_said(error)})"
            raise DataError(what, fix="Replace the file", or_remove=True) from None
        raise DataError(f"{name} is not a recording", fix=f"Give a {FORMATS} file", or_remove=True) from None
    if not there:
        raise DataError(f"{name} holds no sound (0 samples)", fix="Replace the file", or_remove=True)
    if there < frames:
        what = f"{name} is cut off ({there:,} of {frames:,} samples are there)"
        raise DataError(what, fix="Replace the file", or_remove=True)
    return Sound(samples, rate, channels)


def mixed(samples: np.ndarray) -> np.ndarray:
    """The mean of all channels [T] of samples [T, C]. Raises DataError for what is not finite."""
    mono = samples[:, 0] if samples.shape[1] == 1 else samples.mean(axis=1)
    if not np.isfinite(mono).all():
        raise DataError("the recording holds samples that are not finite", fix="Save it again, or remove this row")
    return np.ascontiguousarray(mono.clip(-1, 1), np.float32)


def from_array(array: Any, rate: int) -> Sound:
    """The sound of samples [T], or of channels side by side [C, T] or [T, C]: floats in [-1, 1], or whole numbers of
    their full range (int16).

    Raises DataError for other shapes, for no samples, and for numbers out of range.
    """
    if rate < 1:
        raise DataError(f"{rate} samples a second cannot be", fix="Give the rate in Hz: (samples, 16000)")
    array = array.detach().cpu().numpy() if is_tensor(array) else np.asarray(array)
    if array.ndim not in (1, 2) or not array.size or array.dtype.kind not in "fiu":
        found = "×".join(map(str, array.shape)) or "a single number"
        raise DataError(f"an array of shape {found} is not a recording", fix="Give its samples, one after the other")
    if array.ndim == 1:
        array = array[:, None]
    elif array.shape[0] < array.shape[1]:
        array = array.T
    if array.dtype.kind in "iu":
        info = np.iinfo(array.dtype)
        middle = 0 if info.min < 0 else (info.max + 1) / 2
        array = (array.astype(np.float64) - middle) / (info.max + 1 - middle)
    loudest = float(np.abs(array).max())
    if not loudest <= 1:  # written so that NaN is rejected as well
        what = f"the recording holds numbers up to {loudest:g}"
        raise DataError(what, fix="Give floats from -1 to 1, or whole numbers of 16 bits (int16)")
    return Sound(mixed(array.astype(np.float32)), rate, array.shape[1])


def seconds(cell: Any, root: Path = Path()) -> float:
    """How long the file of a cell is, by its header. Raises DataError as `of_cell` does."""
    if isinstance(cell, str | Path):
        try:
            return float(soundfile().info(os.fspath(found(root, cell))).duration)
        except Exception:  # whatever is wrong with the file, opening all of it says better
            pass
    sound = of_cell(cell, root)
    return len(sound.samples) / sound.rate


def soundfile() -> ModuleType:
    """The package that opens files. Raises UsageError where it is not installed."""
    try:
        import soundfile
    except (ImportError, OSError):  # OSError: the package is there, its library is not
        fix = "Install it: pip install 'sounding[speech]'"
        raise UsageError("sound files are opened by the package soundfile, which is missing", fix=fix) from None
    return soundfile


def _refuse_length(frames: int, rate: int, name: str) -> None:
    if 0 < LONGEST * rate < frames < math.inf:
        what = f"{name} is {frames / rate / 3600:.1f} hours long, and at most {LONGEST // 3600} are read"
        raise DataError(what, fix="Cut it into parts")


def _begins_as_sound(source: Path | bytes) -> bool:
    if isinstance(source, bytes):
        return looks_like_sound(source[:16])
    with open(source, "rb") as file:
        return looks_like_sound(file.read(16))


def _said(error: Exception) -> str:
    """What the library says, without the name of the file."""
    return str(error).rsplit(": ", 1)[-1].strip().rstrip(".")
