"""Which unlabelled rows to label next: those that the model is uncertain of, those unlike all others, or both.

margin    least difference between the two best scores (Scheffer et al. 2001); least confidence where there is only that
spread    k-center greedy on the input of the last linear layer (Sener & Savarese 2018, arXiv 1708.00489)
both      the 10 k rows of least margin (at most half of the pool), and k of them spread out
random    k rows drawn: what the others have to beat (`acquisition_gain.gain` measures whether they do)

Legend of shapes: n rows of the pool, m labelled rows, D features, K options.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import torch
from torch import nn

from sounding.challenges.features import averaged, penultimate, watched
from sounding.challenges.passes import frozen
from sounding.contract.records import Example, Prediction
from sounding.contract.task import Task, chunks
from sounding.data import picked
from sounding.errors import UsageError, did_you_mean
from sounding.training.progress import Say, counting

Strategy = Literal["margin", "spread", "both", "random"]
STRATEGIES: tuple[Strategy, ...] = get_args(Strategy)
WIDER = 10
"""How many times the rows asked for "both" takes by margin, before it spreads."""
MOST_CENTRES = 5000
"""Labelled rows that others are kept away from; of more, so many are drawn."""
_BLOCK = 1024  # rows whose distances to all centres are held at once


@dataclass(frozen=True)
class Signals:
    """What one pass of a model says of n rows.

    `certainty` [n] is small where the model is not sure: its margin, or its confidence where there are no scores
    (`kind` says which), None without either. `features` [n, D] are None for a model without a linear layer.
    """

    certainty: np.ndarray | None
    kind: str = ""
    features: np.ndarray | None = None


@dataclass(frozen=True)
class Choice:
    """`indices` into the pool, the most valuable first, each with its score; and how they came about.

    A score is the margin or the confidence (small is valuable), or for `spread` the distance to the nearest row that is
    labelled or chosen already (large is valuable). `kind` names it. `strategy` is what was done, and `note` says why
    that is not what was asked for.
    """

    indices: list[int]
    scores: list[float]
    strategy: Strategy
    kind: str
    note: str = ""


def signals(task: Task, model: nn.Module, rows: Sequence[Example], say: Say | None = None) -> Signals:
    """How sure the model is of each row, and its features; the rows are read batch by batch, as `say` hears."""
    layer, certainties, found = penultimate(model), list[tuple[float | None, str]](), list[np.ndarray | None]()
    with frozen(model), torch.inference_mode():
        for batch in counting(chunks(rows, task.recipe.batch), say, "looking at the rows"):
            values = [example.input for example in batch]
            with watched(layer or nn.Identity()) as seen:
                predictions = task.predict(model, values)
            certainties += [_certainty(task, prediction) for prediction in predictions]
            found.append(averaged(seen, len(values)))
    known = [feature for feature in found if feature is not None]
    features = np.concatenate(known) if known and len(known) == len(found) else None
    if not certainties or any(value is None for value, _ in certainties):
        return Signals(None, "", features)
    certainty = np.nan_to_num(np.array([value for value, _ in certainties], float), nan=0.0)
    return Signals(certainty, certainties[0][1], features)


def choose(
    task: Task,
    model: nn.Module,
    labelled: Sequence[Example],
    pool: Sequence[Example],
    k: int,
    strategy: str,
    rng: np.random.Generator,
    say: Say | None = None,
) -> Choice:
    """The `k` rows of `pool` to label next (all, if there are fewer), the most valuable first; ties are drawn.

    `labelled` are the rows that have labels already: "spread" and "both" keep away from them. Where the model gives no
    confidence, or has no linear layer, what can be done is done, and `note` says so. Raises UsageError for an unknown
    strategy.
    """
    if strategy not in STRATEGIES:
        raise UsageError(f"no strategy {strategy!r}", fix=did_you_mean(strategy, STRATEGIES))
    k = min(k, len(pool))
    if strategy == "random":
        return Choice(rng.permutation(len(pool))[:k].tolist(), [0.0] * k, "random", "")
    said = signals(task, model, pool, say)
    done, note = _possible(strategy, said)
    if done == "random" or not k:
        return Choice(rng.permutation(len(pool))[:k].tolist(), [0.0] * k, done, "", note)
    uncertain = _least_certain(said, len(pool), rng)
    if done == "margin":
        assert said.certainty is not None
        return Choice(uncertain[:k].tolist(), said.certainty[uncertain[:k]].tolist(), done, said.kind, note)
    assert said.features is not None
    among = uncertain[: max(k, min(WIDER * k, len(pool) // 2))] if done == "both" else np.arange(len(pool))
    drawn = np.sort(rng.permutation(len(labelled))[:MOST_CENTRES])
    centres = signals(task, model, picked(labelled, drawn)).features
    places, far = k_center(said.features[among], centres, k, rng)
    indices = among[places]
    if done == "spread" or said.certainty is None:
        return Choice(indices.tolist(), far.tolist(), done, "distance", note)
    return Choice(indices.tolist(), said.certainty[indices].tolist(), done, said.kind, note)


def k_center(
    points: np.ndarray, centres: np.ndarray | None, k: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Of `points` [n, D], `k` that lie far from `centres` [m, D] and from each other, and how far each lay: [k], [k].

    Greedy: always the point farthest from all centres and all points taken so far. The farthest point that is left is
    then at most twice as far as with the best k points (Gonzalez 1985). Without centres the first one is drawn.
    """
    points = np.nan_to_num(np.asarray(points, np.float64))
    if centres is None or not len(centres):
        nearest = np.full(len(points), np.inf)
    else:
        nearest = _nearest(points, np.nan_to_num(np.asarray(centres, np.float64)))
    order = rng.permutation(len(points))  # among equally far ones the first of this order is taken
    taken, far = np.empty(min(k, len(points)), np.int64), np.empty(min(k, len(points)))
    for place in range(len(taken)):
        i = order[np.argmax(nearest[order])]
        taken[place], far[place] = i, nearest[i]
        nearest = np.minimum(nearest, np.linalg.norm(points - points[i], axis=1))
        nearest[i] = -1.0
    return taken, far


