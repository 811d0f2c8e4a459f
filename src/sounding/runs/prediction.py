"""A trained model at work: whatever a person names (a file, a folder, an array, a text) in, answers out.

Nothing here imports torch or the tables: an exported model answers by the same lines where there are none.
"""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Protocol

import numpy as np

from sounding.contract.answers import Answer, Drawn, Overlaid
from sounding.contract.cells import placed, queried
from sounding.contract.file_names import Spellings
from sounding.contract.inputs import Assembled, Pictorial, Queried
from sounding.contract.modality import Modality, Typed
from sounding.contract.records import Prediction, chunks
from sounding.contract.tensors import is_tensor
from sounding.drawing.gallery import Exhibit, View, gallery
from sounding.drawing.rendering import Marks, Rendering
from sounding.errors import DataError, SoundingError, shown
from sounding.files import unreadable
from sounding.folders import is_visible, require_path, walk, with_suffix
from sounding.machine.setting import Setting, inference
from sounding.wording import shortened

if TYPE_CHECKING:
    from torch import nn

    from sounding.contract.task import Task

Predictor = Callable[[Sequence[Any]], Sequence[Prediction]]
"""What gives one prediction for each of several values."""
Refused = Callable[[SoundingError], None]
"""Who is told of an input that cannot be answered for, when the others are to be."""
PICTURES = (".png", ".svg", ".html")
_ENDINGS = 10  # that an error names
_LONGEST = 80  # characters of a text that an error names


class Question(NamedTuple):
    """An input ahead of its answer: the `cell` that was named, or the value itself, and its value."""

    cell: Any
    value: Any


class Answerer(Protocol):
    """What answers are made with and shown by: a task, or what an exported model keeps of one."""

    @property
    def input(self) -> Modality:
        """How inputs are read."""

    @property
    def target(self) -> Modality:
        """What the answers are."""

    def note(self, input: Any) -> str:
        """What a person should know who asks about an input."""


