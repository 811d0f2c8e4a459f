"""Data are opened whole: each row is used or named, splits do not leak, reading is lazy, bounded and repeatable."""

import json
import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from kinds import Curves, Sentences, rejected, write_curves, write_rows

from sounding import catalog
from sounding.contract.records import Example
from sounding.data import Columns, Dataset, Examples, Report, open_data
from sounding.errors import DataError


def whole(dataset: Dataset) -> list:
    return [(e.input, e.target) for part in (dataset.train, dataset.validation, dataset.test) for e in part]


# ---- what can be opened


def test_a_table_is_used_to_the_last_row(tmp_path):
    dataset = open_data(Sentences(), write_rows(tmp_path / "reviews.csv", 200))
    report = dataset.report
    assert sorted(whole(dataset)) == sorted((f"sentence {i}", "ab"[i % 2]) for i in range(200))
    assert report.columns == "input=text (guessed) target=label (guessed)"
    assert report.notes == (report.columns,)
    assert report.column_names == {"input": "text", "target": "label"}
    assert report.split_origin == "hash of content, stratified by answer"
    assert report.splits == {
        "train": len(dataset.train),
        "validation": len(dataset.validation),
        "test": len(dataset.test),
    }
    assert report.used == report.rows == 200
    assert sum(report.classes["a"].values()) == 100
    assert report.files[0].rows == 200
    assert report.files[0].bytes == (tmp_path / "reviews.csv").stat().st_size


def test_the_modalities_are_fitted_to_the_training_rows(tmp_path):
    task = Sentences()
    open_data(task, write_rows(tmp_path / "a.csv", 90, kinds="abc"))
    assert task.target.classes == ["a", "b", "c"]


@pytest.mark.parametrize("kind", ["tsv", "jsonl", "parquet"])
def test_every_kind_of_table_gives_the_same_rows(tmp_path, kind):
    table = [{"text": f"sentence {i}", "label": "ab"[i % 2]} for i in range(40)]
    path = tmp_path / f"t.{kind}"
    if kind == "tsv":
        write_rows(path, 40, separator="\t")
    elif kind == "jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in table))
    else:
        pq.write_table(pa.Table.from_pylist(table), path)
    dataset = open_data(Sentences(), path)
    reference = open_data(Sentences(), write_rows(tmp_path / "t.csv", 40))
    assert [e.input for e in dataset.test] == [e.input for e in reference.test]
    assert dataset.report.digest == reference.report.digest


def test_a_folder_of_split_files_beside_a_licence(tmp_path):
    for name, n in (("train.parquet", 60), ("dev.parquet", 12), ("test.parquet", 14)):
        rows = [{"text": f"{name} {i}", "label": "ab"[i % 2], "extra": i} for i in range(n)]
        pq.write_table(pa.Table.from_pylist(rows), tmp_path / name)
    (tmp_path / "LICENSE").write_text("free")
    report = open_data(Sentences(), tmp_path).report
    assert report.splits == {"train": 60, "validation": 12, "test": 14}
    assert report.split_origin == "given"
    assert report.ignored == (f"{tmp_path.name}/LICENSE",)
    assert [file.name for file in report.files] == [f"{tmp_path.name}/{n}.parquet" for n in ("dev", "test", "train")]


def test_train_and_test_only(tmp_path):
    write_rows(tmp_path / "train.csv", 300)
    write_rows(tmp_path / "test.csv", 40, kinds="ba")
    report = open_data(Sentences(), tmp_path).report
    assert report.splits["test"] == 40
    assert 10 < report.splits["validation"] < 60
    assert report.split_origin == "given; validation by hash of content, stratified by answer"


def test_class_folders(tmp_path):
    write_curves(tmp_path / "curves", 40)
    (tmp_path / "curves" / "a" / "notes.txt").write_text("hello")
    (tmp_path / "curves" / ".hidden").write_text("")
    dataset = open_data(Curves(), tmp_path / "curves")
    assert len(whole(dataset)) == 40
    assert dataset.report.ignored == ("curves/a/notes.txt",)
    assert dataset.report.files[0].files == 40
    first = dataset.report.files[0].digest
    (tmp_path / "curves" / "a" / "000.num").write_text("1 2 3 4 5 6 7 8")
    assert open_data(Curves(), tmp_path / "curves").report.files[0].digest != first


