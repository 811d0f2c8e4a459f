"""COCO, Pascal VOC and YOLO as they lie, and what is wrong in them by file and row."""

import json
import os
import re
from pathlib import Path
from zlib import crc32

import numpy as np
import PIL.Image
import pytest

from sounding.contract.task import Task
from sounding.data.ingest import ingest
from sounding.data.reading import Reader
from sounding.data.sources import find
from sounding.errors import DataError
from sounding.modalities.boxes.boxes import Boxes, BoxSet
from sounding.modalities.boxes.layouts import data_yaml
from sounding.modalities.boxes.layouts.box_layouts import BOX_LAYOUTS
from sounding.modalities.boxes.layouts.coco import coco_json
from sounding.modalities.pictures.image import Image

SIZE = (40, 20)  # width and height of every picture
BOX = [4, 2, 20, 10]  # x, y, width, height in pixels
SHARES = [0.1, 0.1, 0.6, 0.6]


class Finding(Task):
    """Only what reading needs."""

    layouts = BOX_LAYOUTS

    def modalities(self):
        return Image(), Boxes()

    metrics = build = loss = predict = demo = None


def picture(path, seed=None):
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(crc32(path.stem.encode()) if seed is None else seed)
    PIL.Image.fromarray(rng.integers(0, 255, (SIZE[1], SIZE[0], 3), np.uint8)).save(path)


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text if isinstance(text, str) else json.dumps(text))
    return path


def read(path):
    """Where → (split, boxes laid over the picture) or the DataError, of every row."""
    task = Finding()
    rows = find(task, Path(path)).rows
    source, out = Reader(rows, task.input, task.target), {}
    for i in range(len(source)):
        try:
            out[source.where(i)] = (rows[i].split, source.scan_row(i).example.target)
        except DataError as error:
            out[source.where(i)] = error
    return out


def told(found):
    """What was read, with the boxes as plain lists."""
    return {
        where: str(entry)
        if isinstance(entry, DataError)
        else (
            entry[0],
            [(name, *corners) for name, corners in zip(entry[1].labels, entry[1].corners.round(4).tolist())],
        )
        for where, entry in found.items()
    }


def one(split="", name="cat"):
    return split, [(name, *np.float32(SHARES).tolist())]


# ---- COCO


def coco(names=("a.png",), annotations=None, categories=({"id": 7, "name": "cat"},), sized=True):
    images = [{"id": 10 * k, "file_name": name} for k, name in enumerate(names, 1)]
    if sized:
        images = [{**image, "width": SIZE[0], "height": SIZE[1]} for image in images]
    if annotations is None:
        annotations = [{"image_id": image["id"], "category_id": 7, "bbox": BOX} for image in images]
    return {
        "images": images,
        "annotations": [{"id": k, **a} for k, a in enumerate(annotations, 1)],
        "categories": list(categories),
    }


@pytest.mark.parametrize("place", ["a.png", "images/a.png", "train/a.png"])
def test_one_json_finds_its_pictures(tmp_path, place):
    picture(tmp_path / place)
    write(tmp_path / "all.json", coco())
    assert told(read(tmp_path / "all.json")) == {"all.json:a.png": one()}


def test_crowds_are_left_out_beside_things_and_are_things_where_nothing_else_is(tmp_path):
    picture(tmp_path / "a.png")
    crowd = {"image_id": 10, "category_id": 7, "bbox": [0, 0, 40, 20], "iscrowd": 1}
    thing = {"image_id": 10, "category_id": 7, "bbox": BOX, "iscrowd": 0}
    write(tmp_path / "all.json", coco(annotations=[crowd, thing]))
    found = read(tmp_path / "all.json")
    assert told(found) == {"all.json:a.png": one()}
    assert Boxes().remark(found["all.json:a.png"][1]) == "1 crowd region left out"
    write(tmp_path / "all.json", coco(annotations=[{**thing, "iscrowd": 1}]))  # as tools mark what a brush drew
    found = read(tmp_path / "all.json")
    assert told(found) == {"all.json:a.png": one()}
    assert "marked as crowds" in Boxes().remark(found["all.json:a.png"][1])


