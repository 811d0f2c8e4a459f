"""The check says everything that is wrong, place by place, and finds copies that make a test too easy."""

import os
from pathlib import Path

import pytest
from kinds import Curves, Sentences, write_curves, write_rows

from sounding.data.audit import check, describe
from sounding.errors import DataError

# ---- the check


def test_good_data_are_usable_and_counted_in_a_table(tmp_path):
    report = check(Sentences(), write_rows(tmp_path / "a.csv", 100))
    text = describe(report)
    assert report.usable
    assert text.splitlines()[0] == f"{tmp_path / 'a.csv'}: 100 rows in 1 file, 100 usable, 0 rejected"
    assert "input=text (guessed) target=label (guessed)" in text
    table = [line.split() for line in text.splitlines() if line.startswith(("a ", "b ", "all"))]
    assert [row[0] for row in table] == ["a", "b", "all"]
    assert [row[4] for row in table] == ["50", "50", "100"]
    assert all(int(row[1]) + int(row[2]) + int(row[3]) == int(row[4]) for row in table)
    assert text.splitlines()[-1] == "usable"


def test_a_bad_row_is_reported_and_does_not_raise(tmp_path):
    path = write_rows(tmp_path / "a.csv", 40)
    path.write_text(path.read_text() + "no label,\nonly one field\n")
    report = check(Sentences(), path)
    text = describe(report)
    assert not report.usable
    assert "a.csv:42: the target is empty" in text
    assert "a.csv:43: 1 fields, where the header has 2" in text
    assert text.splitlines()[-2:] == [
        "not usable",
        "  2 of 42 rows cannot be used (4.76 %). Mend them, or train without them (--allow-bad 0.048)",
    ]
    assert check(Sentences(), path, allow_bad=0.05).usable


def test_every_problem_is_told_at_once(tmp_path):
    path = write_rows(tmp_path / "a.csv", 40, kinds="aA")
    path.write_text(path.read_text() + "broken\n")
    report = check(Sentences(), path, allow_bad=0.0)
    assert len(report.problems) == 2
    assert "'a' is written in two ways" in report.problems[1]


def test_nothing_usable_is_still_a_report(tmp_path):
    (tmp_path / "a.csv").write_text("file,label\n" + "".join(f"{i}.num,a\n" for i in range(5)))
    report = check(Curves(), tmp_path / "a.csv")
    assert not report.usable
    assert len(report.rejected) == report.rows == 5
    assert "none of the 5 rows can be used" in describe(report)


def test_a_source_that_cannot_be_opened_raises(tmp_path):
    with pytest.raises(DataError, match="no such file"):
        check(Sentences(), tmp_path / "none")


def test_odd_rows_and_other_files_are_listed(tmp_path):
    write_curves(tmp_path / "c", 30)
    (tmp_path / "c" / "a" / "zero.num").write_text("0 0 0")
    (tmp_path / "c" / "read.me").write_text("x")
    text = describe(check(Curves(), tmp_path / "c"))
    assert "c/a/zero.num: all zero" in text
    assert "not used: 1 file\n  c/read.me" in text


def test_uneven_classes_are_worth_a_word(tmp_path):
    text = describe(check(Sentences(), write_rows(tmp_path / "a.csv", 300, kinds="a" * 29 + "b")))
    assert "uneven: a has" in text


def test_the_same_input_with_two_answers(tmp_path):
    path = write_rows(tmp_path / "a.csv", 40)
    path.write_text(path.read_text() + "sentence 4,b\n")
    assert "a.csv:42: same input as " in describe(check(Sentences(), path)).replace(str(tmp_path), "")


def test_refused_rows_are_listed_in_the_order_of_the_file(tmp_path):
    path = write_rows(tmp_path / "a.csv", 30)
    lines = path.read_text().splitlines()
    lines[2], lines[9], lines[10], lines[20] = "x,", "one field", ",a", "one field"
    path.write_text("\n".join(lines))
    assert [r.where for r in check(Sentences(), path).rejected] == ["a.csv:3", "a.csv:10", "a.csv:11", "a.csv:21"]


@pytest.mark.skipif("SOUNDING_DATA" not in os.environ, reason="set SOUNDING_DATA to the folder of real data sets")
def test_a_real_set_is_opened_as_it_lies():
    report = check(Sentences(), Path(os.environ["SOUNDING_DATA"], "sst2"))
    assert report.splits == {"train": 6920, "validation": 872, "test": 1821}
    assert report.split_origin == "given"
    assert report.usable
