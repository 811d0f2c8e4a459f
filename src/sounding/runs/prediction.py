"""A trained model at work: whatever a person names (a file, a folder, an array, a text) in, answers out."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from sounding.contract.answers import Answer, Overlaid
from sounding.contract.inputs import Pictorial
from sounding.contract.modality import Modality
from sounding.contract.records import Prediction
from sounding.contract.task import Task, chunks
from sounding.data.reading import placed, queried
from sounding.drawing.rendering import Marks, Rendering
from sounding.errors import DataError, SoundingError
from sounding.folders import walk, with_suffix
from sounding.machine.setting import Setting, inference


@dataclass(frozen=True)
class Result:
    """One answer: `value` as the target column would hold it, its `score` in [0, 1], and what it is an answer to."""

    source: str
    input: Any
    prediction: Prediction
    task: Task
    cell: Any = None
    """What was named, where it can be read again: a picture that the model saw smaller."""

    @property
    def value(self) -> Any:
        """The answer, of the type that the target column holds."""
        return self.prediction.value

    @property
    def label(self) -> str:
        """The answer in words."""
        return self.task.target.describe(self.prediction.value)

    @property
    def score(self) -> float | None:
        """The confidence in the answer."""
        return self.prediction.confidence

    def to_dicts(self) -> list[dict[str, Any]]:
        """The answer as the Hugging Face pipelines shape it, best first."""
        p, target = self.prediction, self.task.target
        if isinstance(target, Answer):
            return target.answers(p.value, p.confidence, p.scores)
        return [{"answer": target.to_json(p.value), "score": p.confidence}]

    def plot(self, path: str | Path | None = None, weights: np.ndarray | None = None) -> Rendering:
        """The input with its answer, which a notebook shows; also written to `path` (.png, .svg, .html) if given.

        An answer that has a place in the input (boxes, a mask) is drawn there, any other stands above it. `weights` [P]
        of the input's segments, as an explanation gives them, are drawn over the part of it that the model saw.
        """
        target = self.task.target
        marks = target.marks(self.value) if isinstance(target, Overlaid) else Marks()
        drawn = self._drawn(weights, marks)
        drawn = replace(drawn, text=f"{self._title}\n{drawn.text}") if marks.shapes else drawn.titled(self._title)
        if path is not None:
            drawn.save(path)
        return drawn

    def _drawn(self, weights: np.ndarray | None, marks: Marks) -> Rendering:
        """The input as a person sees it, of which the model may have seen a part."""
        input = self.task.input
        if self.cell is None or not isinstance(input, Pictorial):
            return input.render(self.input, weights, marks)
        original = input.original(self.cell)
        return input.render(original, weights, marks, input.window(original))

    @property
    def _title(self) -> str:
        return self.label if self.score is None else f"{self.label}  {self.score:.3f}"

    def __getattr__(self, name: str) -> Any:
        """What the kind of answer is asked for by name: `boxes`, `labels`, `mask`."""
        target = self.task.target
        if not name.startswith("_") and isinstance(target, Answer):
            fields = target.fields(self.value, self.prediction.scores)
            if name in fields:
                return fields[name]()
        raise AttributeError(f"this result has no {name!r}")

    def to_json(self) -> dict[str, Any]:
        """One line of a results file."""
        return {"input": self.source, "answer": self.task.target.to_json(self.value), "score": self.score}

    def __repr__(self) -> str:
        return f"Result({self.label}, {self.score if self.score is None else round(self.score, 4)})"


class Results(list[Result]):
    """A list of results, in the order of the inputs."""

    def to_dicts(self) -> list[list[dict[str, Any]]]:
        """Each result as the Hugging Face pipelines shape it."""
        return [result.to_dicts() for result in self]


def predict(task: Task, model: nn.Module, inputs: Iterable[Any], setting: Setting | None = None) -> Iterator[Result]:
    """Answers in the order of the inputs, batch by batch, so that a folder of any size runs in little memory.

    They are computed in the precision of `setting`; fp32 when none is given.

    Raises DataError naming the first input that cannot be read.
    """
    for batch in _batches(inputs, task.recipe.batch):
        values = [_read(task.input, item) for item in batch]
        with inference(setting):
            predictions = task.predict(model, values)
        for item, value, prediction in zip(batch, values, predictions, strict=True):
            source = (
                item if isinstance(item, str) else str(item) if isinstance(item, Path) else task.input.describe(value)
            )
            yield Result(source, value, _at_own_size(task, prediction, item), task, item)


def _at_own_size(task: Task, prediction: Prediction, item: Any) -> Prediction:
    """The prediction in the measures of the picture that was named, which the model may have seen smaller."""
    return replace(prediction, value=placed(task.target, prediction.value, task.input, item, answer=True))


def expand(modality: Modality, named: Any) -> list[Any]:
    """The inputs that a person means: the files of a folder or a pattern, or the thing itself.

    Raises DataError for a folder or pattern with no file of this kind in it.
    """
    if isinstance(named, list | tuple):
        return [item for part in named for item in expand(modality, part)]
    if not (modality.suffixes and isinstance(named, str | Path)):
        return [named]
    path = Path(named)
    if os.path.isdir(path):
        found = with_suffix(walk(path), modality.suffixes)
    elif glob.has_magic(str(named)) and not os.path.exists(path):
        found = [Path(f) for f in sorted(glob.glob(str(named), recursive=True)) if Path(f).is_file()]
        if not found and modality.written and not modality.names_file(named):
            return [named]  # "is it good?"
    else:
        return [named]
    if not found:
        raise DataError(
            "no file of this kind is in it", where=str(named), fix=f"Looked for {' '.join(modality.suffixes)}"
        )
    return list(found)


def _read(modality: Modality, item: Any) -> Any:
    try:
        return queried(modality, modality.read(item))
    except SoundingError as error:
        raise (error if error.where or not isinstance(item, str | Path) else error.at(str(item))) from None


def _batches(items: Iterable[Any], size: int) -> Iterator[Sequence[Any]]:
    if isinstance(items, Sequence):
        yield from chunks(items, size)
        return
    batch: list[Any] = []
    for item in items:
        batch.append(item)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch
