"""Words of drawings: what of them can be written, and how wide they are."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from html import escape
from pathlib import Path

import PIL.ImageFont

_UNWRITABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f\ufffe\uffff\ud800-\udfff]")
"""Characters that XML 1.0 cannot hold, not even escaped, and others without a shape."""


def printable(text: str) -> str:
    """The text with a mark in place of each character that cannot be written."""
    return _UNWRITABLE.sub("\ufffd", text)


def escaped(text: str) -> str:
    """The text as HTML and XML may hold it."""
    return escape(printable(text))


@lru_cache(maxsize=4096)
def text_width(text: str, size: float, bold: bool = False) -> float:
    """The width of a line of words in pixels, in a font that is wider than most; ideographs are square."""
    square = [unicodedata.east_asian_width(letter) in "WF" for letter in text]
    narrow = "".join(letter for letter, wide in zip(text, square, strict=True) if not wide)
    return (font(64, bold).getlength(line(narrow)) / 64 + sum(square)) * size


def fitting(text: str, width: float, size: float, bold: bool = False) -> str:
    """The text on one line, or as much of it as `width` pixels hold, and a mark where it goes on."""
    text = line(text)
    if text_width(text, size, bold) <= width:
        return text
    while text and text_width(f"{text}…", size, bold) > width:
        text = text[:-1]
    return f"{text}…"


def right_to_left(text: str) -> bool:
    """Whether a text runs from right to left: its first letter is one of such a script."""
    for letter in text:
        kind = unicodedata.bidirectional(letter)
        if kind in ("L", "R", "AL"):
            return kind != "L"
    return False


def as_seen(word: str) -> str:
    """A word from left to right, marks behind their letters, for who draws one letter after the other."""
    if not right_to_left(word):
        return word
    letters: list[str] = []
    for sign in word:
        if letters and unicodedata.combining(sign):
            letters[-1] += sign
        else:
            letters.append(sign)
    return "".join(reversed(letters))


def line(text: str) -> str:
    """The text as one line."""
    return printable(text.replace("\n", " ").replace("\t", " "))


@lru_cache(maxsize=64)
def font(size: float, bold: bool = False) -> PIL.ImageFont.FreeTypeFont:
    """DejaVu Sans, which comes with matplotlib and has the letters of most alphabets."""
    import matplotlib

    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    file = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / name
    return PIL.ImageFont.truetype(file, max(1.0, size), layout_engine=PIL.ImageFont.Layout.BASIC)
