"""The contracts of what a cell of the user's table holds.

A *cell* is what stands in the file: a string, a number, a path, a struct of bytes and path. A *value* is what the code
works with: an array, a string, a tuple of boxes. A modality reads cells into values, learns its little state from the
training values, and encodes values into tensors. It never knows a loss or a model.

    Modality           any cell; enough for an answer
    └── InputModality  a cell that a model looks at: it can also be explained (parts, keep), disturbed (corruptions),
                       attacked (legal range, threats) and augmented

Legend of shapes: B batch, P parts.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

Corruption = Callable[[Any, int, np.random.Generator], Any]
"""A disturbance `f(value, severity 1..5, rng) → value` that leaves the right answer right and never moves things."""


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


@dataclass(frozen=True)
class Tile:
    """One field of a mosaic: example i shows example `partner[i]` there.

    `window`: the field's left, top, right and bottom edge as shares of the output's sides. `affine` [B, 2, 3]: where
    output coordinates in [-1, 1] were sampled from in the partner; it holds inside of the window.
    """

    partner: Tensor
    affine: Tensor
    window: tuple[float, float, float, float]


@dataclass(frozen=True)
class Change:
    """What an augmentation did to a batch, so that the targets can follow it.

    `partner` [B] and `share` [B]: example i became `share[i]` of itself and the rest of example `partner[i]` (MixUp,
    CutMix). `affine` [B, 2, 3]: where output coordinates in [-1, 1] were sampled from, as in `affine_grid`. `shape`:
    height and width of the output, where they are not those of the input. `tiles`: the output was put together from
    these, side by side.
    """

    partner: Tensor | None = None
    share: Tensor | None = None
    affine: Tensor | None = None
    shape: tuple[int, int] | None = None
    tiles: tuple[Tile, ...] = ()


@dataclass(frozen=True)
class MixedTarget:
    """A target that is `share` of `value` and the rest of `other`: what MixUp and CutMix make of two targets."""

    value: Any
    other: Any
    share: float


@dataclass(frozen=True)
class SoftLabel:
    """A target that is each of the options with its share, in their order: what a model said that was not sure."""

    shares: tuple[float, ...]


@dataclass(frozen=True)
class Threat:
    """A ball that an attack may search: `norm` is "linf" or "l2", `radius` in units of the encoded input.

    With `relative`, the radius is a share of the input's own root mean square (sound: 0.0316 is a 30 dB SNR).
    """

    name: str
    norm: str
    radius: float
    relative: bool = False


class Modality(ABC):
    """What one cell holds. Subclasses are plain objects whose only state is what `fit` learnt."""

    columns: tuple[str, ...] = ()
    """Usual column names in lower case, the most telling first."""
    suffixes: tuple[str, ...] = ()
    """File endings (".jpg") when a cell may name a file, else empty."""
    classes: Sequence[Any] | None = None
    """The finite list of possible answers after `fit`, in the order of `Prediction.scores`; None when open."""

    def accepts(self, cell: Any) -> bool:
        """Whether a raw cell looks like one of this kind; used to guess columns."""
        return isinstance(cell, str | int | float)

    @abstractmethod
    def read(self, cell: Any, root: Path = Path()) -> Any:
        """The value of a cell. Raises DataError saying what was found and the fix (the caller adds where)."""

    def placed(self, value: Any, image_size: tuple[int, int]) -> Any:
        """As a target: a true value laid over its picture, which is `image_size` (width, height) pixels large.

        Boxes learn how large a pixel is; a mask must be as large. Raises DataError where the two do not go together.
        """
        return value

    def resized(self, value: Any, image_size: tuple[int, int]) -> Any:
        """As an answer: the value brought to a picture of `image_size`, which the model may have seen smaller.

        As a true value is laid, unless it has a size of its own: a mask does.
        """
        return self.placed(value, image_size)

    def fit(self, values: Iterable[Any]) -> None:
        """Learn the state (names, sizes, means) from the training values, which are streamed once."""
        return None

    def label_conflicts(self) -> list[str]:
        """After `fit`: what in the learnt state looks like a mistake in the data (labels that differ only by case)."""
        return []

    def unseen_class(self, value: Any) -> str:
        """As a target, after `fit`: what in an answer no training row had ("… the class 'cat'"), or nothing."""
        return ""

    def notes(self) -> list[str]:
        """After `fit`: what was decided for the user ("255 is a class here")."""
        return []

    def length(self, value: Any) -> int:
        """How many positions (tokens, frames) a value takes when it is encoded; 1 where all values are of one size."""
        return 1

    @abstractmethod
    def encode(self, values: Sequence[Any]) -> Any:
        """The tensor that a model or a loss takes, first axis B."""

    def transform_targets(self, values: Sequence[Any], change: Change) -> list[Any]:
        """As a target: what the targets become when their inputs were changed so."""
        if change.partner is None or change.share is None:
            return list(values)
        pairs = zip(values, change.partner.tolist(), change.share.tolist(), strict=True)
        return [MixedTarget(value, values[other], share) for value, other, share in pairs]

    def constant_baseline(self, values: Sequence[Any]) -> Any:
        """As a target: the constant answer of a model that looks at nothing; the most common value by default."""
        return Counter(values).most_common(1)[0][0]

    def describe(self, value: Any) -> str:
        """The value in a few words, for terminals and captions."""
        return str(value)

    def answers(self, value: Any, confidence: float | None, scores: np.ndarray | None) -> list[dict[str, Any]]:
        """As a target: a prediction as dictionaries, shaped as the Hugging Face pipelines shape theirs, best first."""
        return [{"answer": self.to_json(value), "score": confidence}]

    def fields(self, value: Any, scores: np.ndarray | None) -> Mapping[str, Callable[[], Any]]:
        """As an answer: what a program asks it for by name, such as `boxes`, made when it is asked for."""
        return {}

    def overlay(self, axes: Any, value: Any, over: Any) -> bool:
        """As an answer: drawn on matplotlib axes that show the input `over`; False if it has no place there."""
        return False

    def save(self, value: Any, path: Path) -> Path | None:
        """As an answer: written as a file of its own kind, `path` and an ending; None if it is no such thing."""
        return None

    def document(self, answers: Sequence[tuple[str, Any]]) -> Any:
        """As answers: (source, value) of each, in the usual JSON document of their kind, or None."""
        return None

    def remark(self, value: Any) -> str:
        """What a checker should say about a value that can be used but is odd ("1×1 pixel"), or nothing."""
        return ""

    def to_json(self, value: Any) -> Any:
        """The value as JSON can hold it."""
        return value

    def state(self) -> dict[str, Any]:
        """What `fit` learnt, as JSON can hold it."""
        return {}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take back what `state` gave."""
        return None