def test_the_folders_of_coco(tmp_path):
    for split in ("train", "val"):
        picture(tmp_path / f"{split}2017/same.png", seed=len(split))
        write(tmp_path / f"annotations/instances_{split}2017.json", coco(["same.png"]))
        write(
            tmp_path / f"annotations/captions_{split}2017.json",
            coco(["same.png"], [{"image_id": 10, "caption": "a cat"}]),
        )
    found = read(tmp_path)
    name = tmp_path.name
    assert told(found) == {
        f"{name}/annotations/instances_train2017.json:same.png": one("train"),
        f"{name}/annotations/instances_val2017.json:same.png": one("validation"),
    }
    rows = find(Finding(), tmp_path).rows
    assert [Path(row.input).parent.name for row in rows] == ["train2017", "val2017"]


def test_roboflow_folders(tmp_path):
    for split in ("train", "valid", "test"):
        picture(tmp_path / split / f"{split}.png")
        write(tmp_path / split / "_annotations.coco.json", coco([f"{split}.png"]))
    assert sorted(split for split, _ in read(tmp_path).values()) == ["test", "train", "validation"]


def test_the_folder_of_a_picture_tells_its_split(tmp_path):
    for name in ("train/a.png", "val/b.png"):
        picture(tmp_path / name)
    write(tmp_path / "all.json", coco(["train/a.png", "val\\b.png"]))
    assert sorted(split for split, _ in read(tmp_path).values()) == ["train", "validation"]


def test_an_image_without_annotations_has_nothing_in_it_and_that_is_said(tmp_path):
    for name in ("a.png", "b.png"):
        picture(tmp_path / name)
    write(tmp_path / "all.json", coco(["a.png", "b.png"], [{"image_id": 10, "category_id": 7, "bbox": BOX}]))
    _, nothing = read(tmp_path / "all.json")["all.json:b.png"]
    assert len(nothing) == 0
    assert Boxes().remark(nothing) == "no box: a picture with nothing in it"


@pytest.mark.parametrize(
    ("annotation", "boxes"),
    [
        ({"bbox": BOX, "segmentation": {"counts": [1, 2], "size": [20, 40]}}, [SHARES]),  # run lengths beside a box
        ({"segmentation": [[4, 2, 24, 2, 24, 12], [10, 5, 12, 5, 12, 6]]}, [SHARES]),  # bounds of the polygons
        ({"bbox": [], "segmentation": [[4, 2, 24, 12]]}, [SHARES]),
        ({"segmentation": {"counts": [82, *[10] * 39, 328], "size": [20, 40]}}, [SHARES]),  # bounds of the pixels
        ({"bbox": [4, 2, 0, 10]}, []),  # no width
        ({"bbox": [30, 2, 20, 10]}, [[0.75, 0.1, 1.0, 0.6]]),  # partly outside
        ({"bbox": [30.4, 2, 10, 10]}, [[0.76, 0.1, 1.0, 0.6]]),  # outside by rounding
    ],
)
def test_annotations_that_can_be_used(tmp_path, annotation, boxes):
    picture(tmp_path / "a.png")
    write(tmp_path / "all.json", coco(annotations=[{"image_id": 10, "category_id": 7, **annotation}]))
    _, value = read(tmp_path / "all.json")["all.json:a.png"]
    assert value.corners == pytest.approx(np.reshape(boxes, (-1, 4)), abs=1e-6)
    assert value.image_size == SIZE
    said = Boxes().remark(value)
    assert ("without a size" in said) == (annotation.get("bbox") == [4, 2, 0, 10])
    assert ("cut" in said) == (annotation.get("bbox") == [30, 2, 20, 10])


@pytest.mark.parametrize(
    ("annotation", "what"),
    [
        ({"category_id": 8, "bbox": BOX}, "annotation 1 has the category 8, which categories does not list"),
        ({"bbox": BOX, "category_id": None}, "has the category None"),
        ({"segmentation": {"counts": "x", "size": [20, 40]}}, "has an outline that is none"),
        ({}, "neither a box nor an outline"),
        ({"bbox": [4, 2, -20, 10]}, "negative width or height"),
        ({"bbox": [4, 2, 20]}, "not four numbers"),
        ({"bbox": [4, 2, 20, "x"]}, "not four numbers"),
        ({"bbox": [4, 2, float("nan"), 10]}, "no number"),
        ({"bbox": [50, 2, 20, 10]}, "lies outside the picture"),
    ],
)
def test_annotations_that_refuse_their_row(tmp_path, annotation, what):
    picture(tmp_path / "a.png")
    write(tmp_path / "all.json", coco(annotations=[{"image_id": 10, "category_id": 7, **annotation}]))
    error = read(tmp_path / "all.json")["all.json:a.png"]
    assert isinstance(error, DataError)
    assert what in error.what
    assert error.where == "all.json:a.png"
    assert error.fix


