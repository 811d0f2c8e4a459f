"""Which words a model looked at while it wrote each word of its answer, as a map.

Legend of shapes: W words that were written, S words that were read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from sounding.drawing.colours import INK, LINE, diverging, hexadecimal
from sounding.drawing.rendering import Rendering
from sounding.drawing.shapes import Rectangle, Shape, Sheet, Words
from sounding.drawing.words import text_width

CELL, SIZE, GAP = 20.0, 12.0, 6.0
SAID = 3
"""Words that a terminal names beside one that was written."""
WEAK = 0.1
"""Shares that a terminal leaves out."""


@dataclass(frozen=True, eq=False)
class Alignment:
    """The share of its attention that each word that was written paid to each word that was read: `shares` [W, S]."""

    written: tuple[str, ...]
    read: tuple[str, ...]
    shares: np.ndarray

    def render(self) -> Rendering:
        """A row for each word that was written, a column for each that was read, the darker the larger the share."""
        left = GAP + max((text_width(word, SIZE) for word in self.written), default=0)
        steps = _steps(self.read)
        top = GAP + SIZE * 1.5 * (1 + max(steps, default=0))
        shapes: list[Shape] = []
        for column, word in enumerate(self.read):
            middle = left + GAP + CELL * (column + 0.5)
            shapes.append(Words(middle, top - GAP - SIZE * 1.5 * steps[column], word, SIZE, INK, "middle"))
        for row, word in enumerate(self.written):
            y = top + CELL * row
            shapes.append(Words(left, y + CELL * 0.7, word, SIZE, INK, "end"))
            for column, share in enumerate(self.shares[row].tolist()):
                colour = hexadecimal(diverging(np.array([-share]))[0])
                shapes.append(Rectangle(left + GAP + CELL * column, y, CELL, CELL, colour, LINE))
        wide = max((text_width(word, SIZE) for word in self.read), default=0)
        width, height = left + 2 * GAP + CELL * len(self.read) + wide, top + CELL * len(self.written) + GAP
        return Rendering(Sheet(width, height, tuple(shapes)), self.text, least=width / 2)

    @property
    def text(self) -> str:
        """A line for each word that was written, with the words that it looked at most."""
        lines = []
        for word, shares in zip(self.written, self.shares, strict=True):
            first = [k for k in np.argsort(-shares, kind="stable")[:SAID].tolist() if shares[k] >= WEAK]
            lines.append(f"{word} ← {', '.join(f'{self.read[k]} {shares[k]:.2f}' for k in first) or '(everything)'}")
        return "\n".join(lines)


def by_words(
    weights: np.ndarray, written: str, written_offsets: np.ndarray, read: str, read_offsets: np.ndarray
) -> Alignment:
    """Shares of words from those of tokens: of the tokens of a word that was read the sum, of one written the mean.

    `weights` are [tokens written, tokens read], and the offsets the characters [·, 2] of each of these tokens; none for
    what stands for no letters, such as the ends of a text.
    """
    rows, columns = _words(written, written_offsets), _words(read, read_offsets)
    within = rows / np.maximum(1, rows.sum(axis=1, keepdims=True))
    spoken = [tuple(match.group() for match in re.finditer(r"\S+", text)) for text in (written, read)]
    return Alignment(spoken[0], spoken[1], within @ weights @ columns.T)


def _words(text: str, offsets: np.ndarray) -> np.ndarray:
    """Which tokens belong to which word [words, tokens]; a token to the word in which it ends."""
    spans = [match.span() for match in re.finditer(r"\S+", text)]
    found = np.zeros((len(spans), len(offsets)))
    for k, (start, end) in enumerate(offsets.tolist()):
        word = next((w for w, (a, b) in enumerate(spans) if end > start and a < end <= b), None)
        if word is not None:
            found[word, k] = 1
    return found


def _steps(words: tuple[str, ...]) -> list[int]:
    """In which of several lines each word stands, so that it does not run into those before it."""
    ends: list[float] = []
    found = []
    for column, word in enumerate(words):
        middle, half = CELL * (column + 0.5), text_width(word, SIZE) / 2 + 2
        line = next((k for k, end in enumerate(ends) if middle - half > end), len(ends))
        ends[line : line + 1] = [middle + half]
        found.append(line)
    return found
