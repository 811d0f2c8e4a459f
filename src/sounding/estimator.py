"""A classifier as scikit-learn knows them: fit, predict, predict_proba, score, in its grids and cross-validations.

    from sklearn.model_selection import cross_val_score
    cross_val_score(sd.Classifier("sentiment", steps=300), texts, labels)

It behaves like an estimator of scikit-learn without being made with it: scikit-learn need not be installed.

Legend of shapes: N rows, K classes, H rows and W columns of a picture, C channels.
"""

from __future__ import annotations

import copy
import inspect
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from sounding import api, catalog
from sounding.contract.modality import Modality, Typed
from sounding.contract.records import Example
from sounding.data import Dataset, Report
from sounding.errors import UsageError
from sounding.modalities.category import Category
from sounding.randomness import stream
from sounding.runs.model import Model
from sounding.runs.plan import divided

EXAMPLES = ("sentiment", "classify")
LEAST = 2
"""Rows of a class of which one may be set aside."""


class Classifier:
    """A classifier of texts ("sentiment") or pictures ("classify"), or any application that answers with one class.

    `task` is the application; what it is trained with are the words of `sounding.train`: `size`, a budget (`steps`,
    `epochs` or `time`; the recipe's where none is named), `seed`, and `settings`, a mapping of fields of its recipe.
    A share `validation` of the rows, as many of each class, chooses the weights; the others are trained on. `precision`
    is that of the training.

    After `fit` there are `classes_` [K], sorted, and `model_`, a `sounding.Model` that also explains its answers. Its
    run folder is not kept, unless `out` names one.
    """

    _estimator_type = "classifier"

    def __init__(
        self,
        task: str = "sentiment",
        *,
        size: str = "small",
        steps: int | None = None,
        epochs: float | None = None,
        time: str | float | None = None,
        seed: int = 0,
        validation: float = 0.1,
        settings: Mapping[str, Any] | None = None,
        precision: str | None = None,
        out: str | Path | None = None,
    ) -> None:
        self.task = task
        self.size = size
        self.steps = steps
        self.epochs = epochs
        self.time = time
        self.seed = seed
        self.validation = validation
        self.settings = settings
        self.precision = precision
        self.out = out

    # ---- learning and answering

    def fit(self, X: Sequence[Any], y: Sequence[Any]) -> Self:
        """Train on N inputs (texts, or pictures [N, H, W] or [N, H, W, C], or what else the task reads) and N labels.

        Raises UsageError for inputs and labels of different numbers, fewer than two classes, and a task that does not
        answer with one class; DataError for an input that cannot be read.
        """
        labels = _column(y)
        if len(X) != len(labels):
            raise UsageError(f"{len(X):,} inputs and {len(labels):,} labels", fix="Give each input its label")
        self.classes_, numbers = np.unique(labels, return_inverse=True)
        if len(self.classes_) < 2:
            raise UsageError("there is one class alone, and nothing to tell apart", fix="Give labels of two classes")
        task = self._new_task()
        values = [task.input.read(cell) for cell in _cells(X, task.input)]
        rows = [Example(value, str(number)) for value, number in zip(values, numbers.tolist(), strict=True)]
        held_out = self._held_out(numbers)
        train = [row for row, out in zip(rows, held_out, strict=True) if not out]
        validation = [row for row, out in zip(rows, held_out, strict=True) if out]
        counts = {"train": len(train), "validation": len(validation), "test": 0}
        dataset = Dataset(train, validation, [], Report("fit", len(rows), counts, split_origin="drawn"), [])
        with tempfile.TemporaryDirectory() as folder:
            model = self._trained(dataset, Path(folder) / "run" if self.out is None else Path(self.out))
        self.model_ = Model(model.run, model.task, model.module)
        return self

    def _new_task(self) -> Any:
        """A task that reads the inputs. Raises UsageError where it does not answer with one class."""
        kind = catalog.find(self.task)
        task = kind(kind.Recipe.make(self.size, divided(kind, self.settings or {})[0]))
        if not isinstance(task.target, Category):
            what = f"{self.task} does not answer with one class"
            raise UsageError(what, fix=f"Name one that does: {', '.join(EXAMPLES)}")
        return task

    def _trained(self, dataset: Dataset, out: Path) -> Model:
        budget: dict[str, Any] = {"steps": self.steps, "epochs": self.epochs, "time": self.time}
        words: dict[str, Any] = {
            "size": self.size,
            "seed": self.seed,
            "precision": self.precision,
            "card": None,
            "out": out,
        }
        return api.train(self.task, dataset, **budget, **words, **(self.settings or {}))

    def _held_out(self, numbers: NDArray[np.int64]) -> NDArray[np.bool_]:
        """[N]: the rows that are not trained on: of each class a share, and never all of it."""
        if not 0 <= self.validation < 1:
            raise UsageError(f"validation={self.validation!r} is no share of the rows", fix="Give 0 to below 1")
        found = np.zeros(len(numbers), bool)
        for number in range(len(self.classes_)):
            places = stream("held out", self.seed, number).permutation(np.flatnonzero(numbers == number))
            if len(places) >= LEAST:
                found[places[: min(len(places) - 1, round(self.validation * len(places)))]] = True
        return found

    def predict_proba(self, X: Sequence[Any]) -> NDArray[np.float64]:
        """[N, K]: the probability of each class, in the order of `classes_`."""
        if not self.__sklearn_is_fitted__():
            raise _not_fitted(self)
        if not len(X):
            raise UsageError("there is nothing to answer about", fix="Give at least one input")
        results = self.model_(_cells(X, self.model_.task.input))
        target: Any = self.model_.task.target
        known = [int(name) for name in target.classes]
        found = np.zeros((len(results), len(self.classes_)))
        found[:, known] = np.stack([np.asarray(result.prediction.scores) for result in results])
        return found / found.sum(axis=1, keepdims=True)

    def predict(self, X: Sequence[Any]) -> NDArray[Any]:
        """[N]: the likeliest class of each input."""
        chances = self.predict_proba(X)
        return self.classes_[chances.argmax(axis=1)]

    def score(self, X: Sequence[Any], y: Sequence[Any], sample_weight: Sequence[float] | None = None) -> float:
        """The share of inputs whose likeliest class is right, each counted with its weight."""
        return float(np.average(self.predict(X) == _column(y), weights=sample_weight))

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

    def __sklearn_tags__(self) -> Any:
        from sklearn.utils import ClassifierTags, InputTags, Tags, TargetTags

        inputs = InputTags(one_d_array=True, two_d_array=False, three_d_array=True, string=True)
        return Tags("classifier", TargetTags(required=True), classifier_tags=ClassifierTags(), input_tags=inputs)

    def __repr__(self) -> str:
        defaults = inspect.signature(type(self).__init__).parameters
        said = [f"{k}={v!r}" for k, v in self.get_params().items() if v != defaults[k].default]
        return f"Classifier({', '.join(said)})"


def _cells(X: Sequence[Any], modality: Modality) -> list[Any]:
    """The inputs one by one; texts as texts, also where a file is called so."""
    return [Typed(value) if isinstance(value, str) and modality.written else value for value in X]


def _column(y: Sequence[Any]) -> NDArray[Any]:
    """Labels [N]. Raises UsageError for a table of them."""
    found = np.asarray(y)
    if found.ndim == 2 and found.shape[1] == 1:
        return found[:, 0]
    if found.ndim != 1:
        raise UsageError(f"labels of shape {list(found.shape)} are no list of labels", fix="Give one for each input")
    return found


def _not_fitted(estimator: Classifier) -> Exception:
    """The error of an estimator that has learnt nothing: scikit-learn's own where it is installed."""
    said = f"This {type(estimator).__name__} instance is not fitted yet. Call fit first."
    try:
        from sklearn.exceptions import NotFittedError
    except ImportError:
        return UsageError(said)
    return NotFittedError(said)