def test_images_that_are_refused(tmp_path):
    picture(tmp_path / "a.png")
    held = coco(["a.png", "gone.png"])
    held["images"] += [{"id": 10, "file_name": "a.png"}, {"id": 30}]
    held["annotations"].append({"id": 99, "image_id": 12345, "category_id": 7, "bbox": BOX})
    held["images"][0]["width"] = 80
    write(tmp_path / "all.json", held)
    task = Finding()
    rows = list(find(task, tmp_path / "all.json").rows)
    assert [row.where for row in rows] == [
        "all.json:a.png", "all.json:gone.png", "all.json:a.png", "all.json:image 4", "all.json:annotation 99"
    ]  # fmt: skip
    for row, what in zip(rows[2:], ("another image has the id 10", "no id or no file name", "of image 12345")):
        with pytest.raises(DataError, match=what):
            task.target.read(row.target)
    found = read(tmp_path / "all.json")
    assert "no file" in found["all.json:gone.png"].what
    assert isinstance(found["all.json:annotation 99"], DataError)
    with pytest.raises(DataError, match="for a picture of 80×20 pixels, and this one has 40×20"):
        task.target.placed(task.target.read(rows[0].target), SIZE)


def test_files_that_are_no_coco_json(tmp_path):
    write(tmp_path / "list.json", [1, 2])
    with pytest.raises(DataError, match="no COCO json"):
        find(Finding(), tmp_path / "list.json")
    write(tmp_path / "cut.json", '{"images": [')
    with pytest.raises(DataError, match="cannot be read"):
        find(Finding(), tmp_path / "cut.json")


def test_answers_as_a_coco_file():
    boxes = BoxSet([SHARES], ["cat"], [0.5], SIZE)
    held = coco_json([{"file_name": "a.png", "boxes": boxes}], ["ape", "cat"])
    assert held["annotations"] == [
        {"id": 1, "image_id": 1, "category_id": 2, "bbox": BOX, "area": 200, "iscrowd": 0, "score": 0.5}
    ]
    assert held["images"] == [{"id": 1, "file_name": "a.png", "width": 40, "height": 20}]
    assert held["categories"] == [{"id": 1, "name": "ape"}, {"id": 2, "name": "cat"}]


def test_what_is_written_is_read_again(tmp_path):
    picture(tmp_path / "a.png")
    boxes = BoxSet([SHARES, [0, 0, 1, 1]], ["cat", "ape"], None, SIZE)
    write(tmp_path / "out.json", coco_json([{"file_name": "a.png", "boxes": boxes}], ["ape", "cat"]))
    _, again = read(tmp_path / "out.json")["out.json:a.png"]
    assert again == boxes


# ---- Pascal VOC


def voc(box=(4, 2, 24, 12), name="cat", size=SIZE, filename="a.png"):
    sides = "".join(f"<{s}>{v}</{s}>" for s, v in zip(("xmin", "ymin", "xmax", "ymax"), box or ()))
    thing = f"<object><name>{name}</name><bndbox>{sides}</bndbox></object>" if box else ""
    size = f"<size><width>{size[0]}</width><height>{size[1]}</height></size>" if size else ""
    return f"<?xml version='1.0'?>\n<annotation><filename>{filename}</filename>{size}{thing}</annotation>"


def test_the_folders_of_voc(tmp_path):
    for stem, split in (("a", "train"), ("b", "val"), ("c", "test")):
        picture(tmp_path / f"JPEGImages/{stem}.png")
        write(tmp_path / f"Annotations/{stem}.xml", voc())
        write(tmp_path / f"ImageSets/Main/{split}.txt", f"{stem}\n")
        write(tmp_path / f"ImageSets/Main/cat_{split}.txt", f"{stem} 1\n")
    write(tmp_path / "ImageSets/Main/trainval.txt", "a\nb\n")
    write(tmp_path / "ImageSets/Segmentation/train.txt", "b\n")
    place = f"{tmp_path.name}/JPEGImages"
    assert told(read(tmp_path)) == {
        f"{place}/a.png": one("train"), f"{place}/b.png": one("validation"), f"{place}/c.png": one("test")
    }  # fmt: skip


