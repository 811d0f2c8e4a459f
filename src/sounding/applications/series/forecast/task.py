"""Forecasting: how series of numbers go on.

A table with a column of times and columns of numbers (or several such series, told apart by a column of names) is
divided in time: the first part is learnt from, the next chooses the best weights and sets the widths of the intervals,
the last is read once, at the end. A forecast is a median with intervals for each step of the horizon and each column.

Legend of shapes: B batch, T steps given, H horizon, C columns, Q 1 + 2 L outputs, L intervals.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from sounding.applications.series.forecast.baselines import HELD, HoltWinters, Ridge, SeasonalNaive
from sounding.applications.series.forecast.figures import figures
from sounding.applications.series.forecast.intervals import absolute_error, log_density, margins, newest, pinball
from sounding.applications.series.forecast.judging import errors_by_step, held_by_step, row_metrics, set_metrics
from sounding.applications.series.forecast.network import Forecasting
from sounding.applications.series.forecast.windows import Shape, Windows
from sounding.architectures.forecasters import MODELS, ForecasterConfig
from sounding.contract.evidence import Figure
from sounding.contract.metrics import Metric
from sounding.contract.recipe import Recipe
from sounding.contract.records import Example, Prediction, Record
from sounding.contract.task import Learning, Task, chunks
from sounding.contract.tree import arrays
from sounding.data import picked
from sounding.errors import DataError, UsageError, did_you_mean
from sounding.modalities.series.forecasts import Forecasts
from sounding.modalities.series.frequency import HOUR, SECONDS, Frequency
from sounding.modalities.series.series import Series
from sounding.modalities.series.values import LEVELS, Forecast, Stretch
from sounding.postprocessing.series import MedianAndIntervals

AUTO = "auto"
CANDIDATES = ("linear", "gru")
"""The networks that learn side by side where no model is named; the better one on validation rows answers. The last is
the one whose weights of the best validation are kept, and whose layers tell unknown inputs apart.
"""
FITTED, SMOOTHED = 8_000, 300
"""Training windows, at most, that ridge regression is fitted to, and that choose the numbers of the smoothing."""
FEW_STEPS = 12
"""Steps of the horizon that the card's tables show."""


@dataclass(frozen=True)
class ForecastRecipe(Recipe):
    """The numbers of a training of a forecaster: those of the best of six models on ETTh1, chosen on validation."""

    sizes: ClassVar = {
        "tiny": {"width": 32, "dropout": 0.1, "lr": 5e-3, "least_steps": 100},
        "small": {},
        "base": {"width": 256, "layers": 2},
    }
    shaping: ClassVar = ("horizon", "context", "model", "width", "layers", "heads", "patch", "norm", "known")

    epochs: float = 6.0
    least_steps: int = 400
    batch: int = 32
    optimizer: str = "adamw"
    lr: float = 1e-3
    warmup: float = 0.16
    average: float = 0.99
    validations: int = 6
    horizon: int = 0  # steps that are foretold; 0: what is usual of the frequency
    context: int = 0  # steps that are read; 0: some seven horizons, as far as there are
    model: str = AUTO  # gru, linear, cnn, transformer; auto: gru and linear, and the better on validation answers
    width: int = 128
    layers: int = 1
    heads: int = 4  # of a transformer
    patch: int = 48  # steps that become one position
    known: str = ""  # columns, by commas, whose numbers are known ahead: holidays, prices
    norm: str = "last"  # last: the last value is taken off a window; window: its mean and deviation; none
    dropout: float = 0.3