def _nearest(points: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """[n]: the distance of each point to its nearest centre."""
    lengths, found = (centres**2).sum(1), []
    for start in range(0, len(points), _BLOCK):
        block = points[start : start + _BLOCK]
        squares = (block**2).sum(1)[:, None] + lengths - 2 * block @ centres.T
        found.append(np.sqrt(np.maximum(squares.min(1), 0.0)))
    return np.concatenate(found) if found else np.empty(0)


def _possible(strategy: str, said: Signals) -> tuple[Strategy, str]:
    """What can be done for `strategy`, and why that is something else."""
    if strategy in ("spread", "both") and said.features is None:
        why = "the model has no linear layer whose input tells rows apart"
        return ("margin", f"{why}: rows were not spread") if said.certainty is not None else ("random", f"{why}: drawn")
    if strategy in ("margin", "both") and said.certainty is None:
        why = "the answers of this task carry no confidence"
        return ("spread", f"{why}: rows were spread") if said.features is not None else ("random", f"{why}: drawn")
    return strategy, ""  # type: ignore[return-value]  # checked by the caller


def _least_certain(said: Signals, n: int, rng: np.random.Generator) -> np.ndarray:
    """All rows, the least sure first; equal ones in a drawn order."""
    ties = rng.random(n)
    return np.lexsort((ties, np.zeros(n) if said.certainty is None else said.certainty))


def _certainty(task: Task, prediction: Prediction) -> tuple[float | None, str]:
    """The margin where there are scores of a finite list of answers, else the confidence."""
    options, scores = task.target.classes, prediction.scores
    if options is not None and scores is not None and len(scores) == len(options) > 1:
        second, best = np.partition(np.asarray(scores, float), -2)[-2:]
        return float(best - second), "margin"
    return prediction.confidence, "confidence"
