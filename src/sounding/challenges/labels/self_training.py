"""Learning from rows without answers: the model writes the answers that it is sure of, and learns them the hard way.

Before each round the averaged weights answer unlabelled inputs as they are; where the confidence reaches a threshold,
the answer becomes the target of a strongly varied copy. It is of the family of FixMatch (Sohn et al., arXiv
2001.07685), with the averaged weights as teacher (Tarvainen & Valpola, arXiv 1703.01780) and, after FreeMatch (Wang et
al., arXiv 2205.07246), a threshold that rises with the teacher's mean confidence: with smoothed labels a model is never
95 % sure. A prediction is a label that the model wrote: so this works for every task whose predictions carry a
confidence and whose input can be varied.

Such methods can fail quietly, by teaching themselves their own mistakes. So a supervised training on the same labels
always runs beside, and the better of the two on the validation rows is kept (see `api.train`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from sounding.engine.around import Around
from sounding.engine.data import picked
from sounding.engine.machine import inference
from sounding.engine.records import Example, Prediction
from sounding.engine.task import Task, chunks
from sounding.errors import UsageError
from sounding.modalities.modality import InputModality, Mixed

SURE = 0.95
"""The confidence at which an answer is always taken for true (FixMatch's threshold)."""
RATIO = 3
"""Unlabelled rows that are answered for each labelled one in a round; those that are not sure are left out."""
ROUND = 4096
"""Labelled rows in a round, repeats and all: the teacher is renewed after each."""
PROBED, WORTH_ASKING = 512, 0.5
"""Rows that are asked first, and the mean confidence below which a teacher knows too little to be asked more."""
STRENGTH = 1.0
"""How strongly they are varied."""


@dataclass(frozen=True)
class Told:
    """A target that the model wrote itself: learnt from a strongly varied input."""

    value: Any


class Round(Sequence[Example]):
    """Rows of two sets, `answers` standing for the targets of the second; inputs are read when they are needed."""

    def __init__(self, labelled: Sequence[Example], unlabelled: Sequence[Example], answers: Sequence[Told]) -> None:
        self.labelled, self.unlabelled, self.answers = labelled, unlabelled, answers

    def __len__(self) -> int:
        return len(self.labelled) + len(self.unlabelled)

    def __getitem__(self, index: Any) -> Any:
        own = len(self.labelled)
        if index < own:
            return self.labelled[index]
        return replace(self.unlabelled[index - own], target=self.answers[index - own])


class SelfTraining(Around):
    """Trains on the labelled rows and on what the model says of the `unlabelled` ones."""

    def __init__(self, inside: Task, unlabelled: Sequence[Example]) -> None:
        super().__init__(inside)
        self.unlabelled = unlabelled
        if type(self.input).vary is InputModality.vary:
            fix = "Train without --unlabelled"
            raise UsageError("this kind of input knows no strong variation to learn from", fix=fix)

    @property
    def gathers(self) -> bool:
        """Each round has its own answers."""
        return True

    def gather(self, model: nn.Module, examples: Sequence[Example], rng: np.random.Generator) -> Sequence[Example]:
        """A round: labelled rows, and up to RATIO times as many unlabelled ones with the answers that are sure."""
        rows = max(ROUND, self.recipe.batch)
        repeated = np.concatenate([rng.permutation(len(examples)) for _ in range(-(-rows // len(examples)))])[:rows]
        asked = picked(self.unlabelled, rng.permutation(len(self.unlabelled))[: RATIO * rows])
        answers = self._answers(model, asked)
        mean = _mean_confidence(answers)
        limit = min(SURE, mean) if mean >= WORTH_ASKING else SURE
        sure = np.array([i for i, answer in enumerate(answers) if (answer.confidence or 0.0) >= limit], int)
        return Round(picked(examples, repeated), picked(asked, sure), [Told(answers[i].value) for i in sure])

    def _answers(self, model: nn.Module, asked: Sequence[Example]) -> list[Prediction]:
        """Answers to the rows, or to the first few where these show that others are not worth the time."""
        answers: list[Prediction] = []
        for batch in chunks(asked, 4 * self.recipe.batch):
            with inference():
                answers += self.inside.predict(model, [e.input for e in batch])
            if PROBED <= len(answers) < PROBED + len(batch) and _mean_confidence(answers) < WORTH_ASKING:
                break
        return answers

    def loss(self, model: nn.Module, x: Tensor, targets: Sequence[Any]) -> Tensor:
        """Loss [B]; the inputs whose answers the model wrote are strongly varied first."""
        told = torch.tensor([_told(target) for target in targets], device=x.device)
        if model.training and told.any():
            rng = torch.Generator().manual_seed(int(torch.randint(2**62, ())))  # drawn from the step's own stream
            varied = self.input.vary(x, rng, STRENGTH)
            assert varied is not None
            x = torch.where(told.reshape(-1, *[1] * (x.ndim - 1)), varied, x)
        return self.inside.loss(model, x, [_untold(target) for target in targets])


def _mean_confidence(answers: Sequence[Prediction]) -> float:
    return float(np.mean([answer.confidence or 0.0 for answer in answers]))


def _told(target: Any) -> bool:
    if isinstance(target, Mixed):
        return _told(target.value) or _told(target.other)
    return isinstance(target, Told)


def _untold(target: Any) -> Any:
    """The target as the task knows it."""
    if isinstance(target, Mixed):
        return Mixed(_untold(target.value), _untold(target.other), target.share)
    return target.value if isinstance(target, Told) else target
