"""From a name in a table, a list or an annotation to the file that it means: one way for all readers.

A name may be written with either separator (`photos\\1.jpg`), in either Unicode form (é as one sign, or as e and an
accent, as macOS stores it), and in another case than its file. It may begin with folders of another machine. A name
that several files answer to leads to none of them: that is an error which names them.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath

from sounding.contract.split_names import split_above
from sounding.errors import DataError
from sounding.folders import place, walk, with_suffix

BESIDE = ("annotations", "annotation", "labels", "label", "json", "jsons")
"""Folders of annotations, in lower case: what they speak of lies beside them."""
PICTURES = frozenset(
    ("images", "image", "imgs", "img", "pictures", "photos", "jpegimages", "leftimg8bit", "rgb", "inputs", "input")
)
"""Folders of pictures, in lower case."""
MASKS = frozenset(
    (
        *("masks", "mask", "labels", "label", "annotations", "annotation", "annots", "annot", "segmentationclass"),
        *("segmentations", "segmentation", "gt", "gtfine", "ground_truth", "groundtruth", "targets", "target"),
    )
)
"""Folders of masks, in lower case: the pictures of the same names lie elsewhere."""
OBJECTS = frozenset(("segmentationobject", "instances"))
"""Folders of masks whose numbers are objects, not classes."""
_NEAR = 2  # folders below that of an annotation file in which its pictures are looked for
_SHOWN = 3


def spelled(name: str) -> str:
    """A path with the separators of this system and no spaces around it."""
    return name.strip().replace("\\", "/")


def composed(name: str) -> str:
    """A name in the one Unicode form in which names are compared."""
    return unicodedata.normalize("NFC", name)


def plain(name: str) -> str:
    """What all spellings of one name have in common: Unicode form and case aside."""
    return composed(composed(name).casefold())


class Spellings:
    """Finds what lies at a path, however its names are spelled. Each folder is listed once."""

    def __init__(self) -> None:
        self._listed: dict[Path, dict[str, list[str]]] = {}

    def find(self, path: Path) -> Path | None:
        """The file or folder at `path`; None where there is none. Raises DataError where several could be meant."""
        if os.path.exists(path):
            return path
        above = self.find(path.parent) if path.parent != path else None
        if above is None:
            return None
        names = self._names(above).get(plain(path.name), [])
        return only([above / name for name in _exact(names, path.name) or names], path.name, above)

    def named(self, root: Path, name: str) -> Path | None:
        """What a table in the folder `root` calls `name`; as `find`."""
        return root / name if os.path.exists(root / name) else self.find(root / spelled(name))

    def _names(self, folder: Path) -> dict[str, list[str]]:
        if folder not in self._listed:
            found: dict[str, list[str]] = defaultdict(list)
            try:
                for name in sorted(os.listdir(folder)):
                    found[plain(name)].append(name)
            except OSError:  # no folder, or a closed one: nothing is found in it
                pass
            self._listed[folder] = dict(found)
        return self._listed[folder]


class Files:
    """Files under `top` that an annotation may name."""

    def __init__(self, files: Iterable[Path], top: Path) -> None:
        self._top = top
        self._named: dict[str, list[Path]] = defaultdict(list)
        self._folders: set[str] = set()
        for file in files:
            self._named[plain(file.name)].append(file)
            self._folders.add(plain(file.parent.name))

    def find(self, name: str, annotation: Path, split: str = "") -> Path | None:
        """The file that is called `name` in the file `annotation`; None where there is none.

        A path from there is taken as it stands. Else the file is looked for by its name; of those that have it, by the
        folders in front of it; then around the annotation; then by the `split` that it is for, and by its own name.
        Raises DataError where several are left.
        """
        base, told = annotation.absolute().parent, spelled(name)
        if told and os.path.isfile(base / told):
            return base / told
        parts = [part for part in PurePosixPath(told).parts if part not in ("/", "..")]
        if not parts:
            return None
        found = self._named.get(plain(parts[-1]), [])
        exact = set(_exact([file.name for file in found], parts[-1]))
        found = self._nearest([file for file in found if file.name in exact] or found, parts)
        found = [file for file in found if not self._is_drawn(file)] or found
        found = [file for file in found if file.is_relative_to(around(base))] or found
        found = self._of_split(found, split, parts)
        return only([file for file in found if _is_called_after(file, annotation)] or found, name, self._top)

    def _is_drawn(self, file: Path) -> bool:
        return any(part.lower() in MASKS | OBJECTS for part in file.relative_to(self._top).parts[:-1])

    def _nearest(self, found: Sequence[Path], parts: Sequence[str]) -> list[Path]:
        """Those that have most of the folders in front, if these are here at all."""
        shared = [_shared(file, parts) for file in found]
        most = max(shared, default=0)
        if most == 1 and len(parts) > 1 and plain(parts[-2]) in self._folders:
            return []  # its folder is here, and it is not in it
        return [file for file, n in zip(found, shared, strict=True) if n == most]

    def _of_split(self, found: Sequence[Path], split: str, parts: Sequence[str]) -> list[Path]:
        """Those that are not of another split, unless the name itself says the folder."""
        if not split or any(_shared(file, parts) > 1 for file in found):
            return list(found)
        sides = [split_above(file, self._top) for file in found]
        own = [file for file, side in zip(found, sides, strict=True) if side == split]
        return own or [file for file, side in zip(found, sides, strict=True) if not side]


class Surroundings:
    """The files of some endings that annotation files may name: in the folder that was given, and around the files."""

    def __init__(self, given: Path, suffixes: Iterable[str]) -> None:
        self._given, self._suffixes = given, tuple(suffixes)
        self._files: dict[Path, Files] = {}

    def of(self, file: Path) -> Files:
        """Those that the annotation `file` may name.

        They lie in the folder that was given, at any depth; or, where a file was given or the pictures lie beside the
        folder of annotations, near the file.
        """
        top = around(file.absolute().parent)
        given = self._given.absolute()
        inside = self._given.is_dir() and top.is_relative_to(given)
        return self._listed(given, None) if inside else self._listed(top, _NEAR)

    def _listed(self, top: Path, depth: int | None) -> Files:
        if top not in self._files:
            self._files[top] = Files(with_suffix(walk(top, depth), self._suffixes), top)
        return self._files[top]


def around(base: Path) -> Path:
    """The folder in which the files that an annotation speaks of are most likely; it lies in `base` itself."""
    return base.parent if base.name.lower() in BESIDE else base


def only(found: Sequence[Path], name: str, top: Path) -> Path | None:
    """The one file of `found`, None where there is none. Raises DataError naming them where they are several."""
    if len({os.path.realpath(file) for file in found}) > 1:
        some = ", ".join(place(file, top) for file in found[:_SHOWN]) + ", …" * (len(found) > _SHOWN)
        fix = "Write the folder in front of the name, or give each file its own name"
        raise DataError(f"the name {name!r} leads to {len(found)} files ({some})", fix=fix)
    return found[0] if found else None


def _is_called_after(file: Path, annotation: Path) -> bool:
    """Whether the file lies in a folder that the annotation has in its name: day/1.png and day.json."""
    words = re.split(r"[-_. ]", plain(annotation.stem))
    return any(plain(folder.name) in words for folder in list(file.parents)[:2])


def _exact(names: Sequence[str], name: str) -> list[str]:
    """Those of `names` that differ from `name` by their Unicode form at most."""
    return [other for other in names if composed(other) == composed(name)]


def _shared(file: Path, parts: Sequence[str]) -> int:
    """How many names at the end of a path are those in `parts`."""
    count = 0
    for mine, told in zip(reversed(file.parts), reversed(parts)):
        if plain(mine) != plain(told):
            break
        count += 1
    return count
