"""Missing tokens: which of the vocabulary stands at each mask.

Legend of shapes: B batch, T tokens, V vocabulary, n masks of all texts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sounding.contract.modality import Modality
from sounding.contract.postprocessing import Arrays, OnePass
from sounding.contract.records import Prediction
from sounding.postprocessing.functions import softmax


@dataclass(frozen=True)
class MissingTokens(OnePass):
    """The likeliest token at each `mask`, from logits [B, T, V]; those in `never` are no words."""

    mask: int
    never: tuple[int, ...]

    @property
    def steps(self) -> Sequence[str]:
        """Softmax, the largest."""
        return (
            f"softmax over the last axis, at every token {self.mask} within the length of a text",
            f"the tokens {list(self.never)} are no answer; the likeliest other one is",
        )

    def answers(self, outputs: Arrays, x: Arrays, values: Sequence[Any], target: Modality) -> list[Prediction]:
        """The tokens that each text lacks."""
        row, place = masks(x, self.mask)
        return self.of_masks(outputs[0][row, place], row, len(values), target)

    def of_masks(self, logits: np.ndarray, row: np.ndarray, texts: int, target: Any) -> list[Prediction]:
        """From the logits [n, V] of masks that stand in the texts `row` [n].

        The confidence, and the probabilities of all tokens, are those of the first mask of each text.
        """
        scores = softmax(logits)
        scores[:, list(self.never)] = 0
        found = (scores[row == number] for number in range(texts))
        return [Prediction(target.passage(own.argmax(axis=1)), float(own[0].max()), own[0]) for own in found]


def masks(x: Arrays, mask: int) -> tuple[np.ndarray, np.ndarray]:
    """The text [n] and the place [n] of every mask in encoded texts (ids [B, T], lengths [B])."""
    ids, lengths = x
    row, place = np.nonzero((ids == mask) & (np.arange(ids.shape[1]) < lengths[:, None]))
    return row, place
