"""What a challenge is given: a trained model, the rows it may be measured on, and how much time it may take."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import cycle, islice
from typing import Any, Literal

import numpy as np
from torch import nn

from sounding.architectures.folding import fuse_for_inference
from sounding.contract.inputs import Corruptible
from sounding.contract.records import Example, Record
from sounding.contract.task import Learning, Task
from sounding.evaluation.evaluation import evaluate, evaluate_rows
from sounding.machine.setting import inference
from sounding.randomness import stream

Profile = Literal["quick", "standard", "full"]


@dataclass
class EvaluationContext:
    """A trained model on the bench. Records are made once, when first asked for; the test rows are read once."""

    task: Task
    model: nn.Module
    train: Sequence[Example]
    validation: Sequence[Example]
    test: Sequence[Example]
    profile: Profile = "quick"
    seed: int = 0
    training: Mapping[str, Any] = field(default_factory=dict)
    """What the training cost, as `machine.metering.Cost.to_json` gives it, with `steps` and `examples` seen."""
    config: Mapping[str, Any] = field(default_factory=dict)
    """How the run was made (its config.json), as far as there is one."""
    control: nn.Module | None = None
    """The model that was not kept of a training with a control; `training["control"]["better"]` says which that is."""
    second: Sequence[Example] = ()
    """Rows of a second set of the same task, from elsewhere, on which the loss by a shift is measured."""
    second_name: str = ""
    region: str = ""
    """Where the electricity comes from: a country code, or "" when nobody said."""
    report: Mapping[str, Any] = field(default_factory=dict)
    """What was found when the data were opened (`data.Report.to_json()`)."""
    use: str = ""
    """The author's words on what the model is for, and what it is not for."""
    siblings: Mapping[int, float] = field(default_factory=dict)
    """Seed → headline of runs that differ from this one by their seed alone."""
    scores: MutableMapping[str, float] | None = None
    """Takes in what long measurements have, by name, so that they can go on where they were stopped."""
    say: Callable[[str], None] | None = None
    """Hears how far a long measurement has come."""

    @property
    def plays(self) -> bool:
        """Whether the task learns by playing: `records` are matches then, and not rows."""
        return self.task.learns is Learning.PLAY

    @cached_property
    def records(self) -> list[Record]:
        """What the task's metrics judge: records of the test rows, or of matches where the task plays."""
        if not self.plays and not len(self.test):
            return []
        return evaluate(self.task, self.model, self.test)

    @cached_property
    def row_records(self) -> list[Record]:
        """The records of the test rows, which the task's row metrics judge."""
        return evaluate_rows(self.task, self.model, self.test) if self.task.evaluates else self.records

    @cached_property
    def baselines(self) -> Mapping[str, Sequence[Record]]:
        """The records of simple models that the task fits to the training rows, by name; none without such rows."""
        return self.task.baselines(self.train, self.test) if len(self.train) and not self.plays else {}

    @cached_property
    def validation_records(self) -> list[Record]:
        """The records of the validation rows."""
        return evaluate_rows(self.task, self.model, self.validation)

    def rng(self, purpose: str) -> np.random.Generator:
        """A random stream of its own for each purpose, so that sections do not disturb one another."""
        return stream("subject", self.seed, purpose)  # the word is in every number that a card has drawn

    def sample(self, n: int, purpose: str) -> list[Example]:
        """At most `n` test rows, drawn without replacement, the same for the same purpose and seed."""
        order = self.rng(purpose).permutation(len(self.test))[:n]
        return [self.test[int(i)] for i in sorted(order)]

    @cached_property
    def row_seconds(self) -> float:
        """Seconds of predicting one row in a batch of 16, or of 128 where the small one takes a moment only."""
        values, model = [example.input for example in self.sample(128, "speed")], fuse_for_inference(self.model)
        with inference():
            self.task.predict(model, values[:2])  # a first call is slower
            few = self._seconds(model, values[:16])
            return self._seconds(model, values) / len(values) if few < 0.1 else few / len(values[:16])

    @cached_property
    def pass_seconds(self) -> float:
        """Seconds of one log-likelihood of one row in a full batch, as explanations ask for them by the thousand.

        It takes no more than an answer, for nothing is decoded, and the batch is full however few test rows there are;
        where it seems to, the machine was busy with something else.
        """
        model, task = fuse_for_inference(self.model), self.task
        full = min(512, 2 * task.recipe.batch)
        size = min(16, full) if self.row_seconds > 0.01 else full
        some = [example.input for example in self.sample(size, "speed")]
        with inference():
            answers = [prediction.value for prediction in task.predict(model, some)]
            pairs = list(islice(cycle(zip(some, answers, strict=True)), size))
            values, answers = [value for value, _ in pairs], [answer for _, answer in pairs]

            def scored() -> Any:
                return task.log_likelihood(model, task.encoded(model, values), task.encoded_targets(model, answers))

            return min(self.row_seconds, self._better_of_two(scored) / size)

    @cached_property
    def corruption_seconds(self) -> float:
        """Seconds of one corruption of one row, the mean over those that this kind of input knows; 0 for none."""
        if not isinstance(self.task.input, Corruptible):
            return 0.0
        spent = []
        for corrupt in self.task.input.corruptions.values():
            started = time.perf_counter()
            corrupt(self.test[0].input, 3, self.rng("speed of corruptions"))
            spent.append(time.perf_counter() - started)
        return sum(spent) / len(spent) if spent else 0.0

    def _seconds(self, model: nn.Module, values: Sequence[Any]) -> float:
        """Seconds of predicting the values: the better of two."""
        return self._better_of_two(lambda: self.task.predict(model, values))

    @staticmethod
    def _better_of_two(work: Callable[[], Any]) -> float:
        spent = []
        for _ in range(2):
            started = time.perf_counter()
            work()
            spent.append(time.perf_counter() - started)
        return min(spent)

    def within(self, seconds: float, passes: float, rows: int, least: int) -> int:
        """How many of `rows` fit into about `seconds` at so many `passes` of the model each; `least` at any price."""
        return min(rows, max(least, int(min(rows, seconds / max(1e-9, passes * self.row_seconds)))))
