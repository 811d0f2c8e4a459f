"""Multinomial logistic regression over features, sparse or not, fitted as one convex problem.

Legend of shapes: n texts, N features of all texts, V features that there are, K classes.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

STRENGTH = 5.0
"""How much the losses of the rows weigh against the penalty where nothing else is said: C of scikit-learn."""
ROUNDS = 100
"""Of L-BFGS: more change no answer."""


class Sparse(NamedTuple):
    """Features of n texts: their `places` [N] and `values` [N], one text after the other, from `starts` [n] on."""

    places: Tensor
    values: Tensor
    starts: Tensor


class Logistic(NamedTuple):
    """The fitted `weights` [V, K] and `intercepts` [K]."""

    weights: Tensor
    intercepts: Tensor

    def logits(self, x: Sparse | Tensor) -> Tensor:
        """The logits [n, K]."""
        return _sums(x, self.weights) + self.intercepts


@torch.inference_mode(False)
@torch.enable_grad()
def fitted(
    x: Sparse | Tensor, y: Tensor, features: int, *, several: bool = False, strength: float = STRENGTH
) -> Logistic:
    """The least of the mean cross-entropy with `y` [n, K] plus |W|² / (2 C n), found by L-BFGS from zero.

    With `several` each column of `y` is a question of its own, else they are the shares of one answer. `x` that is not
    sparse is [n, V]; C is the `strength`.
    """
    # tensors that were made for inference take part in no gradient
    x = x.clone() if isinstance(x, Tensor) else Sparse(*(tensor.clone() for tensor in x))
    y = y.clone()
    weights = torch.zeros(features, y.shape[1], requires_grad=True)
    intercepts = torch.zeros(y.shape[1], requires_grad=True)
    steps = torch.optim.LBFGS([weights, intercepts], max_iter=ROUNDS, line_search_fn="strong_wolfe")

    def objective() -> Tensor:
        steps.zero_grad()
        logits = _sums(x, weights) + intercepts
        if several:
            loss = F.binary_cross_entropy_with_logits(logits, y, reduction="sum") / len(y)
        else:
            loss = F.cross_entropy(logits, y)
        loss = loss + weights.square().sum() / (2 * strength * len(y))
        loss.backward()
        return loss

    steps.step(objective)
    return Logistic(weights.detach(), intercepts.detach())


def _sums(x: Sparse | Tensor, weights: Tensor) -> Tensor:
    if isinstance(x, Tensor):
        return x @ weights
    return F.embedding_bag(x.places, weights, x.starts, mode="sum", per_sample_weights=x.values)
