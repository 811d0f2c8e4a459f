"""Functions of arrays that outputs go through."""

from __future__ import annotations

import numpy as np


def softmax(logits: np.ndarray) -> np.ndarray:
    """Probabilities over the last axis."""
    shares = np.exp(logits - logits.max(axis=-1, keepdims=True))
    shares /= shares.sum(axis=-1, keepdims=True)
    return shares


def logistic(logits: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(-x)) of each output."""
    with np.errstate(over="ignore"):  # which is 0 then
        return 1 / (1 + np.exp(-logits))
