"""The plan of a run: everything that a training is decided by, frozen before anything is read or built.

    RunPlan        what config.json of a run holds; `to_json` and `from_json` are that file
    TrainOptions   what a training gets beyond labelled rows and a budget

A plan is made once, at a door (`sounding.api.train`). `runs.training.train` carries it out, and `resume` goes on with
the one that a run folder holds.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any, Self

from sounding import catalog
from sounding.contract.options import Options
from sounding.contract.recipe import Recipe
from sounding.contract.settings import SPOKEN
from sounding.contract.task import Learning, Task
from sounding.data import Columns
from sounding.errors import UsageError, did_you_mean
from sounding.evaluation.context import Profile
from sounding.machine.setting import Setting
from sounding.training.loop import Budget

DEMO, IN_MEMORY = "demo", "in memory"
"""Sources that are no path: a task's own small data; values that a program gave, which config.json cannot hold."""


@dataclass(frozen=True)
class TrainOptions:
    """What a training gets beyond labelled rows and a budget."""

    harden: str = ""  # attacks or corruptions
    start: str = ""  # the run, file or hub:NAME whose weights it begins with
    unlabelled: str = ""  # where rows without answers are
    method: str = ""  # what is done with these: see `method_of`
    control: bool = False  # whether a training without the help runs beside; always, with unlabelled rows
    every: int = 0  # steps between looks at the layers
    log: str = "csv"  # where the course of the training is written: metrics.csv, or event files of TensorBoard as well

    def __post_init__(self) -> None:
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


def method_of(task: type[Task], asked: str | None) -> str:
    """How a task learns from rows that lack a half: as asked, or by its first way; nothing where it has none.

    Raises UsageError for a way that it has not.
    """
    ways = () if task.learns is Learning.DOCUMENTS else tuple(task.pool_methods)
    if asked is None:
        return next(iter(ways), "")
    if asked not in ways:
        what = f"{catalog.name_of(task)} has no way to learn from unlabelled rows called {asked!r}"
        raise UsageError(what, fix=did_you_mean(asked, ways) if ways else "Leave --method out")
    return asked


def divided(task: type[Task], settings: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Settings of a task's recipe, and those of its options.

    Raises UsageError for one that is neither; what was meant may be a word of the training itself.
    """
    recipe, options = task.Recipe.names(), task.Options.names()
    for name in settings:
        if name not in (*recipe, *options):
            fix = did_you_mean(name, [*recipe, *options], SPOKEN)
            raise UsageError(f"{catalog.name_of(task)} has no setting {name!r}", fix=fix)
    of_recipe = {name: value for name, value in settings.items() if name in recipe}
    return of_recipe, {name: value for name, value in settings.items() if name in options}


def contradictions(plan: RunPlan, said: Mapping[str, Any], settings: Mapping[str, Any]) -> list[str]:
    """What was said beside --resume, each by its name, that is not what the run began with.

    `said` are words of a training by name, those left out being None, `settings` fields of its recipe and its options.
    Raises UsageError for a setting that its task has not.
    """
    recipe, options = divided(plan.task, settings)
    wanted = {
        **plan.task.Recipe.make(plan.recipe.size, recipe).to_json(),
        **plan.options.changed(options).to_json(),
        **said,
    }
    budget, setting = plan.budget.to_json(), plan.setting.precision
    has = {**plan.recipe.to_json(), **plan.options.to_json(), **asdict(plan.training), **budget}
    has |= {"seed": plan.seed, "allow_bad": plan.allow_bad, "columns": asdict(plan.columns), "precision": setting}
    named = [*settings, *(name for name, value in said.items() if value is not None)]
    return [f"{name}={wanted[name]} (the run has {has[name]})" for name in named if wanted[name] != has[name]]


def _command() -> str:
    typed = Path(sys.argv[0]).stem == "sounding"
    return shlex.join(["sounding", *sys.argv[1:]]) if typed else "sounding.train(…)"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _versions() -> dict[str, str]:
    return {name: metadata.version(name) for name in ("sounding", "torch", "numpy")}


@dataclass(frozen=True)
class RunPlan:
    """What a run is decided by. `source` is a path, "demo", examples in memory, or None for a task that plays.

    `options` are how the model answers in validation and afterwards, unless it is told otherwise; `card` is the profile
    of the card that is measured at the end. `transfer` says which weights of `training.start` found a place: it is
    known once the model is built, and filled in before the plan is written.
    """

    task: type[Task]
    source: Any
    recipe: Recipe
    options: Options
    budget: Budget
    setting: Setting
    columns: Columns = field(default_factory=Columns)
    allow_bad: float | None = None
    training: TrainOptions = field(default_factory=TrainOptions)
    seed: int = 0
    card: Profile | None = "quick"
    transfer: Mapping[str, Any] = field(default_factory=dict)
    command: str = field(default_factory=_command)
    created: str = field(default_factory=_now)
    versions: Mapping[str, str] = field(default_factory=_versions)

    @property
    def name(self) -> str:
        """What the task is called: the name of its file or folder."""
        return catalog.name_of(self.task)

    def new_task(self) -> Task:
        """A task that is to be fitted."""
        return self.task(self.recipe, self.options)

    def to_json(self) -> dict[str, Any]:
        """config.json: plain values, paths as they are found from any folder."""
        return {
            "task": catalog.place_of(self.task),
            "source": self._named_source(),
            "columns": asdict(self.columns),
            "allow_bad": self.allow_bad,
            "recipe": self.recipe.to_json(),
            "options": self.options.to_json(),
            "budget": self.budget.to_json(),
            "training": asdict(self.training),
            "seed": self.seed,
            "setting": self.setting.to_json(),
            "card": self.card,
            "transfer": dict(self.transfer),
            "command": self.command,
            "created": self.created,
            "versions": dict(self.versions),
        }

    def _named_source(self) -> str | None:
        if self.source is None:
            return None
        if not isinstance(self.source, str | Path):
            return IN_MEMORY
        return self.source if self.source in (DEMO, IN_MEMORY) else str(Path(self.source).resolve())

    @classmethod
    def from_json(cls, values: Mapping[str, Any], task: type[Task] | None = None) -> Self:
        """The plan that gave `values`; `task` is the application, where it is not where it was.

        Raises UsageError for an application that is not found.
        """
        task = task or catalog.find(values["task"])
        return cls(
            task=task,
            source=values["source"],
            recipe=task.Recipe.from_json(values["recipe"]),
            options=task.Options.from_json(values["options"]),
            budget=Budget(**values["budget"]),
            setting=Setting.from_json(values["setting"]),
            columns=Columns(**values["columns"]),
            allow_bad=values["allow_bad"],
            training=TrainOptions(**values["training"]),
            seed=values["seed"],
            card=values["card"],
            transfer=values["transfer"],
            command=values["command"],
            created=values["created"],
            versions=values["versions"],
        )
