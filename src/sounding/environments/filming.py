"""Pictures of an episode as a film: a GIF, a folder of PNGs, or an MP4 where ffmpeg is installed.

A film is [T, H, W, 3]: red, green and blue.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from sounding.errors import NotWrittenError, UsageError
from sounding.files import beside, discard, unwritable

Picture = NDArray[np.uint8]

FASTEST = 50.0
"""Pictures of a second that players of GIFs show: a delay is a whole number of hundredths, of at least two."""


def require_writable(path: Path) -> None:
    """Raise UsageError, ahead of an episode, for a name under which no film can be written."""
    if path.suffix.lower() not in ("", ".gif", ".mp4"):
        raise UsageError(f"no film is written as {path.suffix}", fix="Name a .gif, an .mp4, or a folder for PNGs")
    if path.suffix.lower() == ".mp4" and shutil.which("ffmpeg") is None:
        raise UsageError(
            "an .mp4 is written by ffmpeg, which is not installed", fix="Name a .gif, or a folder for PNGs"
        )


def film(path: Path, pictures: Sequence[Picture], rate: float) -> None:
    """Write the pictures, `rate` of them a second, as what the name of `path` says.

    Raises UsageError for another ending, and NotWrittenError where it cannot be written.
    """
    require_writable(path)
    try:
        (path if path.suffix == "" else path.parent).mkdir(parents=True, exist_ok=True)
        if path.suffix == "":
            _pngs(path, pictures)
            return
        unfinished = beside(path).with_suffix(path.suffix)
        try:
            (_gif if path.suffix.lower() == ".gif" else _mp4)(unfinished, pictures, rate)
            unfinished.replace(path)
        finally:
            discard(unfinished)
    except OSError as error:
        raise unwritable(path, error) from None


def _pngs(folder: Path, pictures: Sequence[Picture]) -> None:
    digits = len(str(len(pictures)))
    for number, picture in enumerate(pictures, start=1):
        PIL.Image.fromarray(picture).save(folder / f"frame-{number:0{digits}}.png")


def _gif(path: Path, pictures: Sequence[Picture], rate: float) -> None:
    """One palette for all: that of pictures from the whole film, so that colours do not flicker."""
    every = max(1, round(rate / FASTEST))
    kept = pictures[::every]
    sample = np.concatenate([kept[k] for k in np.linspace(0, len(kept) - 1, min(32, len(kept))).astype(int)])
    palette = PIL.Image.fromarray(sample).quantize(256, dither=PIL.Image.Dither.NONE)
    frames = [PIL.Image.fromarray(each).quantize(palette=palette, dither=PIL.Image.Dither.NONE) for each in kept]
    delay = max(20, round(1000 * every / rate))
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=delay, loop=0)


def _mp4(path: Path, pictures: Sequence[Picture], rate: float) -> None:
    """H.264 by ffmpeg, which wants even sides."""
    height, width = (side - side % 2 for side in pictures[0].shape[:2])
    command = ["ffmpeg", "-y", "-loglevel", "error", "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}"]
    command += ["-r", f"{rate:g}", "-i", "-", "-pix_fmt", "yuv420p", str(path)]
    raw = b"".join(np.ascontiguousarray(each[:height, :width]).tobytes() for each in pictures)
    done = subprocess.run(command, input=raw, capture_output=True, check=False)
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise NotWrittenError(f"ffmpeg wrote no film: {said[-1] if said else 'it failed'}", where=str(path))
