"""How a plan becomes a run, and how one that was cut short goes on: the same trainings, in an empty or a used folder.

    train     a plan → a new run folder → its trainings
    resume    a run folder → what is left of its trainings

A run has one training, or two where a control shows what some help was worth (control.py); learning without answers
goes before one. Each finds in its folder how far it came.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from sounding.challenges.labels.back_translation import REVERSE, BackTranslation
from sounding.challenges.labels.contrast import Contrast, network_weights
from sounding.challenges.labels.self_training import SelfTraining
from sounding.contract.invertible import Invertible, turned
from sounding.contract.player import Player
from sounding.contract.records import Example
from sounding.contract.task import Learning, Task
from sounding.data import Dataset, Examples
from sounding.errors import NotWrittenError
from sounding.files import read_tensors, write_json, write_tensors
from sounding.inspection.journal import Journal
from sounding.machine.metering.cost import Cost
from sounding.runs.control import CONTROL, judged, swap, swap_back
from sounding.runs.folder import Run
from sounding.runs.model import Model
from sounding.runs.plan import RunPlan
from sounding.runs.preparing import Prepared, prepare, rows_of
from sounding.runs.publishing import publish
from sounding.runs.transfer import transfer
from sounding.training import event_log, loop
from sounding.training.checkpointer import FolderCheckpointer
from sounding.training.event_log import EventLog
from sounding.training.experience import PlayFeed
from sounding.training.feed import Feed, RowFeed
from sounding.training.loop import Budget, TrainResult, fit
from sounding.training.onlooker import Journals, Onlooker
from sounding.training.progress import Reporter, Say, Together
from sounding.training.shards import FOLDER, Shards
from sounding.training.train_state import new_model

PRETRAINED = "pretrained"
"""The folder in a run of what was learnt without answers."""
TURNED = "reverse"
"""The folder of the training of the other direction."""


def train(
    plan: RunPlan,
    out: Path | None = None,
    *,
    reporter: Reporter | None = None,
    say: Say | None = None,
    onlooker: Onlooker | None = None,
) -> Model:
    """Carry out a plan in a new run folder, `out` or the next of its task. An `onlooker` sees the model meanwhile.

    Raises UsageError and DataError before there is a folder, TrainingError for a training that cannot go on.
    """
    prepared = prepare(plan, say=say)
    run = Run.create(plan.name, out)
    run.describe(prepared.plan, prepared.task, prepared.dataset.report.to_json(), prepared.dataset.record)
    return _trained(run, prepared, reporter, say, onlooker)


def resume(
    run: Run,
    place: Any = None,
    *,
    reporter: Reporter | None = None,
    say: Say | None = None,
    onlooker: Onlooker | None = None,
) -> Model:
    """Go on with a run that was cut short; one that is finished is as it is. Its data may lie in another `place` now.

    Raises DataError if the data changed since the run began.
    """
    plan = run.plan() if place is None else replace(run.plan(), source=place)
    if run.finished:
        task, model = run.model(plan.task)
        dataset = rows_of(plan, task, run, place, say)
        return Model(run, task, model, dataset)
    prepared = prepare(plan, run.model_config(), run, say)
    if place is not None:
        run.write_plan(prepared.plan)
    return _trained(run, prepared, reporter, say, onlooker)


def _trained(
    run: Run, prepared: Prepared, reporter: Reporter | None, say: Say | None, onlooker: Onlooker | None
) -> Model:
    """The trainings of a run, from wherever each of them is; their cost is written beside the weights."""
    try:
        _foretell(run, prepared, say)
        return _all_trained(_Trainings(run, prepared, reporter, say or (lambda message: None), onlooker))
    except NotWrittenError as error:  # nothing that was saved is lost, and this is how to go on
        raise NotWrittenError(
            error.what, where=error.where, fix=f"{error.fix}: sounding train --resume {run.dir}"
        ) from None


def _foretell(run: Run, prepared: Prepared, say: Say | None) -> None:
    """Say what becomes of a training that plays, ahead of its first step, where somebody hears it."""
    task, plan = prepared.task, prepared.plan
    begun = (run.dir / "trainer_state.json").exists()
    if say is None or begun or not isinstance(task, Player) or not task.plays:
        return
    if said := task.foretold(plan.setting, plan.budget.seconds, plan.budget.until, plan.budget.steps):
        say(said)


def _all_trained(trainings: _Trainings) -> Model:
    run, prepared = trainings.run, trainings.prepared
    swap_back(run.dir)
    task, dataset, plan = prepared.task, prepared.dataset, prepared.plan
    if isinstance(task, Player) and task.plays and task.method:
        trainings.say(task.method)
    control = trainings.control() if plan.training.controlled else None
    helped, before = trainings.helped(control)
    passes, until = prepared.trained_task.passes, plan.budget.until
    model, facts = helped.model, _facts(helped, passes, until, before)
    if control is not None:
        verdict, beside = judged(task, helped.model, control.model, dataset), _facts(control, passes, until)
        if _taught_nothing(before):  # a difference of two trainings on the same rows is chance
            verdict |= {"better": False, "said": "no row of the pool was learnt"}
        if not verdict["better"]:
            found = verdict["said"]
            trainings.say(f"the help did not beat the control on the validation rows ({found}): the control is kept")
            model, facts = control.model, {**beside, "rejected": facts}
            swap(run.dir)
        facts["control"] = {**verdict, **beside}
    if task.learns is Learning.PLAY:  # there was nothing when it began
        dataset = rows_of(plan, task, run)
        write_json(run.dir / "data.json", dataset.report.to_json())
        _concluded(run, task)
        if len(dataset.train):  # what is measured takes things away, and disturbs them, by what is usual
            task.input.fit(example.input for example in dataset.train)
            run.write_task(plan, task)
    if prepared.start is not None and prepared.start.published is not None:
        publish(run.dir / "best", task, model, prepared.start.published)
    write_json(run.dir / "training.json", facts)
    return Model(run, task, model, dataset)


@dataclass
class _Trainings:
    """The trainings of one run, and what they share."""

    run: Run
    prepared: Prepared
    reporter: Reporter | None
    say: Say
    onlooker: Onlooker | None = None
    first: nn.Module | None = field(init=False)
    """The model that was prepared, until a training takes it."""

    def __post_init__(self) -> None:
        self.first = self.prepared.model

    @property
    def plan(self) -> RunPlan:
        return self.prepared.plan

    def control(self) -> TrainResult:
        """The training without help."""
        self.say("training the control: the same labelled rows and budget, without the help")
        task = self.prepared.trained_task
        return self._fit(task, self.run.dir / CONTROL, self._new_model(task), self.plan.budget)

    def helped(self, control: TrainResult | None) -> tuple[TrainResult, dict[str, Any]]:
        """The training with all that the plan gives it, and the facts of one that went before it, if any did."""
        folder, task, pool = self.run.dir, self.prepared.trained_task, self.prepared.pool
        model = self._new_model(task)
        if self.plan.training.controlled:  # else it was prepared so
            self._begin(model)
        if pool is None:
            return self._fit(task, folder, model, self.plan.budget), {}
        self.say(f"{len(pool)} unlabelled rows")
        if self.plan.training.method == "back-translation":
            return self._back_translated(model, pool)
        if control is not None and self.plan.training.method == "self-training":
            taught = SelfTraining(task, pool, control.model)
            return self._fit(taught, folder, model, self.plan.budget), _facts(control, task.passes)
        weights, before = self._pretrained(pool)
        model.load_state_dict(weights, strict=False)
        return self._fit(task, folder, model, self._part(task, 1 / 2)), before

    def _back_translated(self, model: nn.Module, pool: Examples) -> tuple[TrainResult, dict[str, Any]]:
        """The training with inputs that a model of the other direction made, and the facts of the training of that."""
        task, data = self.prepared.trained_task, self.prepared.dataset
        inverse = Invertible.of(self.prepared.task).inverse()
        self.say("training the other direction for a third of the budget")
        rows = replace(data, train=turned(data.train), validation=turned(data.validation))
        budget = replace(self._part(inverse, REVERSE), until=None)
        learnt = self._fit(inverse, self.run.dir / TURNED, self._new_model(inverse), budget, rows, every=0)
        self.say("training with the rows whose inputs it makes for the other two thirds")
        taught = BackTranslation(task, pool, inverse, learnt.model)
        fitted = self._fit(taught, self.run.dir, model, self._part(task, 1 - REVERSE))
        before = _facts(learnt, inverse.passes)
        if taught.asked:
            self.say(str(taught))
            before["pool"] = {"rows": len(pool), "asked": taught.asked, "left_out": dict(taught.left_out)}
        return fitted, before

    def _pretrained(self, pool: Examples) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Weights learnt from the pool without answers, in half of the budget; and the facts of that training."""
        folder = self.run.dir / PRETRAINED
        if not (folder / "network.safetensors").exists():
            self.say("learning without answers for half of the budget")
            task = Contrast(self.prepared.task)
            model = self._new_model(task)
            self._begin(model.network)
            rows = replace(self.prepared.dataset, train=pool, validation=pool[:0])
            half = self._part(task, 1 / 2)
            learnt = self._fit(task, folder, model, half, rows, every=0)  # its layers speak of no answers
            write_tensors(folder / "network.safetensors", network_weights(learnt.model), _facts(learnt, task.passes))
        return read_tensors(folder / "network.safetensors")

    def _new_model(self, task: Task) -> Any:
        """A new model of the run's seed: the one that was prepared, or for a later training another."""
        model, self.first = self.first, None
        return new_model(task, self.plan.seed, self.plan.setting) if model is None else model

    def _begin(self, model: nn.Module) -> None:
        """Give a new model the weights that the plan begins with, where it names any."""
        start = self.prepared.start
        if start is not None:
            model.load_state_dict(transfer(start.weights, model, self.plan.training.start).weights, strict=False)

    def _fit(
        self,
        task: Task,
        folder: Path,
        model: nn.Module,
        budget: Budget,
        dataset: Dataset | None = None,
        every: int | None = None,
    ) -> TrainResult:
        """A training of the run's seed and setting that keeps itself in `folder`."""
        rows, every = dataset or self.prepared.dataset, self.plan.training.every if every is None else every
        feed = self._feed(task, rows, folder)
        return fit(
            task,
            rows.train,
            rows.validation,
            budget=budget,
            seed=self.plan.seed,
            setting=self.plan.setting,
            checkpointer=FolderCheckpointer(folder, self.run.dir),
            reporter=self._reporter(folder),
            model=model,
            journal=self._journal(task, rows.validation, feed, folder, every),
            feed=feed,
        )

    def _reporter(self, folder: Path) -> Reporter:
        """Who hears of a training that keeps itself in `folder`."""
        log = EventLog(folder / event_log.FOLDER) if self.plan.training.log == "tensorboard" else None
        return Together(*(each for each in (self.reporter, log, self.onlooker) if each is not None))

    def _journal(
        self, task: Task, validation: Sequence[Example], feed: Feed, folder: Path, every: int
    ) -> loop.Journal | None:
        """Who sees the model of that training: each `every` steps, and whoever looks on."""
        found: list[loop.Journal] = [Journal(folder / "inspection.jsonl", every)] if every else []
        if self.onlooker is not None:
            found.append(self.onlooker.journal(task, validation, feed))
        return Journals(*found) if found else None

    def _feed(self, task: Task, rows: Dataset, folder: Path) -> Feed:
        """What a training is fed with: rows, windows of documents, or what it plays and keeps in its folder."""
        if isinstance(task, Player) and task.plays:  # damaged shards are named to the person who waits
            shards = Shards(folder / FOLDER, self.reporter.say if self.reporter else None)
            own: Feed | None = task.feed(shards, self.plan.seed)
            return own or PlayFeed(task, shards, self.plan.seed)
        return RowFeed(task, rows.train, self.plan.seed)

    def _part(self, task: Task, share: float) -> Budget:
        """A share of the budget: of the seconds, or of the steps by what a step of `task` computes."""
        budget, whole = self.plan.budget, self.prepared.trained_task
        if budget.seconds is not None:
            return replace(budget, seconds=budget.seconds * share)
        per_epoch = RowFeed(self.prepared.task, self.prepared.dataset.train, self.plan.seed).steps_per_epoch
        steps = budget.last_step(per_epoch, whole.recipe) or 1
        work = task.passes * task.recipe.batch / (whole.passes * whole.recipe.batch)
        return Budget(steps=max(1, round(steps * share / work)), until=budget.until)


def _concluded(run: Run, task: Task) -> None:
    """Let a task that plays keep what it wants of its last round."""
    shards = Shards(run.dir / FOLDER)
    if isinstance(task, Player) and (last := shards.get(len(shards) - 1)) is not None:
        task.conclude(last)


def _taught_nothing(before: Mapping[str, Any]) -> bool:
    """Whether every row of the pool that was asked for was left out."""
    pool = before.get("pool", {})
    return bool(pool) and sum(pool["left_out"].values()) == pool["asked"]


def _facts(
    fitted: TrainResult, passes: float, until: float | None = None, before: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """What training.json says of a training; its cost holds that of one `before`, whose weights it began with."""
    cost = fitted.cost + Cost.from_json(before) if before else fitted.cost
    own = {"steps": fitted.steps, "examples": fitted.examples, "passes": passes, "history": fitted.history}
    facts: dict[str, Any] = {**cost.to_json(), **own}
    if before:
        told = ("seconds", "steps", "examples", "passes", "pool")
        facts["pretraining"] = {name: before[name] for name in told if name in before}
    if until is not None:
        reached = {"reached": fitted.reached, "step": fitted.steps, "seconds": cost.seconds}
        facts["until"] = {"target": until, **reached}
    return facts
