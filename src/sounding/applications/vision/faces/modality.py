"""Pairs of pictures, and whether they show the same person: what face verification looks at and answers.

A model of faces is trained on single pictures, each with its person, and tested on pairs: the same person or not. So an
input is a `Pair`, whose second picture may be missing, and a target is a `Kin`, which names one person or two.
`Kin` answers are `SAME` and `DIFFERENT`; nobody's name is predicted.

How lists of pairs are read is in `layouts.py`, how people become pairs in `pairs.py`.

Legend of shapes: B batch, C channels, H height, W width, P segments.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from sounding.applications.vision.faces import layouts
from sounding.contract.answers import Answer, Averaged
from sounding.contract.inputs import (
    Attributable,
    Continuous,
    Corruptible,
    Corruption,
    Fingerprinted,
    Portable,
    Queried,
    StronglyAugmented,
)
from sounding.contract.layouts import WithLegend
from sounding.contract.modality import Row
from sounding.drawing.rendering import Marks, Rendering
from sounding.errors import DataError
from sounding.modalities.pictures.image import Image

if TYPE_CHECKING:
    import torch
    from torch import Tensor


@dataclass(frozen=True)
class Pair:
    """Two pictures [H, W, C]; `second` is None where there is one picture, which then stands for both."""

    first: np.ndarray
    second: np.ndarray | None = None

    @property
    def reference(self) -> np.ndarray:
        """What the first picture is compared with."""
        return self.first if self.second is None else self.second


@dataclass(frozen=True, eq=False)
class Kin:
    """The person of one picture (`second` empty), or those of two.

    Two pairs are equal when both are, or both are not, of one person; two single pictures when the person is the same.
    `note` is what a checker should say about the row.
    """

    first: str
    second: str = ""
    note: str = field(default="", repr=False)

    @property
    def single(self) -> bool:
        """Whether this is the person of one picture."""
        return not self.second

    @property
    def same(self) -> bool:
        """Whether there is one person; of one picture, always."""
        return self.single or self.first == self.second

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Kin) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)

    @property
    def _key(self) -> tuple[bool, object]:
        return self.single, self.first if self.single else self.same


SAME, DIFFERENT = Kin("one person", "one person"), Kin("one person", "another")
"""The two answers."""
NOT_FOR = (
    "Not for decisions about people without a person who answers for them, not for searching for people without their "
    "consent, and not for people or cameras unlike those of the test, for whom the error rates are unknown. The model "
    "finds no faces and does not tell a person from a photograph of one."
)
"""What a model that compares faces must not be used for."""


class PicturePair(Attributable, Corruptible, Continuous, StronglyAugmented, Fingerprinted, Queried, Portable):
    """Two pictures at one working size. What `Image` does, it does to the first, which is compared with the second.

    So an explanation points at segments of the first picture, and a corruption changes the first, as the picture that a
    door takes is dark or blurred and the one on file is not. (Attacks act on the encoded input: on both.)
    """

    columns = Image.columns
    suffixes = Image.suffixes
    asked = "PICTURE PICTURE"
    baselines = Image.baselines
    value_range = Image.value_range
    threats = Image.threats

    def __init__(self, size: int = 0, fill: str = "crop") -> None:
        self.image = Image(size, fill)

    # ---- reading

    def accepts(self, cell: Any) -> bool:
        """Whether a cell is a picture or two."""
        two = _two(cell)
        return self.image.accepts(cell) if two is None else all(map(self.image.accepts, two))

    def read(self, cell: Any, root: Path = Path()) -> Pair:
        """The pair of {"first", "second"} or of a sequence of two cells, or one picture alone; cells as `Image` reads.

        Raises DataError for what is no picture, and for a line of a list of pairs that could not be understood.
        """
        if isinstance(cell, Pair):
            return cell
        if isinstance(cell, Mapping) and layouts.TROUBLE in cell:
            raise DataError(cell[layouts.TROUBLE], fix=str(cell.get("fix", "")))
        two = _two(cell)
        return Pair(*(self.image.read(one, root) for one in ([cell] if two is None else two)))

    def query(self, value: Pair) -> Pair:
        """The pair; one picture alone is a training row, and no question."""
        if value.second is None:
            fix = "Name two pictures or more, or look for it among people: sounding faces identify RUN GALLERY PICTURE"
            raise DataError("one picture has nothing to be compared with", fix=fix)
        return value

    def questions(self, cells: Sequence[Any]) -> list[Any]:
        """Of pictures named one by one each with each other; pairs as they are, and so a picture that is alone."""
        paired = [isinstance(cell, Pair) or _two(cell) is not None for cell in cells]
        pairs = [cell for cell, two in zip(cells, paired, strict=True) if two]
        single = [cell for cell, two in zip(cells, paired, strict=True) if not two]
        if len(single) == 1:
            return [*pairs, *single]
        return [*pairs, *({"first": a, "second": b} for a, b in combinations(single, 2))]

    def remark(self, value: Pair) -> str:
        """What is odd about either picture."""
        return self.image.remark(value.first) or ("" if value.second is None else self.image.remark(value.second))

    # ---- state

    def fit(self, values: Iterable[Pair]) -> None:
        """Learn size, channels, mean and spread from all pictures."""
        self.image.fit(picture for value in values for picture in _pictures(value))

    def notes(self) -> list[str]:
        """Those of the pictures."""
        return self.image.notes()

    def state(self) -> dict[str, Any]:
        """Those of the pictures."""
        return self.image.state()

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take back what `state` gave."""
        self.image.restore(state)

    # ---- tensors

    def encode(self, values: Sequence[Pair]) -> Tensor:
        """Float32 [B, 2, C, H, W] in [0, 1]; a picture without a second is there twice."""
        import torch

        first = self.image.encode([value.first for value in values])
        if all(value.second is None for value in values):
            return torch.stack([first, first], dim=1)
        return torch.stack([first, self.image.encode([value.reference for value in values])], dim=1)

    def arrays(self, values: Sequence[Pair]) -> tuple[np.ndarray]:
        """The same without torch."""
        sides = [[value.first for value in values], [value.reference for value in values]]
        return (np.stack([self.image.arrays(side)[0] for side in sides], axis=1),)

    @property
    def axes(self) -> Mapping[str, tuple[str | int, ...]]:
        """Batch, the pictures to be compared, channels, height, width."""
        ((name, (batch, *sides)),) = self.image.axes.items()
        return {name: (batch, "pictures", *sides)}

    @property
    def steps(self) -> Sequence[str]:
        """Those of each picture."""
        return (*self.image.steps, "the pictures that are to be compared with each other make the second axis")

    def decode(self, x: Tensor) -> list[Pair]:
        """The pairs that encode to exactly `x`."""
        return [Pair(*both) for both in zip(self.image.decode(x[:, 0]), self.image.decode(x[:, 1]), strict=True)]

    def strong_augmentation(self, x: Tensor, rng: torch.Generator, strength: float = 1.0) -> Tensor:
        """Every picture of the batch varied by itself."""
        return self.image.strong_augmentation(x.flatten(0, 1), rng, strength).view_as(x)

    # ---- explaining and disturbing the first picture

    def segments(self, value: Pair) -> int:
        """P: those of the first picture."""
        return self.image.segments(value.first)

    def segment_name(self, value: Pair, part: int) -> str:
        """Where it is in the first picture."""
        return self.image.segment_name(value.first, part)

    def mask(self, value: Pair, mask: np.ndarray, baseline: str) -> Pair:
        """The pair with only the segments of the first picture where `mask` [P] is true."""
        return replace(value, first=self.image.mask(value.first, mask, baseline))

    def mask_many(self, value: Pair, masks: np.ndarray, baseline: str) -> list[Pair]:
        """`mask` for each row of `masks`."""
        return [replace(value, first=kept) for kept in self.image.mask_many(value.first, masks, baseline)]

    def aggregate(self, saliency: Tensor, value: Pair) -> np.ndarray:
        """The sum of `saliency` [2, C, H, W] over the segments of the first picture: [P]."""
        return self.image.aggregate(saliency[0], value.first)

    @property
    def corruptions(self) -> Mapping[str, Corruption]:
        """Those of pictures, of the first one."""
        return {name: _of_first(corrupt) for name, corrupt in self.image.corruptions.items()}

    def fingerprint(self, value: Pair) -> np.ndarray:
        """That of the first picture."""
        return self.image.fingerprint(value.first)

    # ---- showing

    def describe(self, value: Pair) -> str:
        """Number, size and kind."""
        said = self.image.describe(value.first)
        return said if value.second is None else f"{said} beside a {self.image.describe(value.second)}"

    def to_json(self, value: Any) -> Any:
        """What `Image` says of each picture."""
        two = (value.first, value.second) if isinstance(value, Pair) else _two(value)
        if two is None or two[1] is None:
            return self.image.to_json(value if two is None else two[0])
        return {"first": self.image.to_json(two[0]), "second": self.image.to_json(two[1])}

    def render(self, value: Pair, weights: np.ndarray | None = None, answer: Marks | None = None) -> Rendering:
        """Both pictures side by side, and over the first the weight [P] of each of its segments."""
        first = self.image.render(value.first, weights)
        if value.second is None:
            return first
        second = self.image.render(value.second)
        both = first.beside(second)
        return replace(both, text=first.text.replace(self.image.describe(value.first), self.describe(value), 1))


