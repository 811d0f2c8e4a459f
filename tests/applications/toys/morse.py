"""A toy that shows that a new kind of input is one file: Morse code, and which letter it spells.

The modality says by its bases what can be done with it, and the card measures that. The application is short as well.

Legend of shapes: B batch, T signals.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import sounding as sd
from sounding.contract.inputs import Attributable, Corruptible, Corruption, Discrete
from sounding.contract.metrics import accuracy
from sounding.drawing.rendering import Marks, Rendering
from sounding.drawing.spans import spans
from sounding.modalities.category import Category

SIGNALS, LONGEST = ".-? ", 12  # "?" is a signal that was not heard
LETTERS = {"E": ".", "T": "-", "S": "...", "O": "---"}


class Morse(Attributable, Corruptible, Discrete):
    """Dots and dashes: a string of at most `LONGEST` signals. A segment is one of them."""

    columns = ("morse", "code")
    baselines = ("silence", "noise")

    def read(self, cell: Any, root: Path = Path()) -> str:
        if not isinstance(cell, str) or not 0 < len(cell) <= LONGEST or set(cell) - set(SIGNALS):
            raise sd.DataError(f"{cell!r} is no Morse code", fix=f"Write up to {LONGEST} dots and dashes")
        return cell

    def encode(self, values: Sequence[str]) -> Tensor:
        """Places of the signals [B, LONGEST], int64; what comes after the last is silence."""
        return torch.tensor([[SIGNALS.index(signal) for signal in value.ljust(LONGEST)] for value in values])

    def render(self, value: str, weights: np.ndarray | None = None, answer: Marks | None = None) -> Rendering:
        """The signals, each on the colour of its weight."""
        return spans(list(value), weights)

    def segments(self, value: str) -> int:
        return len(value)

    def mask(self, value: str, mask: np.ndarray, baseline: str) -> str:
        gap = " " if baseline == "silence" else "?"
        return "".join(signal if kept else gap for signal, kept in zip(value, mask, strict=True))

    def aggregate(self, saliency: Tensor, value: str) -> np.ndarray:
        return saliency.sum(-1)[: len(value)].numpy()

    @property
    def corruptions(self) -> Mapping[str, Corruption]:
        return {"static": static}

    def neighbours(self, value: str, rng: np.random.Generator) -> Iterator[str]:
        """One signal more is not heard."""
        for i in rng.permutation(len(value)):
            if value[i] not in "? ":
                yield f"{value[:i]}?{value[i + 1 :]}"


def static(value: str, severity: int, rng: np.random.Generator) -> str:
    """A share of the signals is not heard: 8 % for each step."""
    return "".join("?" if signal != " " and rng.random() < 0.08 * severity else signal for signal in value)


@dataclass(frozen=True)
class MorseRecipe(sd.Recipe):
    """The numbers of a training of `Letter`."""

    batch: int = 32
    lr: float = 1e-2
    width: int = 8


class Letter(sd.Task):
    """Morse code: which letter is repeated."""

    Recipe = MorseRecipe
    recipe: MorseRecipe
    input: Morse
    target: Category

    def modalities(self) -> tuple[Morse, Category]:
        return Morse(), Category()

    @property
    def metrics(self) -> Sequence[sd.Metric]:
        return (accuracy(),)

    def build(self) -> nn.Module:
        width, letters = self.recipe.width, len(self.target.classes or ())
        embedding = nn.Embedding(len(SIGNALS), width)
        return nn.Sequential(embedding, nn.Flatten(), nn.Linear(LONGEST * width, 64), nn.ReLU(), nn.Linear(64, letters))

    def embedding_layer(self, model: nn.Module) -> nn.Module:
        return model.get_submodule("0")

    def loss(self, model: nn.Module, x: Tensor, y: Tensor) -> Tensor:
        return F.cross_entropy(model(x), y, reduction="none")

    @torch.inference_mode()
    def predict(self, model: nn.Module, inputs: Sequence[Any]) -> list[sd.Prediction]:
        scores = model(self.encoded(model, inputs)).softmax(-1).cpu().numpy()
        return [sd.Prediction((self.target.classes or [])[row.argmax()], float(row.max()), row) for row in scores]

    def demo(self, rng: np.random.Generator, n: int) -> list[sd.Example]:
        """A letter sent again and again; a signal in ten is not heard."""
        letters = rng.choice(sorted(LETTERS), n)
        return [sd.Example(self._sent(LETTERS[letter], rng), str(letter)) for letter in letters]

    def _sent(self, code: str, rng: np.random.Generator) -> str:
        signals = (f"{code} " * LONGEST)[: int(rng.integers(6, LONGEST + 1))].rstrip()
        return "".join("?" if signal != " " and rng.random() < 0.1 else signal for signal in signals)
