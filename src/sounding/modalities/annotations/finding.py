"""The annotation files of a folder that a reader understands, and the picture that each of their names means."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from sounding.contract.file_names import Surroundings, spelled
from sounding.contract.modality import Modality
from sounding.contract.split_names import split_above, split_in
from sounding.errors import DataError
from sounding.folders import place, walk, with_suffix
from sounding.modalities.annotations.things import Labelled

Read = Callable[[Path], "tuple[list[Labelled], list[str]] | None"]


@dataclass(frozen=True)
class Found:
    """A labelled picture where it lies: its `where` for errors, the picture, the file that labels it, and its split.

    `problem` says why the row cannot be used.
    """

    where: str
    picture: Path
    labelled: Labelled
    file: Path
    split: str
    problem: tuple[str, str] | None = None


@dataclass(frozen=True)
class Annotated:
    """All pictures that annotation files label, the names of classes in their order, and the files."""

    pictures: list[Found]
    names: list[str]
    files: tuple[Path, ...]


def annotated(path: Path, read: Read, suffix: str, input: Modality) -> Annotated | None:
    """What is labelled by a file, or by those in a folder or one below it, that `read` understands; None by none."""
    if not input.suffixes or (path.is_file() and path.suffix.lower() != suffix):
        return None
    files = [path] if path.is_file() else with_suffix(walk(path, depth=1), (suffix,))
    around = Surroundings(path, input.suffixes)
    pictures, names, used = [], dict[str, None](), []
    for file in files:
        held = read(file)
        if held is not None:
            used.append(file)
            pictures += list(_found(held[0], file, path, around))
            names.update(dict.fromkeys(held[1]))
    return Annotated(pictures, list(names), tuple(used)) if used else None


def _found(labelled: list[Labelled], file: Path, path: Path, around: Surroundings) -> Iterator[Found]:
    alone = path.is_file()
    where = file.name if alone else place(file, path)
    split = "" if alone else split_in(file.stem) or split_above(file, path)
    seen: set[str] = set()
    for each in labelled:
        at, told = f"{where}:{each.name}", each.split or split
        picture, problem = file.parent / spelled(each.name), None
        try:
            picture = _picture(each, file, around, told) or picture
        except DataError as error:
            problem = error.what, error.fix
        if each.name in seen:
            problem = "the file labels this picture twice", "Remove one of the two"
        seen.add(each.name)
        if each.problem:
            problem = each.problem, "Correct it in the tool, and export again"
        if not told and not alone and picture.absolute().is_relative_to(path.absolute()):
            told = split_above(picture.absolute(), path.absolute())
        yield Found(at, picture.absolute(), each, file, told, problem)


def _picture(each: Labelled, file: Path, around: Surroundings, split: str) -> Path | None:
    files = around.of(file)
    names = (each.name, *each.others)
    return next((picture for name in names if (picture := files.find(name, file, split))), None)
