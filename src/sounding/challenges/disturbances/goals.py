"""What an attack raises, and how it knows that it has won.

    Goal       the loss of the truth, or the margin by which one other answer beats it
    won        whether the answers to some inputs are judged wrong (where the headline metric is a share of right ones)
    shown      what a black-box attack sees: how near the answers are to being wrong, from predictions alone

The margin of a target t is loss(truth) − loss(t): for a classifier the logit of t less the logit of the truth, for any
other task the same in nats. Unlike the loss it has a gradient where the model is sure beyond what floating point can
resolve, and it is above 0 exactly where t is more probable than the truth.

Legend of shapes: B batch, K options.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from sounding.challenges.disturbances.lp_ball import picked
from sounding.contract.inputs import Continuous
from sounding.contract.memoised_forward import memoised_forward
from sounding.contract.records import Prediction, Record
from sounding.contract.task import Task
from sounding.contract.tree import take

LEAST = 1e-38
"""Probabilities below this have no logarithm in single precision."""


@dataclass(frozen=True)
class Goal:
    """What is to be raised for each of B inputs: the loss of the encoded truth `y`, or its margin to `others` if given.

    `truths` are the values that `y` encodes, where an answer is to be judged.
    """

    task: Task
    model: nn.Module
    y: Any
    others: Any = None
    truths: Sequence[Any] = ()

    def take(self, rows: Tensor) -> Goal:
        """The goal of the inputs at `rows` (indices)."""
        truths = picked(self.truths, rows) if len(self.truths) else ()
        return Goal(self.task, self.model, take(self.y, rows), take(self.others, rows), truths)

    def loss(self, x: Tensor) -> Tensor:
        """[B], differentiable."""
        if self.others is None:
            return self.task.loss(self.model, x, self.y)
        with memoised_forward(self.model):
            return self.task.loss(self.model, x, self.y) - self.task.loss(self.model, x, self.others)

    def loss_and_gradient(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """[B] and [B, …]. Where the model gives no number there is no gradient, and no loss above any other."""
        point = x.detach().requires_grad_(True)
        with torch.enable_grad():
            loss = self.loss(point)
            if not loss.requires_grad:  # nothing of the input reaches the loss smoothly
                return loss.float(), torch.zeros_like(x)
            gradient = torch.autograd.grad(loss.sum(), point, materialize_grads=True)[0]
        return loss.detach().float(), gradient.nan_to_num(0.0, 0.0, 0.0)


@torch.no_grad()
def won(task: Task, model: nn.Module, x: Tensor, truths: Sequence[Any]) -> Tensor:
    """Whether the answer to each input is judged wrong: bool [B]; never where the headline metric is no share."""
    if not task.row_metrics[0].proportion:
        return torch.zeros(len(x), dtype=torch.bool)
    return torch.from_numpy(_wrong(task, _answers(task, model, x), truths))


@torch.no_grad()
def shown(task: Task, model: nn.Module, x: Tensor, truths: Sequence[Any]) -> tuple[Tensor, Tensor]:
    """How near each answer is to being wrong [B], and whether it is [B], from outputs alone.

    Where scores over all options are predicted: the log-probability of the best other option less that of the truth.
    Otherwise the loss of the truth.
    """
    answers = _answers(task, model, x)
    wrong = torch.from_numpy(_wrong(task, answers, truths))
    scores = _scores(task, answers)
    place = {option: i for i, option in enumerate(task.target.classes or ())} if scores is not None else {}
    if scores is None or any(truth not in place for truth in truths):
        return task.loss(model, x, task.encoded_targets(model, truths)).float().cpu(), wrong
    rows, columns = np.arange(len(x)), [place[truth] for truth in truths]
    logs = np.log(np.maximum(scores, LEAST))
    truth = logs[rows, columns]
    logs[rows, columns] = -np.inf
    return torch.from_numpy(logs.max(1) - truth).float(), wrong


def runners_up(task: Task, records: Sequence[Record]) -> list[list[Any]] | None:
    """For each record the options other than the truth, the most probable first; None where there is no such list."""
    options = task.target.classes
    scores = _scores(task, records)
    if scores is None or options is None or len(options) < 2 or any(r.truth not in options for r in records):
        return None
    ranked = [[options[i] for i in order] for order in np.argsort(-scores, axis=1, kind="stable")]
    return [[o for o in row if o != record.truth] for row, record in zip(ranked, records, strict=True)]


def _answers(task: Task, model: nn.Module, x: Tensor) -> list[Prediction]:
    return task.predict(model, Continuous.of(task.input).decode(x.detach().cpu()))


def _wrong(task: Task, answers: Sequence[Prediction], truths: Sequence[Any]) -> np.ndarray:
    metric = task.row_metrics[0]
    if not metric.proportion:
        return np.zeros(len(answers), bool)
    records = [
        Record(p.value, truth, p.confidence, math.nan, scores=p.scores)
        for p, truth in zip(answers, truths, strict=True)
    ]
    judged = metric.statistics(records).astype(float)
    return judged < 0.5 if metric.higher_is_better else judged > 0.5


def _scores(task: Task, answers: Sequence[Prediction | Record]) -> np.ndarray | None:
    """[B, K]: the probabilities of all options, where every answer gives them."""
    k = len(task.target.classes or ())
    if not k or not answers or any(a.scores is None or np.shape(a.scores) != (k,) for a in answers):
        return None
    return np.nan_to_num(np.stack([np.asarray(a.scores, float) for a in answers]))