@dataclass(frozen=True)
class Result:
    """One answer: `value` as the target column would hold it, its `score` in [0, 1], and what it is an answer to."""

    source: str
    input: Any
    prediction: Prediction
    task: Answerer
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
    def lines(self) -> Sequence[str]:
        """What a terminal shows below the label; nothing for most."""
        target = self.task.target
        return target.lines(self.value) if isinstance(target, Answer) else ()

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

        An answer that has a place in the input (boxes, a mask) is drawn there, one with a drawing of its own (an
        alignment) is drawn so, any other stands above it. `weights` [P]
        of the input's segments, as an explanation gives them, are drawn over the part of it that the model saw.
        """
        target = self.task.target
        own = target.drawing(self.value) if isinstance(target, Drawn) and weights is None else None
        if own is not None:
            own = own.titled(self._title)
            if path is not None:
                own.save(path)
            return own
        marks = target.marks(self.value) if isinstance(target, Overlaid) else Marks()
        drawn = self._drawn(weights, marks)
        drawn = replace(drawn, text=f"{self._title}\n{drawn.text}") if marks.shapes else drawn.titled(self._title)
        if path is not None:
            drawn.save(path)
        return drawn

    def save(self, path: str | Path) -> None:
        """Write the answer: drawn over its input (.png, .svg, .html), or as `Results.save` does."""
        if Path(path).suffix in PICTURES:
            self.plot(path)
        else:
            Results([self]).save(path)

    @property
    def note(self) -> str:
        """What a person should know of the answer; empty for most."""
        return self.task.note(self.input)

    @property
    def name(self) -> str:
        """What a file about this result is called: the name of what was named without its ending, or nothing."""
        return "-".join(Path(place).stem for place in _places(self.task.input, self.cell))

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        return self.plot().markup()

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
        return {"input": shown(self.source), "answer": self.task.target.to_json(self.value), "score": self.score}

    def __repr__(self) -> str:
        return f"Result({self.label}, {self.score if self.score is None else round(self.score, 4)})"


class Results(list[Result]):
    """A list of results, in the order of the inputs."""

    SHOWN: ClassVar[int] = 12
    """How many of them a notebook shows."""

    def to_dicts(self) -> list[list[dict[str, Any]]]:
        """Each result as the Hugging Face pipelines shape it."""
        return [result.to_dicts() for result in self]

    def plot(self, path: str | Path | None = None) -> Rendering:
        """The first `SHOWN` of them on one sheet, each as its own `plot`; also written to `path` if given."""
        drawn = [result.plot() for result in self[: self.SHOWN]]
        exhibits = [Exhibit(shown(result.source), (View((), one),)) for result, one in zip(self, drawn)]
        found = Rendering(gallery(exhibits), "\n\n".join(one.text for one in drawn))
        if path is not None:
            found.save(path)
        return found

    def save(self, path: str | Path) -> int:
        """Write them and return how many: a line each (.jsonl, .csv), a format of their kind (.json, .srt), a folder of
        pictures, or one picture of the first (.png, .svg, .html).

        Raises UsageError for another ending, RunError where it cannot be written.
        """
        if Path(path).suffix in PICTURES:
            self.plot(path)
            return min(len(self), self.SHOWN)
        from sounding.runs.writing import write_results  # which writes these

        return write_results(Path(path), self)

    def _repr_html_(self) -> str:
        """What a notebook shows: the first ones, and how many more there are."""
        drawn = [f'<div style="display:inline-block">{result._repr_html_()}</div>' for result in self[: self.SHOWN]]
        more = f"<p>and {len(self) - self.SHOWN:,} more</p>" if len(self) > self.SHOWN else ""
        return "".join(drawn) + more


def predict(
    task: Task,
    model: nn.Module,
    inputs: Iterable[Any],
    setting: Setting | None = None,
    refused: Refused | None = None,
) -> Iterator[Result]:
    """Answers in the order of the inputs, batch by batch, so that a folder of any size runs in little memory.

    They are computed in the precision of `setting`; fp32 when none is given.

    Raises DataError naming the first input that cannot be read; with `refused`, that is told of each, and the others
    are answered for.
    """
    for batch in _batches(inputs, task.recipe.batch):
        yield from answers(task, model, list(_read_all(task.input, batch, refused)), setting)


def answers(
    task: Task, model: nn.Module, questions: Sequence[Question], setting: Setting | None = None
) -> Iterator[Result]:
    """Answers to inputs that are read already, all in one batch."""

    def predictions(values: Sequence[Any]) -> Sequence[Prediction]:
        with inference(setting):
            return task.predict(model, values)

    return results(task, predictions, questions)


def answered(
    task: Answerer, predictions: Predictor, inputs: Iterable[Any], size: int, refused: Refused | None = None
) -> Iterator[Result]:
    """As `predict`, by whatever gives predictions for at most `size` values at once."""
    for batch in _batches(inputs, size):
        yield from results(task, predictions, list(_read_all(task.input, batch, refused)))


def results(task: Answerer, predictions: Predictor, questions: Sequence[Question]) -> Iterator[Result]:
    """The predictions for inputs that are read already, with what they are answers to."""
    if not questions:
        return
    found = predictions([question.value for question in questions])
    for (cell, value), prediction in zip(questions, found, strict=True):
        source = " and ".join(_places(task.input, cell)) or task.input.describe(value)
        yield Result(source, value, _at_own_size(task, prediction, cell), task, cell)


def streamed(task: Task, model: nn.Module, value: Any, setting: Setting | None = None) -> Iterator[Any]:
    """The answer to one input piece by piece, computed in the precision of `setting`; fp32 when none is given.

    Precision is a state of the whole thread: it is set anew for each piece, so that it does not reach who reads them.
    """
    pieces = task.stream(model, value)
    while True:
        with inference(setting):
            piece = next(pieces, None)
        if piece is None:
            return
        yield piece


def _at_own_size(task: Answerer, prediction: Prediction, item: Any) -> Prediction:
    """The prediction in the measures of the picture that was named, which the model may have seen smaller."""
    return replace(prediction, value=placed(task.target, prediction.value, task.input, item, answer=True))


def expand(modality: Modality, named: Any, refused: Refused | None = None) -> list[Any]:
    """The inputs that a person means: the files of a folder or a pattern, the rows of a batch, or the thing itself.

    A kind of input of which several make one question (two faces) says what is asked; a tuple in a list is one such.
    Raises DataError for a folder or pattern with no file of this kind in it, or tells `refused`.
    """
    found: list[Any] = []
    for part in named if isinstance(named, list | tuple) else [named]:
        try:
            found += _named(modality, part)
        except DataError as error:
            if refused is None:
                raise
            refused(error)
    return modality.questions(found) if isinstance(modality, Queried) else found


def _named(modality: Modality, named: Any) -> list[Any]:
    if isinstance(named, Typed):
        return [named]
    if isinstance(named, list) or (isinstance(named, tuple) and not isinstance(modality, Queried)):
        return [item for part in named for item in _named(modality, part)]
    if isinstance(modality, Assembled) and isinstance(named, str | Path):
        from sounding.data.sources import assembled_values  # which brings what reads tables

        return assembled_values(modality, Path(named))
    if (is_tensor(named) or isinstance(named, np.ndarray)) and isinstance(modality, Pictorial | Queried):
        return list(named) if named.ndim == 4 else [named]  # a batch of pictures
    if is_tensor(named):
        return [named.detach().cpu().numpy()]
    if not (modality.suffixes and isinstance(named, str | Path)):
        return [named]
    path = Path(named)
    if not os.path.exists(path) and not modality.written:
        path = Spellings().named(Path(), str(named)) or path
    if not (os.path.exists(path) or modality.written or glob.has_magic(str(named)) or _is_address(named)):
        require_path(path)
    if os.path.isdir(path):
        found = with_suffix(walk(path), modality.suffixes)
    elif os.path.exists(path) or not glob.has_magic(str(named)):
        return [path if path != Path(named) else named]
    else:
        found = _matched(str(named), modality.suffixes)
        if not found and modality.written and not modality.names_file(named):
            return [named]  # "is it good?"
    if not found:
        fix = f"Looked for {' '.join(modality.suffixes[:_ENDINGS])}{' …' * (len(modality.suffixes) > _ENDINGS)}"
        raise DataError("no file of this kind is in it", where=str(named), fix=fix)
    return list(found)


def _is_address(named: str | Path) -> bool:
    """Whether a word means something on the network, of which the modality says that nothing is fetched."""
    return "://" in str(named)


def _matched(pattern: str, suffixes: Sequence[str]) -> list[Path]:
    """The files that a pattern means, and those in the folders that it means: none that is hidden or litter.

    What exists at the beginning of the pattern is no pattern, though its name may hold brackets.
    """
    there = Path(pattern).parent
    while not os.path.exists(there):
        there = there.parent
    inner = Path(pattern).relative_to(there)
    named = [there / match for match in sorted(glob.glob(str(inner), root_dir=there, recursive=True))]
    visible = [path for path in named if all(map(is_visible, path.relative_to(there).parts))]
    inside = [file for path in visible if path.is_dir() for file in with_suffix(walk(path), suffixes)]
    files = [path for path in visible if path.is_file()]
    return list(dict.fromkeys([*(with_suffix(files, suffixes) or files), *inside]))


def _read_all(modality: Modality, items: Iterable[Any], refused: Refused | None) -> Iterator[Question]:
    """Each item with what it holds, but those that `refused` is told of."""
    for item in items:
        try:
            yield question(modality, item)
        except SoundingError as error:
            if refused is None:
                raise
            refused(error)


def question(modality: Modality, item: Any) -> Question:
    """An item that is read. Raises DataError, said to be there, where that cannot be done or nothing can be asked."""
    try:
        return Question(item, queried(modality, modality.read(item)))
    except OSError as error:
        raise unreadable(_where(modality, item), error) from None
    except SoundingError as error:
        raise (error if error.where else error.at(_where(modality, item))).alone() from None


def _where(modality: Modality, item: Any) -> str:
    if isinstance(item, str) and modality.written and not modality.names_file(item):
        return shortened(" ".join(item.split()), _LONGEST)  # a text that was typed
    return " and ".join(_places(modality, item))


def _places(modality: Modality, item: Any) -> list[str]:
    """The file that an item is, or the files, as it was named; none for what is in memory."""
    if isinstance(item, str | Path):
        return [str(item)]
    if not isinstance(modality, Pictorial | Queried):
        return []
    told = modality.to_json(item)
    places = list(told.values()) if isinstance(told, Mapping) else [told]
    return places if all(isinstance(place, str) for place in places) else []


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
