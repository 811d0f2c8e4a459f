"""Texts in several languages, a file for each, line beside line: train.en and train.de, as Moses and OPUS have them.

Together they are a table whose columns are called as the files end. Lines that do not end together would put every
pair after the first gap wrong, so files with other numbers of lines than each other are refused.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from sounding.data.tables.text import Lines, Record, valid
from sounding.errors import DataError
from sounding.folders import entries
from sounding.modalities.text.encodings import announced, encoding_of, open_text

_CODES = """
ar be bg bn bs ca cs cy da de el en eo es et eu fa fi fr ga gl gu he hi hr hu hy id is it ja ka kk km ko lo lt lv mk ml
mn mr ms mt my nb ne nl nn no pa pl ps pt ro ru si sk sl sq sr sv sw ta te th tl tr uk ur uz vi xh zh zu
"""
LANGUAGES = frozenset(_CODES.split())
"""Codes of languages (ISO 639-1) that files may end in; a country may stand behind: pt_BR."""


def language(path: Path) -> str:
    """The language that a file's ending names ("en"), as it is written there; or ""."""
    ending = path.suffix[1:]
    code = ending.lower().replace("-", "_").partition("_")[0]
    return ending if code in LANGUAGES else ""


def parallel_files(files: Iterable[Path]) -> dict[str, dict[str, Path]]:
    """Stem → language → file, of the files that have at least one other of another language beside them."""
    found: defaultdict[str, dict[str, Path]] = defaultdict(dict)
    for file in files:
        if language(file) and file.is_file():
            found[file.stem][language(file)] = file
    return {stem: languages for stem, languages in found.items() if len(languages) > 1}


def beside(path: Path) -> dict[str, Path]:
    """The files that are parallel to one, itself among them; none where there are none."""
    if not language(path):
        return {}
    return parallel_files(entries(path.parent)).get(path.stem, {})


class Parallel(Lines):
    """Files of one stem. A row is at the same line of each."""

    def __init__(self, files: Mapping[str, Path], name: str) -> None:
        """Raises DataError for files with different numbers of lines."""
        super().__init__(next(iter(files.values())), name)
        self.files, self.names = dict(files), list(files)
        self._check_lines()
        self._read_head()

    @property
    def paths(self) -> tuple[Path, ...]:
        """All of the files."""
        return tuple(self.files.values())

    def notes(self, name: str) -> list[str]:
        """Which of the files are not UTF-8."""
        return announced({path.name: encoding_of(path, path.name).name for path in self.paths})

    def _check_lines(self) -> None:
        counts = {}
        for path in self.paths:
            with open_text(path, path.name, newline="\n") as file:
                counts[path.name] = sum(1 for _ in file)
        (short, least), *_, (long, most) = sorted(counts.items(), key=lambda item: item[1])
        if least != most:
            what = f"{long} has {most:,} lines and {short} {least:,}, so that it is not known which belong together"
            fix = f"Find the line that {short} lacks, and put an empty one there"
            raise DataError(what, where=f"{short}:{least + 1}", fix=fix)

    def _records(self) -> Iterator[Record]:
        opened = [open_text(path, path.name, newline="\n") for path in self.paths]
        try:
            for line, cells in enumerate(zip(*opened, strict=True), 1):
                yield line, valid([cell.rstrip("\r\n") for cell in cells])
        finally:
            for file in opened:
                file.close()
