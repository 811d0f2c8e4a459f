"""How a run is made, from an empty folder to trained weights; and how one that was cut short goes on.

    begun       a new run folder with everything in it that a resume needs
    unfinished  the folder, task and data of a run to go on with
    trained     its trainings: one, or two where a control shows what some help was worth

The *control* is a training on the same labelled rows with the same budget and seed, hardened alike, without the help
(unlabelled rows, another run's weights). Where the help did not beat it on the validation rows, the control's weights
are kept, and training.json tells of that training.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from sounding import catalog
from sounding.challenges.disturbances.hardening import hardened
from sounding.challenges.labels.contrast import Contrast, network_weights
from sounding.challenges.labels.self_training import SelfTraining
from sounding.data import Dataset, Examples
from sounding.data.pool import open_pool
from sounding.evaluation.evaluation import compare, evaluate_rows
from sounding.files import read_tensors, write_json, write_tensors
from sounding.inspection.journal import Journal
from sounding.training.checkpointer import FolderCheckpointer
from sounding.machine.setting import Setting
from sounding.machine.metering.cost import Cost
from sounding.training.progress import Reporter
from sounding.runs.folder import Run, latest_unfinished
from sounding.contract.player import Player
from sounding.contract.task import Task
from sounding.training.train_state import TrainState
from sounding.training.experience import FOLDER, PlayFeed, Shards
from sounding.training.feed import RowFeed
from sounding.training.loop import Budget, TrainResult, fit
from sounding.runs.transfer import opened, transfer
from sounding.errors import DataError, UsageError, did_you_mean
from sounding.runs.model import reopened

METHODS = ("self-training", "contrast")
CONTROL, REJECTED, PRETRAINED = "control", "rejected", "pretrained"
"""Folders in a run: the training without help, the weights that lost against it, the weights learnt without answers."""

Say = Callable[[str], None] | None
Weights = Mapping[str, Tensor]


@dataclass(frozen=True)
class TrainOptions:
    """What a training gets beyond labelled rows and a budget; `config.json` keeps it under "means"."""

    harden: str = ""  # attacks or corruptions
    start: str = ""  # the run, file or hub:NAME whose weights it begins with
    unlabelled: str = ""  # where rows without answers are
    method: str = "self-training"  # what is done with these
    control: bool = False  # whether a training without the help runs beside; always, with unlabelled rows
    every: int = 0  # steps between looks at the layers

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            what = f"no way to learn from unlabelled rows called {self.method!r}"
            raise UsageError(what, fix=did_you_mean(self.method, METHODS))
        if self.control and not self.helped:
            fix = "Leave --control out, or give --from RUN or --unlabelled DATA"
            raise UsageError("a control shows what a help is worth, and there is none here", fix=fix)

    @property
    def helped(self) -> bool:
        """Whether something stands in for labels."""
        return bool(self.start or self.unlabelled)

    @property
    def controlled(self) -> bool:
        """Whether a control is trained."""
        return self.control or bool(self.unlabelled)


def begun(task: Task, dataset: Dataset, config: Mapping[str, Any], name: str, out: Path | None) -> Run:
    """A new run folder. What cannot be built, hardened or begun with leaves no folder behind."""
    means = TrainOptions(**config["means"])
    state = TrainState(task, config["seed"], Setting.from_json(config["setting"]))
    if means.harden:
        hardened(task, means.harden)
    if means.unlabelled and means.method == "contrast":  # rejected now, and not after the control was trained
        Contrast(task).build()
    taken = _taken(means.start, state.model) if means.start else {}
    run = Run.create(name, out)
    write_json(run.dir / "data.json", dataset.report.to_json())
    run.describe_model(task, config["task"])
    run.describe({**config, "transfer": taken})  # last: a folder with a config.json can be resumed
    return run


def _taken(start: str, model: nn.Module) -> dict[str, Any]:
    """What config.json says of the weights that a training begins with: their origin, and which find a place."""
    begin = opened(start)
    return {"origin": begin.origin, **transfer(begin.weights, model, start).to_json()}


def unfinished(task: str, resume: bool | str | Path) -> tuple[Run, Task, Dataset]:
    """The run to go on with, its task and its data. Raises DataError if these changed since it began."""
    run = latest_unfinished(task) if resume is True else Run.open(Path(str(resume)))
    config = run.config
    made = catalog.find(config["task"]).restored(run.model_config())
    dataset = reopened(run, made)
    if dataset.report.digest != run.data["digest"]:
        raise DataError("the data changed since the run began", where=str(config["source"]), fix="Train a new run")
    return run, made, dataset


def unlabelled(task: Task, dataset: Dataset, source: str, say: Say = None) -> Examples | None:
    """The rows without answers that a training learns from, less those that have answers; None where none are named."""
    labelled = (dataset.train, dataset.validation, dataset.test)
    return open_pool(task, source, labelled=labelled, progress=say).examples if source else None


def trained(
    run: Run, task: Task, dataset: Dataset, watch: Reporter | None, say: Say = None, pool: Examples | None = None
) -> nn.Module:
    """The weights that are kept of the run's trainings, begun or gone on with; their cost is written beside them."""
    if run.finished:
        return run.model(type(task))[1]
    _swap_back(run.dir)
    config = run.config
    means, say = TrainOptions(**config.get("means", {})), say or (lambda message: None)
    pool = unlabelled(task, dataset, means.unlabelled, say) if pool is None else pool
    making = _Making(run, task, dataset, Budget(**config["budget"]), watch, means, pool)
    control: TrainResult | None = None
    if means.controlled:
        say("training the control: the same labelled rows and budget, without the help")
        control = making.fit(making.taught, run.dir / CONTROL)
    helped, before = making.helped(say, control)
    passes, until = making.taught.passes, making.budget.until
    model, facts = helped.model, _facts(helped, passes, until, before)
    if control is not None:
        verdict, beside = _judged(task, helped.model, control.model, dataset), _facts(control, passes, until)
        if not verdict["better"]:
            say(f"the help did not beat the control on the validation rows ({verdict['said']}): the control is kept")
            model, facts = control.model, {**beside, "rejected": facts}
            _swap(run.dir)
        facts["control"] = {**verdict, **beside}
    write_json(run.dir / "training.json", facts)
    return model


