"""What a training needs, opened and built before anything is written: a plan that cannot be carried out leaves nothing.

prepare         a plan → task, data, unlabelled rows, weights to begin with, and the model of the first training
rows_of         the rows that a plan names, read as its task is fitted
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from torch import nn

from sounding.challenges.disturbances.hardening import hardened
from sounding.challenges.labels.contrast import Contrast
from sounding.contract.player import Player
from sounding.contract.task import Learning, Task
from sounding.data import Dataset, Examples, open_data
from sounding.data.pool import open_pool
from sounding.errors import RunError, UsageError
from sounding.runs.plan import IN_MEMORY, RunPlan
from sounding.runs.transfer import Start, opened, transfer
from sounding.training.event_log import check_log
from sounding.training.experience import FOLDER, Shards, played
from sounding.training.train_state import new_model

Say = Callable[[str], None] | None


@dataclass(frozen=True)
class Prepared:
    """A plan with what it speaks of. `pool` are rows without answers, `start` weights to begin with, if any.

    `model` is for the first training: with the weights of `start`, unless that training is the control.
    """

    plan: RunPlan
    task: Task
    dataset: Dataset
    model: nn.Module
    pool: Examples | None = None
    start: Start | None = None

    @property
    def trained_task(self) -> Task:
        """The task as it is trained: hardened where that is wanted."""
        return hardened(self.task, self.plan.training.harden) if self.plan.training.harden else self.task


def prepare(
    plan: RunPlan, fitted: Mapping[str, Any] | None = None, run: Path | None = None, say: Say = None
) -> Prepared:
    """Open and build what the plan names. `fitted` is the state of its task where the folder `run` has one already.

    The plan that comes back says which weights found a place. Raises UsageError and DataError for whatever cannot be
    read, built, hardened or begun with.
    """
    options = plan.training
    _require_source(plan)
    check_log(options.log)
    task = plan.new_task() if fitted is None else plan.task.restored(fitted)
    if fitted is None and not isinstance(task, Player):
        dataset = open_data(task, plan.source, plan.columns, allow_bad=plan.allow_bad, progress=say)
    else:
        dataset = rows_of(plan, task, run)
    if options.harden:
        hardened(task, options.harden)
    labelled = (dataset.train, dataset.validation, dataset.test)
    pool = open_pool(task, options.unlabelled, labelled=labelled, progress=say).examples if options.unlabelled else None
    model = new_model(task, plan.seed, plan.setting)
    if pool is not None and options.method == "contrast":  # rejected now, and not after the control was trained
        Contrast(task).require_features(model)
    start = opened(options.start) if options.start else None
    if start is not None:
        found = transfer(start.weights, model, options.start)
        plan = replace(plan, transfer={"origin": start.origin, **found.to_json()})
        if not options.controlled:
            model.load_state_dict(found.weights, strict=False)
    return Prepared(plan, task, dataset, model, pool, start)


def rows_of(plan: RunPlan, task: Task, run: Path | None) -> Dataset:
    """The data that a plan names, read as the fitted `task` reads; or what was played in the folder `run`, if anything.

    Raises RunError where they were only in memory.
    """
    if isinstance(task, Player):
        return played(task, Shards(run / FOLDER if run else None))
    if plan.source == IN_MEMORY:
        raise rows_unknown()
    return open_data(task, plan.source, plan.columns, allow_bad=plan.allow_bad, fit=False)


def rows_unknown() -> RunError:
    """The error of a run whose data cannot be opened again."""
    fix = "Name the rows to measure on: sounding eval RUN DATA, or model.evaluate(examples)"
    return RunError("the rows that the model was trained on are not known here", fix=fix)


def _require_source(plan: RunPlan) -> None:
    """Raise UsageError where what the plan's task learns from is missing, or is more than it wants."""
    learns, name, options = plan.task.learns, plan.name, plan.training
    if learns is not Learning.PLAY:
        if plan.source is None:
            fix = "Name them: sounding train TASK DATA"
            raise UsageError(f"{name} learns from {learns.value}, and no data are named", fix=fix)
        return
    if plan.source is not None:
        raise UsageError(f"{name} learns from {learns.value}, and takes no data", fix="Leave the data out")
    if plan.budget.epochs is not None:
        raise UsageError("what learns by playing has no epochs", fix="Give steps or time: --steps 1000, --time 10m")
    if options.harden or options.unlabelled:
        raise UsageError("what learns by playing is not hardened, and takes no rows", fix="Leave these options out")
