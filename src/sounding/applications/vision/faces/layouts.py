"""How pictures of people lie in folders, and how lists of pairs are written.

    faces/<person>/*.jpg                  or faces/{train,validation,test}/<person>/*.jpg
    faces/pairs.txt, pairsDevTest.txt     as LFW writes them: `name i j` (same), `name i other j` (different)
    faces/pairs.csv                       name1,name2,same[,split]: file names, with or without person/ and ending

The pairs of a list are the test, or of their split. A pair that names a missing picture becomes a row that is rejected
where it is read, by file and line.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from sounding.contract.file_names import Spellings, plain, spelled
from sounding.contract.layouts import Layout
from sounding.contract.modality import Modality, Row
from sounding.contract.split_names import split_named
from sounding.modalities.class_folders import alike, class_folders

TROUBLE = "trouble"
"""The key of an input cell that stands for a line of a list which could not be understood, and why."""
LISTS = ("pairs.txt", "pairsdevtest.txt", "pairs.csv")
HELD_OUT = ("validation", "test")


def people_folders(path: Path, input: Modality, target: Modality | None = None) -> Iterator[Row] | None:
    """The rows of folders of people, then those of the lists of pairs beside them; None where there is no person."""
    singles = class_folders(path, input)
    if singles is None:
        return None
    return _listed(path, list(singles))


def _listed(path: Path, singles: list[Row]) -> Iterator[Row]:
    yield from singles
    names: dict[str, list[Row]] = defaultdict(list)
    for row in singles:
        file = Path(row.input)
        for name in (file.stem, file.name, f"{row.target}/{file.stem}", f"{row.target}/{file.name}"):
            names[plain(name)].append(row)
    spellings = Spellings()
    for name in LISTS:
        if (found := spellings.find(path / name)) is not None:
            read = _csv_pairs if name.endswith(".csv") else _lfw_pairs
            yield from read(found, names)


def _lfw_pairs(path: Path, names: Mapping[str, list[Row]]) -> Iterator[Row]:
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    for number, line in enumerate(lines, 1):
        words, where = line.split("\t") if "\t" in line else line.split(), f"{path.name}:{number}"
        if not words or (number == 1 and all(word.isdigit() for word in words)):
            continue  # the first line says how many folds and pairs there are
        if len(words) not in (3, 4) or not all(w.isdigit() for w in words[-1:] + words[1:2]):
            what = f"the line is neither `name i j` nor `name i other j`: {line[:60]!r}"
            yield _unusable(where, what, "Correct it, or remove it")
            continue
        other = words[0] if len(words) == 3 else words[2]
        stems = [f"{person}_{int(i):04d}" for person, i in ((words[0], words[1]), (other, words[-1]))]
        yield _pair(where, stems, names, "test", "")


def _csv_pairs(path: Path, names: Mapping[str, list[Row]]) -> Iterator[Row]:
    with open(path, encoding="utf-8-sig", errors="replace", newline="") as file:
        reader = csv.DictReader(file)
        for number, line in enumerate(reader, 2):
            where, told = f"{path.name}:{number}", line.get("split") or "test"
            split = split_named(told)
            if not line.get("name1") or not line.get("name2"):
                yield _unusable(where, "name1 or name2 is empty", "Name two pictures, or remove the line")
            elif split not in HELD_OUT:
                yield _unusable(where, f"a pair cannot be of the split {told.strip()!r}", "Write validation or test")
            else:
                yield _pair(where, [line["name1"].strip(), line["name2"].strip()], names, split, line.get("same") or "")


def _pair(where: str, stems: Sequence[str], names: Mapping[str, list[Row]], split: str, same: str) -> Row:
    """The row of a pair of named pictures; one to be rejected where a picture is missing or `same` is not true."""
    found = [names.get(plain(spelled(stem)), []) for stem in stems]
    for stem, rows in zip(stems, found, strict=True):
        if not rows:
            return _unusable(
                where, f"there is no picture {stem!r}", "Add it to its person's folder, or remove the pair"
            )
        if len(rows) > 1:
            what = f"the name {stem!r} leads to {len(rows)} pictures ({rows[0].where}, {rows[1].where})"
            return _unusable(where, what, "Write the person in front of it: person/name")
    (first, *_), (second, *_) = found
    if same.strip() and (same.strip().lower() in ("1", "true", "yes", "same")) != (first.target == second.target):
        what = f"same={same} is not what the folders {first.target!r} and {second.target!r} say"
        return _unusable(where, what, "Correct it, or move the picture to its person")
    cells = {"first": first.input, "second": second.input}
    return Row(where, cells, (first.target, second.target), first.target, split)


def _unusable(where: str, what: str, fix: str) -> Row:
    return Row(where, {TROUBLE: what, "fix": fix}, ("nobody", "nobody"), "", "test")


PEOPLE_FOLDERS = Layout("one folder for each person", people_folders, LISTS, alike)
