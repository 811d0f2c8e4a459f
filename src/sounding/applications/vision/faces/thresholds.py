"""Pairs through a model of embeddings: cosines, records, and what is set on validation people.

For any task whose inputs are encoded as [B, 2, …], whose truths name both sides (`first`, `second`, `same`, `single`),
and whose model is a `Verifier` or speaks like one. `error_rates.py` has the arithmetic, which knows no model.

Legend of shapes: B batch, D entries of an embedding, n pairs.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sounding.applications.vision.faces import error_rates
from sounding.applications.vision.faces.answering import Threshold, answers
from sounding.contract.records import Example, Record
from sounding.contract.task import Task, chunks
from sounding.errors import UsageError

Embed = Callable[[Any, Tensor], Tensor]
"""`embed(model, one side of a batch of pairs)` → embeddings [B, D] of length 1."""
MOST = 4000
"""Things of validation people that are all compared with each other, at most."""


@dataclass(frozen=True)
class Compared:
    """n pairs: embeddings of both sides [n, D], truths, groups, and a digest of each side's input."""

    first: np.ndarray
    second: np.ndarray
    truths: list[Any]
    groups: list[str]
    digests: list[tuple[bytes, bytes]]

    @property
    def cosines(self) -> np.ndarray:
        """[n]"""
        return (self.first * self.second).sum(1)

    @property
    def same(self) -> np.ndarray:
        """[n] bool: which pairs are genuine."""
        return np.array([truth.same for truth in self.truths], bool)


def compared(task: Task, model: Any, examples: Sequence[Example], embed: Embed) -> Compared:
    """The pairs of `examples`, embedded."""
    sides: tuple[list[np.ndarray], list[np.ndarray]] = ([], [])
    truths, groups, digests = [], [], []
    for batch in map(list, chunks(examples, task.recipe.batch)):
        x = task.encoded(model, [e.input for e in batch])
        sides[0].append(embed(model, x[:, 0]).detach().float().cpu().numpy())
        alone = bool((x[:, 0] == x[:, 1]).all())
        sides[1].append(sides[0][-1] if alone else embed(model, x[:, 1]).detach().float().cpu().numpy())
        truths += [e.target for e in batch]
        groups += [e.group for e in batch]
        digests += [(_digest(one[0]), _digest(one[1])) for one in x.cpu().numpy()]
    first, second = (np.concatenate(side) if side else np.zeros((0, 1), np.float32) for side in sides)
    return Compared(first, second, truths, groups, digests)


def records(model: Any, found: Compared, values: tuple[Any, Any], at: Threshold | None) -> list[Record]:
    """The records of pairs. A model still in training, which has no curve yet, is judged by the one that suits these
    very pairs best: two numbers taken from hundreds of pairs, so that trainings can be watched in accuracy.
    """
    slope, offset = float(model.slope), float(model.offset)
    if not model.calibrated:
        slope, offset = error_rates.logistic(found.cosines, found.same)
    predictions = answers(found.cosines, values, slope, offset, at)
    losses = np.logaddexp(0, np.where(found.same, -1, 1) * (slope * found.cosines.astype(float) + offset))
    made = zip(predictions, found.truths, losses.tolist(), found.groups, strict=True)
    return [Record(p.value, truth, p.confidence, loss, group, p.scores) for p, truth, loss, group in made]


def calibrate(model: Any, found: Compared, rate: float) -> bool:
    """Set the model's curve and thresholds on validation pairs, and on all comparisons of their different people.

    Returns whether there were pairs of both kinds to set them on.
    """
    pairs = _pairs_alone(found)
    if pairs.same.all() or not pairs.same.any():
        return False
    embeddings, names = _people(pairs)
    impostors = error_rates.comparisons(embeddings, names)
    set_on = error_rates.settings(pairs.cosines, pairs.same, impostors, rate, model.TAIL)
    model.set_calibration(set_on.slope, set_on.offset, set_on.threshold, set_on.rate, set_on.tail, rate)
    return True


def at_rate(model: Any, rate: float) -> Threshold:
    """The threshold for a false match rate: the largest up to `rate` that the model's validation people support.

    For the rate that was asked for when the model's own was set: that one, whatever they support. Raises UsageError
    where they support none so low.
    """
    if math.isclose(rate, float(model.asked), rel_tol=1e-6):
        return Threshold(float(model.threshold), float(model.rate))
    known = [(r, t) for r, t in zip(model.TAIL, model.tail.tolist(), strict=True) if t < model.UNSET]
    known.append((float(model.rate), float(model.threshold)))
    least = min(known)[0]
    if not rate >= least - 1e-9:  # also what is no number
        what = f"the validation people of this run support no false match rate below {least:.2g}"
        raise UsageError(what, fix=f"Ask for {least:.2g} or more, or train with more people held out")
    held, threshold = max(pair for pair in known if pair[0] <= rate + 1e-9)
    return Threshold(threshold, held)


def whiten(model: Any, found: Compared) -> None:
    """Make the model compare what tells people apart, as learnt from several things of each training person."""
    embeddings, names = _people(found)
    if learnt := error_rates.within(embeddings, names):
        model.whiten(*map(torch.from_numpy, learnt))


def enroll(model: Any, found: Compared, people: Sequence[str]) -> None:
    """Keep the mean embedding of each of `people`, over what was compared."""
    place = {name: i for i, name in enumerate(people)}
    embeddings, names = _people(found, most=None)
    means = np.zeros((len(people), embeddings.shape[1]), np.float32)
    np.add.at(means, [place[name] for name in names], embeddings)
    times = np.bincount([place[name] for name in names], minlength=len(people))
    model.enrolled.copy_(torch.from_numpy(means / np.maximum(1, times)[:, None]))


def probes(found: Compared) -> tuple[np.ndarray, list[str]]:
    """The pictures of pairs, each once: embeddings [n, D], and whose each is."""
    return _people(_pairs_alone(found))


def _pairs_alone(found: Compared) -> Compared:
    """What was compared, without single things."""
    kept = [i for i, truth in enumerate(found.truths) if not truth.single]
    pick = {name: [getattr(found, name)[i] for i in kept] for name in ("truths", "groups", "digests")}
    return replace(found, first=found.first[kept], second=found.second[kept], **pick)


def _people(found: Compared, most: int | None = MOST) -> tuple[np.ndarray, list[str]]:
    """Every thing once, at most so many: embeddings [N, D], and whose each is."""
    once: dict[tuple[str, bytes], np.ndarray] = {}
    for i, truth in enumerate(found.truths):
        for name, digest, side in zip((truth.first, truth.second), found.digests[i], (found.first, found.second)):
            if name:
                once.setdefault((name, digest), side[i])
    kept = list(once.items())[:most]
    return np.stack([embedding for _, embedding in kept]), [name for (name, _), _ in kept]


def _digest(array: np.ndarray) -> bytes:
    return blake2b(np.ascontiguousarray(array).tobytes(), digest_size=8).digest()
