"""A classifier as scikit-learn knows them: fit, predict, predict_proba, score.

    from sklearn.model_selection import cross_val_score
    cross_val_score(sd.Classifier("sentiment", steps=300), texts, labels)

Legend of shapes: N rows, K classes, H rows and W columns of a picture, C channels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from sounding.contract.modality import Modality, Typed
from sounding.contract.records import Example
from sounding.data import Dataset, Report
from sounding.errors import UsageError
from sounding.estimator.base import Estimator
from sounding.modalities.category import Category
from sounding.randomness import stream

EXAMPLES = ("sentiment", "classify")
LEAST = 2
"""Rows of a class of which one may be set aside."""


class Classifier(Estimator):
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
        self._train(dataset)
        return self

    def _new_task(self) -> Any:
        """A task that reads the inputs. Raises UsageError where it does not answer with one class."""
        task = super()._new_task()
        if not isinstance(task.target, Category):
            what = f"{self.task} does not answer with one class"
            raise UsageError(what, fix=f"Name one that does: {', '.join(EXAMPLES)}")
        return task

    def _held_out(self, numbers: NDArray[np.int64]) -> NDArray[np.bool_]:
        """[N]: the rows that are not trained on: of each class a share, and never all of it."""
        self._require_share()
        found = np.zeros(len(numbers), bool)
        for number in range(len(self.classes_)):
            places = stream("held out", self.seed, number).permutation(np.flatnonzero(numbers == number))
            if len(places) >= LEAST:
                found[places[: min(len(places) - 1, round(self.validation * len(places)))]] = True
        return found

    def predict_proba(self, X: Sequence[Any]) -> NDArray[np.float64]:
        """[N, K]: the probability of each class, in the order of `classes_`."""
        self._require_fitted()
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

    def __sklearn_tags__(self) -> Any:
        from sklearn.utils import ClassifierTags, InputTags, Tags, TargetTags

        inputs = InputTags(one_d_array=True, two_d_array=False, three_d_array=True, string=True)
        return Tags("classifier", TargetTags(required=True), classifier_tags=ClassifierTags(), input_tags=inputs)


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
