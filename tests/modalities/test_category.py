"""Labels and class folders."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import torch

from sounding.contract.answers import MixedTarget, constant_baseline
from sounding.contract.change import Mixed
from sounding.errors import DataError
from sounding.modalities.category import Category, lookalikes
from sounding.modalities.class_folders import class_folders
from sounding.modalities.pictures.image import Image


def fitted(*labels):
    category = Category()
    category.fit(labels)
    return category


# ---- labels


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("cat", "cat"),
        (" Cat ", " Cat "),
        (3, "3"),
        (3.0, "3"),
        (-1, "-1"),
        (0.5, "0.5"),
        (True, "true"),
        (np.int64(7), "7"),
        (np.float32(2), "2"),
        (np.bool_(False), "false"),
        (np.str_("dog"), "dog"),
        ("0", "0"),
    ],
)
def test_read_gives_text(cell, value):
    read = Category().read(cell)
    assert read == value
    assert type(read) is str


@pytest.mark.parametrize(
    "cell", [None, "", "  \t", float("nan"), np.float64("nan"), [], ["a"], {"a": 1}, b"cat"], ids=repr
)
def test_cells_that_are_no_label(cell):
    with pytest.raises(DataError) as caught:
        Category().read(cell)
    assert caught.value.fix


def test_accepts():
    category = Category()
    assert all(category.accepts(cell) for cell in ("cat", 3, 3.0, True, np.int64(1)))
    assert not any(category.accepts(cell) for cell in (None, "", 0.5, [], {}, b"x", "word " * 100))


@pytest.mark.parametrize(
    ("labels", "options"),
    [
        (["dog", "cat", "dog", "ant"], ["ant", "cat", "dog"]),
        (["10", "9", "2", "-1", "2"], ["-1", "2", "9", "10"]),
        (["10", "9", "two"], ["10", "9", "two"]),
        (["1.5", "1", "nan"], ["1", "1.5", "nan"]),
    ],
)
def test_options_are_sorted(labels, options):
    category = Category()
    category.fit(iter(labels))
    assert category.classes == options
    other = Category()
    other.restore(json.loads(json.dumps(category.state())))
    assert other.classes == options


def test_fit_needs_a_label():
    with pytest.raises(DataError):
        Category().fit([])


def test_encode_one_hot_and_soft():
    category = fitted("a", "b", "c")
    x = category.encode(["b", MixedTarget("a", "c", 0.75), MixedTarget("c", "c", 0.3)])
    assert x.dtype == torch.float32
    assert torch.allclose(x, torch.tensor([[0, 1, 0], [0.75, 0, 0.25], [0, 0, 1.0]]))


def test_targets_follow_a_mixing():
    category = fitted("a", "b")
    mixed = category.transform_targets(["a", "b"], Mixed(torch.tensor([1, 1]), torch.tensor([0.25, 0.5])))
    assert torch.allclose(category.encode(mixed), torch.tensor([[0.25, 0.75], [0, 1.0]]))


def test_an_unknown_label_gets_advice():
    with pytest.raises(DataError, match="Did you mean horse"):
        fitted("cat", "horse").encode(["hrose"])
    with pytest.raises(DataError, match="Known: cat, dog"):
        fitted("cat", "dog").encode([MixedTarget("cat", "zebra", 1.0)])
    with pytest.raises(DataError) as caught:
        fitted(*map(str, range(1000))).encode(["zebra"])
    assert len(str(caught.value)) < 200


def test_typical_is_the_most_common():
    assert constant_baseline(fitted("a", "b"), ["b", "a", "b"]) == "b"


def test_answers_are_shaped_as_the_hub_s_pipelines():
    answers = fitted("a", "b", "c").answers("b", 0.5, np.array([0.2, 0.5, 0.3]))
    assert answers == [{"label": "b", "score": 0.5}, {"label": "c", "score": 0.3}, {"label": "a", "score": 0.2}]
    assert fitted("a").answers("a", None, None) == [{"label": "a", "score": None}]


def test_lookalikes_are_found_and_reported():
    labels = ["cat", "Cat ", "dog", "new  york", "New York", "caf\u00e9", "cafe\u0301", "cafe"]
    assert lookalikes(labels) == [["Cat ", "cat"], ["New York", "new  york"], ["cafe\u0301", "caf\u00e9"]]
    assert len(fitted(*labels).label_conflicts()) == 3
    assert "'Cat ' and 'cat'" in fitted(*labels).label_conflicts()[0]
    assert fitted("cat", "dog").label_conflicts() == []


def test_labels_from_arrow_tables():
    table = pa.table({"label": pa.array([1, None, 2], pa.int64())}).to_pylist()
    assert [Category().read(row["label"]) for row in table if row["label"] is not None] == ["1", "2"]


# ---- class folders


def make(root: Path, *names: str) -> Path:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    return root


def rows(path):
    found = class_folders(path, Image())
    return None if found is None else [(row.where, row.target, row.split) for row in found]


def test_class_folders(tmp_path):
    root = make(tmp_path / "photos", "dog/2.JPG", "cat/3.jpg", "cat/sub/4.png", "cat/notes.txt", "cat/.hidden.jpg")
    make(root, ".git/x/1.jpg", "cat/Thumbs.db", "cat/.DS_Store", "__MACOSX/cat/1.jpg", "cover.jpg")
    (root / "fish").mkdir()
    assert rows(root) == [
        ("photos/cat/3.jpg", "cat", ""),
        ("photos/cat/sub/4.png", "cat", ""),
        ("photos/dog/2.JPG", "dog", ""),
    ]
    row = next(class_folders(root, Image()))
    assert row.input == str(root / "cat/3.jpg")
    assert Path(row.input).is_absolute()


def test_split_folders(tmp_path):
    names = ("train/cat/1.jpg", "Valid/cat/2.jpg", "test/dog/3.jpg", "readme.md", "extra/cat/5.jpg")
    root = make(tmp_path / "data", *names)
    assert rows(root) == [
        ("data/Valid/cat/2.jpg", "cat", "validation"),
        ("data/test/dog/3.jpg", "dog", "test"),
        ("data/train/cat/1.jpg", "cat", "train"),
    ]


def test_an_unlabelled_test_folder_is_left_out(tmp_path):
    root = make(tmp_path / "d", "train/cat/1.jpg", "train/dog/1.jpg", "test/9.jpg")
    assert [row[1:] for row in rows(root)] == [("cat", "train"), ("dog", "train")]


def test_a_class_called_train_is_a_class(tmp_path):
    root = make(tmp_path / "vehicles", "train/1.jpg", "plane/1.jpg", "car/1.jpg")
    assert [row[1:] for row in rows(root)] == [("car", ""), ("plane", ""), ("train", "")]
    make(root, "train/steam/2.jpg")
    assert [row[1] for row in rows(root)] == ["car", "plane", "train", "train"]


def test_links_and_loops(tmp_path):
    make(tmp_path / "elsewhere", "1.jpg", "2.jpg")
    root = make(tmp_path / "photos", "dog/1.jpg")
    (root / "cat").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    (root / "dog" / "again").symlink_to(root / "dog", target_is_directory=True)
    (root / "dog" / "gone.jpg").symlink_to(tmp_path / "nowhere.jpg")
    (root / "dog" / "itself").symlink_to("itself")
    where = [row[0] for row in rows(root)]
    assert where == ["photos/cat/1.jpg", "photos/cat/2.jpg", "photos/dog/1.jpg", "photos/dog/gone.jpg"]


def test_layouts_that_do_not_fit(tmp_path):
    assert rows(make(tmp_path / "flat", "1.jpg", "2.jpg")) is None
    assert rows(make(tmp_path / "texts", "pos/1.txt")) is None
    assert rows(tmp_path / "missing") is None
    assert class_folders(make(tmp_path / "c", "a/1.jpg"), Category()) is None


def test_rows_are_streamed_and_named_by_a_relative_path(tmp_path, monkeypatch):
    make(tmp_path / "photos", *(f"cat/{k}.jpg" for k in range(20)))
    monkeypatch.chdir(tmp_path / "photos")
    found = class_folders(Path(), Image())
    assert iter(found) is found
    row = next(found)
    assert row.where == "photos/cat/0.jpg"
    assert Path(row.input).is_file()
