"""What cannot be used is rejected by place, with what was found there and what to do; nothing is dropped."""

import pytest
from kinds import Curves, Sentences, rejected, write_curves, write_rows

from sounding.data import Columns, open_data
from sounding.data.audit import check
from sounding.errors import DataError


def test_a_missing_path(tmp_path):
    write_rows(tmp_path / "reviews.csv")
    text = rejected(tmp_path / "review.csv")
    assert "review.csv: there is no such file or folder" in text
    assert "Did you mean reviews.csv?" in text


def test_folders_that_hold_nothing_usable(tmp_path):
    assert "the folder is empty" in rejected(tmp_path)
    (tmp_path / "notes.txt").write_text("x")
    (tmp_path / "stuff").mkdir()
    text = rejected(tmp_path, Curves)
    assert "looked for one folder for each answer with files such as .num, or a table (.csv" in text
    assert "found 1 folder (stuff) and 1 file (.txt)" in text
    write_rows(tmp_path / "one.csv")
    write_rows(tmp_path / "two.csv")
    assert "several tables and no split in their names (one.csv, two.csv)" in rejected(tmp_path)
    (tmp_path / "x.docx").write_text("x")
    assert "cannot take rows from a .docx file" in rejected(tmp_path / "x.docx")


def test_a_table_without_rows(tmp_path):
    assert "there are no rows" in rejected(write_rows(tmp_path / "a.csv", 0))


def test_one_class_only(tmp_path):
    assert "every row has the same answer, 'a'" in rejected(write_rows(tmp_path / "a.csv", 40, kinds="a"))


def test_a_class_with_one_row_is_named_and_can_be_left_out(tmp_path):
    path = write_rows(tmp_path / "a.csv", 40)
    path.write_text(path.read_text() + "a rare one,z\n")
    text = rejected(path)
    assert "a.csv:42: 'z' has only this one row" in text
    assert "Add rows of 'z'" in text
    assert "--allow-bad 0.025" in text
    dataset = open_data(Sentences(), path, allow_bad=0.025)
    assert dataset.report.used == 40
    assert set(dataset.report.classes) == {"a", "b"}


def test_a_class_that_training_does_not_have(tmp_path):
    write_rows(tmp_path / "train.csv", 40)
    write_rows(tmp_path / "test.csv", 6, kinds="abz")
    assert "no training row has the answer 'z' of this test row" in rejected(tmp_path)


def test_labels_that_differ_only_by_case(tmp_path):
    write_rows(tmp_path / "train.csv", 40, kinds="ab")
    write_rows(tmp_path / "test.csv", 6, kinds="aA")
    report_text = rejected(tmp_path, allow_bad=0.5)
    assert "'a' is written in two ways" in report_text


def test_a_missing_label_is_named_by_its_line(tmp_path):
    path = write_rows(tmp_path / "file.csv", 40)
    lines = path.read_text().splitlines()
    lines[16] = "sentence 15,"
    path.write_text("\n".join(lines))
    text = rejected(path)
    assert "1 of 40 rows cannot be used (2.50 %)" in text
    assert "file.csv:17: the target is empty. Fill it in, or remove the row" in text


def test_bad_rows_within_what_is_allowed_are_left_out_and_listed(tmp_path):
    path = write_rows(tmp_path / "file.csv", 50)
    path.write_text(path.read_text() + "a,b,c\n,a\ngood,\n")
    dataset = open_data(Sentences(), path, allow_bad=0.06)
    assert [r.where for r in dataset.report.rejected] == ["file.csv:52", "file.csv:53", "file.csv:54"]
    assert dataset.report.rows == 53
    assert dataset.report.used == 50
    assert "cannot be used" in rejected(path, allow_bad=0.05)


def test_many_refused_rows_are_counted_and_a_few_are_shown(tmp_path):
    path = write_rows(tmp_path / "file.csv", 30)
    path.write_text(path.read_text() + ",a\n" * 25)
    text = rejected(path)
    assert "25 rows: the input is empty" in text
    assert text.count("file.csv:") == 5
    assert "and 20 more" in text