@pytest.mark.parametrize(
    ("label", "place"),
    [
        ("train/a.xml", "train/a.png"),
        ("labels/train/a.xml", "images/train/a.png"),
        ("train/annotations/a.xml", "train/images/a.png"),
        ("train/other.xml", "train/a.png"),  # the file names its picture
    ],
)
def test_xml_beside_the_picture(tmp_path, label, place):
    picture(tmp_path / place)
    write(tmp_path / label, voc())
    assert told(read(tmp_path)) == {f"{tmp_path.name}/{place}": one("train")}


@pytest.mark.parametrize(
    ("xml", "what"),
    [
        (voc((24, 2, 4, 12)), "ends before it begins"),  # swapped corners
        (voc((4, 12, 24, 2)), "ends before it begins"),
        (voc()[:-20], "the XML cannot be read"),
        (voc(("x", 2, 4, 12)), "xmin of 'cat' is 'x'"),
        (voc((4, 2)), "the box of 'cat' has no xmax"),
        (voc(name=""), "object 1 has no name"),
        (voc(size=(20, 40)), "for a picture of 20×40 pixels"),
        (voc((50, 2, 60, 12)), "outside the picture"),
    ],
)
def test_xml_that_refuses_its_row(tmp_path, xml, what):
    picture(tmp_path / "JPEGImages/a.png")
    write(tmp_path / "Annotations/a.xml", xml)
    (error,) = read(tmp_path).values()
    assert isinstance(error, DataError)
    assert what in error.what
    assert error.where.startswith(tmp_path.name)
    assert error.fix


def test_xml_without_objects_says_that_there_is_nothing_and_no_xml_says_nothing(tmp_path):
    for stem in "abc":
        picture(tmp_path / f"JPEGImages/{stem}.png")
    write(tmp_path / "Annotations/a.xml", voc())
    write(tmp_path / "Annotations/b.xml", voc(None))
    write(tmp_path / "Annotations/d.xml", voc(filename="d.png"))
    found, top = read(tmp_path), tmp_path.name
    assert len(found[f"{top}/JPEGImages/b.png"][1]) == 0
    assert "no label file c.xml" in found[f"{top}/JPEGImages/c.png"].what
    assert isinstance(found[f"{top}/Annotations/d.xml"], DataError)  # a label without a picture
    assert len(found) == 4


# ---- YOLO

LINE = "0 0.35 0.35 0.5 0.5\n"


@pytest.mark.parametrize(
    ("place", "label"),
    [
        ("images/{}/{}.png", "labels/{}/{}.txt"),
        ("{}/images/{}.png", "{}/labels/{}.txt"),
        ("{}/{}.png", "{}/{}.txt"),
    ],
)
@pytest.mark.parametrize("names", ["data.yaml", "classes.txt", ""])
def test_the_folders_of_yolo(tmp_path, place, label, names):
    for split, stem in (("train", "a"), ("val", "b"), ("test", "c")):
        picture(tmp_path / place.format(split, stem))
        write(tmp_path / label.format(split, stem), LINE)
    if names:
        write(tmp_path / names, "cat\ndog\n" if names == "classes.txt" else "names: [cat, dog]\nnc: 2\n")
    name = "cat" if names else "0"
    assert told(read(tmp_path)) == {
        f"{tmp_path.name}/{place.format(split, stem)}": one(named, name)
        for split, named, stem in (("train", "train", "a"), ("val", "validation", "b"), ("test", "test", "c"))
    }


def test_a_yaml_leads_to_its_pictures(tmp_path):
    for split, stem in (("fit", "a"), ("hold", "b"), ("other", "c")):
        picture(tmp_path / f"set/images/{split}/{stem}.png")
        write(tmp_path / f"set/labels/{split}/{stem}.txt", LINE)
    write(tmp_path / "list.txt", "set/images/other/c.png\n")
    yaml = "path: set  # from here\ntrain: images/fit\nval:\n  - images/hold\ntest: ../list.txt\nnames:\n  0: cat\n"
    write(tmp_path / "my.yaml", yaml)
    top = tmp_path.name
    assert told(read(tmp_path / "my.yaml")) == {
        f"{top}/set/images/fit/a.png": one("train"),
        f"{top}/set/images/hold/b.png": one("validation"),
        f"{top}/set/images/other/c.png": one("test"),
    }


