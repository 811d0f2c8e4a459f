"""What a kind of answer may offer beside being read and encoded. Each class is a base that a modality names.

    Answer       it has words of its own for programs                results
    Averaged     a typical one is more than the most common          baselines of metrics
    Transformed  it follows an augmentation of its input             training
    Labelled     its class names can look like mistakes              the check of the data
    Composite    it is made of several classes: boxes, pixels        the check of the data
    Listing      it may say that there is nothing: no boxes          unknown inputs
    Placed       it lies over a picture, in that picture's pixels    reading, results
    Overlaid     it can be drawn over its input                      results
    Drawn        it may have a drawing of its own                    results
    Worded       it is a text, and so has words                      energy
    Tabular      it is several rows of a table: boxes, classes       results
    Saved        it is a file of a kind of its own                   results
    Exported     it can be written in formats of other programs      results
    Documented   many of it have a usual JSON document               results

An answer that offers none of these is described, encoded and saved in JSON as any value is.

Legend of shapes: K classes.
"""

from __future__ import annotations

from abc import abstractmethod
from collections import Counter
from collections.abc import Callable, Mapping, Sequence, Sized
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from sounding.contract.change import Change, Successive, Unchanged, refusal
from sounding.contract.modality import Modality
from sounding.drawing.rendering import Marks, Rendering

UNLABELLED = "(not labelled)"
"""The name of what belongs to no class, where amounts of classes are counted."""


@dataclass(frozen=True)
class MixedTarget:
    """A target that is `share` of `value` and the rest of `other`: what MixUp and CutMix make of two targets."""

    value: Any
    other: Any
    share: float


@dataclass(frozen=True)
class SoftLabel:
    """A target that is each of the classes with its share, in their order: what a model said that was not sure."""

    shares: tuple[float, ...]


class Answer(Modality):
    """An answer with words of its own."""

    @abstractmethod
    def answers(self, value: Any, confidence: float | None, scores: np.ndarray | None) -> list[dict[str, Any]]:
        """A prediction as dictionaries, shaped as the Hugging Face pipelines shape theirs, best first.

        `scores` [K] are the probabilities of `classes`, or what a task gives as `Prediction.scores`.
        """

    @abstractmethod
    def fields(self, value: Any, scores: np.ndarray | None) -> Mapping[str, Callable[[], Any]]:
        """What a program asks a result for by name, such as `boxes`, made when it is asked for."""

    def lines(self, value: Any) -> Sequence[str]:
        """What a terminal shows below the answer in words: a forecast's times and values. Nothing for most."""
        return ()


class Averaged(Modality):
    """An answer of which there is a typical one: a mean, a common size."""

    @abstractmethod
    def constant_baseline(self, values: Sequence[Any]) -> Any:
        """The constant answer of a model that looks at nothing, for these true values."""


class Transformed(Modality):
    """An answer that can follow what an augmentation did to its input."""

    @abstractmethod
    def transform_targets(self, values: Sequence[Any], change: Change) -> list[Any]:
        """What the targets become when their inputs were changed so.

        `change` is one step, neither `Unchanged` nor `Successive`. Raises what `change.refusal` gives for one that this
        kind of answer does not know.
        """


class Labelled(Modality):
    """An answer of classes whose names people write."""

    @abstractmethod
    def label_conflicts(self) -> list[str]:
        """After `fit`: what in the learnt names looks like a mistake in the data (names that differ only by case)."""


class Composite(Modality):
    """An answer that holds several classes at once, so that the answers are no finite list."""

    unit: ClassVar[str]
    """What of each class is counted: "boxes", "pixels"."""

    @abstractmethod
    def amounts(self, value: Any) -> Mapping[str, int]:
        """How much of each class a true value holds, by the class's name; `UNLABELLED` for what is of none."""

    @abstractmethod
    def unseen_class(self, value: Any) -> str:
        """After `fit`: what in an answer no training row had ("… the class 'cat'"), or nothing."""


