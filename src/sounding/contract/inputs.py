"""What a kind of input may offer beside being read and encoded. Each class is a base that a modality names.

    Explainable        it falls into segments that can be masked            explanations, faithfulness, masked inputs
    Attributable       and saliency can be summed over these                explanations by gradients
    Corruptible        it can be disturbed with its answer left right       robustness
    Continuous         gradients and noise may act on what it encodes to    attacks, certificates, hardening
    StronglyAugmented  batches of it can be varied as strongly as may be    hardening, contrastive learning
    Discrete           it can be edited in small steps                      attacks without gradients
    Perturbable        it can be changed with a known effect on its answer  behaviour checks
    Fingerprinted      near duplicates are told by a short vector           the check of the data
    Divisible          it can be cut into stretches                         learning from documents
    Assembled          it is made of many rows of a table: a series         reading tables
    Tokenized          its encoding is learnt with the weights      beginning with other weights
    Lasting            it takes time, as speech does    costs by the minute
    Audible            it can be listened to            rows that a card shows
    Pictorial          answers can lie over what it shows                   boxes, masks, results in pixels
    Queried            training may use what nobody can ask about           prediction
    Portable           it can be encoded where torch is not                 exported models

Legend of shapes: B batch, P segments, M masks.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from sounding.contract.evidence import Clip
from sounding.contract.modality import Modality
from sounding.drawing.rendering import Marks, Rendering

if TYPE_CHECKING:
    import torch
    from torch import Tensor

Corruption = Callable[[Any, int, np.random.Generator], Any]
"""A disturbance `f(value, severity 1..5, rng) → value` that leaves the right answer right and never moves things."""

Invariance = Callable[[Any, np.random.Generator], Any | None]
"""A change `f(value, rng) → value` that leaves the right answer what it is; None where there is nothing to change."""

Window = tuple[float, float, float, float]
"""A part of a picture: left, top, right and bottom, in shares of its sides."""
WHOLE: Window = (0.0, 0.0, 1.0, 1.0)


@dataclass(frozen=True)
class Threat:
    """A ball that an attack may search: `norm` is "linf" or "l2", `radius` in units of the encoded input.

    With `relative`, the radius is a share of the input's own root mean square (sound: 0.0316 is a 30 dB SNR).
    """

    name: str
    norm: str
    radius: float
    relative: bool = False


class Explainable(Modality):
    """An input that falls into segments that a person can point at: patches, words, frames, squares."""

    @property
    @abstractmethod
    def baselines(self) -> tuple[str, ...]:
        """Two ways or more to mask segments; a faithfulness score is only as good as the worst of them."""

    @abstractmethod
    def segments(self, value: Any) -> int:
        """P: into how many segments the value falls."""

    @abstractmethod
    def mask(self, value: Any, mask: np.ndarray, baseline: str) -> Any:
        """The value with only the segments where `mask` [P] is true; the others give way to `baseline`.

        Keeping all is the identity.
        """

    def mask_many(self, value: Any, masks: np.ndarray, baseline: str) -> list[Any]:
        """`mask` for each row of `masks` [M, P]; overridden where doing all at once is faster."""
        return [self.mask(value, mask, baseline) for mask in masks]

    def segment_name(self, value: Any, part: int) -> str:
        """Where the segment number `part` (from 0) is, for people: "row 3, column 5"; by default its number."""
        return f"part {part}"


class Attributable(Explainable):
    """An input for whose segments gradients can speak."""

    @abstractmethod
    def aggregate(self, saliency: Tensor, value: Any) -> np.ndarray:
        """The sum of `saliency` over each segment: [P].

        It is shaped as one example where gradients are taken (`Task.embedding_layer`, else the encoded input).
        """

    def blank(self, x: Any) -> Any | None:
        """Encoded inputs of the shape of `x` with nothing in them, from which gradients are followed to `x`.

        None where that is what masking all segments gives.
        """
        return None


class Corruptible(Modality):
    """An input that gets worse in known ways: blur, noise, typing errors."""

    @property
    @abstractmethod
    def corruptions(self) -> Mapping[str, Corruption]:
        """Name → disturbance, at least one."""


class Continuous(Modality):
    """An input that encodes to one floating tensor on which gradients, noise and attacks may act."""

    @property
    @abstractmethod
    def value_range(self) -> tuple[float, float]:
        """The least and the largest number of an encoded input; may be infinite."""

    @property
    @abstractmethod
    def threats(self) -> tuple[Threat, ...]:
        """The balls that attacks search, mildest first; none where no attack is to be tried."""

    @abstractmethod
    def decode(self, x: Tensor) -> list[Any]:
        """The values that encode to `x` [B, …]: how an attacked tensor becomes inputs."""


class StronglyAugmented(Modality):
    """An input that can be varied far more than in training, and still shows the same."""

    @abstractmethod
    def strong_augmentation(self, x: Any, rng: torch.Generator, strength: float = 1.0) -> Any:
        """Encoded inputs changed as strongly as leaves the answers right, and never by one of the corruptions.

        `strength` is in 0..1.
        """


class Discrete(Modality):
    """An input that can be edited in small steps: letters, words, pieces on a board."""

    edit: str = ""
    """What one step is, in a sentence ("a typing error in one word"), where more can be said than that it is small."""

    @abstractmethod
    def neighbours(self, value: Any, rng: np.random.Generator) -> Iterator[Any]:
        """Values one small edit away, whose answer is the same: what an attack may try without a gradient."""


class Perturbable(Modality):
    """An input that can be changed so that what becomes of its answer is known (CheckList: arXiv 2005.04118)."""

    @abstractmethod
    def invariances(self, values: Sequence[Any], answers: Sequence[Any]) -> Mapping[str, Invariance]:
        """What was changed ("first names swapped") → the change.

        `values` are training inputs and `answers` the answers to them, from which may be learnt what tells nothing.
        """

    @abstractmethod
    def extended(self, value: Any, other: Any) -> Any:
        """A value to which another one was added, where a model reads it: what speaks for an answer in `other` should
        not speak against it here.
        """

    def difference(self, value: Any, other: Any) -> str:
        """What was changed in a value to get another one, in a few words; by default the other one."""
        return self.describe(other)


class Fingerprinted(Modality):
    """An input of which near duplicates can be told."""

    @abstractmethod
    def fingerprint(self, value: Any) -> np.ndarray:
        """A short vector of float32 in which near duplicates are near (largest difference < 0.03)."""


class Divisible(Modality):
    """An input that can be divided into contiguous stretches: a text, a series."""

    always: ClassVar[bool] = False
    """Whether it is divided however many there are: what comes later in time must not be learnt from."""
    held: ClassVar[float | None] = None
    """The share of each that validates, and of each that tests, where nobody says; None: what is usual of texts."""

    @abstractmethod
    def divide(self, value: Any, shares: Sequence[float]) -> list[Any]:
        """Stretches of a value in their order, one for each of `shares`, which sum to 1.

        Put together they are the value. Shares are met as well as may be without tearing what belongs together: a line.
        """


@dataclass(frozen=True)
class TableCells:
    """A whole table: its `name`, its columns by their names, cells as they stand there, and where each row stands.

    `asked` are the columns that a person named, by role: "input", "target", "group"; absent where nobody did.
    """

    name: str
    columns: Mapping[str, Sequence[Any]]
    places: Sequence[str]
    asked: Mapping[str, str]


@dataclass(frozen=True)
class AssembledValues:
    """What was made of a table: cells that `read` takes, each with where it stands; columns used by role; notes."""

    values: Sequence[tuple[str, Any]]
    used: Mapping[str, str]
    notes: Sequence[str] = ()


class Assembled(Modality):
    """An input of which one is made of many rows of a table, in their order: a series."""

    @abstractmethod
    def assemble(self, table: TableCells) -> AssembledValues:
        """The values in a table. Raises DataError, with its place, for a row that makes the table unusable."""


class Tokenized(Modality):
    """An input whose encoding belongs to the weights that read it, such as the numbers of words."""

    @abstractmethod
    def adopt(self, state: Mapping[str, Any]) -> None:
        """Encode as the input did that gave `state`, whose weights are begun with; told ahead of `fit`."""

    @abstractmethod
    def token_texts(self, value: Any) -> list[str]:
        """What each position of an encoded value stands for, to be read by people."""


class Lasting(Modality):
    """An input that takes time to happen: speech, a film."""

    @abstractmethod
    def seconds(self, value: Any) -> float:
        """How long it takes."""


class Audible(Modality):
    """An input that can be listened to."""

    @abstractmethod
    def clip(self, value: Any, name: str) -> Clip:
        """A small file to be played, called `name`; of what is long the beginning, which the name says then."""


class Pictorial(Modality):
    """An input that is one picture, over which an answer may lie (`answers.Placed`)."""

    @abstractmethod
    def image_size(self, cell: Any, root: Path = Path()) -> tuple[int, int]:
        """Width and height in pixels of what a cell shows, told without reading all of it."""

    @abstractmethod
    def original(self, cell: Any, root: Path = Path()) -> Any:
        """The value of a cell as a person sees it, before it was brought to what the model works on."""

    @abstractmethod
    def window(self, original: Any) -> Window:
        """The part of an original that the model sees; more than the picture where that is framed."""

    @abstractmethod
    def render(
        self,
        value: Any,
        weights: np.ndarray | None = None,
        answer: Marks | None = None,
        window: Window = WHOLE,
    ) -> Rendering:
        """As every modality does; the weights are those of the segments of a `window` of the picture."""


class Queried(Modality):
    """An input of which training uses more kinds than a person can ask about: single pictures beside pairs."""

    @abstractmethod
    def query(self, value: Any) -> Any:
        """The value, about which a model is asked. Raises DataError for one that only training can use."""

    def questions(self, cells: Sequence[Any]) -> list[Any]:
        """The cells that a model is asked about, where a person named `cells`: by default these."""
        return list(cells)


class Portable(Modality):
    """An input that can be encoded where torch is not installed: beside an exported model."""

    @abstractmethod
    def arrays(self, values: Sequence[Any]) -> tuple[np.ndarray, ...]:
        """The tensors that `encode` gives, in their order, as arrays, first axis B."""

    @property
    @abstractmethod
    def axes(self) -> Mapping[str, tuple[str | int, ...]]:
        """The axes of each array, by a name for it: a number, or a word for what is not always as long.

        The first is always "batch"; two axes of the same word are as long as each other.
        """

    @property
    @abstractmethod
    def steps(self) -> Sequence[str]:
        """How a value is read and encoded, in sentences, for who does it in another program."""
