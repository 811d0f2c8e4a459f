"""A pool of rows without answers: each is offered, rejected, a copy or labelled already, and knows its place."""

import os

import numpy as np
import pytest
from kinds import Curves, Sentences, write_curves, write_rows

from sounding.contract.records import Example
from sounding.data import Columns, open_data
from sounding.data.pool import Pool, describe, open_pool
from sounding.errors import DataError


def problem(*args, **options):
    with pytest.raises(DataError) as error:
        open_pool(*args, **options)
    return str(error.value)


def places(pool: Pool) -> list[str]:
    return [pool.where(i) for i in range(len(pool))]


# ---- where rows come from


def test_a_folder_is_read_at_any_depth_and_its_folders_mean_nothing(tmp_path):
    write_curves(tmp_path / "pool" / "deep", 6)
    (tmp_path / "pool" / "loose.num").write_text("1 2 3")
    (tmp_path / "pool" / "notes.txt").write_text("see above")
    (tmp_path / "pool" / ".hidden.num").write_text("9")
    pool = open_pool(Curves(), tmp_path / "pool")
    assert len(pool) == pool.rows == 7
    assert places(pool) == sorted(places(pool))
    assert "pool/loose.num" in places(pool)
    assert "pool/deep/a/000.num" in places(pool)
    assert [e.target for e in pool.examples] == [None] * 7
    assert pool.examples[-1].input.tolist() == [1, 2, 3]
    assert pool.ignored == ("pool/notes.txt",)


def test_rows_are_read_when_they_are_asked_for(tmp_path):
    task = Curves()
    write_curves(tmp_path / "pool", 10)
    pool = open_pool(task, tmp_path / "pool")
    assert task.input.reads == 10  # once each, to see whether they can be used
    part = pool.examples[3:5]
    assert task.input.reads == 10
    assert [part.where(i) for i in range(2)] == places(pool)[3:5]
    list(part)
    assert task.input.reads == 12


def test_a_table_may_hold_the_input_alone_or_answers_that_are_ignored(tmp_path):
    (tmp_path / "bare.csv").write_text("text\nfirst\nsecond\n")
    bare = open_pool(Sentences(), tmp_path / "bare.csv")
    assert [e.input for e in bare.examples] == ["first", "second"]
    assert places(bare) == ["bare.csv:2", "bare.csv:3"]
    assert bare.notes == ("input=text (guessed)",)
    full = open_pool(Sentences(), write_rows(tmp_path / "full.csv", 5))
    assert full.notes == ("input=text (guessed)", "the answers in label are not looked at")
    assert {e.target for e in full.examples} == {None}


def test_rows_with_an_empty_answer_are_what_a_pool_is_for(tmp_path):
    (tmp_path / "p.csv").write_text("text,label\nfirst,\nsecond,a\n")
    assert len(open_pool(Sentences(), tmp_path / "p.csv")) == 2


def test_a_column_can_be_named_and_a_wrong_name_is_an_error(tmp_path):
    (tmp_path / "p.csv").write_text("one,two\nx1,y1\nx2,y2\n")
    assert "more than one column could be the input" in problem(Sentences(), tmp_path / "p.csv")
    pool = open_pool(Sentences(), tmp_path / "p.csv", Columns(input="two"))
    assert [e.input for e in pool.examples] == ["y1", "y2"]
    assert pool.notes == ("input=two",)
    assert "there is no column 'twoo'" in problem(Sentences(), tmp_path / "p.csv", Columns(input="twoo"))


def test_several_tables_of_a_folder_are_one_pool(tmp_path):
    for name in ("train.csv", "b.csv"):
        (tmp_path / name).write_text(f"text\n{name} row\n")
    assert sorted(e.input for e in open_pool(Sentences(), tmp_path).examples) == ["b.csv row", "train.csv row"]


def test_a_list_of_inputs_or_examples_is_a_pool(tmp_path):
    pool = open_pool(Sentences(), ["great", "dull"])
    assert [e.input for e in pool.examples] == ["great", "dull"]
    assert places(pool) == ["input 1", "input 2"]
    again = open_pool(Sentences(), [Example("great", "a"), Example("dull", "b")])
    assert [(e.input, e.target) for e in again.examples] == [("great", None), ("dull", None)]
    (tmp_path / "x.num").write_text("4 5")
    assert places(open_pool(Curves(), [str(tmp_path / "x.num")])) == [str(tmp_path / "x.num")]


