"""What is in a value of SGF: escapes, encodings, points of a board.

A point is two letters, column then row, `a` at the left and at the top: `dc` is the fourth column, the third row.
Actions are numbers, row by row from the top left, and a pass is the last of them.
"""

from __future__ import annotations

import codecs
import re

from sounding.errors import DataError

LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
OLD_PASS = "tt"
"""A pass, as FF[1] to FF[3] write it on boards of up to 19 lines."""

_BREAK = r"(?:\r\n|\n\r|\n|\r)"
_ESCAPE = re.compile(rf"\\({_BREAK}|.)", re.DOTALL)
_SPACE = re.compile(r"[\t\v\f]")
_CA = re.compile(rb"CA\s*\[\s*([^\]]*?)\s*\]")
_MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
_WIDER = {"gb2312": "gb18030", "gbk": "gb18030", "big5": "big5hkscs", "shift_jis": "cp932", "euc_kr": "cp949"}
"""Encodings that files name, though they use the larger one that holds them."""


def decoded(data: bytes, name: str) -> str:
    """The text of a file. Its encoding is that of its byte order mark, else the one that it names (CA), else UTF-8
    where it is that, else Latin-1, as the standard has it.

    Bytes that the encoding does not have are kept apart as surrogates: names and comments, never moves.
    Raises DataError for an encoding that is not known.
    """
    for mark, codec in _MARKS.items():
        if data.startswith(mark):
            return data.decode(codec, "replace")
    named = _CA.search(data)
    if named is None:
        return _undeclared(data)
    word = named[1].decode("latin-1")
    try:
        codec = codecs.lookup(word).name
        return data.decode(_WIDER.get(codec, codec), "surrogateescape")
    except (LookupError, ValueError):
        raise DataError(f"CA[{word}] is no encoding that is known", where=name, fix="Save it as UTF-8") from None


def _undeclared(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def plain(value: str) -> str:
    """A value as text: escapes taken away, tabs as spaces, lines as they are."""
    unescaped = _ESCAPE.sub(lambda found: "" if found[1].strip("\r\n") == "" else found[1], value)
    return _SPACE.sub(" ", re.sub(_BREAK, "\n", unescaped))


def simple(value: str) -> str:
    """A value as text on one line."""
    return " ".join(plain(value).split("\n")).strip()


def escaped(text: str) -> str:
    """Text as a value."""
    return text.replace("\\", "\\\\").replace("]", "\\]")


def action(value: str, size: int) -> int:
    """The number of a move on a board of so many lines. Raises DataError for one that is not on it."""
    value = value.strip()
    if value == "" or (value == OLD_PASS and size <= 19):
        return size * size
    return point(value, size)


def point(value: str, size: int) -> int:
    """The number of a point. Raises DataError for what is no point of a board of so many lines."""
    value = value.strip()
    if len(value) != 2 or not set(value) <= set(LETTERS):
        raise DataError(f"[{value[:20]}] is no point: a point is two letters, such as [dc]")
    column, row = map(LETTERS.index, value)
    if max(column, row) >= size:
        raise DataError(f"[{value}] lies outside of a board of {size} lines")
    return row * size + column


def points(values: list[str], size: int) -> list[int]:
    """The numbers of the points of a list, in which aa:cc is a rectangle."""
    found = []
    for value in values:
        first, colon, last = value.partition(":")
        begin, end = point(first, size), point(last if colon else first, size)
        (top, left), (bottom, right) = divmod(begin, size), divmod(end, size)
        if bottom < top or right < left:
            raise DataError(f"[{value}] is no rectangle from its top left to its bottom right")
        found += [row * size + column for row in range(top, bottom + 1) for column in range(left, right + 1)]
    return found


def written(number: int, size: int) -> str:
    """A move as SGF's letters; a pass is nothing."""
    return "" if number == size * size else LETTERS[number % size] + LETTERS[number // size]
