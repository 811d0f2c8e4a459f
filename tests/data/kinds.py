"""Small modalities and tasks without a model, for tests of what happens to data before any training."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sounding.contract.answers import Labelled
from sounding.contract.inputs import Fingerprinted
from sounding.contract.layouts import Layout
from sounding.contract.modality import Modality, Row
from sounding.contract.records import Example
from sounding.contract.task import Task
from sounding.data import open_data
from sounding.errors import DataError


class Text(Modality):
    """A sentence."""

    columns = ("text", "sentence")

    def accepts(self, cell: Any) -> bool:
        return isinstance(cell, str)

    def read(self, cell: Any, root: Path = Path()) -> str:
        if not isinstance(cell, str):
            raise DataError(f"a {type(cell).__name__} is not a text", fix="Write a text")
        return cell

    def encode(self, values: Any) -> Any:
        raise NotImplementedError


class Curve(Text, Fingerprinted):
    """A file of numbers, by path or as bytes; its first eight numbers are its fingerprint."""

    columns = ("curve", "file")
    suffixes = (".num",)
    reads = 0

    def accepts(self, cell: Any) -> bool:
        return isinstance(cell, dict) or (isinstance(cell, str) and cell.endswith(".num"))

    def read(self, cell: Any, root: Path = Path()) -> np.ndarray:
        self.reads += 1
        text = cell["bytes"].decode() if isinstance(cell, dict) else (root / cell).read_text()
        try:
            return np.array(text.split(), np.float32)
        except ValueError:
            raise DataError("not numbers", fix="Write numbers, or remove the row") from None

    def fingerprint(self, value: np.ndarray) -> np.ndarray:
        return np.resize(value, 8)

    def remark(self, value: np.ndarray) -> str:
        return "all zero" if not value.any() else ""


class Kind(Labelled):
    """A label, and folders called after labels."""

    columns = ("label", "kind")

    def read(self, cell: Any, root: Path = Path()) -> str:
        return str(cell)

    def fit(self, values: Iterable[str]) -> None:
        self.classes = sorted(set(values))

    def label_conflicts(self) -> list[str]:
        lower = [option.lower() for option in self.classes or ()]
        return [f"{word!r} is written in two ways" for word in sorted(set(lower)) if lower.count(word) > 1]

    def encode(self, values: Any) -> Any:
        raise NotImplementedError


def folders(path: Path, input: Modality, target: Modality) -> Iterator[Row] | None:
    """The rows of folders called after kinds."""
    splits = [("", path)]
    if (path / "train").is_dir():
        splits = [(name, path / name) for name in ("train", "test") if (path / name).is_dir()]
    files = [
        (split, file)
        for split, folder in splits
        for file in sorted(folder.glob("*/*"))
        if file.suffix in input.suffixes
    ]
    rows = (
        Row(str(file.relative_to(path.parent)), str(file.absolute()), file.parent.name, "", split)
        for split, file in files
    )
    return rows if files else None


class Sentences(Task):
    """Sentences and their kinds."""

    input_kind: type[Modality] = Text
    layouts = (Layout("one folder for each answer", folders),)
    metrics = ()

    def modalities(self) -> tuple[Modality, Modality]:
        return self.input_kind(), Kind()

    def build(self) -> Any:
        raise NotImplementedError

    loss = predict = build

    def demo(self, rng: np.random.Generator, n: int) -> list[Example]:
        return [Example(f"sentence {rng.integers(10**9)}", "ab"[int(rng.integers(2))]) for _ in range(n)]


class Curves(Sentences):
    """Curves and their kinds."""

    input_kind = Curve


def write_rows(path: Path, n: int = 40, header: str = "text,label", kinds: str = "ab", separator: str = ",") -> Path:
    """A table of n rows, all different, kinds in turn."""
    lines = [header.replace(",", separator)]
    lines += [f"sentence {i}{separator}{kinds[i % len(kinds)]}" for i in range(n)]
    path.write_text("\n".join(lines) + "\n")
    return path


def write_curves(path: Path, n: int = 20, kinds: str = "ab", seed: int = 0) -> Path:
    """n different curves of 8 numbers in folders called after their kinds."""
    rng = np.random.default_rng(seed)
    for i in range(n):
        file = path / kinds[i % len(kinds)] / f"{i:03}.num"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(" ".join(f"{x:.4f}" for x in rng.random(8)))
    return path


def rejected(path, task=Sentences, **options):
    """The text of the error with which opening fails, where no row may be unusable."""
    with pytest.raises(DataError) as error:
        open_data(task(), path, **{"allow_bad": 0.0, **options})
    return str(error.value)
