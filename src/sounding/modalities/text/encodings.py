"""Which encoding a text file has: UTF-8 wherever that can be, else UTF-16 or Western (Latin-1, Windows-1252).

Latin-1 has a character for nearly every byte, so it would "fit" any file. It is taken only where the file holds no
UTF-8 besides, and where most of the text is ASCII, as Western languages are: Russian or Chinese in an old encoding is
refused, not turned into rubbish. What is decoded as anything but UTF-8 is announced.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TextIO

from sounding.errors import DataError
from sounding.files import unreadable
from sounding.wording import percent

_BLOCK = 2**20
_FOREIGN = 0.3
"""A larger share of bytes above ASCII, among those that are no spaces, is no Western language."""
_ESCAPED = re.compile("[\udc80-\udcff]")
_BEYOND = re.compile("[^\x00-\x7f]")
_ABOVE = re.compile(b"[\x80-\xff]")
_SPACE = re.compile(rb"\s")
_NOWHERE = (0x81, 0x8D, 0x8F, 0x90, 0x9D)  # bytes that Windows-1252 has no character for
_UTF8 = "Save it as UTF-8"


@dataclass(frozen=True)
class Encoding:
    """A codec of Python's, and what to call it where it has to be announced (empty for UTF-8)."""

    codec: str
    name: str = ""


UTF8 = Encoding("utf-8-sig")


def encoding_of(path: Path, name: str) -> Encoding:
    """The encoding of a file. Raises DataError, calling the file `name`, for one that is no known text."""
    try:
        found = path.stat()
        return _encoding(path, found.st_size, found.st_mtime_ns)
    except OSError as error:
        raise unreadable(name, error) from None
    except DataError as error:
        raise error.at(f"{name}:{error.where}" if error.where else name) from None


def open_text(path: Path, name: str, newline: str | None = None) -> TextIO:
    """The file as text without its mark; bytes that its encoding does not have are kept apart as surrogates.

    Raises DataError, calling the file `name`, for one that is no text or cannot be opened.
    """
    codec = encoding_of(path, name).codec
    try:
        return open(path, encoding=codec, errors="surrogateescape", newline=newline)
    except OSError as error:
        raise unreadable(name, error) from None


def read_text(path: Path, where: str) -> str:
    """The whole text of a file. Raises DataError with the line, after `where`, of a byte that cannot be decoded."""
    with open_text(path, where) as file:
        text = file.read()
    if text.isascii():
        return text
    for line, part in enumerate(text.split("\n"), 1):
        try:
            require_decoded(part)
        except DataError as error:
            raise error.at(f"{where}:{line}") from None
    return text


def require_decoded(text: str) -> None:
    """Raise DataError (without where) for text that holds a byte which could not be decoded."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        code = ord(error.object[error.start])
        if not 0xDC80 <= code <= 0xDCFF:
            raise DataError("the text holds half a character (a lone surrogate)", fix="Write it as UTF-8") from None
        byte = code - 0xDC00
        known = "is neither UTF-8 nor Windows-1252" if byte in _NOWHERE else "is not UTF-8"
        raise DataError(f"byte 0x{byte:02X} {known}", fix="Save the file as UTF-8") from None


def announced(names: dict[str, str]) -> list[str]:
    """What to say of files (name → the name of its encoding, or nothing) that are not UTF-8."""
    notes = []
    for encoding in sorted({found for found in names.values() if found}):
        files = sorted(name for name, found in names.items() if found == encoding)
        some = ", ".join(files[:3]) + (", …" if len(files) > 3 else "")
        were = f"{len(files):,} files are" if len(files) > 1 else f"{some} is"
        notes.append(f"{were} {encoding}, not UTF-8, and read so" + (f" ({some})" if len(files) > 1 else ""))
    return notes


@lru_cache(maxsize=4096)
def _encoding(path: Path, size: int, changed: int) -> Encoding:
    with open(path, "rb") as file:
        head = file.read(4096)
    if head[:4] in (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE):
        return _checked(path, Encoding("utf-32", "UTF-32"))
    if head[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        return _checked(path, Encoding("utf-16", "UTF-16"))
    even, odd = head[::2].count(0), head[1::2].count(0)
    if max(even, odd) > len(head) / 5 and min(even, odd) < max(even, odd) / 10:
        order = "le" if odd > even else "be"
        return _checked(path, Encoding(f"utf-16-{order}", "UTF-16 without a mark"))
    if head.startswith(b"PK\x03\x04") or even + odd > len(head) / 50:
        raise DataError("this is not a text file", fix="Save a spreadsheet as CSV with UTF-8 encoding")
    return _of_bytes(path)


def _checked(path: Path, encoding: Encoding) -> Encoding:
    """The encoding, once the whole file was decoded by it."""
    decoder, line = codecs.getincrementaldecoder(encoding.codec)(), 1
    with open(path, "rb") as file:
        try:
            while block := file.read(_BLOCK):
                line += decoder.decode(block).count("\n")
            decoder.decode(b"", final=True)
        except UnicodeError as error:
            what = f"the file begins as {encoding.name}, and is damaged from here on ({error})"
            raise DataError(what, where=str(line), fix=_UTF8) from None
    return encoding


def _of_bytes(path: Path) -> Encoding:
    """UTF-8, or Western where that is what the bytes above ASCII must be."""
    try:
        return _checked(path, UTF8)
    except DataError:
        found = _counted(path)
    if 10 * found.valid > found.escaped:
        return UTF8  # a byte that is broken is named with its line when it is read
    if found.above > _FOREIGN * found.dark:
        what = f"this is neither UTF-8 nor Latin-1 ({percent(found.above / found.dark)} of its bytes are above ASCII)"
        raise DataError(what, where=str(found.first), fix=_UTF8)
    return Encoding("cp1252", "Windows-1252" if found.controls else "Latin-1")


@dataclass
class _Count:
    """What is in a file that is not all UTF-8: characters above ASCII that are, bytes that are not, bytes above ASCII,
    bytes that are no spaces; the line of the first broken byte, and whether one is a control in Latin-1.
    """

    valid: int = 0
    escaped: int = 0
    above: int = 0
    dark: int = 0
    first: int = 0
    controls: bool = False


def _counted(path: Path) -> _Count:
    decoder, count, lines = codecs.getincrementaldecoder("utf-8")("surrogateescape"), _Count(), 0
    with open(path, "rb") as file:
        while block := file.read(_BLOCK):
            text = decoder.decode(block)
            broken = _ESCAPED.findall(text)
            if broken and not count.first:
                count.first = lines + text.count("\n", 0, text.index(broken[0])) + 1
            count.escaped += len(broken)
            count.valid += len(_BEYOND.findall(text)) - len(broken)
            count.above += len(_ABOVE.findall(block))
            count.dark += len(block) - len(_SPACE.findall(block))
            count.controls = count.controls or any(letter <= "\udc9f" for letter in broken)
            lines += text.count("\n")
    return count
