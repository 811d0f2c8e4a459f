"""The Python door: train, load, check, compare, pipeline. The command line calls these and adds nothing but words.

run = sd.train("classify", "photos/", time="10m")      # → Model, with .dir .metrics .card()
m = sd.load(run.dir)
m(["a.jpg", "b.jpg"])[0].label
m.evaluate("test.csv").accuracy                          # Estimate(value, low, high, n)
"""

from __future__ import annotations

import json
import re
import shlex
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timezone
from functools import cached_property
from importlib import metadata
from pathlib import Path
from typing import Any

from torch import nn

from sounding import catalog
from sounding.card.card import Card, Header, measure
from sounding.engine import evaluation
from sounding.engine.audit import check as audit
from sounding.engine.data import Columns, Dataset, Report, open_data
from sounding.engine.evidence import Estimate
from sounding.engine.files import write, write_json
from sounding.engine.keeper import FolderKeeper
from sounding.engine.machine import Setting, choose
from sounding.engine.prediction import Results, expand, predict
from sounding.engine.progress import Watch
from sounding.engine.recipe import Recipe
from sounding.engine.run import Run, latest_unfinished
from sounding.engine.subject import Profile, Subject
from sounding.engine.task import Record, Task
from sounding.engine.training import Budget, fit
from sounding.errors import DataError, RunError, UsageError


class Metrics(dict[str, Estimate]):
    """Estimates by metric name; also as attributes, with spaces as underscores (`metrics.macro_f1`)."""

    def __getattr__(self, name: str) -> Estimate:
        for key, estimate in self.items():
            if _attribute(key) == name:
                return estimate
        raise AttributeError(f"no metric {name}; there are {', '.join(map(_attribute, self))}")


class Model:
    """A trained model in its run folder: call it to predict; evaluate it; ask for its card."""

    def __init__(self, run: Run, task: Task, module: nn.Module) -> None:
        self.run, self.task, self.module = run, task, module

    @property
    def dir(self) -> Path:
        """The run folder."""
        return self.run.dir

    def __call__(self, inputs: Any) -> Results:
        """Answers for a path, a pattern, a folder, an array, a text, or a list of them; always a list."""
        return Results(self.stream(inputs))

    def stream(self, inputs: Any) -> Iterator[Any]:
        """As a call, one result at a time, for more inputs than memory holds."""
        named = expand(self.task.input, inputs) if not isinstance(inputs, Iterator) else inputs
        return predict(self.task, self.module, named)

    @cached_property
    def metrics(self) -> Metrics:
        """The test metrics with intervals, as the saved card has them."""
        quality = self.card()["quality"]
        return Metrics({m.name: quality[_attribute(m.name)] for m in self.task.metrics})

    def evaluate(self, source: Any = None, columns: Columns | None = None) -> Metrics:
        """Metrics with 95 % intervals on the test rows of `source`, or on all of it if it is not split.

        Without a source: on the test rows that the training set aside.
        """
        return Metrics(evaluation.measure(self.task, self.records(source, columns)))

    def records(self, source: Any = None, columns: Columns | None = None) -> list[Record]:
        """One record for each row that `evaluate` looks at."""
        rows = self.dataset().test if source is None else self.dataset(source, columns).unseen
        return evaluation.trials(self.task, self.module, rows)

    def dataset(self, source: Any = None, columns: Columns | None = None) -> Dataset:
        """The data of the training, or of another source, read as this model reads."""
        config = self.run.config
        if source is not None:
            return open_data(self.task, source, columns or Columns(), fit=False)
        dataset = _reopened(self.task, config)
        if dataset.report.digest != self.run.data["digest"]:
            where, fix = str(config["source"]), "Train again, or name the rows to measure on: sounding eval RUN DATA"
            raise DataError("the data are not what this model was trained on: they changed since", where=where, fix=fix)
        return dataset

    def card(self, profile: Profile | None = None, say: Callable[[str], None] | None = None) -> Card:
        """The saved card; measured anew, and saved, when a profile (quick, standard, full) is named or none is there."""
        if profile is None and (self.dir / "card.json").exists():
            return Card.load(self.dir)
        dataset = self.dataset()
        return _measured(self, dataset, profile or "quick", say)


