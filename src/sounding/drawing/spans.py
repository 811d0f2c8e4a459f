"""Segments in a line, coloured by their weights: the words of a text, the letters of a word, or plain numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from sounding.drawing.colours import INK, MUTED, diverging, hexadecimal, scaled
from sounding.drawing.rendering import Rendering
from sounding.drawing.shapes import Rectangle, Shape, Sheet, Words
from sounding.drawing.words import escaped, right_to_left, text_width

WIDTH, SIZE, LINE, EDGE = 680.0, 13.0, 22.0, 4.0
LONGEST = 4000
"""Characters that are drawn at most; what comes after them is said to be left out."""
STRONG = 0.1
"""The share of the largest weight from which on a terminal says a weight."""
TONE = 0.55
"""The colour of the largest weight, as a share of the darkest: words are read on it (contrast 5; WCAG asks for 4.5)."""
_WRAPPED = ' style="white-space: pre-wrap"'


def spans(segments: Sequence[str], weights: np.ndarray | None = None) -> Rendering:
    """The segments one after the other, with the spaces that are in them, each on the colour of its weight [P].

    Red speaks for the answer and blue against it; below is a legend with the largest weight. On a terminal a segment
    that is not weak is followed by its weight: `not(-0.80)`. A text whose script runs from right to left does so here.
    """
    segments, weights = _cut(segments, weights)
    share = None if weights is None else scaled(weights)
    colours = None if share is None else [hexadecimal(colour) for colour in diverging(TONE * share)]
    shapes, height = _lines(segments, colours)
    if weights is not None:
        shapes += _legend(weights, height + 6)
        height += LINE
    sheet = Sheet(WIDTH, height + EDGE, tuple(shapes))
    return Rendering(sheet, _text(segments, weights, share), _html(segments, weights, colours), WIDTH)


def tinted(segments: Sequence[str], colours: Sequence[str]) -> Rendering:
    """The segments one after the other, each on its colour "#RRGGBB", or on none where that is empty."""
    kept, _ = _cut(segments, None)
    tints = [*colours, *[""] * len(kept)][: len(kept)]
    shapes, height = _lines(kept, tints)
    marked = "".join(
        f'<mark style="background: {tint}; color: {INK}">{escaped(each)}</mark>' if tint else escaped(each)
        for each, tint in zip(kept, tints, strict=True)
    )
    side = ' dir="rtl" style="display: block; white-space: pre-wrap"' if right_to_left("".join(kept)) else _WRAPPED
    sheet = Sheet(WIDTH, height + EDGE, tuple(shapes))
    return Rendering(sheet, "".join(kept), f"<span{side}>{marked}</span>", WIDTH)


def plain(words: str, weights: np.ndarray | None = None) -> Rendering:
    """A value of which nothing is known but a description; its segments are numbered, each on its colour."""
    if weights is None:
        return spans([words])
    numbers = spans([f" {number} " for number in range(len(weights))], weights)
    head, below = spans([words]), numbers.sheet
    top = head.sheet.height
    sheet = Sheet(WIDTH, top + below.height, (head.sheet.at(0, 0), below.at(0, top)))
    first = np.argsort(-np.abs(weights), kind="stable")[:5]
    said = ", ".join(f"segment {i} {weights[i]:+.2f}" for i in first.tolist())
    return Rendering(sheet, f"{words}\n{said}", f"{head.html}{numbers.html}", WIDTH)


def _cut(segments: Sequence[str], weights: np.ndarray | None) -> tuple[list[str], np.ndarray | None]:
    kept, room = [], LONGEST
    for segment in segments:
        if room <= 0:
            break
        kept.append(segment if len(segment) <= room else segment[:room])
        room -= len(segment)
    weights = None if weights is None else np.asarray(weights, float)[: len(kept)]
    if room < 0 or len(kept) < len(segments):
        kept.append(" …")
        weights = None if weights is None else np.append(weights, 0.0)
    return kept, weights


def _lines(segments: Sequence[str], colours: Sequence[str] | None) -> tuple[list[Shape], float]:
    """The shapes of lines that are broken where they are full, and the height that they take."""
    under: list[Shape] = []
    over: list[Shape] = []
    x, y = EDGE, EDGE
    leftwards = right_to_left("".join(segments))
    for number, segment in enumerate(segments):
        for piece in _pieces(segment):
            wide = text_width(piece, SIZE)
            if x > EDGE and (piece == "\n" or x + text_width(piece.rstrip(), SIZE) > WIDTH - EDGE):
                x, y = EDGE, y + LINE
            if piece == "\n":
                continue
            left = WIDTH - x - wide if leftwards else x
            if colours is not None and colours[number]:
                under.append(Rectangle(left, y, wide, LINE - 3, colours[number]))
            if leftwards:
                over.append(Words(left + wide, y + 14, piece.rstrip(), SIZE, INK, "end"))
            else:
                over.append(Words(left, y + 14, piece, SIZE, INK))
            x += wide
    return [*under, *over], y + LINE


def _pieces(segment: str) -> Iterator[str]:
    """What may stand on a line: words with the spaces after them, line breaks, and parts of words too long for one."""
    piece = ""
    for letter in segment:
        full = text_width(piece, SIZE) > WIDTH - 8 * EDGE if len(piece) > 40 else False
        next_word = piece.strip() and piece[-1].isspace() and not letter.isspace()
        if letter == "\n" or full or next_word:
            if piece:
                yield piece
            piece = ""
        if letter == "\n":
            yield letter
        else:
            piece += letter
    if piece:
        yield piece


def _legend(weights: np.ndarray, y: float) -> list[Shape]:
    top = float(np.abs(np.nan_to_num(weights)).max(initial=0.0))
    shades = [hexadecimal(colour) for colour in diverging(TONE * np.linspace(-1, 1, 21))]
    scale: list[Shape] = [Rectangle(70 + 5 * i, y, 5, 10, shade) for i, shade in enumerate(shades)]
    against, in_favour = Words(62, y + 9, "against", 10, MUTED, "end"), Words(182, y + 9, "for", 10, MUTED)
    return [against, *scale, in_favour, Words(210, y + 9, f"largest weight {top:.2g}", 10, MUTED)]


def _text(segments: Sequence[str], weights: np.ndarray | None, share: np.ndarray | None) -> str:
    if weights is None or share is None:
        return "".join(segments)
    said = []
    for segment, weight, part in zip(segments, weights.tolist(), share.tolist(), strict=True):
        bare = segment.rstrip()
        said.append(f"{bare}({weight:+.2f}){segment[len(bare) :]}" if abs(part) >= STRONG and bare else segment)
    return "".join(said)


def _html(segments: Sequence[str], weights: np.ndarray | None, colours: Sequence[str] | None) -> str:
    whole = "".join(segments)
    side = ' dir="rtl" style="display: block; white-space: pre-wrap"' if right_to_left(whole) else _WRAPPED
    if weights is None or colours is None:
        return f"<span{side}>{escaped(whole)}</span>"
    marked = "".join(
        f'<mark style="background: {colour}; color: {INK}" title="{weight:+.3g}">{escaped(segment)}</mark>'
        for segment, weight, colour in zip(segments, weights.tolist(), colours, strict=True)
    )
    return f"<span{side}>{marked}</span>"
