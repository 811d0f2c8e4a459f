"""Boxes against boxes: how much they overlap, which location answers for which target, which answer is said twice.

    overlap, generalised   IoU, and its form that also tells boxes apart that do not touch
    assign                 which locations of a detector learn which target (task-aligned, arXiv 2108.07755)
    box_losses             the loss of each picture, of classes and of boxes
    agreement              how well a detector's locations support given boxes
    answers                what a detector's outputs say
    unsuppressed           non-maximum suppression, class by class
    best_threshold         the score from which on answers are shown

Corners are left, top, right, bottom, in any unit. Legend of shapes: B batch, M targets of a picture (padded), L
locations, K classes, N boxes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

TINY = 1e-9
BEST = 10
"""How many locations learn one target, at most."""
SCORE_POWER, OVERLAP_POWER = 0.5, 6.0
"""Locations are ranked by score^0.5 · IoU^6, so that the box counts most: as in YOLOv8."""
LEAST_QUALITY = 0.1
"""What the best location of a target is to say at least, so that one learns whose box does not touch it yet."""
LEAST = 1e-4
"""The least agreement that is told apart from none: its logarithm stays finite."""


# ---- overlap


def overlap(a: Tensor, b: Tensor) -> Tensor:
    """Intersection over union of corners [..., 4] against [..., 4], broadcast; 0 where both are empty."""
    both, union = _areas(a, b)
    return both / union.clamp(min=TINY)


def generalised(a: Tensor, b: Tensor) -> Tensor:
    """IoU less the share of their hull that is in neither, in -1..1 (Rezatofighi et al., arXiv 1902.09630)."""
    both, union = _areas(a, b)
    (al, at, ar, ab), (bl, bt, br, bb) = a.unbind(-1), b.unbind(-1)
    hull = (torch.maximum(ar, br) - torch.minimum(al, bl)) * (torch.maximum(ab, bb) - torch.minimum(at, bt))
    return both / union.clamp(min=TINY) - (hull - union) / hull.clamp(min=TINY)


def _areas(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """The areas of intersection and union. Widths one by one: faster than pairs on a CPU."""
    (al, at, ar, ab), (bl, bt, br, bb) = a.unbind(-1), b.unbind(-1)
    across = (torch.minimum(ar, br) - torch.maximum(al, bl)).clamp(min=0)
    both = across * (torch.minimum(ab, bb) - torch.maximum(at, bt)).clamp(min=0)
    union = (ar - al) * (ab - at) + (br - bl) * (bb - bt) - both
    return both, union


# ---- targets


class Targets(NamedTuple):
    """The true boxes of a batch: `corners` [B, M, 4] and `labels` [B, M], padded; `real` [B, M] says which are true."""

    corners: Tensor
    labels: Tensor
    real: Tensor

    @classmethod
    def of(cls, pairs: Sequence[tuple[Tensor, Tensor]]) -> Targets:
        """The targets of (corners [N, 4], labels [N]) of each picture; M is at least 1."""
        most = max([1, *(len(labels) for _, labels in pairs)])
        corners, labels = torch.zeros(len(pairs), most, 4), torch.zeros(len(pairs), most, dtype=torch.long)
        real = torch.zeros(len(pairs), most, dtype=torch.bool)
        for i, (given, names) in enumerate(pairs):
            corners[i, : len(names)], labels[i, : len(names)], real[i, : len(names)] = given, names, True
        return cls(corners, labels, real)


@dataclass(frozen=True)
class Assignment:
    """What each location learns: `scores` [B, L, K] in 0..1, and where one is above 0, the box `corners` [B, L, 4]."""

    scores: Tensor
    corners: Tensor


@torch.no_grad()
def assign(scores: Tensor, corners: Tensor, places: Tensor, targets: Targets) -> Assignment:
    """Task-aligned assignment (Feng et al., "TOOD", arXiv 2108.07755) of targets to locations.

    `scores` [B, L, K] in 0..1, `corners` [B, L, 4] and `places` [B, L, 2] are the detector's. Of the locations that lie
    in a target, those learn it whose score and box already suit it best; a target too small to hold a location gets the
    nearest one. The best location's score is to be its IoU, or `LEAST_QUALITY` if that is less;
    the others' are less in proportion.
    """
    overlaps = overlap(corners[:, None], targets.corners[:, :, None]).clamp(0)  # [B, M, L]
    named = scores.mT.gather(1, targets.labels[..., None].expand(-1, -1, scores.shape[1]))
    suits = (named**SCORE_POWER * overlaps**OVERLAP_POWER + TINY) * _within(places, targets)
    best = suits.topk(min(BEST, suits.shape[2]), dim=2)
    chosen = torch.zeros_like(suits).scatter_(2, best.indices, (best.values > 0).float())
    # A location that several targets want learns the one that it overlaps most.
    owner = (chosen * (overlaps + TINY)).argmax(dim=1)  # [B, L]
    chosen *= F.one_hot(owner, suits.shape[1]).mT
    suits, overlaps = suits * chosen, overlaps * chosen
    quality = (
        suits / suits.amax(2, keepdim=True).clamp(min=TINY) * overlaps.amax(2, keepdim=True).clamp(min=LEAST_QUALITY)
    )
    wanted = quality.sum(dim=1)  # [B, L]: at most one target of each location is not zero
    labels = targets.labels.gather(1, owner)
    classes = F.one_hot(labels, scores.shape[2]) * wanted[..., None]
    return Assignment(classes, targets.corners.gather(1, owner[..., None].expand(-1, -1, 4)))


def _within(places: Tensor, targets: Targets) -> Tensor:
    """1 where a location lies in a target or is the nearest to its middle, else 0: [B, M, L]."""
    (x, y), (left, top, right, bottom) = places[:, None].unbind(-1), targets.corners[:, :, None].unbind(-1)
    inside = (x > left) & (x < right) & (y > top) & (y < bottom)
    far = (x - (left + right) / 2) ** 2 + (y - (top + bottom) / 2) ** 2
    nearest = far <= far.amin(2, keepdim=True)
    return (inside | nearest) & targets.real[..., None]


# ---- losses and support


def box_losses(logits: Tensor, corners: Tensor, places: Tensor, targets: Targets, box_weight: float) -> Tensor:
    """[B]: cross-entropy of the wanted scores above its least, and `box_weight` times 1 - GIoU, for each target score.

    What is wanted of a location is its box's quality as well as its class, so that sure answers lie well (arXiv
    2006.04388). `assign` decides it from the outputs as they are; no gradient flows through that.
    """
    aim = assign(logits.sigmoid(), corners, places, targets)
    entropy = F.binary_cross_entropy(aim.scores, aim.scores, reduction="none")
    classes = (F.binary_cross_entropy_with_logits(logits, aim.scores, reduction="none") - entropy).sum((1, 2))
    weight = aim.scores.sum(2)
    boxes = ((1 - generalised(corners, aim.corners)) * weight).sum(1)
    return (classes + box_weight * boxes) / weight.sum(1).clamp(min=1)


def agreement(logits: Tensor, corners: Tensor, given: Targets) -> Tensor:
    """[B]: the mean logarithm, over the given boxes, of the best location's score for its class times its IoU with it.

    D-RISE compares answers so (Petsiuk et al., arXiv 2006.03204). Where no box is given: of the belief that there is
    none, one minus the best score.
    """
    scores = logits.sigmoid()
    named = scores.mT.gather(1, given.labels[..., None].expand(-1, -1, scores.shape[1]))
    found = (named * overlap(corners[:, None], given.corners[:, :, None])).amax(2).clamp(min=LEAST).log()
    counts = given.real.sum(1)
    none = (1 - scores.amax((1, 2))).clamp(min=LEAST).log()
    return torch.where(counts > 0, (found * given.real).sum(1) / counts.clamp(min=1), none)


# ---- answers


def best_threshold(scores: np.ndarray, right: np.ndarray, truths: int) -> float | None:
    """The score from which on answers [N], right or wrong, have the best F1 against `truths`; None if none is right."""
    order = np.argsort(-scores, kind="stable")
    found = np.cumsum(right[order])
    f1 = 2 * found / np.maximum(np.arange(1, len(found) + 1) + truths, 1)
    return float(scores[order][f1.argmax()]) if len(found) and found[-1] else None
