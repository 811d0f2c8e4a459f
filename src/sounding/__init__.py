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
    from sounding.api import check, compare, load, pipeline, train
    from sounding.card.card import Card
    from sounding.engine.data import Columns
    from sounding.engine.evidence import Estimate, Figure, Number, Section
    from sounding.engine.metrics import Metric
    from sounding.engine.recipe import Recipe
    from sounding.engine.records import Example, Prediction, Record
    from sounding.engine.task import Task
    from sounding.errors import DataError, RunError, SoundingError, TrainingError, UsageError
    from sounding.model import Model

__version__ = "0.1.0"

_HOME = {
    "sounding.api": ("check", "compare", "load", "pipeline", "train"),
    "sounding.model": ("Model",),
    "sounding.card.card": ("Card",),
    "sounding.engine.data": ("Columns",),
    "sounding.engine.evidence": ("Estimate", "Figure", "Number", "Section"),
    "sounding.engine.metrics": ("Metric",),
    "sounding.engine.recipe": ("Recipe",),
    "sounding.engine.records": ("Example", "Prediction", "Record"),
    "sounding.engine.task": ("Task",),
    "sounding.errors": ("DataError", "RunError", "SoundingError", "TrainingError", "UsageError"),
}

__all__ = [
    "Card",
    "Columns",
    "DataError",
    "Estimate",
    "Example",
    "Figure",
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
