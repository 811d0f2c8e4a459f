"""Randomised smoothing: answers by majority under Gaussian noise, and what a majority proves.

Let A be an answer that wins with probability p > 1/2 when noise of standard deviation σ is added to the encoded input.
Then A also wins for every input whose Euclidean distance is below σ Φ⁻¹(p), whatever the model is (Cohen, Rosenfeld and
Kolter 2019, arXiv 1902.02918). p is not known, but counting bounds it from below, so the radius is a lower bound.

    winners     the option of least loss for each input of a batch
    election    how many noisy copies of one input each option wins
    leader      who wins a first, small election
    radius      what the votes for the leader in a second, independent election prove

Legend of shapes: B batch, K options.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import NormalDist
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from sounding.challenges.passes import frozen
from sounding.contract.memoised_forward import memoised_forward
from sounding.contract.task import Task
from sounding.evaluation.intervals import clopper_pearson

FIRST = 100
"""Votes that choose the leader (n₀ in the paper)."""
ALPHA = 0.001
"""How often, at most, the radius of one row may be too long."""
NOBODY = -1
"""In place of an option where every loss is infinite or one is no number."""


def radius(hits: int, votes: int, sigma: float, alpha: float = ALPHA) -> float:
    """The radius in units of the encoded input that `hits` of `votes` prove with probability 1 − `alpha`, or 0.

    0 is an abstention: the Clopper–Pearson lower bound of the leader's share does not reach above one half.
    """
    least = clopper_pearson(hits, votes, level=1 - 2 * alpha).low or 0.0  # one-sided: all of alpha on this side
    return sigma * NormalDist().inv_cdf(least) if least > 0.5 else 0.0


def leader(votes: np.ndarray) -> int:
    """The option with the most of `votes` [K], or NOBODY without a vote."""
    return int(votes.argmax()) if votes.any() else NOBODY


def election(task: Task, model: nn.Module, x: Tensor, sigma: float, votes: int, rng: torch.Generator) -> np.ndarray:
    """[K]: how many of `votes` noisy copies of one encoded input `x` [1, …] each option of the target wins.

    The noise is not clipped to the legal range: the theorem needs all of it. Votes for NOBODY are not in the sum.
    """
    counts = np.zeros(len(task.target.classes or ()), dtype=np.int64)
    size = batch_size(task)
    with frozen(model), torch.no_grad():
        for start in range(0, votes, size):
            shape = (min(size, votes - start), *x.shape[1:])
            noise = torch.randn(shape, generator=rng).to(x.device)
            won = winners(task, model, x + sigma * noise)
            counts += np.bincount(won[won != NOBODY], minlength=len(counts))
    return counts


def batch_size(task: Task) -> int:
    """Noisy copies in one pass; nothing is kept for a backward pass, so more fit than in training."""
    return min(512, 2 * task.recipe.batch)


def winners(task: Task, model: nn.Module, x: Tensor) -> np.ndarray:
    """[B]: the place of the option of least loss for each encoded input, the first among equals; or NOBODY.

    That is what `predict` answers where the loss is minus a log-probability, without decoding (and so rounding) x.
    """
    classes: Sequence[Any] = task.target.classes or ()
    with memoised_forward(model):
        losses = torch.stack(
            [task.loss(model, x, task.encoded_targets(model, [option] * len(x))).float() for option in classes], dim=1
        )
    least, place = losses.min(dim=1)
    known = torch.isfinite(least) & ~torch.isnan(losses).any(dim=1)
    return torch.where(known, place, NOBODY).cpu().numpy()