def test_class_folders_in_split_folders(tmp_path):
    write_curves(tmp_path / "train", 30, seed=1)
    write_curves(tmp_path / "test", 10, seed=2)
    report = open_data(Curves(), tmp_path).report
    assert report.splits["test"] == 10
    assert report.splits["train"] + report.splits["validation"] == 30


def test_a_table_of_paths(tmp_path):
    write_curves(tmp_path, 20)
    lines = ["file,kind", *(f"{'ab'[i % 2]}/{i:03}.num,{'xy'[i % 2]}" for i in range(20))]
    (tmp_path / "list.csv").write_text("\n".join(lines))
    dataset = open_data(Curves(), tmp_path / "list.csv")
    assert len(dataset.train[0].input) == 8
    assert dataset.report.columns == "input=file (guessed) target=kind (guessed)"
    assert open_data(Curves(), tmp_path).report.digest == dataset.report.digest  # the list is used before the folders


def test_parquet_of_bytes_and_paths_with_class_names(tmp_path):
    rng = np.random.default_rng(0)
    rows = [
        {"curve": {"bytes": f"{x:.6f} 1 2".encode(), "path": None}, "label": i % 2}
        for i, x in enumerate(rng.random(40))
    ]
    features = {"info": {"features": {"label": {"_type": "ClassLabel", "names": ["rise", "fall"]}}}}
    table = pa.Table.from_pylist(rows).replace_schema_metadata({"huggingface": json.dumps(features)})
    pq.write_table(table, tmp_path / "a.parquet")
    dataset = open_data(Curves(), tmp_path / "a.parquet")
    assert set(dataset.report.classes) == {"rise", "fall"}
    assert any("names in the file" in note for note in dataset.report.notes)


def test_demo_and_examples_in_memory():
    dataset = open_data(Sentences(), "demo")
    assert dataset.report.used == 400
    assert dataset.report.source == "demo"
    assert [e.input for e in dataset.test] == [e.input for e in open_data(Sentences(), "demo").test]
    mine = [Example(np.full(3, i, np.float32), "ab"[i % 2], f"g{i % 9}") for i in range(60)]
    opened = open_data(Sentences(), mine)
    assert opened.report.split_origin == "hash of group, stratified by answer"
    assert opened.train.where(0).startswith("example ")
    task = Sentences()
    assert open_data(task, opened) is opened
    assert task.target.classes == ["a", "b"]


def test_a_split_column_and_a_group_column(tmp_path):
    lines = ["patient,text,label,split"]
    lines += [f"p{i % 7},sentence {i},{'ab'[i % 2]},{('train', 'dev', 'Test')[i % 3]}" for i in range(30)]
    (tmp_path / "a.csv").write_text("\n".join(lines))
    dataset = open_data(Sentences(), tmp_path / "a.csv")
    assert dataset.report.splits == {"train": 10, "validation": 10, "test": 10}
    assert "group=patient (guessed) split=split (guessed)" in dataset.report.columns
    assert dataset.train[0].group == "p0"
    assert any("groups have rows in more than one split" in remark for remark in dataset.report.remarks)


def test_groups_are_split_as_wholes(tmp_path):
    lines = ["text,label,speaker", *(f"sentence {i},{'ab'[i % 2]},s{i % 40}" for i in range(400))]
    (tmp_path / "a.csv").write_text("\n".join(lines))
    dataset = open_data(Sentences(), tmp_path / "a.csv")
    sets = [{e.group for e in part} for part in (dataset.train, dataset.validation, dataset.test)]
    assert not sets[0] & sets[1]
    assert not (sets[0] | sets[1]) & sets[2]
    assert sets[2]


def test_columns_can_be_named(tmp_path):
    lines = ["first,second,who", *(f"sentence {i},{'ab'[i % 2]},w{i % 20}" for i in range(60))]
    (tmp_path / "a.csv").write_text("\n".join(lines))
    dataset = open_data(Sentences(), tmp_path / "a.csv", Columns("first", "second", group="who"))
    assert dataset.report.columns == "input=first target=second group=who"
    assert dataset.report.notes == ()


