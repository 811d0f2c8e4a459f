"""What a training needs, opened and built before anything is written: a plan that cannot be carried out leaves nothing.

prepare         a plan → task, data, unlabelled rows, weights to begin with, and the model of the first training
rows_of         the rows that a plan names, read as its task is fitted
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from torch import nn

from sounding.challenges.disturbances.hardening import hardened
from sounding.challenges.labels.contrast import Contrast
from sounding.contract.inputs import Tokenized
from sounding.contract.invertible import Invertible, turned
from sounding.contract.player import Player
from sounding.contract.task import Learning, Task
from sounding.data import Dataset, Examples, Report, open_data
from sounding.data.columns import NoColumnError
from sounding.data.opening import reopen_data
from sounding.data.pool import left_out, open_pool
from sounding.errors import DataError, RunError, UsageError
from sounding.runs.folder import Run
from sounding.runs.plan import DEMO, IN_MEMORY, RunPlan
from sounding.runs.suggestion import suggested
from sounding.runs.transfer import Start, advice, opened, transfer
from sounding.training.event_log import check_log
from sounding.training.experience import played
from sounding.training.shards import FOLDER, Shards
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
    plan: RunPlan, fitted: Mapping[str, Any] | None = None, run: Run | None = None, say: Say = None
) -> Prepared:
    """Open and build what the plan names. `fitted` is the state of its task where the `run` has one already.

    The plan that comes back says which weights found a place. Raises UsageError and DataError for whatever cannot be
    read, built, hardened or begun with.
    """
    options = plan.training
    _require_source(plan)
    check_log(options.log)
    start = opened(options.start) if options.start else None
    task = _new_task(plan) if fitted is None else plan.task.restored(fitted)
    if fitted is None and start is not None:
        for side, state in ((task.target, start.target), (task.input, start.input)):
            if isinstance(side, Tokenized):
                side.adopt(state)
    if fitted is None and task.learns is not Learning.PLAY:
        former = (
            None if start is None else start.record
        )  # what its weights have seen is trained on here, and not tested on
        try:
            dataset = open_data(task, plan.source, plan.columns, allow_bad=plan.allow_bad, progress=say, former=former)
        except NoColumnError as error:
            raise suggested(error, task, plan.source, plan.columns) from None
    else:
        dataset = rows_of(plan, task, run, say=say)
    if options.harden:
        hardened(task, options.harden)
    pool = _pool(plan, task, dataset, start, say) if options.unlabelled else None
    model = new_model(task, plan.seed, plan.setting)
    if pool is not None and options.method == "contrast":  # rejected now, and not after the control was trained
        Contrast(task).require_features(model)
    if start is not None:
        found = transfer(start.weights, model, options.start, advice(start, plan.recipe))
        plan = replace(plan, transfer={"origin": start.origin, **found.to_json()})
        if not options.controlled:
            model.load_state_dict(found.weights, strict=False)
    return Prepared(replace(plan, recipe=task.recipe), task, dataset, model, pool, start)


def _new_task(plan: RunPlan) -> Task:
    """A task to be fitted, which learns from data where the plan names any."""
    task = plan.new_task()
    return task if plan.source is None else task.with_data()


def _pool(plan: RunPlan, task: Task, dataset: Dataset, start: Start | None, say: Say) -> Examples:
    """The rows that lack a half, as they are learnt from."""
    source, splits = plan.training.unlabelled, (dataset.train, dataset.validation, dataset.test)
    if plan.training.method != "back-translation":
        return open_pool(task, source, labelled=splits, progress=say).examples
    if start is not None and start.published is not None:
        what = "published weights know one direction, and back-translation trains a model of the other one"
        fix = "Make sources for the texts with a model of that direction (sounding predict), and add the pairs to DATA"
        raise UsageError(what, fix=fix)
    inverted = Invertible.of(task)
    column = dataset.report.column_names.get("target", "")
    labelled = [turned(rows) for rows in splits]
    pool = open_pool(inverted.inverse(), source, labelled=labelled, progress=say, by_line=True, preferred=column)
    inverted.require_answers([row.input for row in pool.examples], dataset.train)
    if say is not None and (unused := left_out(pool)):
        say(unused)
    return pool.examples


def rows_of(plan: RunPlan, task: Task, run: Run | None, place: Any = None, say: Say = None) -> Dataset:
    """The rows of a `run`, read as the fitted `task` reads, or what was played in its folder, if anything.

    They lie where the plan says, or in another `place`: a path, or examples in memory. Raises RunError where they were
    only in memory, DataError where some are not there, or are others.
    """
    if isinstance(task, Player) and task.plays:
        return played(task, Shards(run.dir / FOLDER if run else None))
    source = plan.source if place is None else place
    if isinstance(source, str) and source == IN_MEMORY:
        raise rows_unknown()
    assert run is not None  # rows are opened again for a run that has them
    if place is None:
        _require_there(plan.source, run)
    if (record := run.record) is not None:
        return reopen_data(task, source, plan.columns, record, Report.from_json(run.data), say)
    dataset = open_data(task, source, plan.columns, allow_bad=plan.allow_bad, fit=False)
    if dataset.report.digest != run.data["digest"]:
        what = "the data are not what this model was trained on: they changed since"
        fix = "Train again, or name the rows to measure on: sounding eval RUN DATA"
        raise DataError(what, where=str(source), fix=fix)
    return dataset


def _require_there(source: Any, run: Run) -> None:
    """Raise DataError where the data of a run are not where they were."""
    if source != DEMO and not os.path.exists(source):
        what = "the data of this run were here, and are not any more"
        fix = f"Name their new place: sounding eval {run.dir} PLACE; card and train --resume take it alike"
        raise DataError(what, where=str(source), fix=fix)


def rows_unknown() -> RunError:
    """The error of a run whose data cannot be opened again."""
    fix = "Name the rows to measure on: sounding eval RUN DATA, or model.evaluate(examples)"
    return RunError("the rows that the model was trained on are not known here", fix=fix)


def _require_source(plan: RunPlan) -> None:
    """Raise UsageError where what the plan's task learns from is missing, or is more than it wants."""
    learns, name, options = plan.task.learns, plan.name, plan.training
    if learns is Learning.DOCUMENTS and options.unlabelled:
        what = f"{name} learns from {learns.value} in any case"
        raise UsageError(what, fix="Put them beside the others in DATA, and leave --unlabelled out")
    if learns is not Learning.PLAY:
        if plan.source is None:
            fix = "Name them: sounding train TASK DATA"
            raise UsageError(f"{name} learns from {learns.value}, and no data are named", fix=fix)
        return
    if plan.budget.epochs is not None and plan.source is None:
        raise UsageError("what learns by playing has no epochs", fix="Give steps or time: --steps 1000, --time 10m")
    if options.harden or options.unlabelled:
        raise UsageError("what learns a game is not hardened, and takes no rows", fix="Leave these options out")
