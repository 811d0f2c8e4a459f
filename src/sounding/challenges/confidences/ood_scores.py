"""How much an input is like the training data to a model: every score that the contract of a task allows.

    confidence     what `predict` says of its answer: the largest probability where answers are a finite list (MSP,
                   Hendrycks and Gimpel 2017)
    margin         the largest probability minus the next
    entropy        minus the entropy of the probabilities
    energy         log of the summed exponentials of the logits (Liu et al. 2020). Probabilities have lost it, so it is
                   offered only where the last linear layer is seen to give the logits
    distance       minus the distance to the k-th nearest of a sample of training rows, between the inputs of the last
                   linear layer, scaled to length 1 (Sun et al. 2022)

Each is higher for an in-distribution input than for one that is out of distribution.

Legend of shapes: n inputs, B batch, D features, K options, R training rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from sounding.challenges.features import averaged, penultimate
from sounding.challenges.passes import alike, frozen
from sounding.contract.answers import lists_nothing
from sounding.contract.records import Prediction
from sounding.contract.task import Task

NEAREST = 10
"""k of the nearest training rows, or fewer where the sample is small."""
LOGITS = 0.99
"""The last layer gives the logits when its best option is the answer's for this share of the rows."""


@dataclass(frozen=True)
class Observed:
    """What the model made of n inputs: `confidences` [n], `scores` [n, K], `energy` [n], `features` [n, D].

    None where the task or the model has no such thing. `not_finite` counts confidences that are not finite. `empty` [n]
    are the answers that there is nothing (no box, no word): to an input that shows nothing such an answer is right, and
    the more confident the better.
    """

    confidences: np.ndarray | None
    scores: np.ndarray | None
    energy: np.ndarray | None
    features: np.ndarray | None
    empty: np.ndarray
    not_finite: int = 0

    def __len__(self) -> int:
        return len(self.empty)


@dataclass
class _Calls:
    """What went into the last layer at its first call, and what came out at all of them."""

    inputs: list[Tensor] = field(default_factory=list)
    outputs: list[Tensor] = field(default_factory=list)


def observe(task: Task, model: nn.Module, values: Sequence[Any]) -> Observed:
    """Predict each value, listening at the last linear layer. Inputs are padded by none that are longer."""
    layer, n = penultimate(model), len(values)
    options = len(task.target.classes or ())
    predictions: list[Prediction | None] = [None] * n
    features: list[np.ndarray | None] = [None] * n
    energies = np.full((n, 2), np.nan)
    with frozen(model), torch.inference_mode():
        for batch in alike(task, values):
            with _listening(layer) as calls:
                answers = task.predict(model, [values[i] for i in batch])
            seen = averaged(calls.inputs, len(batch))
            heard = _energies(calls, answers, options)
            for j, i in enumerate(batch):
                predictions[i] = answers[j]
                features[i] = None if seen is None else seen[j]
                energies[i] = np.nan if heard is None else heard[j]
    return _looked(task, [p for p in predictions if p is not None], energies, features)


def ood_scores(seen: Observed, training: np.ndarray | None = None, known: bool = False) -> dict[str, np.ndarray]:
    """Name → [n]; `training` [R, D] are features of training rows. What is not a number is the lowest.

    An answer that there is nothing takes an input for one that shows nothing, whatever its confidence: that has the
    lowest score. Of `known` inputs, some of which may truly show nothing, it is left out (NaN).
    """
    found: dict[str, np.ndarray] = {}
    if seen.confidences is not None:
        found["confidence"] = np.where(seen.empty, np.nan, seen.confidences)
    if seen.scores is not None and seen.scores.shape[1] > 2:  # of two, all three have the same order
        top = np.sort(seen.scores, axis=1)
        found["margin"] = top[:, -1] - top[:, -2]
        found["entropy"] = (seen.scores * np.log(np.maximum(seen.scores, 1e-12))).sum(1)
    if seen.energy is not None:
        found["energy"] = seen.energy
    if seen.features is not None and training is not None and training.shape[1:] == seen.features.shape[1:]:
        found["distance"] = -nearest(seen.features, training)
    lowest = {name: np.where(np.isnan(score), -np.inf, score) for name, score in found.items()}
    if known and "confidence" in lowest:
        lowest["confidence"] = np.where(seen.empty, np.nan, lowest["confidence"])
        if seen.empty.all():
            del lowest["confidence"]
    return lowest


def nearest(features: np.ndarray, training: np.ndarray, k: int = NEAREST) -> np.ndarray:
    """[n]: the distance from each of `features` [n, D] to the k-th nearest of `training` [R, D], all of length 1."""
    a, b = _unit(features), _unit(training)
    k = min(k, len(b))
    found = [np.partition(2 - 2 * part @ b.T, k - 1, axis=1)[:, k - 1] for part in np.array_split(a, len(a) // 512 + 1)]
    return np.sqrt(np.maximum(np.concatenate(found), 0))


# ---- at the last layer


@contextmanager
def _listening(layer: nn.Module | None) -> Iterator[_Calls]:
    calls = _Calls()

    def note(module: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
        if not calls.inputs:
            calls.inputs.append(inputs[0])
        calls.outputs.append(output)

    handle = layer.register_forward_hook(note) if layer is not None else None
    try:
        yield calls
    finally:
        if handle is not None:
            handle.remove()


def _energies(calls: _Calls, answers: Sequence[Prediction], options: int) -> np.ndarray | None:
    """[B, 2]: the energy, averaged over calls (views of one input), and whether their best option is the answer's."""
    outputs = [o for o in calls.outputs if tuple(o.shape) == (len(answers), options)]
    if not outputs or len(outputs) < len(calls.outputs) or any(p.scores is None for p in answers):
        return None
    best = torch.stack([o.double().softmax(1) for o in outputs]).mean(0).argmax(1).cpu().numpy()
    said = np.array([int(np.argmax(p.scores)) for p in answers if p.scores is not None])
    found = torch.stack([o.double().logsumexp(1) for o in outputs]).mean(0).cpu().numpy()
    return np.stack([found, best == said], axis=1)


def _looked(
    task: Task, predictions: Sequence[Prediction], energies: np.ndarray, features: Sequence[np.ndarray | None]
) -> Observed:
    options = len(task.target.classes or ())
    confidences = [p.confidence for p in predictions]
    sure = None if None in confidences or not predictions else np.array(confidences, float)
    scores = [p.scores for p in predictions if p.scores is not None]
    listed = options > 0 and len(scores) == len(predictions) > 0 and all(np.shape(s) == (options,) for s in scores)
    vectors = [f for f in features if f is not None]
    logits = len(energies) > 0 and float((energies[:, 1] == 1).mean()) >= LOGITS
    return Observed(
        confidences=sure,
        scores=np.stack(scores).astype(float) if listed else None,
        energy=energies[:, 0] if logits else None,
        features=np.stack(vectors) if vectors and len(vectors) == len(features) else None,
        not_finite=0 if sure is None else int((~np.isfinite(sure)).sum()),
        empty=np.array([lists_nothing(task.target, p.value) for p in predictions], bool),
    )


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
