"""Functions of arrays that outputs go through."""

from __future__ import annotations

import numpy as np


def softmax(logits: np.ndarray, axis: int = -1) -> np.ndarray:
    """Probabilities over an axis, by default the last."""
    shares = np.exp(logits - logits.max(axis=axis, keepdims=True))
    shares /= shares.sum(axis=axis, keepdims=True)
    return shares


def logistic(logits: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(-x)) of each output."""
    with np.errstate(over="ignore"):  # which is 0 then
        return 1 / (1 + np.exp(-logits))
