"""A trained model in its run folder: answers, metrics and a card.

It sits above the card because it can make one; `sounding.api` makes and loads it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from torch import nn

from sounding.card.card import Card, Header, measure
from sounding.engine import evaluation
from sounding.engine.data import Columns, Dataset, open_data
from sounding.engine.evidence import Estimate
from sounding.engine.files import write
from sounding.engine.prediction import Result, Results, expand, predict
from sounding.engine.records import Record
from sounding.engine.run import Run
from sounding.engine.subject import Profile, Subject
from sounding.engine.task import Task
from sounding.errors import DataError, RunError


class Metrics(dict[str, Estimate]):
    """Estimates by metric name; also as attributes, with spaces as underscores (`metrics.macro_f1`)."""

    def __getattr__(self, name: str) -> Estimate:
        for key, estimate in self.items():
            if _attribute(key) == name:
                return estimate
        raise AttributeError(f"no metric {name}; there are {', '.join(map(_attribute, self))}")


class Model:
    """A trained model in its run folder: call it to predict; evaluate it; ask for its card."""

    def __init__(self, run: Run, task: Task, module: nn.Module, dataset: Dataset | None = None) -> None:
        self.run, self.task, self.module, self._dataset = run, task, module, dataset

    @property
    def dir(self) -> Path:
        """The run folder."""
        return self.run.dir

    def __call__(self, inputs: Any) -> Results:
        """Answers for a path, a pattern, a folder, an array, a text, or a list of them; always a list."""
        return Results(self.stream(inputs))

    def stream(self, inputs: Any) -> Iterator[Result]:
        """As a call, one result at a time, for more inputs than memory holds."""
        named = expand(self.task.input, inputs) if not isinstance(inputs, Iterator) else inputs
        return predict(self.task, self.module, named)

    @cached_property
    def metrics(self) -> Metrics:
        """The test metrics with intervals, as the saved card has them."""
        quality = self.card()["quality"]
        return Metrics({m.name: quality[_attribute(m.name)] for m in self.task.metrics})

    def evaluate(self, source: Any = None, columns: Columns | None = None, *, allow_bad: float = 0.0) -> Metrics:
        """Metrics with 95 % intervals on the test rows of `source`, or on all of it if it is not split.

        Without a source: on the test rows that the training set aside.
        """
        return Metrics(evaluation.measure(self.task, self.records(source, columns, allow_bad=allow_bad)))

    def records(self, source: Any = None, columns: Columns | None = None, *, allow_bad: float = 0.0) -> list[Record]:
        """One record for each row that `evaluate` looks at."""
        rows = self.dataset().test if source is None else self.dataset(source, columns, allow_bad=allow_bad).unseen
        return evaluation.trials(self.task, self.module, rows)

    def dataset(self, source: Any = None, columns: Columns | None = None, *, allow_bad: float = 0.0) -> Dataset:
        """The data of the training, or of another source, read as this model reads."""
        config = self.run.config
        if source is not None:
            return open_data(self.task, source, columns or Columns(), allow_bad=allow_bad, fit=False)
        if self._dataset is not None:
            return self._dataset
        dataset = reopened(self.task, config)
        if dataset.report.digest != self.run.data["digest"]:
            where, fix = str(config["source"]), "Train again, or name the rows to measure on: sounding eval RUN DATA"
            raise DataError("the data are not what this model was trained on: they changed since", where=where, fix=fix)
        return dataset

    def card(self, profile: Profile | None = None, say: Callable[[str], None] | None = None) -> Card:
        """The saved card; measured anew, and saved, when a profile (quick, standard, full) is named or none is."""
        if profile is None and (self.dir / "card.json").exists():
            return Card.load(self.dir)
        dataset = self.dataset()
        return measured(self, dataset, profile or "quick", say)


def measured(model: Model, dataset: Dataset, profile: Profile, say: Callable[[str], None] | None) -> Card:
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
        data=Path(config["source"]).name,  # a card may be published; config.json has the whole path
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


def reopened(task: Task, config: Mapping[str, Any]) -> Dataset:
    """The data that a run was trained on, as its config.json names them; `task` is fitted."""
    if config.get("source", "in memory") == "in memory":
        fix = "Name the rows to measure on: sounding eval RUN DATA, or model.evaluate(examples)"
        raise RunError("the rows that the model was trained on are not known here", fix=fix)
    columns, bad = Columns(**config["columns"]), config["allow_bad"]
    return open_data(task, config["source"], columns, allow_bad=bad, fit=False)


def _attribute(name: str) -> str:
    return re.sub(r"\W+", "_", name.lower()).strip("_")
