"""Class folders: `<class>/…` or `{train,validation,test}/<class>/…`, files at any depth in a class.

The parts may also lie below the classes (`<class>/{train,test}/…`), and all of it in folders that hold nothing else
(`archive/Training/<class>/…`). Folders that all hold the same folders are not taken for classes in silence: they may as
well be parts of the data.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sounding.contract.layouts import Layout
from sounding.contract.modality import Modality, Row
from sounding.contract.split_names import split_above, split_in, split_named
from sounding.errors import DataError, shown
from sounding.folders import place, walk, with_suffix

FEW = 10
"""So many folders that all hold the same ones may be parts of the data; more of them are classes."""


@dataclass
class _Folder:
    """A folder with input files in it, at any depth; `loose` if some lie in it directly."""

    path: Path
    files: list[Path] = field(default_factory=list)
    inner: dict[str, _Folder] = field(default_factory=dict)
    loose: bool = False


@dataclass(frozen=True)
class _Found:
    """Where the classes are: (split, class folder); `beneath` where splits are folders in the classes."""

    classes: Sequence[tuple[str, _Folder]]
    beneath: bool = False


def class_folders(path: Path, input: Modality, target: Modality | None = None) -> Iterator[Row] | None:
    """The rows of class folders, sorted by folder and name: one for each file whose ending `input` knows.

    None when no folder inside `path` holds such a file. Raises DataError for folders that all hold the same folders,
    where these may be the classes as well.
    """
    if not input.suffixes or not path.is_dir():
        return None
    top = _tree(path, input)
    return _rows(path, _found(top)) if top.inner else None


def _rows(path: Path, found: _Found) -> Iterator[Row]:
    for split, folder in found.classes:
        for file in folder.files:
            told = split_above(file, folder.path) if found.beneath else split
            yield Row(place(file, path), str(file.absolute()), shown(folder.path.name), split=told)


def _tree(path: Path, input: Modality) -> _Folder:
    """The folders below a path that hold input files; each has all of its files in the order of the walk."""
    top = _Folder(path)
    for file in with_suffix(walk(path), input.suffixes):
        here = top
        here.files.append(file)
        for part in file.relative_to(path).parts[:-1]:
            here = here.inner.setdefault(part, _Folder(here.path / part))
            here.files.append(file)
        here.loose = True
    return top


def _found(top: _Folder) -> _Found:
    top = _unwrapped(top)
    if parts := _parts(top):
        return _Found(_answers(top, [(split, inner) for split, part in parts for inner in part.inner.values()]))
    folders = list(top.inner.values())
    classes = [("", folder) for folder in folders]
    shared = _shared(folders)
    if shared and all(map(split_named, shared)):
        return _Found(classes, beneath=True)
    if shared and len(folders) <= FEW:
        raise _unclear(top, folders, shared)
    return _Found(_answers(top, classes))


def _answers(top: _Folder, classes: Sequence[tuple[str, _Folder]]) -> Sequence[tuple[str, _Folder]]:
    """The classes. Raises DataError where all of them are called after splits."""
    names = sorted({folder.path.name for _, folder in classes})
    splits = {split_in(name) for name in names}
    if len(splits) > 1 and "" not in splits:
        what = f"the folders {_some(names)} are called after splits and not classes"
        fix = "Put a folder for each answer in each of them; if they are the answers, call them otherwise"
        raise DataError(what, where=shown(str(top.path)), fix=fix)
    return classes


def _unwrapped(top: _Folder) -> _Folder:
    """The folder where folders begin to differ: one that lies alone in another, and holds folders, is a wrapping.

    What is called after a split, or holds folders that are, is none; but for a folder in one of its own name.
    """
    while len(top.inner) == 1 and not top.loose:
        (inner,) = top.inner.values()
        named = split_named(inner.path.name) and inner.path.name != top.path.name
        if inner.loose or named or not inner.inner:
            break
        if all(map(split_named, inner.inner)) and not any(part.inner for part in inner.inner.values()):
            break  # a class with its splits
        top = inner
    return top


def _parts(top: _Folder) -> list[tuple[str, _Folder]]:
    """The folders that are parts of the data, with their splits; none where the folders are classes.

    A folder called train is a part of the data when it holds class folders and stands beside another part or alone;
    else it is the class of trains. Where the word is one of several (seg_train), all folders have to be called so.
    """
    whole = {name: _unwrapped(folder) for name, folder in top.inner.items()}
    named = [(split, whole[name]) for name in top.inner if (split := split_named(name)) and whole[name].inner]
    if len(named) > 1 or (named and all(map(split_named, top.inner))):
        return named
    told = [(split_in(name), folder) for name, folder in whole.items()]
    if all(split for split, _ in told) and len({split for split, _ in told}) > 1:
        return [(split, folder) for split, folder in told if len(folder.inner) > 1]
    return []


def _shared(folders: Sequence[_Folder]) -> list[str]:
    """The names of the folders that all of several folders hold, if they hold little else; else none."""
    if len(folders) < 2 or any(folder.loose for folder in folders):
        return []
    every = [set(folder.inner) for folder in folders]
    shared, known = set.intersection(*every), set.union(*every)
    return sorted(shared) if len(shared) > 1 and 2 * len(shared) >= len(known) else []


def _unclear(top: _Folder, folders: Sequence[_Folder], shared: Sequence[str]) -> DataError:
    outer, inner = (_some([folder.path.name for folder in folders]), _some(shared))
    what = f"the folders {outer} all hold the same folders ({inner}), so either may be the classes"
    fix = (
        f"If {folders[0].path.name} is a part of the data, call it train, validation or test; if it is a class, move "
        f"its pictures out of {shared[0]}; or write a table of paths and answers"
    )
    return DataError(what, where=shown(str(top.path)), fix=fix)


def _some(names: Sequence[str]) -> str:
    return shown(", ".join(names[:3]) + ", …" * (len(names) > 3))


def alike(path: Path, rows: Sequence[Row]) -> Iterator[str]:
    """A note where all of many class folders hold the same folders."""
    inner: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        if isinstance(row.input, str) and Path(row.input).is_relative_to(path.absolute()):
            parts = Path(row.input).relative_to(path.absolute()).parts
            inner[parts[0]].add(parts[1] if len(parts) > 2 else "")
    kinds = set(map(frozenset, inner.values()))
    if len(inner) > FEW and len(kinds) == 1 and len(shared := kinds.pop()) > 1 and not any(map(split_named, shared)):
        yield f"all {len(inner):,} class folders hold the same folders ({_some(sorted(shared))}), which mean nothing"


CLASS_FOLDERS = Layout("one folder for each answer", class_folders, notes=alike)
