"""The contract of what a cell of the user's table holds.

A *cell* is what stands in the file: a string, a number, a path, a struct of bytes and path. A *value* is what the code
works with: an array, a string, a set of boxes. A modality reads cells into values, learns its little state from the
training values, and encodes values into tensors. It never knows a loss or a model.

`Modality` is all that a kind of input or answer must be. What it can do besides, it says by its bases: an input that
can be explained is `Explainable`, one that can be disturbed is `Corruptible` (inputs.py); an answer that lies over a
picture is `Placed` (answers.py). Whoever needs such a thing asks `isinstance(task.input, Explainable)`, and says why
there is nothing to measure where it is not.

                waveform                 series            text              board             class, move
    as input    Explainable              Explainable       Explainable       Explainable
                Corruptible, Continuous  Corruptible       Corruptible       Discrete
                StronglyAugmented        Continuous        Discrete
                Fingerprinted            Divisible         Divisible
                                                           Perturbable
    as answer                            Averaged          Answer                              Answer, Transformed
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from sounding.drawing.rendering import Marks, Rendering
from sounding.drawing.spans import plain


@dataclass(frozen=True)
class Row:
    """One row of the user's data before its cells are read.

    `where` is what an error names (`reviews.csv:17`, `photos/cat/3.jpg`); `root` is what relative paths start from;
    `split` is "train", "validation", "test", or "" where the data do not say.
    """

    where: str
    input: Any
    target: Any = None
    group: str = ""
    split: str = ""
    root: Path = Path()


class Typed(str):
    """A text that somebody typed or sent: it is a value whatever it looks like, and never the name of a file."""

    __slots__ = ()


class Modality(ABC):
    """What one cell holds. Subclasses are plain objects whose only state is what `fit` learnt."""

    columns: tuple[str, ...] = ()
    """Usual column names in lower case, the most telling first."""
    suffixes: tuple[str, ...] = ()
    """File endings (".jpg") when a cell may name a file, else empty."""
    noun: str = ""
    """What one of it is called in a sentence, where that is not the name of the class."""
    asked: str = "INPUT"
    """How help and hints call what a person names to be answered for."""
    classes: Sequence[Any] | None = None
    """The finite list of possible answers after `fit`, in the order of `Prediction.scores`; None when open."""

    @classmethod
    def of(cls, modality: Modality) -> Self:
        """The modality, as one of this kind: `Explainable.of(task.input)`, where it was asked before whether it is.

        Raises TypeError for one that is not.
        """
        if isinstance(modality, cls):
            return modality
        raise TypeError(f"{type(modality).__name__} is not {cls.__name__}")

    # ---- reading

    @property
    def written(self) -> bool:
        """Whether a string that is no file's name may be a value, so that a person can type one."""
        return not self.suffixes

    def names_file(self, cell: Any, root: Path = Path()) -> bool:
        """Whether a cell names a file (from `root`): by default whatever ends like one, unless it is `Typed`."""
        if isinstance(cell, Path):
            return True
        if not isinstance(cell, str) or isinstance(cell, Typed):
            return False
        return bool(self.suffixes) and cell.strip().lower().endswith(self.suffixes)

    def accepts(self, cell: Any) -> bool:
        """Whether a raw cell looks like one of this kind; used to guess columns."""
        return isinstance(cell, str | int | float)

    def canonical(self, column: str) -> str:
        """A column's name as it is compared with another: "de" and "German" may be one. By default without its case."""
        return column.casefold()

    @abstractmethod
    def read(self, cell: Any, root: Path = Path()) -> Any:
        """The value of a cell. Raises DataError saying what was found and the fix (the caller adds where)."""

    def reread(self, value: Any) -> Any | None:
        """What `read` gives now for a cell of which it gave `value` ahead of `fit`; None: it has to be read again."""
        return None

    def remark(self, value: Any) -> str:
        """What a checker should say about a value that can be used but is odd ("1×1 pixel"), or nothing."""
        return ""

    def require_learnable(self, value: Any) -> None:
        """Raise DataError for a value that may be measured on and asked about, but is too much to learn from."""
        return None

    # ---- state

    def fit(self, values: Iterable[Any]) -> None:
        """Learn the state (names, sizes, means) from the training values, which are streamed once."""
        return None

    def notes(self) -> list[str]:
        """After `fit`: what was decided for the user ("255 is a class here")."""
        return []

    def state(self) -> dict[str, Any]:
        """What `fit` learnt, as JSON can hold it."""
        return {}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take back what `state` gave."""
        return None

    @property
    def arguments(self) -> Mapping[str, Any]:
        """What `__init__` was given, by name, where it cannot do without: values as JSON can hold them, and frozen
        dataclasses of such values.
        """
        return {}

    # ---- tensors

    def length(self, value: Any) -> int:
        """How many positions (tokens, frames) a value takes when it is encoded; 1 where all values are of one size."""
        return 1

    @abstractmethod
    def encode(self, values: Sequence[Any]) -> Any:
        """The tensor (or tree of tensors) that a model or a loss takes, first axis B."""

    # ---- showing

    def describe(self, value: Any) -> str:
        """The value in a few words, for terminals and captions."""
        return str(value)

    def to_json(self, value: Any) -> Any:
        """The value as JSON can hold it."""
        return value

    def render(self, value: Any, weights: np.ndarray | None = None, answer: Marks | None = None) -> Rendering:
        """What the value looks like on a page, in a file and on a terminal; by default its description.

        `weights` [P] are those of an explanation, one for each segment, and `answer` is what an answer draws over the
        value (`answers.Overlaid`), which a kind that has no place for it leaves out.

        A text gives its words to `drawing.spans.spans`. A waveform is a `Path` over a `Rectangle` for each frame in the
        colour of its weight, which is also how a series is drawn, its forecast and bands being the answer's marks. A
        board is a `Rectangle` for each square, with `Disc` or `Words` for what stands on it, and a move an arrow (a
        `Path`) among the marks, from square to square. A picture is a `Raster`.
        """
        return plain(self.describe(value), weights)


def kind_name(modality: Modality) -> str:
    """What a kind of input or answer is called in a sentence: "image", "picture pair"."""
    return modality.noun or re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(modality).__name__).lower()