def test_all_rows_refused(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("file,label\n" + "".join(f"{i}.num,a\n" for i in range(12)))
    text = rejected(path, Curves, allow_bad=1.0)
    assert "none of the 12 rows can be used" in text
    assert f"a.csv:2: there is no file '0.num'. Its path is taken from the folder {tmp_path}" in text


def test_a_file_that_is_not_what_its_name_says(tmp_path):
    write_curves(tmp_path / "c", 20)
    (tmp_path / "c" / "a" / "x.num").write_text("no numbers here")
    assert "c/a/x.num: not numbers. Write numbers, or remove the row" in rejected(tmp_path / "c", Curves)


def test_no_permission_to_read_a_row(tmp_path, monkeypatch):
    write_curves(tmp_path / "c", 20)
    real = open

    def guarded(path, *args, **options):
        if str(path).endswith("003.num"):
            raise PermissionError(13, "Permission denied")
        return real(path, *args, **options)

    monkeypatch.setattr("builtins.open", guarded)
    text = rejected(tmp_path / "c", Curves)
    assert "1 of 20 rows" in text
    assert "c/b/003.num: no permission to read it" in text


def test_a_header_that_is_a_row(tmp_path):
    write_curves(tmp_path, 20)
    lines = [f"{'ab'[i % 2]}/{i:03}.num,{'xy'[i % 2]}" for i in range(20)]
    (tmp_path / "list.csv").write_text("\n".join(lines))
    text = rejected(tmp_path / "list.csv", Curves)
    assert "list.csv:1: the first line looks like a row" in text
    assert "Put a line such as curve,label above it" in text
    (tmp_path / "text.csv").write_text("\n".join(f"sentence {i},{'xy'[i % 2]}" for i in range(20)))
    assert "text.csv:1: the first line looks like a row" in rejected(tmp_path / "text.csv")


def test_no_column_fits(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("one,two\n" + "".join(f"1,{i}\n" for i in range(20)))
    text = rejected(path, Curves)
    assert "no column fits as the input (curve)" in text
    assert "one: '1'" in text
    assert "Name it with --input" in text
    text = rejected(path)
    assert "more than one column could be the input" in text


def test_a_named_column_that_is_not_there(tmp_path):
    text = rejected(write_rows(tmp_path / "a.csv"), columns=Columns(input="txt"))
    assert "there is no column 'txt'. Did you mean text?" in text


def test_a_test_file_without_the_column(tmp_path):
    write_rows(tmp_path / "train.csv")
    write_rows(tmp_path / "test.csv", header="text,id")
    assert "test.csv: there is no column 'label'" in rejected(tmp_path)


def test_an_unknown_split(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("text,label,split\n" + "".join(f"s{i},{'ab'[i % 2]},train\n" for i in range(60)) + "x,a,later\n")
    assert "a.csv:62: the split 'later' is unknown. Write train, validation or test" in rejected(path)


def test_too_few_groups(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("text,label,speaker\n" + "".join(f"s{i},{'ab'[i % 2]},{'xy'[i % 2]}\n" for i in range(60)))
    assert "2 groups are too few" in rejected(path)


def test_what_is_no_source():
    assert "rows cannot be taken from a int" in rejected(5)


def test_one_row_in_a_hundred_may_be_unusable_and_one_in_any_case(tmp_path):
    for rows, bad, usable in ((40, 1, True), (40, 2, False), (396, 4, True), (396, 5, False)):
        path = write_rows(tmp_path / f"{rows}-{bad}.csv", rows)
        path.write_text(path.read_text() + "good,\n" * bad)
        report = check(Sentences(), path)
        assert report.usable == usable
        assert [r.where for r in report.rejected] == [f"{path.name}:{rows + 2 + i}" for i in range(bad)]
        if usable:
            assert open_data(Sentences(), path).report.used == rows
        assert "cannot be used" in rejected(path)


def test_not_even_one_row_is_left_out_of_none_that_can_be_used(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("text,label\n,a\n")
    with pytest.raises(DataError, match="there is nothing that can be used"):
        open_data(Sentences(), path)
