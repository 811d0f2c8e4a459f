"""Deep learning with the measurements attached.

    import sounding as sd
    model = sd.train("classify", "photos/", time="10m")
    model(["a.jpg"])[0].label
    model.card()

The names below are the public ones. They are loaded when first used, so that `import sounding` costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sounding.api import check, compare, export, load, pipeline, train
    from sounding.card.card import Card
    from sounding.contract.evidence import Estimate, Figure, Number, Section
    from sounding.contract.metrics import Metric
    from sounding.contract.recipe import Recipe
    from sounding.contract.records import Example, Prediction, Record
    from sounding.contract.task import Task
    from sounding.data import Columns
    from sounding.errors import DataError, RunError, SoundingError, TrainingError, UsageError
    from sounding.estimator import Classifier, Forecaster
    from sounding.runs.model import Model

__version__ = "0.1.0"

_HOME = {
    "sounding.api": ("check", "compare", "export", "load", "pipeline", "train"),
    "sounding.estimator": ("Classifier", "Forecaster"),
    "sounding.runs.model": ("Model",),
    "sounding.card.card": ("Card",),
    "sounding.data": ("Columns",),
    "sounding.contract.evidence": ("Estimate", "Figure", "Number", "Section"),
    "sounding.contract.metrics": ("Metric",),
    "sounding.contract.recipe": ("Recipe",),
    "sounding.contract.records": ("Example", "Prediction", "Record"),
    "sounding.contract.task": ("Task",),
    "sounding.errors": ("DataError", "RunError", "SoundingError", "TrainingError", "UsageError"),
}

__all__ = [
    "Card",
    "Classifier",
    "Columns",
    "DataError",
    "Estimate",
    "Example",
    "Figure",
    "Forecaster",
    "Metric",
    "Model",
    "Number",
    "Prediction",
    "Recipe",
    "Record",
    "RunError",
    "Section",
    "SoundingError",
    "Task",
    "TrainingError",
    "UsageError",
    "check",
    "compare",
    "export",
    "load",
    "pipeline",
    "train",
]


def __getattr__(name: str) -> Any:
    for module, names in _HOME.items():
        if name in names:
            return getattr(importlib.import_module(module), name)
    raise AttributeError(f"module 'sounding' has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