@dataclass(frozen=True)
class _Making:
    """One run in the making: what its trainings share."""

    run: Run
    task: Task
    dataset: Dataset
    budget: Budget
    watch: Reporter | None
    means: TrainOptions
    pool: Examples | None = None

    @property
    def _shards(self) -> Shards:
        """What the run has played; damaged shards are named to the person who waits."""
        return Shards(self.run.dir / FOLDER, self.watch.say if self.watch else None)

    @property
    def taught(self) -> Task:
        """The task as it is trained: hardened where that is wanted."""
        return hardened(self.task, self.means.harden) if self.means.harden else self.task

    def fit(self, task: Task, folder: Path, initial: Weights | None = None, budget: Budget | None = None) -> TrainResult:
        """A training of the run's seed and setting that keeps itself in `folder`."""
        config = self.run.config
        return fit(
            task,
            self.dataset.train,
            self.dataset.validation,
            budget=budget or self.budget,
            seed=config["seed"],
            setting=Setting.from_json(config["setting"]),
            checkpointer=FolderCheckpointer(folder, self.run.dir),
            watch=self.watch,
            initial=initial,
            journal=Journal(folder / "inspection.jsonl", self.means.every) if self.means.every else None,
            feed=PlayFeed(task, self._shards, config["seed"]) if isinstance(task, Player) else None,
        )

    def helped(self, say: Callable[[str], None], control: TrainResult | None) -> tuple[TrainResult, dict[str, Any]]:
        """The training with everything that the means give it, and the facts of one that went before it, if any did."""
        start = self.means.start
        initial: Weights = transfer(opened(start).weights, self.task.build(), start).weights if start else {}
        pool = self.pool
        if pool is None:
            return self.fit(self.taught, self.run.dir, initial), {}
        say(f"{len(pool)} unlabelled rows")
        if control is not None and self.means.method == "self-training":
            taught = SelfTraining(self.taught, pool, control.model)
            return self.fit(taught, self.run.dir, initial), _facts(control, self.taught.passes)
        weights, before = self._pretrained(pool, initial, say)
        return self.fit(self.taught, self.run.dir, {**initial, **weights}, self._half(self.taught)), before

    def _pretrained(
        self, pool: Examples, initial: Weights, say: Callable[[str], None]
    ) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Weights learnt from the pool without answers, in half of the budget; and the facts of that training."""
        folder = self.run.dir / PRETRAINED
        if not (folder / "network.safetensors").exists():
            say("learning without answers for half of the budget")
            rows = replace(self.dataset, train=pool, validation=pool[:0])
            alone = replace(self, dataset=rows, means=replace(self.means, every=0))  # its layers speak of no answers
            contrast = Contrast(self.task)
            begin = {f"network.{name}": tensor for name, tensor in initial.items()}
            learnt = alone.fit(contrast, folder, begin, self._half(contrast))
            write_tensors(
                folder / "network.safetensors", network_weights(learnt.model), _facts(learnt, contrast.passes)
            )
        return read_tensors(folder / "network.safetensors")

    def _half(self, task: Task) -> Budget:
        """Half of the budget: of the seconds, or of the steps by what a step of `task` computes."""
        if self.budget.seconds is not None:
            return replace(self.budget, seconds=self.budget.seconds / 2)
        per_epoch = RowFeed(self.task, self.dataset.train, self.run.config["seed"]).steps_per_epoch
        steps = self.budget.last_step(per_epoch, self.task.recipe) or 1
        work = task.passes * task.recipe.batch / (self.taught.passes * self.taught.recipe.batch)
        return Budget(steps=max(1, round(steps / 2 / work)), until=self.budget.until)


def _facts(
    fitted: TrainResult, passes: float, until: float | None = None, before: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """What training.json says of a training; its cost holds that of one `before`, whose weights it began with."""
    cost = fitted.cost + Cost.from_json(before) if before else fitted.cost
    own = {"steps": fitted.steps, "examples": fitted.examples, "passes": passes, "history": fitted.history}
    facts: dict[str, Any] = {**cost.to_json(), **own}
    if before:
        facts["pretraining"] = {name: before[name] for name in ("seconds", "steps", "examples", "passes")}
    if until is not None:
        reached = {"reached": fitted.reached, "step": fitted.steps, "seconds": cost.seconds}
        facts["until"] = {"target": until, **reached}
    return facts


def _judged(task: Task, helped: nn.Module, control: nn.Module, dataset: Dataset) -> dict[str, Any]:
    """Whether the help was better on the validation rows: the paired difference of the headline metric."""
    if not len(dataset.validation):
        return {"better": True, "said": "there are no validation rows to tell"}
    with_help, without = (evaluate_rows(task, model, dataset.validation) for model in (helped, control))
    metric = task.row_metrics[0]
    difference = compare(task, with_help, without)[metric.name]
    better = difference.value > 0 if metric.higher_is_better else difference.value < 0
    return {"better": bool(better), "said": f"{metric.name} {difference}", "metric": metric.name}


def _swap(folder: Path) -> None:
    """The control's weights become the best, and the best are kept as the rejected. `_swap_back` undoes any part."""
    best, control, rejected = _places(folder)
    rejected.parent.mkdir(exist_ok=True)
    os.replace(best, rejected)
    os.replace(control, best)


def _swap_back(folder: Path) -> None:
    """Every training finds its own weights again where the machine stopped in a swap, or right after it."""
    best, control, rejected = _places(folder)
    if rejected.exists():
        if not control.exists():
            os.replace(best, control)
        os.replace(rejected, best)


def _places(folder: Path) -> tuple[Path, Path, Path]:
    """Where the weights of the best, of the control and of the rejected are."""
    best, control, rejected = (folder / name / "model.safetensors" for name in ("best", f"{CONTROL}/best", REJECTED))
    return best, control, rejected
