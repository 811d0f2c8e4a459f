"""`predict` as a person uses it: inputs that cannot be read, what is written where, and words for explanations."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sounding.applications.vision.detect.task import Detect
from sounding.applications.vision.segment.task import Segment
from sounding.contract.records import Prediction
from sounding.modalities.boxes.boxes import BoxSet
from sounding.runs.prediction import Result
from sounding.runs.writing import write_results

SIDES = ("xmin", "ymin", "xmax", "ymax")


def test_an_input_that_cannot_be_read_costs_no_other_answer(sounding, run, photos):
    (photos / "dark" / "zz.png").write_text("no picture")
    status, out, err = sounding("predict", run, "nowhere.png", photos / "dark", photos / "bright" / "1.png")
    assert status == 1
    assert [line.split("\t")[0] for line in out.splitlines()[-2:]] == [
        "photos/dark/9.png".replace("photos", str(photos)),
        str(photos / "bright" / "1.png"),
    ]
    assert len(out.splitlines()) == 41
    assert [line.startswith("Not answered: ") for line in err.splitlines()] == [True, True]
    assert "nowhere.png" in err
    assert "zz.png is not a picture" in err


def test_the_others_are_written_and_where_there_is_none_the_former_file_stays(sounding, run, photos):
    (photos / "dark" / "zz.png").write_text("no picture")
    for name in ("a.csv", "a.jsonl"):
        status, out, err = sounding("predict", run, photos, "--out", name)
        assert (status, out) == (1, f"80 answers in {name}\n")
        assert "zz.png" in err
        former = Path(name).read_bytes()
        status, out, err = sounding("predict", run, photos / "dark" / "zz.png", "--out", name)
        assert (status, out) == (1, "")
        assert Path(name).read_bytes() == former


def test_a_folder_without_pictures_costs_no_other_answer(sounding, run, photos):
    Path("empty").mkdir()
    status, out, err = sounding("predict", run, "empty", photos / "dark" / "1.png")
    assert (status, len(out.splitlines())) == (1, 1)
    assert "no file of this kind is in it" in err


def test_an_explanation_says_row_and_column(sounding, run, photos):
    status, out, err = sounding("predict", run, photos / "dark" / "1.png", "--explain")
    assert status == 0, err
    assert "most for it: row " in out
    status, out, _ = sounding("predict", run, photos / "dark" / "1.png", "--explain", "--json")
    why = json.loads(out)["explanation"]
    where, weight = why["top"][0].values()
    row, column = (int(word.split()[1]) for word in where.split(", "))
    assert np.reshape(why["weights"], (4, 4))[row - 1, column - 1] == weight == max(why["weights"])


# ---- what is written


@pytest.fixture
def boxes(tmp_path):
    """Answers of a detector to three pictures of 40 × 20: two boxes and one below the threshold, one box, none."""
    task = Detect()
    task.input.fit([np.zeros((20, 40, 3), np.uint8)])
    task.target.names = ["ape", "tall cat"]
    found = [
        ([[0.5, 0.5, 1, 1], [0, 0, 0.25, 0.5], [0, 0, 1, 1]], ("ape", "tall cat", "ape"), [0.6, 0.9, 0.1]),
        ([[0.1, 0.2, 0.3, 0.4]], ("ape",), [0.75]),
        (np.zeros((0, 4)), (), []),
    ]
    results = []
    for i, (corners, labels, scores) in enumerate(found):
        path = tmp_path / f"{i}.png"
        Image.new("RGB", (40, 20)).save(path)
        value = BoxSet(corners, labels, scores, (40, 20), threshold=0.3)
        results.append(Result(str(path), task.input.read(path), Prediction(value, 0.5), task, str(path)))
    return results


def test_a_table_of_boxes_has_a_row_for_each_box(boxes, tmp_path):
    assert write_results(tmp_path / "a.csv", iter(boxes)) == 3
    with open(tmp_path / "a.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [Path(row["input"]).name for row in rows] == ["0.png", "0.png", "1.png", "2.png"]
    assert [(row["label"], row["score"]) for row in rows] == [
        ("tall cat", "0.9"),
        ("ape", "0.6"),
        ("ape", "0.75"),
        ("", ""),
    ]
    assert [float(rows[0][side]) for side in SIDES] == [0, 0, 10, 10]
    assert [float(rows[1][side]) for side in SIDES] == [20, 10, 40, 20]
    assert rows[3]["xmin"] == ""


def test_a_folder_of_boxes_holds_label_files_as_yolo_has_them(boxes, tmp_path):
    """Read by YOLO's own definition: class, centre x, centre y, width, height, in shares of the picture."""
    write_results(tmp_path / "out", boxes)
    assert (tmp_path / "out" / "classes.txt").read_text().splitlines() == ["ape", "tall cat"]
    lines = (tmp_path / "out" / "labels" / "0.txt").read_text().splitlines()
    numbers = np.array([line.split() for line in lines], float)
    assert numbers.tolist() == [[0, 0.75, 0.75, 0.5, 0.5], [1, 0.125, 0.25, 0.25, 0.5]]
    assert (tmp_path / "out" / "labels" / "2.txt").read_text() == ""
    assert {path.name for path in (tmp_path / "out").glob("*.png")} == {"0.png", "1.png", "2.png"}


def test_a_coco_file_of_answers_holds_the_same_boxes_and_those_that_are_less_sure(boxes, tmp_path):
    write_results(tmp_path / "a.json", boxes)
    held = json.loads((tmp_path / "a.json").read_text())
    names = {category["id"]: category["name"] for category in held["categories"]}
    found = [(a["image_id"], names[a["category_id"]], a["bbox"], round(a["score"], 3)) for a in held["annotations"]]
    assert sorted(found) == [
        (1, "ape", [0, 0, 40, 20], 0.1),
        (1, "ape", [20, 10, 20, 10], 0.6),
        (1, "tall cat", [0, 0, 10, 10], 0.9),
        (2, "ape", [4, 4, 8, 4], 0.75),
    ]
    assert [image["file_name"] for image in held["images"]] == [result.source for result in boxes]


def test_masks_are_written_as_png_and_as_a_row_for_each_class(tmp_path):
    task = Segment()
    task.input.fit([np.zeros((4, 6, 3), np.uint8)])
    mask = np.zeros((4, 6), np.uint8)
    mask[:, :2] = 7
    task.target.fit([mask])
    path = tmp_path / "yard.png"
    Image.new("RGB", (6, 4)).save(path)
    sure = np.full((4, 6), 0.5, np.float16)
    result = Result(str(path), task.input.read(path), Prediction(mask, 0.5, sure), task, str(path))
    write_results(tmp_path / "out", [result])
    with Image.open(tmp_path / "out" / "masks" / "yard.png") as written:
        assert written.mode == "P"
        assert np.array_equal(np.asarray(written), mask)
    write_results(tmp_path / "a.csv", [result])
    with open(tmp_path / "a.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["id"], row["pixels"], row["score"]) for row in rows] == [("0", "16", "0.5"), ("7", "8", "0.5")]
    assert [float(row["share"]) for row in rows] == pytest.approx([2 / 3, 1 / 3], abs=1e-6)
