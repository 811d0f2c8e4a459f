"""Losses of answers that are a class for each pixel, one number a picture.

A pixel whose class nobody said has the place `VOID` and counts for nothing; a picture of such pixels alone has loss 0.

Legend of shapes: B batch, K classes, H height, W width.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from sounding.applications.vision.segment.metrics import VOID


class Labels(NamedTuple):
    """The classes [B, H, W] of all pixels, padded with `VOID`, and the `sizes` [B, 2] (height, width) of the masks."""

    classes: Tensor
    sizes: Tensor


def fitted(classes: Tensor, shape: Sequence[int]) -> Tensor:
    """Classes [B, h, w] padded with `VOID`, or cut, below and to the right, to `shape` (height, width)."""
    height, width = shape
    cut = classes[:, :height, :width]
    return F.pad(cut, (0, width - cut.shape[2], 0, height - cut.shape[1]), value=VOID)


def cross_entropy(logs: Tensor, truth: Tensor, weights: Tensor | None = None) -> Tensor:
    """Mean of minus the log-probability [B, K, H, W] of the true class [B, H, W], in nats per labelled pixel: [B].

    `weights` [K] multiply the terms; the mean is over the number of pixels, so they should be 1 on average.
    """
    weights = None if weights is None else weights.to(logs)
    losses = F.nll_loss(logs, truth, weights, ignore_index=VOID, reduction="none")
    return losses.sum((1, 2)) / (truth != VOID).sum((1, 2)).clamp(min=1)


def dice(logs: Tensor, truth: Tensor) -> Tensor:
    """1 less twice the overlap over the sum of areas, of each class that a picture has, averaged over these: [B].

    Probabilities take the place of areas, so that there is a slope (Milletari et al., arXiv 1606.04797). Unlike a sum
    over pixels it does not forget what is small.
    """
    known = truth != VOID
    places = truth.where(known, 0).flatten(1)
    p = logs.exp() * known[:, None]
    right = p.flatten(2).gather(1, places[:, None])[:, 0]
    nothing = p.new_zeros(p.shape[:2])
    both = nothing.scatter_add(1, places, right)
    true = nothing.scatter_add(1, places, known.flatten(1).to(p.dtype))
    present = true > 0
    short = (1 - 2 * both / (p.sum((2, 3)) + true).clamp(min=1)) * present
    return short.sum(1) / present.sum(1).clamp(min=1)


def balanced(shares: Sequence[float], softness: float) -> Tensor:
    """Weights [K] of classes that take `shares` of the pixels: 1 / ln(softness + share), made 1 on average.

    Paszke et al. (arXiv 1606.02147) take 1.02; with more, rare classes weigh less. At 0 all weigh 1.
    """
    share = torch.tensor(shares)
    if not softness:
        return torch.ones_like(share)
    weights = 1 / (softness + share).log()
    return weights / (weights * share).sum()
