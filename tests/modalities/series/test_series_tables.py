"""Tables as series: which columns are what, gaps, missing numbers, and all that is wrong with time columns."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sounding.contract.inputs import TableCells
from sounding.data.sources import assembled_values
from sounding.data.tables import open_table
from sounding.errors import DataError
from sounding.modalities.series.assembling import assembled
from sounding.modalities.series.frequency import DAY, HOUR, MONTHS, SECONDS, WEEKDAYS, Frequency
from sounding.modalities.series.series import Series


def written(path: Path, header: str, rows: list[str]) -> Path:
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


def hours(n: int, start: str = "2016-07-01 00:00:00", step: timedelta = timedelta(hours=1)) -> list[str]:
    first = datetime.fromisoformat(start)
    return [str(first + i * step) for i in range(n)]


def read(path: Path, **asked: str):
    table = open_table(path)
    cells, places = table.cells()
    return assembled(TableCells(table.name, cells, places, asked))


def only(path: Path, **asked: str):
    found = read(path, **asked)
    ((_, value),) = found.values
    return value, "\n".join(found.notes)


def refused(path: Path, **asked: str) -> str:
    with pytest.raises(DataError) as caught:
        read(path, **asked)
    return str(caught.value)


# ---- what is what


def test_a_wide_table_has_its_time_column_guessed_and_words_left_out(tmp_path):
    rows = [f"{t},{i},{2 * i},fine" for i, t in enumerate(hours(50))]
    value, notes = only(written(tmp_path / "a.csv", "date,load,price,weather", rows))
    assert value.columns == ("load", "price")
    assert value.frequency == Frequency(SECONDS, HOUR)
    np.testing.assert_array_equal(value.values[:, 1], 2 * np.arange(50))
    assert value.time(0) == "2016-07-01 00:00"
    assert value.time(50) == "2016-07-03 02:00"  # the step after the last
    assert "weather" in notes
    assert "1 hour apart" in notes


def test_a_long_table_is_a_series_for_each_name(tmp_path):
    days = hours(30, step=timedelta(days=1))
    rows = [f"{day[:10]},{store},{i * (1 + k)}" for k, store in enumerate("AB") for i, day in enumerate(days)]
    found = read(written(tmp_path / "a.csv", "day,store,sales", rows))
    assert [value.name for _, value in found.values] == ["A", "B"]
    assert found.used == {"input": "day", "group": "store"}
    np.testing.assert_array_equal(found.values[1][1].values[:, 0], 2 * np.arange(30))


def test_columns_can_be_named(tmp_path):
    rows = [f"{t},{t},{i},{-i}" for i, t in enumerate(hours(30))]
    path = written(tmp_path / "a.csv", "made,sold,a,b", rows)
    value, _ = only(path, input="sold", target="b")
    assert value.columns == ("b",)
    assert "no column 'c'" in refused(path, target="c")


def test_parquet_gives_the_same_as_csv(tmp_path):
    times = [datetime(2020, 1, 1) + timedelta(hours=i) for i in range(40)]
    pq.write_table(pa.table({"when": times, "x": [float(i) for i in range(40)]}), tmp_path / "a.parquet")
    value, _ = only(tmp_path / "a.parquet")
    other, _ = only(written(tmp_path / "a.csv", "when,x", [f"{t},{i}" for i, t in enumerate(times)]))
    np.testing.assert_array_equal(value.values, other.values)
    assert (value.start, value.frequency) == (other.start, other.frequency)


@pytest.mark.parametrize(
    ("dates", "frequency", "last"),
    [
        (["2020-01-31", "2020-02-29", "2020-03-31", "2020-04-30", "2020-05-31"], Frequency(MONTHS, 1), "2020-06-30"),
        ([f"20{y}-01-01" for y in range(10, 22)], Frequency(MONTHS, 12), "2022-01-01"),
        (["2020-Q1", "2020-Q2", "2020-Q3", "2020-Q4", "2021-Q1"], Frequency(MONTHS, 3), "2021-04-01"),
        ([f"2020-01-{d:02}" for d in range(1, 10)], Frequency(SECONDS, DAY), "2020-01-10"),
        (
            [f"2024-01-{d:02}" for d in (1, 2, 3, 4, 5, 8, 9, 10, 11, 12, 15, 16, 17, 18, 19)],
            Frequency(WEEKDAYS, 1),
            "2024-01-22",
        ),
    ],
)
def test_the_frequency_is_inferred_and_goes_on(tmp_path, dates, frequency, last):
    value, _ = only(written(tmp_path / "a.csv", "date,x", [f"{d},{i}" for i, d in enumerate(dates)]))
    assert value.frequency == frequency
    assert len(value) == len(dates)  # no gaps
    assert value.time(len(value)) == last


def test_gaps_become_missing_rows_and_are_told(tmp_path):
    times = hours(60)
    rows = [f"{t},{i}" for i, t in enumerate(times) if i not in (10, 11, 30)]
    value, notes = only(written(tmp_path / "a.csv", "date,x", rows))
    assert len(value) == 60
    assert np.flatnonzero(np.isnan(value.values[:, 0])).tolist() == [10, 11, 30]
    assert "3 rows are not there" in notes
    assert "2016-07-01 09:00" in notes


def test_missing_cells_are_told_and_decimal_commas_read(tmp_path):
    rows = [f"{t};{i},5;{'NA' if i == 7 else i}" for i, t in enumerate(hours(30))]
    value, notes = only(written(tmp_path / "a.csv", "date;x;y", rows))
    np.testing.assert_array_equal(value.values[:, 0], np.arange(30) + 0.5)
    assert np.isnan(value.values[7, 1])
    assert "decimal commas: x" in notes
    assert "1 cell is missing (y 1)" in notes


def test_a_constant_column_is_told(tmp_path):
    value, notes = only(written(tmp_path / "a.csv", "date,x,y", [f"{t},3,{i}" for i, t in enumerate(hours(30))]))
    assert "constant: x (3)" in notes
    series = Series(horizon=2, context=4)
    series.fit([value])
    assert np.isfinite(series.encode([value]).numpy()).all()


# ---- what is wrong


def test_a_cell_that_is_no_number_is_named_by_its_line(tmp_path):
    rows = [f"{t},{i}" for i, t in enumerate(hours(5100))]
    rows[5001] = rows[5001].split(",")[0] + ",broken"
    assert refused(written(tmp_path / "a.csv", "date,x", rows)).startswith("a.csv:5003: x is 'broken', which is no")


def test_a_comma_among_points_says_so(tmp_path):
    rows = [f"{t};{i}.5" for i, t in enumerate(hours(30))]
    rows[9] = rows[9].replace(".5", ",5")
    said = refused(written(tmp_path / "a.csv", "date;x", rows))
    assert said.startswith("a.csv:11: ")
    assert "points" in said


def test_infinity_is_refused(tmp_path):
    rows = [f"{t},{'inf' if i == 3 else i}" for i, t in enumerate(hours(30))]
    assert refused(written(tmp_path / "a.csv", "date,x", rows)).startswith("a.csv:5: x is infinite")


def test_times_that_go_back_or_repeat_are_named(tmp_path):
    times = hours(30)
    back = [*times[:10], times[5], *times[11:]]
    said = refused(written(tmp_path / "a.csv", "date,x", [f"{t},{i}" for i, t in enumerate(back)]))
    assert said.startswith("a.csv:12: date goes back from 2016-07-01 09:00 to 2016-07-01 05:00")
    twice = [*times[:10], times[9], *times[10:]]
    said = refused(written(tmp_path / "b.csv", "date,x", [f"{t},{i}" for i, t in enumerate(twice)]))
    assert said.startswith("b.csv:12: date is 2016-07-01 09:00 twice (b.csv:11 as well)")
    down = refused(written(tmp_path / "c.csv", "date,x", [f"{t},{i}" for i, t in enumerate(times[::-1])]))
    assert "reverse order" in down


def test_clocks_that_are_put_back_are_recognised(tmp_path):
    times = hours(200, "2018-10-25 00:00:00")
    at = times.index("2018-10-28 02:00:00")
    local = [*times[: at + 1], *times[at:-1]]  # 02:00 twice, as on a wall
    said = refused(written(tmp_path / "a.csv", "date,x", [f"{t},{i}" for i, t in enumerate(local)]))
    assert "summer time" in said
    assert said.startswith(f"a.csv:{at + 3}:")


def test_offsets_that_change_are_read_in_utc(tmp_path):
    utc = [datetime.fromisoformat(t) for t in hours(48, "2018-10-27 12:00:00")]
    turn = datetime(2018, 10, 28, 1)
    local = [f"{t + timedelta(hours=2)}+02:00" if t < turn else f"{t + timedelta(hours=1)}+01:00" for t in utc]
    value, notes = only(written(tmp_path / "a.csv", "date,x", [f"{t},{i}" for i, t in enumerate(local)]))
    assert len(value) == 48
    assert value.time(0) == "2018-10-27 12:00"
    assert "UTC" in notes
    assert "daylight saving" in notes


def test_a_change_of_frequency_is_named(tmp_path):
    times = [*hours(100), *hours(100, "2016-07-05 04:00:00", timedelta(minutes=15))]
    said = refused(written(tmp_path / "a.csv", "date,x", [f"{t},{i}" for i, t in enumerate(times)]))
    assert "the frequency changes" in said
    assert said.startswith("a.csv:")


def test_of_two_formats_that_are_as_frequent_both_are_shown(tmp_path):
    days = [f"2021-01-{day:02},{day}" for day in range(1, 11)] + [f"{day:02}/02/2021,{day}" for day in range(1, 11)]
    said = refused(written(tmp_path / "a.csv", "date,a", days))
    assert "'2021-01-01'" in said
    assert "'01/02/2021'" in said


def test_dates_in_several_formats_are_named(tmp_path):
    times = hours(30, step=timedelta(days=1))
    rows = [f"{t[:10]},{i}" for i, t in enumerate(times)]
    rows[12] = f"13/07/2016,{12}"
    said = refused(written(tmp_path / "a.csv", "date,x", rows))
    assert said.startswith("a.csv:14: date is '13/07/2016', and elsewhere it is written like '2016-07-01'")


def test_day_and_month_are_told_apart_by_order(tmp_path):
    days = [f"{d:02}/01/2020" for d in range(1, 13)]  # all of January, or the first of each month
    value, notes = only(written(tmp_path / "a.csv", "date,x", [f"{d},{i}" for i, d in enumerate(days)]))
    assert "could be the other way round" in notes
    assert value.frequency == Frequency(SECONDS, DAY)


def test_an_empty_time_and_a_table_without_times_are_named(tmp_path):
    rows = [f"{t},{i}" for i, t in enumerate(hours(30))]
    rows[4] = ",4"
    assert refused(written(tmp_path / "a.csv", "date,x", rows)).startswith("a.csv:6: date is empty")
    assert "no column holds times" in refused(written(tmp_path / "b.csv", "a,b", ["x,1", "y,2"]))


def test_a_model_asks_for_the_columns_and_the_frequency_it_knows(tmp_path):
    path = written(tmp_path / "a.csv", "date,x,y", [f"{t},{i},{i}" for i, t in enumerate(hours(60))])
    series = Series(horizon=3, context=6)
    series.fit(assembled_values(Series(), path))
    narrow = written(tmp_path / "b.csv", "date,x", [f"{t},{i}" for i, t in enumerate(hours(60))])
    with pytest.raises(DataError, match="no column 'y'"):
        assembled_values(series, narrow)
    daily = hours(60, step=timedelta(days=1))
    slow = written(tmp_path / "c.csv", "date,x,y", [f"{t},{i},{i}" for i, t in enumerate(daily)])
    with pytest.raises(DataError, match="1 day apart"):
        assembled_values(series, slow)
