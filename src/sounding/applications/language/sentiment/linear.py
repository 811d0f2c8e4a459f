"""The model that stands beside a trained one: words and strings of letters, counted, and a linear model over them.

A text is the TF-IDF weights of its words and pairs of words, and of the strings of three to five letters in its words
(Salton and Buckley 1988; counts damped by 1 + log), each of the two of length 1. A logistic regression is fitted to
these. It trains in seconds, and on a few thousand sentences many a network is no better: so a card says whether the
trained one is.

Legend of shapes: n texts, V features, K classes.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from sounding.applications.language.sentiment.logistic import Logistic, Sparse, fitted
from sounding.modalities.text.words import words

LETTERS = (3, 4, 5)
MOST = 20_000
"""Training texts that it learns from, at most."""


class TfIdf:
    """Texts as features: learnt from training texts, then given for any."""

    def __init__(self, texts: Iterable[str]) -> None:
        counted = [_counted(text) for text in texts]
        self.vocabularies: list[dict[str, int]] = []
        weights: list[np.ndarray] = []
        for kind in range(2):
            found = Counter(feature for counts in counted for feature in counts[kind])
            size = sum(map(len, self.vocabularies))
            self.vocabularies.append({feature: size + place for place, feature in enumerate(found)})
            share = (1 + len(counted)) / (1 + np.fromiter(found.values(), np.float64, len(found)))
            weights.append(np.log(share) + 1)
        self.idf = np.concatenate(weights)
        self.training = self._weighed(counted)

    def __len__(self) -> int:
        return len(self.idf)

    def __call__(self, texts: Iterable[str]) -> Sparse:
        """The features of some texts; what no training text had is left out."""
        return self._weighed([_counted(text) for text in texts])

    def _weighed(self, counted: Sequence[tuple[Counter[str], ...]]) -> Sparse:
        places, values = [np.zeros(0, np.int64)], [np.zeros(0)]
        for counts in counted:
            for kind, vocabulary in zip(counts, self.vocabularies, strict=True):
                known = {vocabulary[feature]: times for feature, times in kind.items() if feature in vocabulary}
                at = np.fromiter(known, np.int64, len(known))
                value = (1 + np.log(np.fromiter(known.values(), np.float64, len(known)))) * self.idf[at]
                places.append(at)
                values.append(value / max(float(np.linalg.norm(value)), 1e-12))
        ends = np.cumsum([len(some) for some in places])[::2]  # two kinds a text, after the empty beginning
        starts, whole = torch.from_numpy(ends[:-1]), torch.from_numpy(np.concatenate(places))
        return Sparse(whole, torch.from_numpy(np.concatenate(values)).float(), starts)


class LinearBaseline:
    """TF-IDF and logistic regression, fitted to texts and their answers `y` [n, K]."""

    def __init__(self, texts: Sequence[str], y: Tensor, *, several: bool = False) -> None:
        self.features, self.several = TfIdf(texts), several
        self.model: Logistic = fitted(self.features.training, y, len(self.features), several=several)

    def logits(self, texts: Sequence[str]) -> Tensor:
        """The logits of each answer [n, K]."""
        return self.model.logits(self.features(texts))


def _counted(text: str) -> tuple[Counter[str], Counter[str]]:
    """The words and pairs of words of a text, and the strings of letters in its words with a space around each."""
    found = words(unicodedata.normalize("NFC", text).lower())
    pairs = (f"{first} {second}" for first, second in pairwise(found))
    return Counter([*found, *pairs]), Counter(piece for word in found for piece in _letters(f" {word} "))


def _letters(word: str) -> Iterator[str]:
    for length in LETTERS:
        for start in range(len(word) - length + 1):
            yield word[start : start + length]
