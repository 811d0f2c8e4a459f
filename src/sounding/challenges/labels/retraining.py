"""Training again on part of the labelled rows: what it may cost, how it is done, and how far it has come.

Several measurements need models that saw other labels: the label-efficiency curve, what choosing labels gains,
suspicious labels. Each of these trainings takes the same number of steps, so that what differs is the labels.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from torch import nn

from sounding.contract.records import Example
from sounding.contract.task import Task
from sounding.training.loop import Budget, Interrupted, fit
from sounding.training.progress import Pace, Reporter, Say, Standing
from sounding.wording import roughly

WORTHWHILE = 1 / 8
"""Trainings shorter than this share of the run's own would not speak of it."""


def steps_within(training: Mapping[str, Any], seconds: float, runs: int) -> int | None:
    """The steps of each of `runs` trainings: the run's own, or fewer to keep the time; None when too few would be left.

    `training` says what the run's own training cost: its `steps` and `seconds`.
    """
    own = int(training.get("steps") or 0)
    if not own or not training.get("seconds"):
        return None
    fit_in = seconds / max(runs, 1) / (training["seconds"] / own)
    steps = own if fit_in >= own else int(fit_in)
    return steps if steps >= max(1, own * WORTHWHILE) else None


def price(training: Mapping[str, Any], runs: int) -> str:
    """What `runs` trainings as long as the run's own would cost, in words."""
    times = f"retrains the model {runs} times"
    if not training.get("seconds"):
        return f"{times}, and what a training costs was not recorded"
    return f"{times}, {roughly(training['seconds'] * runs)}"


def retrained(
    task: Task, rows: Sequence[Example], steps: int, seed: int, reporter: Reporter | None = None
) -> nn.Module:
    """A new model of the task, as it is fitted, trained on `rows` for `steps`; the last averaged weights.

    No validation rows choose among weights: with few labels there would be none. Raises TrainingError when it
    diverges, and KeyboardInterrupt when somebody stops it: there is nothing to resume here.
    """
    again = type(task).restored(task.state())
    again.recipe = replace(task.recipe, validations=1, patience=0)
    try:
        return fit(again, rows, (), budget=Budget(steps=steps), seed=seed, reporter=reporter).model
    except Interrupted:
        raise KeyboardInterrupt from None


@dataclass
class Retrainings:
    """The trainings of one measurement: counted, timed, and their scores kept for when it is interrupted.

    `kept` maps the name of a training to its score; one that is backed by a file lets a long measurement go on where
    it stopped. A name holds all that the score depends on within one run: seed, rows, steps and judges.

    `say` hears how far they have come, all taken together, whenever a line is due; a training that is given `reporter`
    is told of from step to step.
    """

    runs: int
    say: Say | None = None
    kept: MutableMapping[str, float] | None = None
    done: int = 0
    made: int = field(default=0, init=False)
    started: float = field(default_factory=lambda: time.perf_counter(), init=False)
    pace: Pace = field(default_factory=lambda: Pace(at_once=True), init=False)

    def score(self, name: str, train: Callable[[], float]) -> float:
        """The score that is kept under `name`, else that of a training, which is kept then."""
        if self.kept is not None and name in self.kept:
            self.done += 1
            return float(self.kept[name])
        found = self.ran(train)
        if self.kept is not None:
            self.kept[name] = found
        return found

    def ran(self, train: Callable[[], Any]) -> Any:
        """What a training gives."""
        self.tell(0.0)
        found = train()
        self.done, self.made = self.done + 1, self.made + 1
        return found

    @property
    def reporter(self) -> Reporter:
        """Hears of the training that runs."""
        return _Steps(self)

    def tell(self, part: float, doing: str = "") -> None:
        """Where the trainings are, when a line is due; `part` of the present one is done."""
        if self.say is None or not self.pace.due((self.done + part) / self.runs):
            return
        behind, ahead = self.made + part, self.runs - self.done - part
        left = (time.perf_counter() - self.started) / behind * ahead if behind else None
        self.say(f"training {self.done + 1} of {self.runs}{doing}" + (f", {roughly(left)} left" if left else ""))


@dataclass(frozen=True)
class _Steps(Reporter):
    """Tells how far one of several trainings is."""

    trainings: Retrainings

    def stepped(self, standing: Standing) -> None:
        self.trainings.tell(standing.progress, f", {standing.place}, loss {standing.loss:.3f}, {standing.speed}")

    def say(self, message: str) -> None:
        if self.trainings.say is not None:
            self.trainings.say(message)
