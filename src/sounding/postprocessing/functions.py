"""Functions of arrays that outputs go through."""

from __future__ import annotations

import numpy as np


def softmax(logits: np.ndarray, axis: int = -1) -> np.ndarray:
    """Probabilities over an axis, by default the last."""
    shares = np.exp(logits - logits.max(axis=axis, keepdims=True))
    shares /= shares.sum(axis=axis, keepdims=True)
    return shares


def log_softmax(logits: np.ndarray, axis: int = -1) -> np.ndarray:
    """The logarithms of probabilities over an axis, by default the last."""
    shifted = logits - logits.max(axis=axis, keepdims=True)
    shifted -= np.log(np.exp(shifted).sum(axis=axis, keepdims=True))
    return shifted


def largest(x: np.ndarray, most: int) -> tuple[np.ndarray, np.ndarray]:
    """The `most` largest numbers of each row of [R, N], and their places: both [R, most], the largest first."""
    places = np.argpartition(x, -most, axis=1)[:, -most:]
    found = np.take_along_axis(x, places, axis=1)
    order = np.lexsort((places, -found), axis=1)  # of equal ones the first
    return np.take_along_axis(found, order, axis=1), np.take_along_axis(places, order, axis=1)


def logistic(logits: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(-x)) of each output."""
    with np.errstate(over="ignore"):  # which is 0 then
        return 1 / (1 + np.exp(-logits))