class ForecastSeries(Task):
    """Forecasting: how series of numbers go on, with intervals."""

    Recipe = ForecastRecipe
    learns = Learning.DOCUMENTS
    pipeline = "time-series-forecasting"
    caution = (
        "A forecast continues what was: it knows nothing of what never happened before. Intervals hold their share as "
        "long as errors stay what they were in the validation part."
    )
    recipe: ForecastRecipe
    input: Series
    target: Forecasts

    def modalities(self) -> tuple[Series, Forecasts]:
        """A history, and how it goes on in the same columns."""
        r = self.recipe
        if r.model not in (AUTO, *MODELS):
            raise UsageError(f"model={r.model} is not known", fix=did_you_mean(r.model, (AUTO, *MODELS)))
        for name in ("horizon", "context"):
            if getattr(r, name) < 0:
                raise UsageError(f"{name}={getattr(r, name)} is out of range", fix="Give 1 or more")
        series = Series(r.horizon, r.context, [name.strip() for name in r.known.split(",") if name.strip()])
        return series, Forecasts(series)

    @property
    def metrics(self) -> Sequence[Metric]:
        """The errors of forecasts, in standard deviations."""
        return row_metrics(self.input)

    @property
    def set_metrics(self) -> Sequence[Metric]:
        """Coverage and width of the intervals."""
        return set_metrics(self.input)

    def evaluate_set(self, model: nn.Module, examples: Sequence[Example]) -> list[Record]:
        """The records of rows, judged by their intervals."""
        return self.evaluate_rows(model, examples)

    def likelihood(self, rows: Sequence[Any]) -> tuple[float, str]:
        """Where a table has times in order, it is most likely meant for this."""
        return 0.6, "a column of times, and numbers"

    # ---- rows

    def windows(self, documents: Sequence[Any]) -> Sequence[Example]:
        """What is given and what comes next, from every step on. Raises DataError where a part is too short for one."""
        shape = Shape(self.input.context, self.input.horizon)
        stretches = list(documents)
        found = Windows.of(stretches, shape)
        if not len(found) and stretches:
            longest = max(len(each) - each.begins for each in stretches)
            part = "the part to validate or to test on" if any(each.begins for each in stretches) else "the history"
            what = f"the horizon of {shape.horizon:,} steps (and a context of {shape.context:,}) is longer than {part}"
            fix = f"It has {longest:,} steps: give a shorter horizon (horizon=N), or a longer history"
            raise DataError(what, fix=fix)
        return found

    def nested(self, train: Sequence[Example]) -> np.ndarray:
        """The newest windows first: who has less data has a shorter history."""
        return np.argsort([-example.target.start for example in train], kind="stable")

    def build(self) -> nn.Module:
        """The network that the recipe names, or the candidates side by side."""
        return Forecasting([self._config(name) for name in self._names], len(self.input.names))

    @property
    def _names(self) -> tuple[str, ...]:
        return CANDIDATES if self.recipe.model == AUTO else (self.recipe.model,)

    def _config(self, name: str) -> ForecasterConfig:
        r, series = self.recipe, self.input
        return ForecasterConfig(
            series.context,
            series.horizon,
            len(LEVELS),
            model=name,
            width=r.width,
            layers=r.layers,
            heads=r.heads,
            patch=r.patch,
            season=series.frequency.season,
            norm=r.norm,
            dropout=r.dropout,
            columns=len(series.names),
            known=len(series.known),
        )

    # ---- learning

    def loss(self, model: nn.Module, x: Tensor, y: Tensor) -> Tensor:
        """Mean absolute error of the medians [B], in standard deviations: nats of a Laplace density, less a constant.

        In training that of every network, and the pinball loss of its intervals.
        """
        assert isinstance(model, Forecasting)
        if not model.training:
            return absolute_error(model(x).float(), y)
        each = [found.float() for found in model.each(x)]
        return torch.stack([absolute_error(found, y) + pinball(found, y) for found in each]).sum(dim=0)

    def log_likelihood(self, model: nn.Module, x: Tensor, y: Tensor) -> Tensor:
        """How dense the forecast is at encoded answers, median and width together: mean nats of a value [B]."""
        return log_density(model(x).float(), y)

    @torch.inference_mode()
    def calibrate(self, model: nn.Module, validation: Sequence[Example], train: Sequence[Example]) -> bool:
        """The network with the least squared error on the validation rows answers; the newer ones set the widths."""
        assert isinstance(model, Forecasting)
        if not len(validation):
            return False
        found: list[list[np.ndarray]] = [[] for _ in model.networks]
        truths = []
        for batch in chunks(validation, 4 * self.recipe.batch):
            x = self.encoded(model, [example.input for example in batch])
            truths.append(self.target.encode([example.target for example in batch]).numpy())
            for outputs, each in zip(found, model.each(x), strict=True):
                outputs.append(each.float().cpu().numpy())
        y = np.concatenate(truths)
        outputs = [np.concatenate(each) for each in found]
        errors = [float(np.nanmean((each[:, 0] - y) ** 2)) for each in outputs]
        model.chosen.fill_(int(np.argmin(errors)))
        new = newest(np.array([example.target.start for example in validation]))
        margin = np.stack([margins(each[new], y[new]) for each in outputs])
        model.margin.copy_(torch.from_numpy(margin))
        return True

    # ---- answering

    @torch.inference_mode()
    def predict(self, model: nn.Module, inputs: Sequence[Any]) -> list[Prediction]:
        """The median and the intervals of the steps after each history."""
        if not len(inputs):
            return []
        x = self.encoded(model, inputs)
        return self.postprocessing(model).answers(arrays(model(x)), arrays(x), inputs, self.target)

    def postprocessing(self, model: nn.Module) -> MedianAndIntervals:
        """Back to the units of the columns."""
        return MedianAndIntervals()

    def note(self, input: Stretch) -> str:
        """That a history is shorter than what the model reads."""
        if len(input) >= self.input.context:
            return ""
        return f"the history has {len(input):,} times, and the model reads {self.input.context:,}: it is worse for it"

    # ---- beside the network

    def baselines(self, train: Sequence[Example], examples: Sequence[Example]) -> Mapping[str, Sequence[Record]]:
        """The season before again, ridge regression, exponential smoothing."""
        season, horizon = self.input.frequency.season, self.input.horizon
        simple: dict[str, Any] = {"the last season again": SeasonalNaive(season, horizon)}
        if season == 1:
            simple = {"the last value again": SeasonalNaive(1, horizon)}
        if len(train) >= 2 * HELD:
            some = picked(train, np.linspace(0, len(train) - 1, min(FITTED, len(train))).round().astype(int))
            held = max(1, len(some) // HELD)
            fit, last = picked(some, np.arange(len(some) - held)), picked(some, np.arange(len(some) - held, len(some)))
            simple["a ridge regression"] = Ridge(self._arrays(fit), self._arrays(last))
            few = picked(train, np.linspace(0, len(train) - 1, min(SMOOTHED, len(train))).round().astype(int))
            x, y = (np.concatenate(parts) for parts in zip(*self._arrays(few), strict=True))
            simple["exponential smoothing (Holt-Winters)"] = HoltWinters.fitted(x, y, season)
        return {name: list(self._simply(each, examples)) for name, each in simple.items()}

    def _arrays(self, examples: Sequence[Example]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """What is given [n, T, C] and what comes [n, H, C], in standard deviations, some windows at a time."""
        for batch in chunks(examples, 256):
            yield (
                self._given(batch),
                self.target.encode([example.target for example in batch]).numpy().astype(np.float64),
            )

    def _given(self, examples: Sequence[Example]) -> np.ndarray:
        """What simple forecasts are given [n, T, C], in standard deviations: nothing that is known ahead."""
        x = self.input.encode([example.input for example in examples]).numpy().astype(np.float64)
        return x[:, : self.input.context, : len(self.input.names)]

    def _simply(self, simple: Any, examples: Sequence[Example]) -> Iterator[Record]:
        """The records of a simple forecast, which knows no intervals."""
        for batch in chunks(examples, 256):
            found = simple.forecast(self._given(batch))
            for example, values in zip(batch, found, strict=True):
                mean, deviation = self.input.statistics(example.target.name)
                t = example.target
                value = Stretch(values * deviation + mean, t.columns, t.start, t.frequency, t.name)
                loss = float(np.nanmean(np.abs(values - self.input.standardised(t))))
                yield Record(value, t, None, loss, example.group)

    def figures(self, records: Sequence[Record]) -> Sequence[Figure]:
        """Forecasts beside what came; coverage and error by step."""
        return tuple(figures(self.input, records))

    def details(self, records: Sequence[Record]) -> Mapping[str, Any]:
        """Errors of each column in its own units, and coverage by step of the horizon."""
        told = [record for record in records if isinstance(record.value, Forecast)]
        if not told:
            return {}
        off = np.concatenate([record.value.values - record.truth.values for record in told])
        with np.errstate(invalid="ignore"):
            squares, sizes = np.nanmean(off**2, axis=0), np.nanmean(np.abs(off), axis=0)
        columns = [
            {"column": name, "root mean squared error": float(square) ** 0.5, "mean absolute error": float(size)}
            for name, square, size in zip(self.input.names, squares, sizes, strict=True)
        ]
        held, errors = held_by_step(told), errors_by_step(self.input, told)
        steps = np.unique(np.linspace(0, len(errors) - 1, FEW_STEPS).round().astype(int)).tolist()
        ahead = [
            {"steps ahead": step + 1, "MSE": _known(errors[step])}
            | {f"within {100 * level:.0f} %": _known(held[k, step]) for k, level in enumerate(LEVELS)}
            for step in steps
        ]
        return {"errors_in_units": columns, "by_steps_ahead": ahead}

    def demo(self, rng: np.random.Generator, n: int) -> list[Example]:
        """An hourly series of two columns that swing with the day, some noise on them; `n` times."""
        times = np.arange(n)
        day = 2 * np.pi * times / 24
        first = np.sin(day) + 0.3 * np.sin(2 * day) + 0.05 * rng.standard_normal(n)
        second = 2 + 0.5 * np.cos(day) + 0.05 * rng.standard_normal(n)
        frequency = Frequency(SECONDS, HOUR)
        span = 0, HOUR * (n - 1)
        return [Example(Stretch(np.stack([first, second], axis=1), ("load", "price"), 0, frequency, span=span))]


def _known(value: float) -> float | None:
    return None if math.isnan(value) else round(float(value), 4)
