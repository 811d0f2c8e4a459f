"""Forecasting: windows without leakage, intervals, simple forecasts against formulas of their own, runs from files."""

from __future__ import annotations

import csv
import json
import math
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch

import sounding as sd
from sounding.applications.series.forecast.baselines import HoltWinters, Ridge, SeasonalNaive
from sounding.applications.series.forecast.intervals import QUANTILES, log_density, margins, newest, pinball
from sounding.applications.series.forecast.task import ForecastSeries
from sounding.applications.series.forecast.windows import Shape, Windows
from sounding.challenges.prediction_sets import PredictionSets
from sounding.contract.records import Record
from sounding.data import open_data
from sounding.data.audit import check, describe
from sounding.errors import DataError, UsageError
from sounding.evaluation.challenge import NotMeasured
from sounding.evaluation.context import EvaluationContext
from sounding.machine.setting import Setting
from sounding.modalities.series.values import LEVELS, Forecast, Stretch
from sounding.randomness import stream
from sounding.training.loop import Budget, fit


def sales(path: Path, days: int = 400, columns: int = 2, missing: int = 0) -> Path:
    """Daily rows that swing with the week."""
    rng = stream("sales", days)
    with open(path, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["date", *(f"shop{k}" for k in range(columns))])
        for i in range(days):
            week = 10 + 3 * math.sin(2 * math.pi * i / 7)
            cells = [f"{week * (1 + k) + 0.3 * rng.standard_normal():.3f}" for k in range(columns)]
            cells[0] = "" if missing and i % missing == 5 else cells[0]
            writer.writerow([(datetime(2021, 1, 1) + timedelta(days=i)).date(), *cells])
    return path


def task(**settings) -> ForecastSeries:
    return ForecastSeries(ForecastSeries.Recipe.make("tiny", settings))


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("forecast")
    path = sales(folder / "sales.csv")
    words = {"horizon": 7, "context": 28, "least_steps": 1, "validations": 2, "width": 16}
    return sd.train("forecast", path, size="tiny", steps=60, out=folder / "run", card=None, **words), path


# ---- divided in time


