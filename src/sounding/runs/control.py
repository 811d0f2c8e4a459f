"""The control: a training on the same labelled rows with the same budget and seed, hardened alike, without the help.

Where the help (unlabelled rows, another run's weights) did not beat it on the validation rows, the control's weights
are kept, and training.json tells of that training.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from torch import nn

from sounding.contract.task import Task
from sounding.data import Dataset
from sounding.evaluation.evaluation import compare, evaluate_rows

CONTROL, REJECTED = "control", "rejected"
"""Folders in a run: the training without help, the weights that lost against it."""


def judged(task: Task, helped: nn.Module, control: nn.Module, dataset: Dataset) -> dict[str, Any]:
    """Whether the help was better on the validation rows: the paired difference of the headline metric."""
    if not len(dataset.validation):
        return {"better": True, "said": "there are no validation rows to tell"}
    with_help, without = (evaluate_rows(task, model, dataset.validation) for model in (helped, control))
    metric = task.metrics[0]
    difference = compare(task, with_help, without)[metric.name]
    better = difference.value > 0 if metric.higher_is_better else difference.value < 0
    return {"better": bool(better), "said": f"{metric.name} {difference}", "metric": metric.name}


def swap(folder: Path) -> None:
    """The control's weights become the best, and the best are kept as the rejected. `swap_back` undoes any part."""
    best, control, rejected = _places(folder)
    rejected.parent.mkdir(exist_ok=True)
    os.replace(best, rejected)
    os.replace(control, best)


def swap_back(folder: Path) -> None:
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
