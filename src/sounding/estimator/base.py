"""What the estimators share: a training of the rows that are given, and what scikit-learn asks of an estimator."""

from __future__ import annotations

import copy
import inspect
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from sounding import api, catalog
from sounding.data import Dataset
from sounding.errors import UsageError
from sounding.runs.model import Model
from sounding.runs.plan import divided


class Estimator:
    """Trains a task on rows in memory. A subclass names what it is made with in its own `__init__`.

    After it was fitted there is `model_`, a `sounding.Model`.
    """

    task: str
    size: str
    steps: int | None
    epochs: float | None
    time: str | float | None
    seed: int
    validation: float
    settings: Mapping[str, Any] | None
    precision: str | None
    out: str | Path | None

    model_: Model

    # ---- training

    def _chosen(self) -> dict[str, Any]:
        """The settings of recipe and options that it was made with."""
        return dict(self.settings or {})

    def _new_task(self) -> Any:
        """A task to be fitted. Raises UsageError for settings that it has not."""
        kind = catalog.find(self.task)
        return kind(kind.Recipe.make(self.size, divided(kind, self._chosen())[0]))

    def _train(self, dataset: Dataset) -> None:
        """Train on a data set; the run is kept only where `out` names its folder."""
        with tempfile.TemporaryDirectory() as folder:
            model = api.train(
                self.task,
                dataset,
                size=self.size,
                steps=self.steps,
                epochs=self.epochs,
                time=self.time,
                seed=self.seed,
                precision=self.precision,
                card=None,
                out=Path(folder) / "run" if self.out is None else Path(self.out),
                **self._chosen(),
            )
        self.model_ = Model(model.run, model.task, model.module)

    def _require_share(self) -> None:
        if not 0 <= self.validation < 1:
            raise UsageError(f"validation={self.validation!r} is no share of the rows", fix="Give 0 to below 1")

    def _require_fitted(self) -> None:
        """Raises scikit-learn's own error where it is installed, else UsageError."""
        if self.__sklearn_is_fitted__():
            return
        said = f"This {type(self).__name__} instance is not fitted yet. Call fit first."
        try:
            from sklearn.exceptions import NotFittedError
        except ImportError:
            raise UsageError(said) from None
        raise NotFittedError(said)

    # ---- what scikit-learn asks of an estimator

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """What it was made with, by name."""
        return {
            name: getattr(self, name) for name in inspect.signature(type(self).__init__).parameters if name != "self"
        }

    def set_params(self, **params: Any) -> Self:
        """Change what it was made with. Raises ValueError, as scikit-learn does, for a name that there is none of."""
        known = self.get_params()
        for name, value in params.items():
            if name not in known:
                raise ValueError(
                    f"Invalid parameter {name!r} for estimator {self}. Valid parameters are: {list(known)}."
                )
            setattr(self, name, value)
        return self

    def __sklearn_clone__(self) -> Self:
        return type(self)(**copy.deepcopy(self.get_params()))

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "model_")

    def __repr__(self) -> str:
        defaults = inspect.signature(type(self).__init__).parameters
        said = [f"{k}={v!r}" for k, v in self.get_params().items() if v != defaults[k].default]
        return f"{type(self).__name__}({', '.join(said)})"