def test_no_window_of_one_part_asks_for_a_step_of_another(tmp_path):
    one = task(horizon=7, context=28)
    data = open_data(one, sales(tmp_path / "a.csv"))
    asked = []
    for windows in (data.train, data.validation, data.test):
        starts = [window.target.start for window in windows]
        assert starts == sorted(starts)
        asked.append((starts[0], int(windows[len(windows) - 1].target.times[-1])))
        for window in (windows[0], windows[len(windows) - 1]):
            assert len(window.input) == 28
            assert int(window.input.times[-1]) + 86_400 == window.target.start
    assert all(last < first for (_, last), (first, _) in pairwise(asked))
    day = int(np.datetime64("2021-01-01", "s").astype(np.int64))
    assert [(first - day) // 86_400 for first, _ in asked] == [28, 240, 320]
    assert len(data.test) == 80 - 7 + 1  # every step is the first of a forecast


def test_nothing_of_later_parts_is_fitted_to(tmp_path):
    path = sales(tmp_path / "a.csv")
    lines = path.read_text().splitlines()
    later = [line if i < 241 else f"{line.split(',')[0]},9999,9999" for i, line in enumerate(lines)]
    (tmp_path / "b.csv").write_text("\n".join(later))
    first, second = task(), task()
    open_data(first, path)
    open_data(second, tmp_path / "b.csv")
    assert first.input.state() == second.input.state()


def test_less_data_are_a_shorter_history(tmp_path):
    one = task(horizon=7, context=28)
    train = open_data(one, sales(tmp_path / "a.csv")).train
    starts = [train[int(i)].target.start for i in one.nested(train)]
    assert starts == sorted((window.target.start for window in train), reverse=True)


def test_given_split_files_are_kept(tmp_path):
    for name, days in (("train", 200), ("validation", 60), ("test", 70)):
        sales(tmp_path / f"{name}.csv", days)
    data = open_data(task(horizon=7, context=21), tmp_path)
    assert [len(part) for part in (data.train, data.validation, data.test)] == [173, 33, 43]


def test_windows_whose_truth_is_all_missing_are_left_out():
    values = np.arange(40.0)[:, None]
    values[20:30] = np.nan
    found = Windows.of([Stretch(values, ("a",))], Shape(context=5, horizon=4))
    assert len(found) == (40 - 4 - 5 + 1) - 7
    assert all(not np.isnan(window.target.values).all() for window in found)


def test_what_is_too_short_is_refused_by_numbers(tmp_path):
    with pytest.raises(DataError, match="only 7 times are left to learn from"):
        open_data(task(), sales(tmp_path / "a.csv", 12))
    with pytest.raises(DataError, match="horizon of 500 steps need more than the 240 times"):
        open_data(task(horizon=500), sales(tmp_path / "b.csv"))
    with pytest.raises(DataError, match=r"horizon of 100 steps .* is longer than the part to validate"):
        open_data(task(horizon=100, context=20), tmp_path / "b.csv")
    with pytest.raises(UsageError, match="model=gruu"):
        task(model="gruu")


def test_check_tells_what_was_decided(tmp_path):
    said = describe(check(task(), sales(tmp_path / "a.csv", missing=50)))
    assert "1 day apart" in said
    assert "horizon=28 context=80" in said
    assert "8 cells are missing (shop0 8)" in said
    assert "stretches of each document: 60 % train, 20 % validation, 20 % test" in said
    assert "\nusable" in said


# ---- intervals


def test_margins_are_those_of_split_conformal_prediction():
    rng = stream("conformal")
    y = rng.standard_normal((199, 2, 1))
    found = np.zeros((199, 1 + 2 * len(LEVELS), 2, 1))
    widened = margins(found, y)
    for k, level in enumerate(LEVELS):
        for step in range(2):
            ordered = sorted(abs(y[:, step, 0]))
            assert widened[k, step, 0] == pytest.approx(ordered[math.ceil(200 * level) - 1])
    fresh = rng.standard_normal(20_000)
    assert np.mean(np.abs(fresh) <= widened[-1, 0, 0]) == pytest.approx(LEVELS[-1], abs=0.06)


def test_the_newer_half_of_the_validation_rows_sets_the_widths(tmp_path):
    one = task(horizon=3, context=6, model="linear", width=8)
    rng = stream("newer half")
    values = rng.standard_normal((600, 1))
    values[360:420] *= 30  # half of the validation part is far noisier than what comes after it
    data = open_data(one, [Stretch(values, ("a",))])
    model = one.build().eval()
    assert one.calibrate(model, data.validation, data.train)
    with torch.inference_mode():
        x, y = (encode([getattr(w, side) for w in data.validation[59:]])
                for encode, side in ((one.input.encode, "input"), (one.target.encode, "target")))  # fmt: skip
        expected = margins(model.networks[0](x).numpy(), y.numpy())
    np.testing.assert_allclose(model.margin[0].numpy(), expected, rtol=1e-5, atol=1e-6)
    assert newest(np.arange(40)).all()  # too few for a half of them


def test_the_pinball_loss_is_least_at_the_quantiles():
    y = torch.from_numpy(stream("pinball").standard_normal((4000, 1, 1))).float()
    normal = torch.distributions.Normal(0.0, 1.0)
    best = normal.icdf(torch.tensor([0.5, *QUANTILES])).view(1, -1, 1, 1).expand(4000, -1, -1, -1)
    for shift in (-0.3, 0.3):
        assert pinball(best, y).mean() < pinball(best + shift, y).mean()


def test_the_density_of_an_answer_is_that_of_a_cauchy_distribution():
    found = torch.zeros(1, 1 + 2 * len(LEVELS), 1, 1)
    found[0, 1], found[0, 1 + len(LEVELS)] = -0.7, 0.7
    y = torch.tensor([[[1.3]]])
    expected = torch.distributions.Cauchy(0.0, 0.7).log_prob(torch.tensor(1.3))
    assert float(log_density(found, y)) == pytest.approx(float(expected), rel=1e-5)


def test_metrics_are_means_over_known_values_in_standard_deviations():
    one = task(horizon=3, context=4)
    history = Stretch(np.array([0.0, 10.0] * 10)[:, None], ("a",))
    one.input.fit([history])
    truth = Stretch(np.array([5.0, np.nan, 15.0])[:, None], ("a",))
    low, high = (np.full((len(LEVELS), 3, 1), end) for end in (0.0, 10.0))
    value = Forecast(np.array([10.0, 0.0, 10.0])[:, None], ("a",), low=low, high=high)
    record = Record(value, truth, None, 0.0)
    found = {metric.name: metric.value([record]) for metric in (*one.metrics, *one.set_metrics)}
    assert found["MSE"] == pytest.approx(1.0)  # both known values are 5 off, and the deviation is 5
    assert found["MAE"] == pytest.approx(1.0)
    assert found["coverage of 90 % intervals"] == pytest.approx(0.5)
    assert found["interval width"] == pytest.approx(2.0)


# ---- simple forecasts


def test_the_seasonal_naive_forecast_repeats_the_last_season():
    x = np.arange(10.0)[None, :, None]
    assert SeasonalNaive(3, 7).forecast(x)[0, :, 0].tolist() == [7, 8, 9, 7, 8, 9, 7]


def test_ridge_regression_is_that_of_the_normal_equations():
    rng = stream("ridge")
    x, y = rng.standard_normal((60, 5, 2)), rng.standard_normal((60, 3, 2))
    ridge = Ridge([(x, y)], [])
    given = np.concatenate([x[:, :, k] - x[:, -1:, k] for k in range(2)])
    wanted = np.concatenate([y[:, :, k] - x[:, -1:, k] for k in range(2)])
    given = np.concatenate([given, np.ones((120, 1))], axis=1)
    added = math.sqrt(ridge.penalty * np.trace(given.T @ given) / 6)  # as rows of the least squares
    rows, zeros = np.concatenate([given, added * np.eye(6)]), np.concatenate([wanted, np.zeros((6, 3))])
    weights, *_ = np.linalg.lstsq(rows, zeros, rcond=None)
    np.testing.assert_allclose(ridge.weights, weights, atol=1e-8)
    expected = np.append(x[0, :, 1] - x[0, -1, 1], 1) @ weights + x[0, -1, 1]
    np.testing.assert_allclose(ridge.forecast(x)[0, :, 1], expected, atol=1e-8)


def test_exponential_smoothing_is_a_weighted_mean_and_continues_seasons_and_trends():
    x = stream("smoothing").standard_normal((1, 30, 1))
    weights = 0.3 * 0.7 ** np.arange(29)[::-1]
    expected = 0.7**29 * x[0, 0, 0] + (weights * x[0, 1:, 0]).sum()
    simple = HoltWinters(0.3, 0.0, 0.0, season=1, horizon=2).forecast(x)
    np.testing.assert_allclose(simple[0, :, 0], expected)
    t = np.arange(200)
    season = np.array([3.0, -1.0, -2.0, 0.0])[t % 4]
    found = HoltWinters(0.5, 0.2, 0.3, season=4, horizon=6, damping=1.0).forecast((0.5 * t + season)[None, :194, None])
    np.testing.assert_allclose(found[0, :, 0], (0.5 * t + season)[194:], atol=0.05)


# ---- runs


def test_a_run_forecasts_what_comes_after_a_file(run, tmp_path):
    model, path = run
    (result,) = model(path)
    assert isinstance(result.value, Forecast)
    assert result.times[0] == "2022-02-05"  # the day after the last
    assert result.value.values.shape == (7, 2)
    assert (result.value.low <= result.value.values).all()
    assert (result.value.high >= result.value.values).all()
    assert result.to_dicts()[0].keys() == {"time", "shop0", "shop1"}
    result.plot(tmp_path / "a.svg")
    assert (tmp_path / "a.svg").read_text().startswith("<svg")
    assert len(model.explain(result).weights) == 16


def test_an_array_is_a_series_too(run):
    model, path = run
    values = np.loadtxt(path, delimiter=",", skiprows=1, usecols=(1, 2))
    (result,), (other,) = model(values), model(path)
    np.testing.assert_allclose(result.values, other.values, rtol=1e-5)
    with pytest.raises(DataError, match="3 columns"):
        model(np.zeros((50, 3)))


def test_evaluation_and_the_card_tell_coverage_and_simple_forecasts(run):
    model, path = run
    found = model.evaluate()
    assert {"MSE", "MAE", "quantile loss", "coverage of 90 % intervals"} <= set(found)
    again = sd.load(model.dir)
    assert again.evaluate(path).mse.value > 0
    records = model.task.baselines(model.dataset().train, model.dataset().test)
    assert {name.split(" ")[-1] for name in records} == {"again", "regression", "(Holt-Winters)"}
    naive = model.task.metrics[0].value(records["the last season again"])
    assert naive < 2  # a week is much like the one before


def test_abstention_is_not_measured_where_every_forecast_has_the_same_intervals(run):
    model, _ = run
    data = model.dataset()
    context = EvaluationContext(model.task, model.module, data.train, data.validation, data.test)
    with pytest.raises(NotMeasured, match=r"same confidences \(0.5, 0.8, 0.9\), so that none is surer"):
        PredictionSets().measure(context)


def test_the_better_network_on_validation_rows_answers(run):
    model, _ = run
    data, net = model.dataset(), model.module
    errors = []
    for network in net.networks:
        off = [network(model.task.input.encode([w.input]))[0, 0] - model.task.target.encode([w.target])[0]
               for w in data.validation]  # fmt: skip
        errors.append(float((torch.stack(off) ** 2).mean()))
    assert int(net.chosen) == int(np.argmin(errors))


def test_the_command_line_prints_times_and_intervals_and_writes_tables(run, tmp_path):
    from click.testing import CliRunner

    from sounding.cli import cli

    model, path = run
    said = CliRunner().invoke(cli, ["predict", str(model.dir), str(path)])
    assert said.exit_code == 0, said.output
    assert "2022-02-05" in said.output
    assert "shop1 [90 %]" in said.output
    lines = CliRunner().invoke(cli, ["predict", str(model.dir), str(path), "--json"]).output
    answer = json.loads(lines.splitlines()[-1])["answer"]
    assert len(answer["times"]) == len(answer["forecast"]["shop0"]) == 7
    out = tmp_path / "next.csv"
    CliRunner().invoke(cli, ["predict", str(model.dir), str(path), "--out", str(out)])
    rows = list(csv.DictReader(out.open()))
    assert len(rows) == 14
    assert {"time", "column", "forecast", "low 90%", "high 90%"} < rows[0].keys()
    missing = CliRunner().invoke(cli, ["predict", str(model.dir), "nowhere.csv"])
    assert "no such file" in missing.output


def test_a_split_column_is_refused_and_an_array_is_one_series(tmp_path):
    rows = [line + (",split" if not i else ",train") for i, line in enumerate(
        sales(tmp_path / "a.csv").read_text().splitlines())]  # fmt: skip
    (tmp_path / "b.csv").write_text("\n".join(rows))
    with pytest.raises(DataError, match="divided in order"):
        open_data(task(), tmp_path / "b.csv", sd.Columns(split="split"))
    values = np.cumsum(stream("array").standard_normal((300, 2)), axis=0)
    data = open_data(task(horizon=5, context=10), values)
    assert len(data.train) == 180 - 5 - 10 + 1
    np.testing.assert_array_equal(data.train[0].input.values, values[:10])


# ---- what is known ahead


def promoted(path: Path, days: int = 300, ahead: int = 0, gap: int | None = None) -> Path:
    """Daily sales that a promotion decides, which nothing of the past tells; the last rows are a future."""
    rng = stream("promotion")
    with open(path, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["date", "promo", "sales"])
        for i in range(days + ahead):
            promo = int(rng.random() < 0.3)
            sold = f"{20 + 10 * promo + 0.5 * rng.standard_normal():.3f}" if i < days else ""
            there = "" if gap == i - days else promo
            writer.writerow([(datetime(2021, 1, 1) + timedelta(days=i)).date(), there, sold])
    return path


SHORT = {"horizon": 7, "context": 28, "least_steps": 1, "validations": 2, "width": 16}


@pytest.fixture(scope="module")
def promotions(tmp_path_factory):
    folder = tmp_path_factory.mktemp("promotions")
    path = promoted(folder / "sales.csv")
    return sd.train("forecast", path, size="tiny", steps=60, out=folder / "run", card=None, known="promo", **SHORT)


@pytest.mark.parametrize("model", ["gru", "linear", "cnn", "transformer"])
def test_every_network_uses_what_is_known_ahead(tmp_path, model):
    path, errors = promoted(tmp_path / "sales.csv"), {}
    for known in ("", "promo"):
        one = task(model=model, known=known, **SHORT)
        data = open_data(one, path, sd.Columns(target="sales"))
        fitted = fit(one, data.train, data.validation, budget=Budget(steps=80), setting=Setting(threads=1))
        errors[known] = one.metrics[0].value(one.evaluate_rows(fitted.model.eval(), data.test))
    assert errors[""] > 0.8  # variances: a constant has 1
    assert errors["promo"] < 0.2 * errors[""]


def test_the_future_that_is_given_decides_the_forecast(promotions, tmp_path):
    (result,) = promotions(promoted(tmp_path / "next.csv", ahead=9))
    with open(tmp_path / "next.csv") as file:
        ahead = [float(row["promo"]) for row in csv.DictReader(file)][300:307]
    assert result.times[0] == "2021-10-28"
    assert result.values.shape == (7, 1)
    np.testing.assert_allclose(result.values[:, 0], 20 + 10 * np.array(ahead), atol=3)
    values = np.loadtxt(tmp_path / "next.csv", delimiter=",", skiprows=1, usecols=(2, 1),
                        converters={2: lambda cell: float(cell or "nan")})  # fmt: skip
    (array,) = promotions(values)
    np.testing.assert_allclose(array.values, result.values, rtol=1e-5)


def test_a_future_that_is_too_short_or_has_gaps_is_one_clear_error(promotions, tmp_path):
    with pytest.raises(DataError, match="7 steps needs promo for each of them, and 0 rows are there after 2021-10-27"):
        promotions(promoted(tmp_path / "a.csv"))
    with pytest.raises(DataError, match="3 rows are there after 2021-10-27") as told:
        promotions(promoted(tmp_path / "b.csv", ahead=3))
    assert "Add rows up to 2021-11-03 with promo, and leave sales empty there" in told.value.fix
    with pytest.raises(DataError, match="promo is missing for 2021-10-30"):
        promotions(promoted(tmp_path / "c.csv", ahead=7, gap=2))
    sales(tmp_path / "d.csv")
    with pytest.raises(DataError, match="no column 'promo'"):
        promotions(tmp_path / "d.csv")
    with pytest.raises(DataError, match=r"2 columns|known ahead"):
        promotions(np.zeros((50, 1)))


def test_what_is_named_as_known_has_to_be_there_and_is_not_forecast(tmp_path):
    path = promoted(tmp_path / "a.csv", ahead=5)
    data = open_data(task(known="promo", **SHORT), path)
    assert any("known ahead: promo, here for 5 steps after the end" in note for note in data.report.notes)
    assert data.test[0].target.columns == ("sales",)
    assert len(data.test) == 60 - 7 + 1  # rows of the future are no rows to test on
    with pytest.raises(DataError, match="no column 'promotion'"):
        open_data(task(known="promotion", **SHORT), path)
    with pytest.raises(DataError, match="promo is to be known ahead, and forecast as well"):
        open_data(task(known="promo", **SHORT), path, sd.Columns(target="sales,promo"))


def test_what_is_known_ahead_is_explained_attacked_and_evaluated_as_well(promotions, tmp_path):
    (result,) = promotions(promoted(tmp_path / "next.csv", ahead=7))
    explained = promotions.explain(result)
    series = promotions.task.input
    assert len(explained.weights) == 8 * 2 + 1
    assert np.argmax(np.abs(explained.weights)) == 16  # the promotions to come
    stretch = promotions.dataset().test[0].input
    assert series.segment_name(stretch, 16).startswith("promo, ")
    kept = np.ones(17, bool)
    kept[16] = False
    masked = series.mask(stretch, kept, "training mean")
    np.testing.assert_array_equal(masked.values, stretch.values)
    assert len(set(masked.known[28:35, 0].tolist())) == 1
    (again,) = series.decode(series.encode([stretch]))
    torch.testing.assert_close(series.encode([again]), series.encode([stretch]))
    assert promotions.evaluate()["MSE"].value < 0.3


def test_series_of_a_table_have_a_future_each(tmp_path):
    path = tmp_path / "long.csv"
    with open(path, "w") as file:
        file.write("day,store,sales,price\n")
        for store in ("north", "south"):
            for i in range(100):
                day = (datetime(2021, 1, 1) + timedelta(days=i)).date()
                file.write(f"{day},{store},{'' if i >= 90 + (store == 'south') else i % 7},{i % 3}\n")
    data = open_data(task(known="price", horizon=5, context=14), path)
    assert any("2 series" in note and "price" in note for note in data.report.notes)
    read = data.train[0].input
    assert (read.known_columns, read.columns) == (("price",), ("sales",))
    np.testing.assert_array_equal(read.known[:19, 0], np.arange(19) % 3)
