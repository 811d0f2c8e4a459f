"""Learning from answers without inputs: a model of the other direction makes an input for each, and both are a row.

Back-translation (Sennrich, Haddow and Birch 2016, arXiv 1511.06709): a translator gets texts in the language that it is
to write, so that what it learns to write is real, however clumsy what was made for it to read. They are made greedily:
with few labelled rows samples and noise do worse than the likeliest text (Edunov et al. 2018, arXiv 1808.09381). What
teaches nothing (empty, endless, the same on both sides: `Invertible.unfit`) is left out and counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from torch import nn

from sounding.challenges.labels.teaching import ROUND, Teacher, repeated
from sounding.contract.invertible import Invertible
from sounding.contract.records import Example
from sounding.contract.task import Task
from sounding.contract.task_wrapper import TaskWrapper
from sounding.data import picked
from sounding.wording import counted

REVERSE = 1 / 3
"""The share of the budget in which the model of the other direction is trained; the rest is the training itself."""


class BackTranslation(TaskWrapper):
    """Trains on the labelled rows and on answers of a `pool`, with the inputs that a model of the other direction made.

    `wrapped` is the task as it is trained, `inverse` the task of the other direction, `model` one that it has trained.
    An example of the pool has the answer as its input, as the inverse reads it.
    """

    def __init__(self, wrapped: Task, pool: Sequence[Example], inverse: Task, model: nn.Module) -> None:
        super().__init__(wrapped)
        self.pool, self.fitness = pool, Invertible.of(inverse)
        self.teacher = Teacher(inverse, model, pool)
        self._reasons: dict[int, str] = {}

    @property
    def collects(self) -> bool:
        """Each round has other rows of the pool."""
        return True

    def collect(self, model: nn.Module, examples: Sequence[Example], rng: np.random.Generator) -> Sequence[Example]:
        """A round: labelled rows, at least half, and rows with inputs that were made."""
        own, others = shares(len(examples), len(self.pool), max(ROUND, self.recipe.batch))
        labelled = repeated(len(examples), own, rng)
        return [*picked(examples, labelled), *self._made(rng.permutation(len(self.pool))[:others])]

    def _made(self, asked: np.ndarray) -> list[Example]:
        """Rows of answers of the pool, but for those whose input teaches nothing."""
        asked = np.sort(asked)  # the same rows are answered together again where a training goes on
        lengths = [self.teacher.task.input.length(self.pool[int(i)].input) for i in asked]
        asked = asked[np.argsort(lengths, kind="stable")]
        made = []
        for i, prediction in zip(asked.tolist(), self.teacher.answers(asked), strict=True):
            answer = self.pool[i].input
            self._reasons[i] = self.fitness.unfit(prediction.value, answer)
            if not self._reasons[i]:
                made.append(Example(prediction.value, answer))
        return made

    @property
    def asked(self) -> int:
        """How many rows of the pool were given an input so far."""
        return len(self._reasons)

    @property
    def left_out(self) -> Counter[str]:
        """How many rows of those asked for so far were left out, by the reason."""
        return Counter(reason for reason in self._reasons.values() if reason)

    def __str__(self) -> str:
        """What became of the pool, in a sentence."""
        unfit = self.left_out
        said = f"{counted(self.asked, 'row', 'were')} given an input by the model of the other direction"
        if not unfit:
            return f"{said}, and all are learnt"
        why = ", ".join(f"{n:,} {reason}" for reason, n in unfit.most_common())
        weak = "; that model has learnt too little" if unfit.total() > self.asked / 2 else ""
        return f"{said}; {unfit.total():,} of them are left out ({why}){weak}"


def shares(labelled: int, pool: int, most: int) -> tuple[int, int]:
    """How many rows of each kind a round has, `most` of both.

    A row of the pool comes no more often than a labelled one, and labelled rows are at least half.
    """
    share = min(0.5, pool / (pool + labelled))
    others = max(1, min(pool, round(share * most)))
    return round(others * (1 - share) / share), others