class InputModality(Modality):
    """A cell that a model looks at."""

    baselines: tuple[str, ...] = ()
    """At least two ways to take parts away; a faithfulness score is only as good as the worst of them."""
    value_range: tuple[float, float] | None = None
    """The range of the encoded input where gradients and attacks may act on it, or None when it is discrete."""
    threats: tuple[Threat, ...] = ()
    """The balls that attacks search, mildest first."""

    def image_size(self, cell: Any, root: Path = Path()) -> tuple[int, int] | None:
        """Width and height in pixels of what a cell shows, told without reading all of it; None if it has none."""
        return None

    def asked(self, value: Any) -> Any:
        """The value as a person may ask a model about it. Raises DataError for one that only training can use."""
        return value

    def original(self, cell: Any) -> Any:
        """The value of a cell as a person sees it, before it was brought to what the model works on."""
        return self.read(cell)

    def shape(self, value: Any) -> tuple[float, float]:
        """Width and height in inches at which a value is well drawn."""
        return 3.0, 3.0

    @abstractmethod
    def segments(self, value: Any) -> int:
        """P: into how many parts that a person can point at the value falls."""

    @abstractmethod
    def mask(self, value: Any, mask: np.ndarray, baseline: str) -> Any:
        """The value with only the parts where `mask` [P] is true; the others are taken away by `baseline`.

        Keeping all is the identity.
        """

    def mask_many(self, value: Any, masks: np.ndarray, baseline: str) -> list[Any]:
        """`keep` for each row of `masks` [M, P]; overridden where doing all at once is faster."""
        return [self.mask(value, mask, baseline) for mask in masks]

    def aggregate(self, saliency: Tensor, value: Any) -> np.ndarray:
        """Sum `saliency`, shaped as one example at the leaf (see `Task.embedding_layer`), over each part: [P]."""
        raise NotImplementedError(f"{type(self).__name__} does not say how positions belong to parts")

    @property
    def corruptions(self) -> Mapping[str, Corruption]:
        """Name → disturbance. Empty when this kind has none."""
        return {}

    def strong_augmentation(self, x: Tensor, rng: torch.Generator, strength: float = 1.0) -> Tensor | None:
        """Encoded inputs changed as strongly as leaves the answers right, and never by one of the corruptions.

        `strength` is in 0..1. None where this kind of input knows no such change.
        """
        return None

    def decode(self, x: Tensor) -> list[Any]:
        """The values that encode to `x` [B, …] (continuous inputs only): how an attacked tensor becomes inputs."""
        raise NotImplementedError(f"{type(self).__name__} is not continuous")

    def neighbours(self, value: Any, rng: np.random.Generator) -> Iterator[Any]:
        """Values one small edit away (discrete inputs): what an attack may try where there is no gradient."""
        return iter(())

    def fingerprint(self, value: Any) -> np.ndarray | None:
        """A short vector of float32 in which near duplicates are near (largest difference < 0.03), or None."""
        return None

    def draw(self, axes: Any, value: Any, weights: np.ndarray | None = None) -> None:
        """Draw the value on matplotlib axes, and over it the weight [P] of each part when given."""
        axes.axis("off")
        axes.text(0.5, 0.5, self.describe(value), ha="center", va="center", wrap=True)