def test_a_yaml_as_exports_write_it(tmp_path, monkeypatch):
    picture(tmp_path / "set/train/images/a.png")
    write(tmp_path / "set/train/labels/a.txt", LINE)
    write(tmp_path / "set/data.yaml", "train: ../train/images\nval: ../valid/images\n\nnc: 1\nnames: ['cat']\n")
    monkeypatch.chdir(tmp_path)
    assert told(read("set")) == {"set/train/images/a.png": one("train")}


def test_outlines_give_their_bounds_and_an_empty_file_nothing(tmp_path):
    for stem, text in (("a", "0 0.1 0.1 0.6 0.2 0.3 0.6\n"), ("b", ""), ("c", "\n" + LINE)):
        picture(tmp_path / f"images/{stem}.png")
        write(tmp_path / f"labels/{stem}.txt", text)
    found, top = told(read(tmp_path)), tmp_path.name
    assert found[f"{top}/images/a.png"] == found[f"{top}/images/c.png"] == one("", "0")
    assert found[f"{top}/images/b.png"] == ("", [])


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("0 1.35 0.35 0.5 0.5", "1.35 is no share"),
        ("0 0.35 -0.35 0.5 0.5", "-0.35 is no share"),
        ("0 140 70 200 100", "140 is no share"),
        ("0 0.35 0.35 0.5", "4 columns"),
        ("0 0.35 0.35 0.5 0.5 0.9", "6 columns"),
        ("0 0.1 0.1 0.6 0.2 0.3 0.6 0.2", "8 columns"),
        ("2 0.35 0.35 0.5 0.5", "class 2, where 2 are named"),
        ("-1 0.35 0.35 0.5 0.5", "the class is -1"),
        ("0.5 0.35 0.35 0.5 0.5", "the class is 0.5"),
        ("cat 0.35 0.35 0.5 0.5", "not numbers"),
        ("0 nan 0.35 0.5 0.5", "no share"),
    ],
)
def test_lines_that_refuse_their_row(tmp_path, line, what):
    picture(tmp_path / "images/train/a.png")
    write(tmp_path / "labels/train/a.txt", f"{LINE}{line}\n")
    write(tmp_path / "data.yaml", "names:\n- cat\n- dog\n")
    (error,) = read(tmp_path).values()
    assert isinstance(error, DataError)
    assert what in error.what
    assert error.where == f"{tmp_path.name}/labels/train/a.txt:2"
    assert error.fix


def test_pictures_without_labels_are_background_and_labels_without_pictures_are_refused(tmp_path):
    for stem in "ab":
        picture(tmp_path / f"images/train/{stem}.png")
    for stem in "ac":
        write(tmp_path / f"labels/train/{stem}.txt", LINE)
    found, top = read(tmp_path), tmp_path.name
    assert told(found)[f"{top}/images/train/b.png"] == ("train", [])
    notes = find(Finding(), tmp_path).notes
    assert notes == ("1 of 3 pictures has no label file: taken as background, with nothing in them",)
    assert isinstance(found[f"{top}/labels/train/c.txt"], DataError)
    assert len(found) == 3


def test_a_folder_of_pictures_alone_is_no_layout(tmp_path):
    picture(tmp_path / "a.png")
    assert [layout.rows(tmp_path, Image(), Boxes()) for layout in BOX_LAYOUTS] == [None] * len(BOX_LAYOUTS)
    write(tmp_path / "readme.txt", "five words that are text")
    assert [layout.rows(tmp_path, Image(), Boxes()) for layout in BOX_LAYOUTS] == [None] * len(BOX_LAYOUTS)