# ---- what is not offered


def test_rows_that_cannot_be_read_are_refused_by_name_and_too_many_stop_it(tmp_path):
    write_curves(tmp_path / "pool", 9)
    (tmp_path / "pool" / "bad.num").write_text("one two")
    said = problem(Curves(), tmp_path / "pool", allow_bad=0.0)
    assert "1 of 10 rows cannot be used" in said
    assert "go on without them (--allow-bad 0.1)" in said
    assert "pool/bad.num: not numbers" in said
    pool = open_pool(Curves(), tmp_path / "pool", allow_bad=0.1)
    assert [r.where for r in pool.rejected] == ["pool/bad.num"]
    assert len(pool) == 9
    assert pool.rows == 10


def test_an_empty_cell_and_a_ragged_line_are_refused(tmp_path):
    (tmp_path / "p.csv").write_text("id,text\n1,first\n2,\n3,a,b\n4,last\n")
    pool = open_pool(Sentences(), tmp_path / "p.csv", allow_bad=0.5)
    assert [(r.where, r.what) for r in pool.rejected] == [
        ("p.csv:3", "the input is empty"),
        ("p.csv:4", "3 fields, where the header has 2"),
    ]


def test_copies_and_labelled_rows_are_counted_and_named_not_offered(tmp_path):
    table = write_rows(tmp_path / "known.csv", 60)
    task = Sentences()
    data = open_data(task, table)
    lines = ["new 1", "sentence 3", "new 2", "new 1", "sentence 4"]
    (tmp_path / "pool.csv").write_text("text\n" + "\n".join(lines) + "\n")
    pool = open_pool(task, tmp_path / "pool.csv", labelled=(data.train, data.validation, data.test))
    assert [e.input for e in pool.examples] == ["new 1", "new 2"]
    assert pool.copies.places == (("pool.csv:5", "pool.csv:2"),)
    assert pool.labelled.places == (("pool.csv:3", "known.csv:5"), ("pool.csv:6", "known.csv:6"))
    said = describe(pool)
    assert "pool.csv: 5 rows, 2 to choose from" in said
    assert "labelled already: 2\n  pool.csv:3 is equal to known.csv:5" in said
    assert "copies within the pool: 1" in said


def test_a_copy_is_told_by_what_a_file_holds_not_by_its_name(tmp_path):
    write_curves(tmp_path / "known", 20)
    task = Curves()
    data = open_data(task, tmp_path / "known")
    (tmp_path / "pool").mkdir()
    (tmp_path / "pool" / "x.num").write_bytes((tmp_path / "known" / "a" / "000.num").read_bytes())
    (tmp_path / "pool" / "y.num").write_text("7 7")
    pool = open_pool(task, tmp_path / "pool", labelled=(data.train, data.validation, data.test))
    assert places(pool) == ["pool/y.num"]
    assert pool.labelled.places == (("pool/x.num", "known/a/000.num"),)


def test_a_pool_of_labelled_rows_and_copies_is_one_clear_error(tmp_path):
    known = [Example(f"s{i}", "a") for i in range(3)]
    said = problem(Sentences(), ["s0", "s1", "s1"], labelled=[known])
    assert "no row of 3 is left to choose from (3 labelled already)" in said
    assert "Give rows that are not among the labelled ones" in said


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda p: p / "none", "there is no such file or folder"),
        (lambda p: p, "no file of this kind is in it; looked for .num or a table"),
        (lambda p: 7, "rows cannot be taken from a int"),
        (lambda p: [], "there are no rows"),
        (lambda p: np.zeros((0, 3)), "there are no rows"),
    ],
)
def test_what_is_no_pool_is_an_error_that_says_so(tmp_path, make, words):
    (tmp_path / "readme.txt").write_text("nothing here")
    assert words in problem(Curves(), make(tmp_path))


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="this user may read everything")
def test_a_folder_without_permission_is_not_passed_over(tmp_path):
    write_curves(tmp_path / "pool", 4)
    (tmp_path / "pool" / "a").chmod(0)
    try:
        assert "no permission to read it" in problem(Curves(), tmp_path / "pool")
    finally:
        (tmp_path / "pool" / "a").chmod(0o755)
