"""A forecaster in the hands of scikit-learn: fit on series, predict the steps that come next, score on what came.

    from sklearn.model_selection import TimeSeriesSplit, cross_val_score
    cross_val_score(sd.Forecaster(horizon=14, steps=400), values, cv=TimeSeriesSplit(5, test_size=28))

Rows are times, in their order: what divides them has to keep that order, as `TimeSeriesSplit` does.

Legend of shapes: T times, C columns, S series, H steps foretold, Q quantiles.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from sounding.contract.inputs import TableCells
from sounding.contract.records import Example
from sounding.contract.task import chunks
from sounding.data import Dataset, Report
from sounding.errors import DataError, UsageError
from sounding.estimator.base import Estimator
from sounding.modalities.series.series import Series
from sounding.modalities.series.values import LEVELS, Forecast, Stretch

QUANTILES = (*((1 - level) / 2 for level in reversed(LEVELS)), 0.5, *((1 + level) / 2 for level in LEVELS))
"""The quantiles that a forecast has: the ends of its intervals, and the median."""
AT_ONCE = 256
"""Windows that are answered together."""


class Forecaster(Estimator):
    """Foretells how series of numbers go on, by the application `forecast`.

    `horizon` is how many steps are foretold at most and `model` the network, as in the recipe of `forecast`; other
    fields of it are `settings`. `size`, a budget (`steps`, `epochs` or `time`; where none is named that of the recipe),
    `seed` and `precision` are as of `sounding.train`. The newest share `validation` of the times chooses the weights
    and sets the widths of the intervals; it is not trained on. With 0 the last weights are kept, and intervals are as
    they were learnt.

    After `fit` there are `horizon_`, `columns_` [C], `series_` [S], `quantiles_` [Q] and `model_`, a `sounding.Model`.
    Its run folder is not kept, unless `out` names one.
    """

    task = "forecast"

    def __init__(
        self,
        horizon: int = 0,
        *,
        model: str = "auto",
        size: str = "small",
        steps: int | None = None,
        epochs: float | None = None,
        time: str | float | None = None,
        seed: int = 0,
        validation: float = 0.2,
        settings: Mapping[str, Any] | None = None,
        precision: str | None = None,
        out: str | Path | None = None,
    ) -> None:
        self.horizon = horizon
        self.model = model
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

    def fit(self, X: Any, y: None = None) -> Self:
        """Learn from a series [T] or [T, C], or from a table of a column of times and columns of numbers.

        A table is a mapping of columns by their names, a frame of pandas or a table of pyarrow; a column of names may
        tell several series apart, as in a file. Raises UsageError for answers beside it, since they are in it;
        DataError for what is no series, and for one that is too short.
        """
        if y is not None:
            raise UsageError("a forecaster learns from the series alone, and answers were given", fix="Leave y out")
        self._require_share()
        task = self._new_task()
        whole, self._flat = self._read(task.input, X), _is_array(X) and np.ndim(X) == 1
        shares = (1 - self.validation, self.validation) if self.validation else (1.0,)
        parts = [task.input.divide(series, shares) for series in whole]
        documents = [Example(part[0], None) for part in parts]
        task.fit(documents)
        train = task.windows([part[0] for part in parts])
        validation = task.windows([part[1] for part in parts]) if self.validation else []
        if not len(train):
            raise DataError("there is no number to learn from", fix="Give a series of numbers")
        counts = {"train": len(train), "validation": len(validation), "test": 0}
        report = Report("fit", len(train) + len(validation), counts, split_origin="the newest times")
        self._train(Dataset(train, validation, [], report, [], documents=documents))
        fitted = self._modality
        self.horizon_, self.columns_, self.quantiles_ = fitted.horizon, list(fitted.names), list(QUANTILES)
        self.series_, self._history = [series.name for series in whole], {series.name: series for series in whole}
        return self

    def predict(self, X: Any = None, *, horizon: int | None = None) -> NDArray[np.float64]:
        """The medians of the steps after X, or after what was fitted where nothing is given: [H, C].

        `horizon` asks for fewer steps than were learnt. Of a series [T] it is [H], of a table of several [S, H, C]: in
        the order of `series_`, or that of X. Raises DataError for another number of columns, or too few known ahead.
        """
        median = QUANTILES.index(0.5)
        found: NDArray[np.float64] = self.predict_quantiles(X, horizon=horizon)[median]
        return found

    def predict_quantiles(self, X: Any = None, *, horizon: int | None = None) -> NDArray[np.float64]:
        """The quantiles `quantiles_` of the same: [Q, H, C], [Q, H] or [Q, S, H, C]."""
        self._require_fitted()
        asked = self.horizon_ if horizon is None else horizon
        if not 1 <= asked <= self.horizon_:
            what = f"horizon={asked!r} is asked for, and {self.horizon_:,} steps were learnt"
            raise UsageError(what, fix=f"Give 1 to {self.horizon_:,}, or fit with a longer horizon")
        series = self._read(self._modality, X) if X is not None else list(self._history.values())
        found = np.stack([_quantiles(each)[:, :asked] for each in self._forecasts(series)], axis=1)
        if self._flat:
            return found[:, 0, :, 0]
        return found if len(self.series_) > 1 else found[:, 0]

    def score(self, X: Any, y: None = None) -> float:
        """How much of the variance of X is foretold: 1 - squared errors / squared distances from the mean (R²).

        X are times that follow those of the fit: a forecast begins at each of them from which on there are enough, and
        is given all that was before. Of a table that does not go on where the fit ended, the beginning is only read.
        Squares are summed over forecasts and steps; what comes out is the mean over columns that change.
        """
        self._require_fitted()
        task, new = self.model_.task, self._read(self._modality, X)
        windows = task.windows([self._after_history(series, _is_array(X)) for series in new])
        if not len(windows):
            raise DataError("there is nothing to score on", fix=f"Give {self.horizon_:,} times or more")
        errors, truths = [], []
        for batch in chunks(windows, AT_ONCE):
            for example, forecast in zip(batch, self._forecasts([e.input for e in batch]), strict=True):
                errors.append((forecast.values - example.target.values) ** 2)
                truths.append(example.target.values)
        squares, came = np.nansum(np.concatenate(errors), axis=0), np.concatenate(truths)
        spread = np.nansum((came - np.nanmean(came, axis=0)) ** 2, axis=0)
        if not (spread > 0).any():
            raise DataError("nothing changes in what is to be scored on", fix="Give times in which it does")
        changes = spread > 0
        return float(np.mean(1 - squares[changes] / spread[changes]))

    # ---- inside

    def _chosen(self) -> dict[str, Any]:
        return {**super()._chosen(), "horizon": self.horizon, "model": self.model}

    def _read(self, modality: Series, X: Any) -> list[Stretch]:
        """The series in an array or a table."""
        if _is_array(X):
            return [modality.read(_numbers(X))]
        columns = _columns(X)
        rows = max((len(cells) for cells in columns.values()), default=0)
        if any(len(cells) != rows for cells in columns.values()):
            raise DataError("the columns of the table are of different lengths", fix="Give each column all its rows")
        places = [f"row {number + 1}" for number in range(rows)]
        return [value for _, value in modality.assemble(TableCells("the table", columns, places, {})).values]

    def _forecasts(self, series: Sequence[Stretch]) -> list[Forecast]:
        return [answer.prediction.value for answer in self.model_([self._modality.query(each) for each in series])]

    @property
    def _modality(self) -> Series:
        """What was fitted to the series."""
        fitted = self.model_.task.input
        assert isinstance(fitted, Series)
        return fitted

    def _after_history(self, new: Stretch, counted: bool) -> Stretch:
        """New times as they go on from those of the fit, where they do."""
        old = self._history.get(new.name)
        if old is None or not (counted or new.start == old.frequency.times(old.start, 1, len(old))[0]):
            return new
        known = np.concatenate([old.known[: len(old)], new.known]) if new.known_columns else old.known
        return replace(old, values=np.concatenate([old.values, new.values]), known=known, begins=len(old))

    def __sklearn_tags__(self) -> Any:
        from sklearn.utils import InputTags, Tags, TargetTags

        inputs = InputTags(one_d_array=True, two_d_array=False, allow_nan=True)
        return Tags(None, TargetTags(required=False), input_tags=inputs)


def _quantiles(forecast: Forecast) -> NDArray[np.float64]:
    """[Q, H, C]."""
    return np.concatenate([forecast.low[::-1], forecast.values[None], forecast.high])


def _is_array(X: Any) -> bool:
    return isinstance(X, np.ndarray | list | tuple)


def _numbers(X: Any) -> NDArray[np.float64]:
    """An array of numbers. Raises DataError for anything else in it."""
    try:
        return np.asarray(X, np.float64)
    except (TypeError, ValueError):
        fix = "Give an array [times, columns], or a table with a column of times: {'date': …, 'sales': …}"
        raise DataError("not all in the array are numbers", fix=fix) from None


def _columns(table: Any) -> Mapping[str, Sequence[Any]]:
    """The columns of a table by name: of a mapping, a frame of pandas, a table of pyarrow."""
    if isinstance(table, Mapping):
        return {str(name): list(cells) for name, cells in table.items()}
    if hasattr(table, "to_pydict"):
        return _columns(table.to_pydict())
    if hasattr(table, "columns") and hasattr(table, "to_dict"):
        return _columns(table.to_dict(orient="list"))
    fix = "Give an array [times, columns], a mapping of columns, a frame of pandas or a table of pyarrow"
    raise DataError(f"a {type(table).__name__} is no series", fix=fix)
