"""Series as values: carried forward, standardised, divided in time, drawn."""

from __future__ import annotations

import numpy as np
import pytest

from sounding.modalities.series.drawing import forecast_drawn, signs
from sounding.modalities.series.forecasts import Forecasts
from sounding.modalities.series.frequency import DAY, MONTHS, SECONDS, Frequency
from sounding.modalities.series.series import Series
from sounding.modalities.series.values import LEVELS, Stretch, carried
from sounding.randomness import stream


def stretch(n: int = 100, columns: int = 2, **more) -> Stretch:
    values = np.cumsum(stream("series", n).standard_normal((n, columns)), axis=0)
    names = tuple("abcdefgh"[:columns])
    return Stretch(values, names, frequency=Frequency(SECONDS, DAY), span=(0, DAY * (n - 1)), **more)


def fitted(value: Stretch, horizon: int = 4, context: int = 12) -> Series:
    series = Series(horizon, context)
    series.fit([value])
    return series


def test_what_is_missing_is_carried_forward_and_a_beginning_back():
    values = np.array([np.nan, 1.0, np.nan, np.nan, 4.0, np.nan])[:, None]
    np.testing.assert_array_equal(carried(values)[:, 0], [1, 1, 1, 1, 4, 4])
    two = np.stack([values, np.full_like(values, np.nan)])
    assert np.isnan(carried(two)[1]).all()


def test_columns_are_standardised_by_what_they_were_fitted_to():
    value = stretch()
    series = fitted(value)
    x = series.encode([value]).numpy()[0]
    known = (value.values - value.values.mean(axis=0)) / value.values.std(axis=0)
    np.testing.assert_allclose(x, known[-12:], atol=1e-5)
    (back,) = series.decode(series.encode([value]))
    np.testing.assert_allclose(back.values, value.values[-12:], atol=1e-4)


def test_a_short_history_begins_with_its_first_value():
    value = stretch()
    x = fitted(value).encode([value.cut(0, 3)]).numpy()[0]
    np.testing.assert_array_equal(x[:9], np.broadcast_to(x[9], (9, 2)))


def test_parts_lie_one_behind_the_other_and_know_what_was_before():
    value = stretch(200)
    train, validation, test = fitted(value).divide(value, (0.6, 0.2, 0.2))
    assert [(part.begins, len(part)) for part in (train, validation, test)] == [(0, 120), (120, 160), (160, 200)]
    np.testing.assert_array_equal(test.values, value.values)


def test_several_series_are_divided_at_the_same_time():
    whole = stretch(200)
    late = Stretch(whole.values[150:], whole.columns, int(whole.times[150]), whole.frequency, "late", span=whole.span)
    train, validation, test = fitted(whole).divide(late, (0.6, 0.2, 0.2))
    assert len(train) == 0
    assert (validation.begins, len(validation)) == (0, 10)  # until step 160 of the table
    assert (test.begins, len(test)) == (10, 50)


def test_several_series_have_statistics_of_their_own():
    small = stretch(name="small")
    large = Stretch(1000 * small.values, small.columns, frequency=small.frequency, name="large")
    series = Series(4, 12)
    series.fit([small, large])
    np.testing.assert_allclose(series.encode([small]).numpy(), series.encode([large]).numpy(), atol=1e-4)


def test_state_comes_back():
    value = stretch()
    series, other = fitted(value), Series()
    other.restore(series.state())
    np.testing.assert_array_equal(series.encode([value]).numpy(), other.encode([value]).numpy())
    assert other.horizon == 4


def test_months_end_where_they_end():
    start = int(np.datetime64("2023-12-31", "s").astype(np.int64))
    times = Frequency(MONTHS, 1).times(start, 4).astype("datetime64[s]").astype("datetime64[D]").astype(str)
    assert times.tolist() == ["2023-12-31", "2024-01-31", "2024-02-29", "2024-03-31"]


def test_masking_one_segment_changes_that_column_and_time_alone():
    value = stretch()
    series = fitted(value, context=16)
    mask = np.ones(series.segments(value), bool)
    mask[3] = False  # the second column of the second stretch of time
    for baseline in series.baselines:
        changed = series.mask(value, mask, baseline).values != value.values
        assert set(np.flatnonzero(changed.any(axis=1))) <= {86, 87}
        assert changed.any(axis=0).tolist() == [False, True]
    assert series.segment_name(value, 3) == f"b, {value.time(86)} to {value.time(87)}"


def test_saliency_is_summed_over_the_segments():
    value = stretch()
    series = fitted(value, context=16)
    saliency = series.encode([value])[0]
    sums = series.aggregate(saliency, value)
    assert sums.shape == (series.segments(value),)
    assert sums[3] == pytest.approx(float(saliency[2:4, 1].sum()), rel=1e-5)


def test_a_forecast_is_drawn_with_its_bands_and_told_in_signs():
    value = stretch()
    series = fitted(value)
    middle = np.zeros((1, 4, 2))
    wide = np.arange(1, len(LEVELS) + 1)[:, None, None] * np.ones((1, 4, 2))
    answer = Forecasts(series).forecast(value, np.concatenate([middle, -wide, wide]))
    assert answer.time(0) == value.time(100)
    np.testing.assert_allclose(answer.values, np.broadcast_to(value.values.mean(axis=0), (4, 2)))
    drawn = forecast_drawn(answer, answer)
    assert drawn.svg().count("<path") + drawn.svg().count("<poly") >= 2 * (len(LEVELS) + 2)
    assert "a" in drawn.text
    rows = Forecasts(series).rows(answer, None)
    assert len(rows) == 8
    assert rows[0]["low 90%"] < rows[0]["forecast"] < rows[0]["high 90%"]
    assert signs(np.arange(8.0)) == "▁▂▃▄▅▆▇█"
