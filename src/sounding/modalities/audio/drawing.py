"""Sounds as drawings: the spectrogram, over it how much each frame and each band weighs, under it what was said.

Marks of an answer stand in seconds and in shares of the height of a strip below the spectrogram.

Legend of shapes: T samples, N frames, M bands, P parts.
"""

from __future__ import annotations

import numpy as np

from sounding.drawing.colours import INK, LINE, MUTED, diverging, hexadecimal, scaled
from sounding.drawing.rendering import Marks, Rendering
from sounding.drawing.shapes import Path, Raster, Rectangle, Shape, Sheet, Words
from sounding.modalities.audio import masking
from sounding.modalities.audio.mel import log_mel

SECOND, LEAST, MOST = 150.0, 240.0, 720.0
"""Pixels: of a second, and of the shortest and the longest sheet."""
HEIGHT, STRIP, BAND, AXIS = 96.0, 22.0, 14.0, 16.0
"""Pixels from top to bottom: of a spectrogram, of the words, of a row of weights, of the times."""
COLUMNS = 700
"""Columns that a spectrogram is drawn with at most."""
RANGE = 8.0
"""Nats from the loudest point down to white."""


def rendered(
    value: np.ndarray, rate: int, words: str, weights: np.ndarray | None = None, marks: Marks | None = None
) -> Rendering:
    """The spectrogram of a sound [T] with a scale of seconds; `weights` [P] in red for and blue against."""
    shapes = (marks or Marks()).shapes
    seconds = max(len(value) / rate, 1e-3)
    pixels = spectrogram(value, rate)
    if weights is not None:
        words = f"{words}\n{_told(np.asarray(weights), len(value), rate)}"

    def sheet(width: float) -> Sheet:
        side = BAND if weights is not None else 0.0
        across = width - side
        drawn: list[Shape] = [Raster(0, 0, across, HEIGHT, pixels)]
        top = HEIGHT
        if weights is not None:
            drawn += _weighed(np.asarray(weights), len(value), rate, across)
            top += BAND
        if shapes:
            drawn += [shape.mapped(across / seconds, STRIP, 0, top + 2) for shape in shapes]
            top += STRIP
        return Sheet(width, top + AXIS, (*drawn, *_axis(seconds, across, top)))

    natural = min(MOST, max(LEAST, SECOND * seconds))
    text = f"{words}\n{_text(marks)}" if shapes else words
    return Rendering(sheet(natural), text, least=LEAST, redraw=lambda width, height: sheet(min(natural, width)))


def spectrogram(value: np.ndarray, rate: int) -> np.ndarray:
    """Pixels [M, N, 3]: black is loud, high frequencies are on top."""
    found = log_mel(value[None], rate, 64)[0].T[::-1]
    if found.shape[1] > COLUMNS:
        edges = np.linspace(0, found.shape[1], COLUMNS + 1).astype(int)
        found = np.maximum.reduceat(found, edges[:-1], axis=1)
    share = ((found - found.max()) / RANGE + 1).clip(0, 1)
    grey = np.round(255 * (1 - 0.9 * share)).astype(np.uint8)
    return np.repeat(grey[:, :, None], 3, axis=2)


def _weighed(weights: np.ndarray, samples: int, rate: int, across: float) -> list[Shape]:
    """A row of the frames' weights below, a column of the bands' to the right, and the frames' as a veil."""
    count = masking.frames(samples, rate)
    colours, clear = diverging(scaled(weights)), np.round(120 * np.abs(scaled(weights))).astype(np.uint8)
    frames, bands = colours[:count], colours[count:][::-1]
    wide = across * count * masking.FRAME / max(samples / rate, 1e-3)
    veil = np.concatenate([frames, clear[:count, None]], axis=1)[None]
    heights = HEIGHT / max(1, len(bands))
    column = [Rectangle(across, k * heights, BAND, heights, hexadecimal(colour)) for k, colour in enumerate(bands)]
    return [Raster(0, 0, wide, HEIGHT, veil), Raster(0, HEIGHT + 2, wide, BAND - 4, frames[None]), *column]


def _axis(seconds: float, across: float, top: float) -> list[Shape]:
    step = next((step for step in (0.5, 1, 2, 5, 10, 30, 60, 300, 600) if seconds / step <= 8), 3600)
    drawn: list[Shape] = [Path(((0, top + 0.5), (across, top + 0.5)), LINE)]
    for number in range(int(seconds / step) + 1):
        x = number * step / seconds * across
        words = f"{number * step:g} s" if number else "0"
        drawn += [Path(((x, top), (x, top + 3)), MUTED), Words(min(x + 2, across - 18), top + 13, words, 9, MUTED)]
    return drawn


def _text(marks: Marks | None) -> str:
    return " ".join(shape.text for shape in (marks or Marks()).shapes if isinstance(shape, Words))


def _told(weights: np.ndarray, samples: int, rate: int) -> str:
    """The parts that speak most for the answer."""
    order = np.argsort(-np.nan_to_num(weights), kind="stable")[:3]
    told = [f"{part_name(int(k), samples, rate)} ({weights[k]:+.2g})" for k in order if weights[k] > 0]
    return f"most for it: {'; '.join(told)}" if told else "nothing speaks for it"


def part_name(part: int, samples: int, rate: int) -> str:
    """When a frame is, or which frequencies a band has."""
    count = masking.frames(samples, rate)
    if part < count:
        return f"{part * masking.FRAME:.2f}–{min((part + 1) * masking.FRAME, samples / rate):.2f} s"
    low, high = masking.edges(rate)[part - count : part - count + 2]
    return f"{low:.0f}–{high:.0f} Hz"


def word_marks(words: list[tuple[str, float, float]]) -> Marks:
    """(word, start, end) in seconds as marks: each word above a line as long as it lasts."""
    shapes: list[Shape] = []
    for word, start, end in words:
        shapes += [Path(((start, 0.1), (end, 0.1)), INK, 2.0), Words(start, 0.75, word, 11, INK)]
    return Marks(tuple(shapes))
