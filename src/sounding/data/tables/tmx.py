"""Translation Memory eXchange (TMX 1.4b): units of a text in several languages, in XML.

A table with a column for each language, called as the file calls it. Tags within a segment are left out, their text is
kept. Entities of a document's own are refused: they may name other files, or grow without end.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.parsers import expat

from sounding.data.tables.text import Lines, Record, valid
from sounding.errors import DataError
from sounding.files import unreadable

_BLOCK = 2**16
_HIDDEN = ("bpt", "ept", "it", "ph", "ut")
"""Tags of a segment whose content is code of another format."""
_OF_ENCODING = (expat.errors.XML_ERROR_INVALID_TOKEN, expat.errors.XML_ERROR_UNKNOWN_ENCODING)


class Tmx(Lines):
    """One file. A unit without a text in a language has an empty cell there; where it begins is its line."""

    def __init__(self, path: Path, name: str) -> None:
        """Raises DataError for what is no TMX, or has its texts in one language alone."""
        super().__init__(path, name)
        seen: dict[str, str] = {}
        for _, unit in _units(path, name):
            for code in unit:
                seen.setdefault(code.lower(), code)
        self._codes = list(seen)
        self.names = _short(list(seen.values()))
        if len(self.names) < 2:
            found = f"texts in {self.names[0]} alone" if self.names else "no units with texts"
            raise DataError(f"the file has {found}", where=name, fix="Export it with both languages")
        self._read_head()

    def _records(self) -> Iterator[Record]:
        for line, unit in _units(self.path, self.name):
            known = {code.lower(): text for code, text in unit.items()}
            yield line, valid([known.get(code, "") for code in self._codes])


def _short(codes: list[str]) -> list[str]:
    """Codes without their countries, in small letters, where that tells them apart: en-US → en."""
    short = [code.lower().replace("_", "-").partition("-")[0] for code in codes]
    return short if len(set(short)) == len(short) else codes


def _units(path: Path, name: str) -> Iterator[tuple[int, dict[str, str]]]:
    """The line where each unit begins, and its texts by language, as they are written."""
    reader = _Reader()
    parser = reader.parser
    try:
        with open(path, "rb") as file:
            while block := file.read(_BLOCK):
                parser.Parse(block, False)
                yield from reader.taken()
            parser.Parse(b"", True)
            yield from reader.taken()
    except OSError as error:
        raise unreadable(name, error) from None
    except expat.ExpatError as error:
        why = expat.errors.messages.get(error.code, str(error))
        fix = "Save it as UTF-8" if why in _OF_ENCODING else "Export the file again"
        raise DataError(f"this is not XML ({why})", where=f"{name}:{error.lineno}", fix=fix) from None
    except DataError as error:
        raise error.at(f"{name}:{parser.CurrentLineNumber}") from None
    if not reader.is_tmx:
        raise DataError("this is XML, but no TMX", where=name, fix="Export it as TMX")


class _Reader:
    """Gathers units while the parser goes over them."""

    def __init__(self) -> None:
        self.parser = expat.ParserCreate()
        self.is_tmx = False
        self._units: list[tuple[int, dict[str, str]]] = []
        self._unit: dict[str, str] = {}
        self._line, self._language, self._hidden = 0, "", 0
        self._text: list[str] | None = None
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._letters
        self.parser.EntityDeclHandler = self._entity

    def taken(self) -> list[tuple[int, dict[str, str]]]:
        """The units that are complete, each once."""
        units, self._units = self._units, []
        return units

    def _start(self, tag: str, said: dict[str, str]) -> None:
        if tag == "tmx":
            self.is_tmx = True
        elif tag == "tu":
            self._unit, self._line = {}, self.parser.CurrentLineNumber
        elif tag == "tuv":
            self._language = said.get("xml:lang") or said.get("lang") or ""
        elif tag == "seg":
            self._text = []
        elif tag in _HIDDEN:
            self._hidden += 1

    def _end(self, tag: str) -> None:
        if tag == "tu":
            self._units.append((self._line, self._unit))
        elif tag == "seg":
            if self._language:
                self._unit.setdefault(self._language, " ".join("".join(self._text or ()).split()))
            self._text = None
        elif tag in _HIDDEN:
            self._hidden -= 1

    def _letters(self, text: str) -> None:
        if self._text is not None and not self._hidden:
            self._text.append(text)

    def _entity(self, *said: Any) -> None:
        what = f"the document defines an entity ({said[0]}), which could name other files"
        raise DataError(what, fix="Remove the DOCTYPE, or export the file again")
