"""Learning from rows without answers: a teacher, trained on the labelled rows, answers them; a new model learns that.

It is the teacher and student of Noisy Student (Xie et al., arXiv 1911.04252): the teacher answers inputs as they are,
the student learns the answers from augmented ones, so that it must find them again where that is harder. Where answers
are a finite list, it learns all the teacher's probabilities (distillation, Hinton et al., arXiv 1503.02531): how unsure
the teacher was is part of the answer, and no threshold has to be chosen. Else it learns the surer half of the answers.
A prediction is a label that the model wrote: so this works for every task whose predictions carry a confidence.

Methods that answer while they learn (FixMatch, arXiv 2001.07685) need many times the passes; docs/fewer_labels.md says
what they brought here. Any such method can fail quietly, by teaching mistakes. The teacher is the training without the
help, so the better of the two on the validation rows is kept (see `runs/control.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from torch import nn

from sounding.challenges.labels.teaching import ROUND, Teacher, repeated
from sounding.contract.answers import SoftLabel
from sounding.contract.records import Example
from sounding.contract.task import Task
from sounding.contract.task_wrapper import TaskWrapper
from sounding.data import picked

LABELLED = 0.2
"""The share of labelled rows in it; the teacher has learnt from them already."""


class PseudoLabelled(Sequence[Example]):
    """Rows of two sets, `answers` standing for the targets of the second; inputs are read when they are needed."""

    def __init__(self, labelled: Sequence[Example], unlabelled: Sequence[Example], answers: Sequence[Any]) -> None:
        self.labelled, self.unlabelled, self.answers = labelled, unlabelled, answers

    def __len__(self) -> int:
        return len(self.labelled) + len(self.unlabelled)

    def __getitem__(self, index: Any) -> Any:
        own = len(self.labelled)
        if index < own:
            return self.labelled[index]
        return replace(self.unlabelled[index - own], target=self.answers[index - own])


class SelfTraining(TaskWrapper):
    """Trains on the labelled rows and on what the `teacher`, a trained model of the task, says of `unlabelled` ones."""

    def __init__(self, wrapped: Task, unlabelled: Sequence[Example], teacher: nn.Module) -> None:
        super().__init__(wrapped)
        self.unlabelled = unlabelled
        self.teacher = Teacher(wrapped, teacher, unlabelled)

    @property
    def collects(self) -> bool:
        """Each round has other rows of the pool."""
        return True

    def collect(self, model: nn.Module, examples: Sequence[Example], rng: np.random.Generator) -> Sequence[Example]:
        """A round: a fifth of labelled rows, and rows of the pool with the teacher's answers."""
        rows = max(ROUND, self.recipe.batch)
        own = round(LABELLED * rows)
        labelled = repeated(len(examples), own, rng)
        asked = rng.permutation(len(self.unlabelled))[: rows - own]
        answers = self.teacher.answers(asked)
        if self.target.classes is None or any(answer.scores is None for answer in answers):
            sure = np.array([answer.confidence or 0.0 for answer in answers])
            chosen = np.flatnonzero(sure >= np.median(sure)) if len(sure) else np.arange(0)
            taught: list[Any] = [answers[i].value for i in chosen]
        else:
            chosen, taught = np.arange(len(asked)), [SoftLabel(tuple(map(float, a.scores))) for a in answers]  # type: ignore[arg-type]
        return PseudoLabelled(picked(examples, labelled), picked(self.unlabelled, asked[chosen]), taught)