class Spelled(Modality):
    """An answer that is written in units which training answers show: their characters."""

    @abstractmethod
    def unseen_units(self, value: Any) -> list[str]:
        """After `fit`: what stands in a value and in no training value, so that no model writes it."""


class Listing(Modality):
    """An answer that lists things, and may say that there is none."""

    @abstractmethod
    def lists_nothing(self, value: Any) -> bool:
        """Whether the answer is that there is nothing."""


class Placed(Modality):
    """An answer that lies over a picture (`inputs.Pictorial`)."""

    @abstractmethod
    def placed(self, value: Any, image_size: tuple[int, int]) -> Any:
        """A true value laid over its picture, which is `image_size` (width, height) pixels large.

        Boxes learn how large a pixel is; a mask must be as large. Raises DataError where the two do not go together.
        """

    @abstractmethod
    def resized(self, value: Any, image_size: tuple[int, int]) -> Any:
        """An answer brought to a picture of `image_size`, which the model may have seen smaller."""


class Overlaid(Modality):
    """An answer that has a place in what its input looks like: boxes in a picture, a move on a board."""

    @abstractmethod
    def marks(self, value: Any) -> Marks:
        """What is drawn over the input, in coordinates that its kind knows (see `Marks`); no shapes for nothing."""


class Drawn(Modality):
    """An answer that may have a drawing of its own, which shows its input as well: what a text was written from."""

    @abstractmethod
    def drawing(self, value: Any) -> Rendering | None:
        """The drawing; None for a value that has none."""


class Worded(Modality):
    """An answer that is a text which was written."""

    @abstractmethod
    def word_count(self, value: Any) -> int:
        """How many words it has; signs are none."""


class Tabular(Modality):
    """An answer of several parts, each of which is a row of a table."""

    row_columns: tuple[str, ...] = ()
    """The names of the columns."""

    @abstractmethod
    def rows(self, value: Any, scores: np.ndarray | None) -> list[dict[str, Any]]:
        """The parts as rows: values by column, the surest or the largest first."""


class Saved(Modality):
    """An answer that is a file by itself: a mask, the boxes of a picture, a sound, a game."""

    files: str = "answers"
    """What a folder of such files is usually called."""

    @abstractmethod
    def save(self, value: Any, path: Path) -> Path:
        """Written as a file of its own kind: `path` and an ending."""

    def save_legend(self, folder: Path) -> None:
        """Write into `folder` what the files below it have in common, as the names of classes; often nothing."""
        return None


class Exported(Modality):
    """An answer that can be written as text in formats of other programs: subtitles, a plain text."""

    endings: ClassVar[tuple[str, ...]]
    """The endings of the files, the usual one first."""

    @abstractmethod
    def exported(self, answers: Sequence[tuple[str, Any]], ending: str) -> str:
        """(source, value) of each answer as the text of one file with that ending.

        Raises UsageError where the format has no room for several.
        """


class Documented(Modality):
    """Answers for which programs share a document."""

    @abstractmethod
    def document(self, answers: Sequence[tuple[str, Any]]) -> Any:
        """(source, value) of each answer, in the usual JSON document of their kind."""


def lists_nothing(target: Modality, value: Any) -> bool:
    """Whether an answer is that there is nothing: no box that is shown, no word."""
    if isinstance(target, Listing):
        return target.lists_nothing(value)
    return isinstance(value, Sized) and len(value) == 0


def constant_baseline(target: Modality, values: Sequence[Any]) -> Any:
    """The constant answer of a model that looks at nothing, for these true values: the most common by default."""
    if isinstance(target, Averaged):
        return target.constant_baseline(values)
    return Counter(values).most_common(1)[0][0]


def transformed(target: Modality, values: Sequence[Any], change: Change) -> list[Any]:
    """What the targets of a batch become when their inputs were changed so. Raises UsageError if they cannot follow."""
    if isinstance(change, Unchanged):
        return list(values)
    if isinstance(change, Successive):
        for step in change.steps:
            values = transformed(target, values, step)
        return list(values)
    if not isinstance(target, Transformed):
        raise refusal(target, change)
    return target.transform_targets(values, change)