def train(
    task: str | type[Task] = "",
    source: Any = None,
    *,
    epochs: float | None = None,
    time: str | float | None = None,
    steps: int | None = None,
    size: str = "small",
    seed: int = 0,
    out: str | Path | None = None,
    columns: Columns | None = None,
    allow_bad: float = 0.0,
    precision: str | None = None,
    resume: bool | str | Path = False,
    card: Profile | None = "quick",
    watch: Watch | None = None,
    say: Callable[[str], None] | None = None,
    **settings: Any,
) -> Model:
    """Train a task from a person's own files into a new run folder, and measure its quick card.

    `source` is a path, "demo", or a list of Examples. `time` ("10m", or seconds), `epochs` or `steps` is the budget of
    the training itself. `settings` are fields of the task's recipe. `resume=True` goes on with the latest unfinished run
    of the task, `resume=path` with that one.
    """
    if resume:
        run = latest_unfinished(_stem(task)) if resume is True else Run.open(Path(resume))
        config = run.config
        made = catalog.find(config["task"]).restored(run.model_config())
        dataset = _reopened(made, config)
        if dataset.report.digest != run.data["digest"]:
            raise DataError("the data changed since the run began", where=str(config["source"]), fix="Train a new run")
    else:
        task_class = catalog.find(task) if isinstance(task, str) else task
        made = task_class(task_class.Recipe.make(size, settings))
        columns = columns or Columns()
        dataset = open_data(made, source, columns, allow_bad=allow_bad, progress=say)
        budget = Budget(epochs, steps, None if time is None else seconds(time))
        config = _config(task, made.recipe, source, columns, allow_bad, budget, seed, choose(precision))
        run = Run.create(_stem(task), Path(out) if out is not None else None)
        write_json(run.dir / "data.json", dataset.report.to_json())
        run.describe_model(made, config["task"])
        run.describe(config)  # last: a folder with a config.json has all that a resume needs
    fitted = fit(
        made,
        dataset.train,
        dataset.validation,
        budget=Budget(**config["budget"]),
        seed=config["seed"],
        setting=Setting.from_json(config["setting"]),
        keeper=FolderKeeper(run.dir),
        watch=watch,
    )
    model = Model(run, made, fitted.model)
    costs = {**fitted.cost.to_json(), "steps": fitted.steps, "examples": fitted.examples, "history": fitted.history}
    write_json(run.dir / "training.json", costs)
    if card:
        _measured(model, dataset, card, say)
    return model


def load(path: str | Path, application: str | None = None) -> Model:
    """The model in a run folder. `application` is the path of the task's file, if it is not where it was.

    Raises RunError for a folder that is no run, is damaged, or was made by a newer version.
    """
    run = Run.open(path)
    name = application or run.config["task"]
    if catalog.is_path(name) and not Path(name).exists():
        fix = "Name the file's new place: load(run, application=PATH)"
        raise RunError("the file of the application that trained this model is gone", where=name, fix=fix)
    task, module = run.model(catalog.find(name), "last" if Path(path).name == "last" else "best")
    return Model(run, task, module)


def check(task: str, source: Any, columns: Columns | None = None) -> Report:
    """What a task would see in the data, without training: counts, refused rows, duplicates, oddities."""
    task_class = catalog.find(task)
    return audit(task_class(), source, columns or Columns())


def compare(a: Model, b: Model, source: Any = None) -> Metrics:
    """How much better a is than b: the paired difference of each metric on the same rows, with 95 % intervals."""
    if a.run.config["task"] != b.run.config["task"]:
        raise UsageError(
            "the two runs are of different tasks", where=f"{a.dir} and {b.dir}", fix="Compare two of one task"
        )
    if source is None and a.run.data["digest"] != b.run.data["digest"]:
        raise UsageError(
            "the two runs were trained on different data", fix="Name the rows to compare on: compare A B DATA"
        )
    return Metrics(evaluation.compare(a.task, a.records(source), b.records(source)))


