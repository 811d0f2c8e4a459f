"""Names for class ids in Parquet files, from the list of features that Hugging Face data sets write into the schema."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sounding.errors import DataError

Namer = Callable[[Any], Any]


def namers(metadata: Mapping[bytes, bytes] | None) -> dict[str, Namer]:
    """Column → what turns its class ids into names, wherever the schema names classes, within lists and structs too."""
    try:
        features = json.loads((metadata or {})[b"huggingface"])["info"]["features"]
    except (KeyError, TypeError, ValueError):
        return {}
    return {name: namer for name, feature in features.items() if (namer := _namer(feature))}


def _namer(feature: Any) -> Namer | None:
    if isinstance(feature, list):
        feature = {"_type": "List", "feature": feature[0]} if feature else {}
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
    if not isinstance(cell, int) or isinstance(cell, bool):
        return cell
    if cell < 0:
        return None  # how Hugging Face data sets mark a label that is not given
    if cell >= len(names):
        raise DataError(f"class id {cell}, where the file names {len(names)} classes", fix="Correct the id")
    return names[cell]
