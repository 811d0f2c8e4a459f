"""How people keep recordings and what was said in them, besides tables.

LibriSpeech    …/84/121123/84-121123.trans.txt beside 84-121123-0000.flac …; the first number is the speaker
Common Voice   train.tsv, dev.tsv, test.tsv beside clips/
clips          a.wav and a.txt beside each other, at any depth
"""

from __future__ import annotations

import csv
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from sounding.contract.layouts import Layout, Listed
from sounding.contract.modality import Modality, Row
from sounding.contract.split_names import split_above, split_named
from sounding.errors import DataError
from sounding.folders import place, walk, with_suffix
from sounding.modalities.audio.audio_files import CLIPS
from sounding.modalities.text.encodings import read_text

LISTED = ".trans.txt"
_SHOWN = 3


def librispeech(path: Path, input: Modality, target: Modality | None = None) -> Listed | None:
    """A row for each line of the lists of transcripts; a line without a file names one that is not there."""
    lists = with_suffix(walk(path), (LISTED,)) if path.is_dir() else []
    return Listed((row for file in lists for row in _of_list(file, path)), tuple(lists)) if lists else None


def _of_list(file: Path, top: Path) -> Iterator[Row]:
    clips = {clip.stem: clip for clip in with_suffix(sorted(file.parent.iterdir()), (".flac", ".wav", ".ogg", ".mp3"))}
    split = _split(file, top)
    for number, line in enumerate(read_text(file, place(file, top)).splitlines(), 1):
        if not line.strip():
            continue
        name, _, said = line.strip().partition(" ")
        clip = clips.get(name, file.parent / f"{name}.flac")
        group = name.split("-")[0] if "-" in name else ""
        yield Row(f"{place(file, top)}:{number}", str(clip.absolute()), said, group, split)


def _split(file: Path, top: Path) -> str:
    """The split of a folder above, also by its first word ("dev-clean")."""
    named = split_above(file, top)
    words = [part.split("-")[0] for part in (top.name, *file.relative_to(top).parts[:-1])]
    return named or next((split for word in reversed(words) if (split := split_named(word))), "")


def common_voice(path: Path, input: Modality, target: Modality | None = None) -> Listed | None:
    """The rows of the tables of splits beside a folder called clips; of all that is validated where there are none."""
    if not path.is_dir() or not (path / CLIPS).is_dir():
        return None
    tables = [(path / f"{name}.tsv", name) for name in ("train", "dev", "test")]
    tables = [(table, name) for table, name in tables if table.is_file()] or [(path / "validated.tsv", "")]
    tables = [(table, name) for table, name in tables if table.is_file()]
    if not tables:
        return None
    return Listed((row for table, name in tables for row in _of_table(table, name, path)), tuple(t for t, _ in tables))


def _of_table(table: Path, name: str, top: Path) -> Iterator[Row]:
    lines = read_text(table, place(table, top)).splitlines()
    rows = csv.reader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
    header = next(rows, [])
    if "path" not in header or "sentence" not in header:
        fix = "Common Voice calls them so; for a table of your own, name the file itself"
        raise DataError("the table has no columns path and sentence", where=f"{place(table, top)}:1", fix=fix)
    for number, cells in enumerate(rows, 2):
        row = dict(zip(header, cells, strict=False))
        clip = str((top / CLIPS / row["path"]).absolute()) if row.get("path") else ""
        where = f"{place(table, top)}:{number}"
        yield Row(where, clip, row.get("sentence", ""), row.get("client_id", ""), split_named(name))


def clips(path: Path, input: Modality, target: Modality | None = None) -> Listed | None:
    """A row for each clip, whose transcript is the text file of the same name; of two clips of one name the first.

    None where no clip has a text.
    """
    if not path.is_dir():
        return None
    found = _by_stem(path, input)
    if not any(os.path.isfile(f"{stem}.txt") for stem in found):
        return None
    rows = [
        Row(
            place(files[0], path),
            str(files[0].absolute()),
            Path(f"{stem}.txt").absolute(),
            split=_split(files[0], path),
        )
        for stem, files in found.items()
    ]
    return Listed(rows, tuple(file for files in found.values() for file in files[1:]))


def _by_stem(path: Path, input: Modality) -> dict[str, list[Path]]:
    found: dict[str, list[Path]] = defaultdict(list)
    for file in with_suffix(walk(path), input.suffixes):
        found[str(file.with_suffix(""))].append(file)
    return found


def twins(path: Path, rows: Sequence[Row]) -> Iterable[str]:
    """A note on clips of one name, of which one is read."""
    folders = {Path(row.input).parent for row in rows if isinstance(row.input, str)}
    used = {row.input for row in rows}
    double = []
    for folder in sorted(folders):
        files = sorted(file for file in folder.iterdir() if file.is_file())
        for file in files:
            others = [other for other in files if other.stem == file.stem and other != file]
            if str(file) in used and (others := [o for o in others if o.suffix.lower() != ".txt"]):
                double.append(f"{file.name} and not {', '.join(other.name for other in others)}")
    if double:
        more = f" and {len(double) - _SHOWN:,} more" * (len(double) > _SHOWN)
        yield f"of clips that have one transcript the first is read: {'; '.join(double[:_SHOWN])}{more}"


LIBRISPEECH = Layout("LibriSpeech (*.trans.txt)", librispeech)
COMMON_VOICE = Layout(
    "Common Voice (clips/ beside train.tsv)",
    common_voice,
    beside=("other.tsv", "invalidated.tsv", "validated.tsv", "reported.tsv", "times.txt", "clip_durations.tsv"),
    first=True,
)
CLIPS_WITH_TEXTS = Layout("a .txt file beside each recording", clips, notes=twins)