def test_a_model_made_elsewhere_can_be_measured_on_any_rows(tmp_path):
    task = Sentences()
    open_data(task, write_rows(tmp_path / "a.csv", 60))
    few = write_rows(tmp_path / "b.csv", 3)
    dataset = open_data(task, few, fit=False)
    assert len(dataset.unseen) == 3
    assert task.target.classes == ["a", "b"]
    text = rejected(write_rows(tmp_path / "c.csv", 4, kinds="az"), lambda: task, fit=False)
    assert "c.csv:3: the model does not know the answer 'z'" in text
    (tmp_path / "d").mkdir()
    write_rows(tmp_path / "d" / "train.csv", 20)
    write_rows(tmp_path / "d" / "test.csv", 6)
    assert len(open_data(task, tmp_path / "d", fit=False).unseen) == 6


# ---- the report


def test_the_report_survives_json(tmp_path):
    path = write_rows(tmp_path / "a.csv", 50)
    path.write_text(path.read_text() + "sentence 3,b\nbroken\n")
    report = open_data(Sentences(), path, allow_bad=0.1).report
    assert report.rejected
    assert report.duplicates.within.count == 1
    assert Report.from_json(json.loads(json.dumps(report.to_json()))) == report


def test_the_digest_sees_answers_and_not_the_order(tmp_path):
    path = write_rows(tmp_path / "a.csv", 50)
    first = open_data(Sentences(), path).report.digest
    lines = path.read_text().splitlines()
    (tmp_path / "b.csv").write_text("\n".join([lines[0], *reversed(lines[1:])]))
    assert open_data(Sentences(), tmp_path / "b.csv").report.digest == first
    lines[1] = lines[1][:-1] + "b"
    (tmp_path / "c.csv").write_text("\n".join(lines))
    assert open_data(Sentences(), tmp_path / "c.csv").report.digest != first


# ---- reading


def test_examples_are_views(tmp_path):
    train = open_data(Sentences(), write_rows(tmp_path / "a.csv", 90, kinds="abc")).train
    assert isinstance(train[2:9], Examples)
    assert [e.input for e in train[2:9]] == [train[i].input for i in range(2, 9)]
    assert [e.input for e in train[[5, 0, 5]]] == [train[5].input, train[0].input, train[5].input]
    assert train[-1] == train[len(train) - 1]
    assert list(train.targets) == [e.target for e in train]
    assert train[::-3].targets == [e.target for e in train][::-3]
    with pytest.raises(IndexError):
        train[len(train)]
    row = int(train[3].input.split()[1])
    assert train.where(3) == f"a.csv:{row + 2}"


def test_a_row_that_changed_since_says_where(tmp_path):
    write_curves(tmp_path / "c", 30)
    dataset = open_data(Curves(), tmp_path / "c")
    name = Path(dataset.train.where(4))
    (tmp_path / name).write_text("damaged")
    with pytest.raises(DataError, match=f"{name}: not numbers"):
        dataset.train[4]
    os.remove(tmp_path / name)
    with pytest.raises(DataError, match=f"{name}: the file is not there any more"):
        dataset.train[4]


def test_a_row_is_read_once_while_it_fits_into_the_cache(tmp_path):
    task = Curves()
    train = open_data(task, write_curves(tmp_path / "c", 30)).train
    first = [e.input for e in train]
    before = task.input.reads
    again = train.take(range(len(train)))
    assert task.input.reads == before
    assert all((a == e.input).all() for a, e in zip(first, again, strict=True))


def test_answers_that_are_arrays_are_read_one_by_one():
    task = catalog.find("segment")(catalog.find("segment").Recipe.make("tiny"))
    train = open_data(task, "demo").train
    answers = train.targets
    assert len(answers) == len(train)
    assert not isinstance(answers, list)  # all masks of a source may be more than memory holds
    np.testing.assert_array_equal(answers[3], train[3].target)
    np.testing.assert_array_equal(answers[-4:][1], train[len(train) - 3].target)
    assert sum(mask.size for mask in answers) == sum(example.target.size for example in train)
