"""A run folder: everything about one training, never overwritten, readable on another machine.

runs/<task>/<n>/
├── config.json          how it was made: the plan (plan.py), complete, re-runnable
├── data.json            the files, their hashes, the split, the rejected rows
├── rows.safetensors     digests and splits of all rows, by which they are found again wherever they lie
├── metrics.csv          one row for each look at the validation rows
├── trainer_state.json   where the training stands; training.json: what it cost
├── best/                config.json and model.safetensors: the model, self-contained
│   └── transformers/    the same as Hugging Face lays it out, where the training began with weights of that kind
├── last/                the same for the last step, and what an exact resume needs
├── control/  rejected/  where a training without help ran beside: it, or the weights that lost against it
├── inspection.jsonl     looks at the layers in training (--every)
├── plots/  card.json  card.md  card.html  predictions.jsonl
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from sounding.contract.task import Task, built
from sounding.data.record import RowRecord
from sounding.errors import RunError
from sounding.files import read_json, read_tensors, unwritable, write_json
from sounding.runs.plan import RunPlan

SCHEMA = 2
"""The format of a run folder. One of another number is rejected: by a newer version it may hold anything, and in format
1 the numbers of answering were among those of the training, and encoders and answers were others."""


@dataclass(frozen=True)
class Run:
    """A run folder on disk."""

    dir: Path

    @classmethod
    def create(cls, task: str, out: Path | None = None) -> Run:
        """A new folder: `out` itself if it is empty or new, else the next free number in runs/<task>/.

        Raises RunError when it cannot be written, or when `out` holds something already.
        """
        try:
            if out is None:
                return cls(_next_free(Path("runs") / task))
            out.mkdir(parents=True, exist_ok=True)
            if any(out.iterdir()):
                fix = "Name another folder, or go on with an unfinished run by --resume"
                raise RunError("the folder is not empty, and a run never overwrites another", where=str(out), fix=fix)
            return cls(out)
        except OSError as error:
            raise unwritable(out or Path("runs"), error, "choose another folder with --out") from None

    @staticmethod
    def is_one(path: Path | str) -> bool:
        """Whether a run is in `path`."""
        return os.path.exists(Path(path, "config.json"))

    @classmethod
    def open(cls, path: Path | str) -> Run:
        """The run in `path` (or the one that `path`, its best/ or last/ folder, lies in)."""
        folder = Path(path)
        if folder.name in ("best", "last") and cls.is_one(folder.parent):
            folder = folder.parent  # else the folder was copied elsewhere by itself: a model without its history
        if not cls.is_one(folder):
            found = "there is no config.json in it" if os.path.exists(folder) else "there is no such folder"
            raise RunError(f"not a run: {found}", where=str(path), fix="Name a folder such as runs/classify/1")
        config = read_json(folder / "config.json")
        if not isinstance(config, dict) or not isinstance(config.get("schema"), int):
            raise RunError(
                "config.json is not one of a run", where=str(path), fix="Name a folder such as runs/classify/1"
            )
        _require_readable(config, str(path))
        return cls(folder)

    @property
    def config(self) -> dict[str, Any]:
        """How the run was made."""
        return read_json(self.dir / "config.json")

    def plan(self, task: type[Task] | None = None) -> RunPlan:
        """The plan that the run carries out; `task` is its application, where it is known already.

        Raises RunError for a config.json that lacks a part of it.
        """
        try:
            return RunPlan.from_json(self.config, task)
        except (KeyError, TypeError) as error:
            what, fix = f"config.json is damaged ({error!r})", "Train the run again"
            raise RunError(what, where=str(self.dir), fix=fix) from None

    @property
    def data(self) -> dict[str, Any]:
        """What the data were."""
        return read_json(self.dir / "data.json")

    @property
    def finished(self) -> bool:
        """Whether the training came to its end."""
        state = self.dir / "trainer_state.json"
        ended = state.exists() and bool(read_json(state).get("finished"))
        return ended and (self.dir / "training.json").exists()  # written when all of its trainings have ended

    @property
    def record(self) -> RowRecord | None:
        """The rows of the training by their digests; None where it had none, and of runs that did not keep them."""
        return RowRecord.load(self.dir)

    def describe(self, plan: RunPlan, task: Task, data: Mapping[str, Any], record: RowRecord | None = None) -> None:
        """Write what a resume needs: data.json and the rows; what it takes to build the model and read its inputs, in
        best/ and last/; config.json last, since a folder with one can be resumed.
        """
        write_json(self.dir / "data.json", data)
        if record is not None:
            record.save(self.dir)
        self.write_task(plan, task)
        self.write_plan(plan)

    def write_task(self, plan: RunPlan, task: Task) -> None:
        """Write the config.json of best/ and last/: what it takes to build the model and read its inputs."""
        name = plan.to_json()["task"]
        for folder in ("best", "last"):
            write_json(self.dir / folder / "config.json", {"schema": SCHEMA, "task": name, **task.state()})

    def write_plan(self, plan: RunPlan) -> None:
        """Write config.json."""
        write_json(self.dir / "config.json", {"schema": SCHEMA, **plan.to_json()})

    def model_config(self, which: str = "best") -> dict[str, Any]:
        """What it takes to build the model: the state of its task."""
        return read_json(self._weights(which).with_name("config.json"))

    def model(self, task_class: type[Task], which: str = "best") -> tuple[Task, nn.Module]:
        """The task with its fitted modalities and the model in evaluation mode, from `best/`, `last/` or `other`."""
        task = task_class.restored(self.model_config("last" if which == "last" else "best"))
        path = self._weights(which)
        tensors, _ = read_tensors(path)
        with torch.random.fork_rng(devices=[]):
            model = built(task)
        try:
            model.load_state_dict(tensors)
        except RuntimeError as error:
            what = (
                f"the weights do not fit the model that config.json describes ({str(error).splitlines()[-1].strip()})"
            )
            raise RunError(what, where=str(path), fix="Take both files from the same run") from None
        return task, model.eval().requires_grad_(False)

    @property
    def other(self) -> str:
        """The folder of the model that was not kept, where a training without help ran beside; else nothing."""
        return next((f for f in ("rejected", "control/best") if (self.dir / f / "model.safetensors").exists()), "")

    def weights(self, which: str = "best") -> dict[str, torch.Tensor]:
        """The weights alone, by name."""
        return read_tensors(self._weights(which))[0]

    def _weights(self, which: str) -> Path:
        """The file of weights: in best/ or last/, or right here where one of these was copied elsewhere by itself."""
        alone = self.dir / "model.safetensors"
        return alone if alone.exists() else self.dir / which / "model.safetensors"


def _require_readable(config: Mapping[str, Any], where: str) -> None:
    """Raise RunError for a run of another format."""
    if config["schema"] > SCHEMA:
        what = f"made by a newer version (run format {config['schema']}, this one reads {SCHEMA})"
        raise RunError(what, where=where, fix="Upgrade: pip install -U sounding")
    if config["schema"] < SCHEMA:
        what = f"made by a former version (run format {config['schema']}, this one reads {SCHEMA})"
        again = config.get("command") or "sounding train TASK DATA"
        fix = f"Train it again: {again}; or use it with the version that made it"
        raise RunError(what, where=where, fix=fix)


def latest_unfinished(task: str = "") -> Run:
    """The newest run that did not come to its end, of a task or of any. Raises RunError if there is none."""
    top = Path("runs")
    tasks = [top / task] if task else [folder for folder in sorted(top.glob("*")) if folder.is_dir()]
    begun = [run for folder in tasks for run in _numbered(folder) if (run / "config.json").exists()]
    unfinished = [run for run in begun if not Run(run).finished]
    if unfinished:
        return Run.open(max(unfinished, key=_age))
    last = f"; the latest, {max(begun, key=_age)}, is finished" if begun else ""
    fix = "Name the run: --resume RUN, or leave --resume out"
    raise RunError(f"there is no unfinished run{last}", where=str(top / task), fix=fix)


def _age(folder: Path) -> tuple[int, int]:
    """When a run began, and its number."""
    return (folder / "config.json").stat().st_mtime_ns, int(folder.name)


def _next_free(parent: Path) -> Path:
    parent.mkdir(parents=True, exist_ok=True)
    number = max((int(f.name) for f in _numbered(parent)), default=0) + 1
    while True:  # another process may take the number in between
        try:
            (parent / str(number)).mkdir()
            return parent / str(number)
        except FileExistsError:
            number += 1


def _numbered(parent: Path) -> list[Path]:
    return [f for f in parent.iterdir() if f.name.isdecimal()] if parent.is_dir() else []
