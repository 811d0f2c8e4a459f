"""Names for class ids, from the list of features of Hugging Face data sets.

Parquet files have it in their schema; for tables of text it lies beside them, in dataset_info.json or at the head of
README.md.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from sounding.errors import DataError

Namer = Callable[[Any], Any]


def namers(metadata: Mapping[bytes, bytes] | None) -> dict[str, Namer]:
    """Column → what turns its class ids into names, wherever the schema names classes, within lists and structs too."""
    try:
        features = json.loads((metadata or {})[b"huggingface"])["info"]["features"]
    except (KeyError, TypeError, ValueError):
        return {}
    return {name: namer for name, feature in features.items() if (namer := _namer(feature))}


def namers_beside(folder: Path) -> tuple[dict[str, Namer], str]:
    """The same from the description of a data set in a folder, or above a folder called data; and the file's name."""
    for place in (folder, *([folder.parent] if folder.name == "data" else [])):
        for name, features_of in (("dataset_info.json", _of_json), ("README.md", _of_card)):
            try:
                features = features_of((place / name).read_text(encoding="utf-8"))
            except (OSError, ValueError, TypeError, AttributeError, yaml.YAMLError):
                continue  # a description of another kind, which nobody asked for
            found = {column: namer for column, feature in features.items() if (namer := _namer(feature))}
            if found:
                return found, name
    return {}, ""


def _of_json(text: str) -> dict[str, Any]:
    found = json.loads(text)
    features = found.get("features") if isinstance(found, dict) else None
    return features if isinstance(features, dict) else {}


def _of_card(text: str) -> dict[str, Any]:
    """The features at the head of a card, if it describes one configuration."""
    if not text.startswith("---"):
        return {}
    head = yaml.safe_load(text.split("---")[1])
    info = head.get("dataset_info") if isinstance(head, dict) else None
    features = info.get("features") if isinstance(info, dict) else None
    found = {}
    for feature in features if isinstance(features, list) else []:
        kind = feature.get("dtype") if isinstance(feature, dict) else None
        names = (kind.get("class_label") or {}).get("names") if isinstance(kind, dict) else None
        if isinstance(names, dict | list):
            ordered = [names[key] for key in sorted(names, key=int)] if isinstance(names, dict) else names
            found[str(feature.get("name"))] = {"_type": "ClassLabel", "names": [str(name) for name in ordered]}
    return found


def _namer(feature: Any) -> Namer | None:
    if isinstance(feature, list):
        feature = {"_type": "List", "feature": feature[0]} if feature else {}
    if not isinstance(feature, dict):
        return None
    if feature.get("_type") == "ClassLabel":
        return lambda cell: _class_name(cell, feature.get("names", []))
    if feature.get("_type") in ("Sequence", "List", "LargeList"):
        inner = _namer(feature.get("feature", {}))
        return (lambda cells: None if cells is None else [inner(cell) for cell in cells]) if inner else None
    inners = {
        key: inner for key, value in feature.items() if isinstance(value, dict | list) and (inner := _namer(value))
    }
    if not inners:
        return None
    return lambda cell: None if cell is None else {k: inners[k](v) if k in inners else v for k, v in cell.items()}


def _class_name(cell: Any, names: Sequence[str]) -> Any:
    if isinstance(cell, str) and cell.strip().removeprefix("-").isdecimal():
        cell = int(cell)
    if not isinstance(cell, int) or isinstance(cell, bool):
        return cell
    if cell < 0:
        return None  # how Hugging Face data sets mark a label that is not given
    if cell >= len(names):
        raise DataError(f"class id {cell}, where the file names {len(names)} classes", fix="Correct the id")
    return names[cell]
