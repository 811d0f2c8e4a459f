"""data.yaml: the classes of a YOLO set by name, and where the pictures of each split lie.

Every value is read as the text that stands there: a class may be called no, 01 or 1e3, which YAML 1.1 takes for a
truth value and numbers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from sounding.contract.split_names import split_named
from sounding.errors import DataError
from sounding.modalities.boxes.layouts import shared

SUFFIXES = (".yaml", ".yml")

_FIX = "Correct the line, such as names: [cat, dog]"
_NOTHING = ("", "~", "null", "Null", "NULL")
_TELLING = re.compile(r"^[\"']?(names|nc)[\"']?\s*:", re.MULTILINE)


@dataclass(frozen=True)
class DataYaml:
    """What a data.yaml says: where paths begin, the entries of each split, and the classes by number, if named."""

    path: str = ""
    splits: dict[str, list[str]] = field(default_factory=dict)
    names: list[str] | None = None


def read(file: Path) -> DataYaml | None:
    """A data.yaml, or None for another kind of YAML. Raises DataError with the line for one that cannot be used."""
    text = shared.text_of(file)
    try:
        content = yaml.load(text, _TextLoader)
    except yaml.YAMLError as error:
        if _TELLING.search(text) is None:
            return None
        raise DataError(f"no YAML can be read here ({_problem(error)})", where=_place(file, error), fix=_FIX) from None
    if not isinstance(content, dict) or not ("names" in content or "nc" in content):
        return None
    said = {key: value for key, value in content.items() if value not in _NOTHING}
    path = said.get("path", "")
    if not isinstance(path, str):
        raise DataError("path is no path", where=str(file), fix="Write path: FOLDER")
    splits = {key: list(_entries(key, said[key], file)) for key in said if split_named(key)}
    return DataYaml(path, splits, _names(said, file))


class _TextLoader(yaml.BaseLoader):
    """Texts, lists and mappings only, and no key twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        mapping: dict[Any, Any] = super().construct_mapping(node, deep)
        if len(mapping) < len(node.value):
            keys = [key.value for key, _ in node.value]
            key = next(key for place, (key, _) in enumerate(node.value) if key.value in keys[:place])
            raise yaml.constructor.ConstructorError(None, None, f"{key.value!r} a second time", key.start_mark)
        return mapping


def _entries(split: str, value: object, file: Path) -> Iterator[str]:
    for entry in value if isinstance(value, list) else [value]:
        if not isinstance(entry, str):
            fix = f"Write {split}: FOLDER, or a list of folders and files of paths"
            raise DataError(f"{split} names something that is no path", where=str(file), fix=fix)
        if entry not in _NOTHING:
            yield entry


def _names(said: dict[str, Any], file: Path) -> list[str] | None:
    """The classes by number; those that a mapping skips are called by theirs."""
    names, count = said.get("names"), said.get("nc")
    if isinstance(names, list) and all(isinstance(name, str) for name in names):
        return list(names)
    if isinstance(names, dict):
        try:
            by_number = {int(number): name for number, name in names.items()}
        except ValueError:
            raise DataError("names does not number the classes", where=str(file), fix="Write 0: cat, 1: dog") from None
        if min(by_number, default=0) >= 0 and all(isinstance(name, str) for name in by_number.values()):
            return [by_number.get(number, str(number)) for number in range(max(by_number, default=-1) + 1)]
    if names is not None:
        raise DataError("names is no list of names", where=str(file), fix="Write names: [cat, dog]")
    if count is None:
        return None
    if not isinstance(count, str) or not count.isdecimal():
        raise DataError("nc is no number of classes", where=str(file), fix="Write nc: 2, or names: [cat, dog]")
    return [str(number) for number in range(int(count))]


def _problem(error: yaml.YAMLError) -> str:
    return getattr(error, "problem", None) or str(error).partition("\n")[0]


def _place(file: Path, error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    return f"{file}:{mark.line + 1}" if mark is not None else str(file)