@pytest.mark.parametrize(
    "text",
    [
        "names: [a, 'b c', \"d, e\"]",
        "names:\n  - a\n  - 'b c' # why\n  - \"d, e\"\n",
        "names:\n- a\n- b c\n- d, e\n",
        "names:\n  0: a\n  1: b c\n  2: 'd, e'\n",
        "names: {0: a, 1: 'b c', 2: \"d, e\"}",
        "names: ['a',\n  'b c',\n  'd, e']\n",
    ],
)
def test_a_data_yaml_in_its_forms(tmp_path, text):
    more = "train: ../x#1 # two\npath: 'a: b'\nval:\ntest: [c, d]\nnc: 3\nroboflow:\n  licence: {name: CC BY 4.0}"
    file = write(tmp_path / "data.yaml", f"# a comment\n{text}\n{more}")
    assert data_yaml.read(file) == data_yaml.DataYaml(
        "a: b", {"train": ["../x#1"], "test": ["c", "d"]}, ["a", "b c", "d, e"]
    )


def test_names_are_the_texts_that_stand_there(tmp_path):
    file = write(tmp_path / "data.yaml", "names: [yes, no, 01, 1e3, null, 2024-13-45, ~]")
    assert data_yaml.read(file).names == ["yes", "no", "01", "1e3", "null", "2024-13-45", "~"]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("nc: 2", ["0", "1"]),
        ("names: {2: c, 0: a}", ["a", "1", "c"]),
        ("names: []", []),
        ("names:\nnc:", None),
        ("first: &shared [a, b]\nnames: *shared", ["a", "b"]),
        ("names:\n- >-\n  a long\n  name\n- b", ["a long name", "b"]),
    ],
)
def test_names_by_number(tmp_path, text, names):
    assert data_yaml.read(write(tmp_path / "data.yaml", text)).names == names


@pytest.mark.parametrize("text", ["", "a text", "- names", "steps: 3", "steps: 3\n---\nsteps: 4", "a: [1"])
def test_another_kind_of_yaml_says_nothing_of_boxes(tmp_path, text):
    assert data_yaml.read(write(tmp_path / "other.yaml", text)) is None


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("train: x\nnames: [cat, dog\nnc: 2\n", ":3", "no YAML can be read here"),
        ("names: [cat]\n---\nnames: [dog]\n", ":2", "another document"),
        ("names:\n  0: cat\n  1: dog\n  1: cow\n", ":4", "'1' a second time"),
        ("nc: 1\nnames:\n\t- cat\n", ":3", "cannot start any token"),
        ("names: cat", "", "names is no list of names"),
        ("names: [cat, [dog]]", "", "names is no list of names"),
        ("names: {0: [cat]}", "", "names is no list of names"),
        ("names: {cat: 0}", "", "names does not number the classes"),
        ("nc: many", "", "nc is no number of classes"),
        ("nc: 1\ntrain: {images: x}", "", "train names something that is no path"),
        ("nc: 1\npath: [x]", "", "path is no path"),
    ],
)
def test_a_data_yaml_that_cannot_be_used_names_its_line(tmp_path, text, line, what):
    picture(tmp_path / "a.png")
    write(tmp_path / "a.txt", LINE)
    file = write(tmp_path / "data.yaml", text)
    with pytest.raises(DataError, match=re.escape(what)) as caught:
        read(tmp_path)
    assert caught.value.where == f"{file}{line}"
    assert caught.value.fix


# ---- all of it


def test_the_report_of_a_folder(tmp_path):
    for k in range(30):
        picture(tmp_path / f"images/{k}.png")
        write(tmp_path / f"labels/{k}.txt", LINE if k else "")
    report = ingest(Finding(), tmp_path).report
    assert report.rows == 30
    assert not report.rejected
    assert not report.problems
    assert any("0.png: no box" in remark for remark in report.remarks)


@pytest.mark.skipif("SOUNDING_DATA" not in os.environ, reason="set SOUNDING_DATA to the folder that holds bccd/")
def test_the_blood_cells():
    """All 364 pictures are read; the two boxes without a size are left out and reported."""
    found = ingest(Finding(), Path(os.environ["SOUNDING_DATA"]) / "bccd")
    assert found.report.splits == {"train": 205, "validation": 87, "test": 72}
    assert not found.report.rejected
    assert sum("without a size" in remark for remark in found.report.remarks) == 2
    boxes = [found.source.target(int(row)) for row in found.rows]
    assert sum(map(len, boxes)) == 2382 + 214 + 209 + 968 + 87 + 83 + 805 + 71 + 69 - 2
    assert {label for value in boxes for label in value.labels} == {"RBC", "WBC", "Platelets"}
    assert all(value.image_size == (640, 480) for value in boxes)