def pipeline(task: str, model: str | Path) -> Callable[[Any], Any]:
    """A function that answers as the Hugging Face pipeline of that name does: dictionaries, best first."""
    loaded = load(model)
    known = (loaded.task.pipeline, Path(loaded.run.config["task"]).stem)
    if task not in known:
        raise UsageError(f"the run is for {' or '.join(filter(None, known))}, not {task}", where=str(model))

    def answer(inputs: Any) -> Any:
        results = loaded(inputs).to_dicts()
        return results if isinstance(inputs, list | tuple) else results[0]

    return answer


def seconds(duration: str | float) -> float:
    """Seconds in "90", "90s", "10m" or "1.5h". Raises UsageError for anything else."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(s|m|h|d)?", str(duration).strip().lower())
    if not match or float(match[1]) <= 0:
        raise UsageError(f"no duration: {duration!r}", fix="Give seconds, minutes or hours: 90s, 10m, 1.5h")
    return float(match[1]) * {"s": 1, "m": 60, "h": 3600, "d": 86400}[match[2] or "s"]


def _measured(model: Model, dataset: Dataset, profile: Profile, say: Callable[[str], None] | None) -> Card:
    """Measure the card, save it and the predictions on the test rows in the run folder."""
    path = model.dir / "training.json"
    training = json.loads(path.read_text()) if path.exists() else {}
    splits = (dataset.train, dataset.validation, dataset.test)
    subject = Subject(
        model.task, model.module, *splits, profile=profile, seed=model.run.config["seed"], training=training
    )
    config, report = model.run.config, dataset.report.to_json()
    header = Header(
        task=Path(config["task"]).stem,
        model=str(model.dir),
        data=str(config["source"]),
        command=config["command"],
        pipeline=model.task.pipeline,
    )
    card = measure(subject, report, header, progress=say)
    card.save(model.dir)
    write(model.dir / "predictions.jsonl", _lines(model.task, subject.records))
    model.__dict__.pop("metrics", None)
    return card


def _lines(task: Task, records: Sequence[Record]) -> str:
    rows = (
        {
            "answer": task.target.to_json(r.value),
            "truth": task.target.to_json(r.truth),
            "score": r.confidence,
            "loss": r.loss,
        }
        for r in records
    )
    return "".join(json.dumps(row, ensure_ascii=False, default=str) + "\n" for row in rows)


def _config(
    task: str | type[Task],
    recipe: Recipe,
    source: Any,
    columns: Columns,
    allow_bad: float,
    budget: Budget,
    seed: int,
    setting: Setting,
) -> dict[str, Any]:
    on_disk = isinstance(source, str | Path) and source != "demo"
    return {
        "task": _name(task),
        "source": str(Path(source).resolve()) if on_disk else source if source == "demo" else "in memory",
        "columns": asdict(columns),
        "allow_bad": allow_bad,
        "recipe": recipe.to_json(),
        "budget": budget.to_json(),
        "seed": seed,
        "setting": setting.to_json(),
        "command": shlex.join(["sounding", *sys.argv[1:]])
        if Path(sys.argv[0]).stem == "sounding"
        else "sounding.train(…)",
        "created": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "versions": {name: metadata.version(name) for name in ("sounding", "torch", "numpy")},
    }


def _reopened(task: Task, config: Mapping[str, Any]) -> Dataset:
    if config["source"] == "in memory":
        fix = "Name the rows: model.evaluate(examples)"
        raise RunError("the model was trained on examples in memory, which are gone", fix=fix)
    columns, bad = Columns(**config["columns"]), config["allow_bad"]
    return open_data(task, config["source"], columns, allow_bad=bad, fit=False)


def _name(task: str | type[Task]) -> str:
    """What finds the task again: its name in the package, or the path of its file."""
    if isinstance(task, str):
        return str(Path(task).resolve()) if catalog.is_path(task) else task
    module = sys.modules[task.__module__]
    return task.__module__.split(".")[-1] if task.__module__.startswith("sounding.") else str(module.__file__)


def _stem(task: str | type[Task]) -> str:
    return Path(_name(task)).stem


def _attribute(name: str) -> str:
    return re.sub(r"\W+", "_", name.lower()).strip("_")