class Who(NamedTuple):
    """The people of B rows as a loss wants them.

    `people` [B, 2]: their places among those known, -1 for one who is not among them and for nobody. `single` [B] and
    `same` [B]: whether a row is one picture; whether both of a pair show one person.
    """

    people: Tensor
    single: Tensor
    same: Tensor


class People(Answer, Averaged, WithLegend):
    """Whose picture it is, and of a pair whether it is the same person's. After `fit`: `people`, the known names.

    `closed` says that they are the people of the test as well.
    """

    columns = ("identity", "person", "person_id", "name", "subject", "subject_id", "label", "who")

    def __init__(self) -> None:
        self.people: list[str] = []
        self.closed = False

    def learn_legend(self, rows: Sequence[Row], folder: Path) -> None:
        """Learn whether the people of the test are trained on, as who composed the rows knows."""
        self.closed = bool(getattr(rows, "closed", False))

    def notes(self) -> list[str]:
        """That the people were known, where they were."""
        known = "the people of the test are trained on, by other pictures: these numbers are of known people"
        return [f"a closed set: {known}, and say little of strangers"] if self.closed else []

    def read(self, cell: Any, root: Path = Path()) -> Kin:
        """The person that a cell names, or the two of a sequence (and a note). Raises DataError for an empty name."""
        if isinstance(cell, Kin):
            return cell
        names = list(cell) if isinstance(cell, list | tuple) else [cell]
        words = ["" if name is None or name != name else str(name).strip() for name in names]
        if not 1 <= len(words) <= 3 or not words[0]:
            raise DataError("the person is not named", fix="Write whose picture it is", or_remove=True)
        return Kin(*words)

    def fit(self, values: Iterable[Kin]) -> None:
        """Learn the names of the people."""
        self.people = sorted({name for kin in values for name in (kin.first, kin.second) if name})
        if len(self.people) < 2:
            raise DataError("there is one person to learn from, or none", fix="Give pictures of several people")

    def encode(self, values: Sequence[Kin]) -> Who:
        """Who they are, which rows show one person alone, and which two pictures of one person."""
        import torch

        place = {name: i for i, name in enumerate(self.people)}
        people = torch.tensor([(place.get(kin.first, -1), place.get(kin.second, -1)) for kin in values]).view(-1, 2)
        return Who(people, torch.tensor([kin.single for kin in values]), torch.tensor([kin.same for kin in values]))

    def constant_baseline(self, values: Sequence[Kin]) -> Kin:
        """The answer most common among pairs; without pairs, that two people taken at random are two."""
        found = Counter(kin.same for kin in values if not kin.single)
        return SAME if found[True] > found[False] else DIFFERENT

    def remark(self, value: Kin) -> str:
        """The note of the row."""
        return value.note

    def describe(self, value: Kin) -> str:
        """The person of one picture; of two, whether they are one."""
        return value.first if value.single else "same person" if value.same else "different people"

    def answers(self, value: Kin, confidence: float | None, scores: np.ndarray | None) -> list[dict[str, Any]]:
        """[{"label", "score"}]: the answer, then the other one."""
        if scores is None:
            return [{"label": self.describe(value), "score": confidence}]
        both = [{"label": self.describe(kin), "score": float(s)} for kin, s in zip((DIFFERENT, SAME), scores)]
        return both[::-1] if value.same else both

    def fields(self, value: Kin, scores: np.ndarray | None) -> Mapping[str, Callable[[], Any]]:
        """None besides those that every result has."""
        return {}

    def to_json(self, value: Kin) -> str:
        """As `describe` says."""
        return self.describe(value)

    def state(self) -> dict[str, Any]:
        """The names, and whether they are the people of the test."""
        return {"people": self.people, "closed": self.closed}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take back what `state` gave."""
        self.people, self.closed = list(state["people"]), bool(state.get("closed"))


def _two(cell: Any) -> tuple[Any, Any] | None:
    """The two cells of a pair, or None for one picture."""
    if isinstance(cell, Mapping):
        return (cell["first"], cell.get("second")) if "first" in cell else None
    return (cell[0], cell[1]) if isinstance(cell, list | tuple) and len(cell) == 2 else None


def _pictures(value: Pair) -> tuple[np.ndarray, ...]:
    return (value.first,) if value.second is None else (value.first, value.second)


def _of_first(corrupt: Corruption) -> Corruption:
    def changed(value: Pair, severity: int, rng: np.random.Generator) -> Pair:
        return replace(value, first=corrupt(value.first, severity, rng))

    return changed
