"""Every layout of pictures and masks on disk, read through the data layer's own door, and what is wrong with some."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from sounding.contract.task import Task
from sounding.data import open_data
from sounding.data.ingest import ingest
from sounding.errors import DataError
from sounding.modalities.masks.layouts import MASK_LAYOUTS, scheme
from sounding.modalities.masks.mask import VOID, Mask
from sounding.modalities.pictures.image import Image

SHAPE = (6, 8)


def picture(path: Path, shape=SHAPE) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(list(path.name.encode())).integers(0, 256, (*shape, 3))
    PIL.Image.fromarray(pixels.astype(np.uint8)).save(path)
    return path


def mask(path: Path, id: int = 1, shape=SHAPE) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    array = np.zeros(shape, np.uint8)
    array[0] = id
    PIL.Image.fromarray(array).save(path)
    return path


def laid(path: Path):
    """The rows of the first layout that has some."""
    found = (layout.rows(path, Image(), Mask()) for layout in MASK_LAYOUTS)
    return next((rows for rows in found if rows is not None), None)


def listed(path: Path):
    """(place, stem of the picture, name of the mask or what is wrong, split) of each row."""
    rows = laid(path)
    if rows is None:
        return None
    return [
        (
            row.where,
            Path(row.input).stem,
            row.target["problem"] if isinstance(row.target, dict) else row.target,
            row.split,
        )
        for row in rows
    ]


LAYOUTS = {
    "two folders": ("images/{}.jpg", "masks/{}.png"),
    "voc": ("VOC2012/JPEGImages/{}.jpg", "VOC2012/SegmentationClass/{}.png"),
    "fastai": ("images/{}.png", "labels/{}_P.png"),
    "side by side": ("{}.jpg", "{}.png"),
    "side by side by name": ("{}.png", "{}_mask.png"),
    "cityscapes": ("leftImg8bit/a/{}_leftImg8bit.png", "gtFine/a/{}_gtFine_labelIds.png"),
    "carvana": ("train/{}.jpg", "train_masks/{}_mask.gif"),
    "pairs of folders": ("shots/{}.jpg", "shots_labels/{}.png"),
}
SPLIT_LAYOUTS = {
    "above": ("{1}/images/{0}.jpg", "{1}/masks/{0}.png"),
    "below": ("images/{1}/{0}.jpg", "annotations/{1}/{0}.png"),
    "camvid": ("{1}/{0}.png", "{1}annot/{0}.png"),
    "underscores": ("{1}_images/{0}.jpg", "{1}_labels/{0}.png"),
    "side by side": ("{1}/{0}.jpg", "{1}/{0}.png"),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_masks_are_found_by_their_stem(tmp_path, name):
    first, second = LAYOUTS[name]
    pairs = [(picture(tmp_path / first.format(stem)), mask(tmp_path / second.format(stem))) for stem in ("a1", "b2")]
    rows = list(laid(tmp_path))
    assert [(Path(row.input), Path(row.target)) for row in rows] == pairs
    assert all(row.where == f"{tmp_path.name}/{image.relative_to(tmp_path)}" for row, (image, _) in zip(rows, pairs))
    assert all(Mask().read(row.target, row.root).shape == SHAPE for row in rows)


@pytest.mark.parametrize("name", SPLIT_LAYOUTS)
def test_folders_of_splits_are_told_above_and_below(tmp_path, name):
    first, second = SPLIT_LAYOUTS[name]
    for split in ("train", "val", "test"):
        picture(tmp_path / first.format("x", split)), mask(tmp_path / second.format("x", split))
    found = sorted((split, stem) for _, stem, _, split in listed(tmp_path))
    assert found == [("test", "x"), ("train", "x"), ("validation", "x")]


def test_a_picture_without_a_mask_and_a_mask_without_a_picture_are_refused_by_their_place(tmp_path):
    picture(tmp_path / "images/both.jpg"), mask(tmp_path / "masks/both.png")
    picture(tmp_path / "images/alone.jpg"), mask(tmp_path / "masks/stray.png")
    rows = {row.where: row for row in laid(tmp_path)}
    assert len(rows) == 3
    for place, said in (("images/alone.jpg", "no mask for this picture"), ("masks/stray.png", "no picture for this")):
        with pytest.raises(DataError, match=said):
            Mask().read(rows[f"{tmp_path.name}/{place}"].target)


def test_lists_of_voc_choose_rows_and_splits(tmp_path):
    for stem in ("a", "b"):
        picture(tmp_path / f"JPEGImages/{stem}.jpg"), mask(tmp_path / f"SegmentationClass/{stem}.png")
        mask(tmp_path / f"SegmentationObject/{stem}.png")
    picture(tmp_path / "JPEGImages/boxes_only.jpg")
    (tmp_path / "ImageSets/Segmentation").mkdir(parents=True)
    (tmp_path / "ImageSets/Segmentation/train.txt").write_text("a\n")
    (tmp_path / "ImageSets/Segmentation/val.txt").write_text("b\n")
    assert [(stem, split) for _, stem, _, split in listed(tmp_path)] == [("a", "train"), ("b", "validation")]


def test_folders_without_masks_are_not_taken_for_some(tmp_path):
    for name in ("cats/a.png", "cats/b.jpg", "dogs/c.png"):
        picture(tmp_path / name)
    assert listed(tmp_path) is None
    (tmp_path / "notes.json").write_text('{"a": 1}')
    assert listed(tmp_path) is None
    assert laid(tmp_path / "cats/a.png") is None


# ---- through the data layer


class Segmenting(Task):
    """What the data layer needs of a task."""

    layouts = MASK_LAYOUTS
    metrics = ()
    build = loss = predict = demo = None

    def modalities(self):
        return Image(), Mask()


def test_rows_that_cannot_be_used_are_refused_by_file_and_the_rest_is_opened(tmp_path):
    path = tmp_path / "data"
    for i in range(40):
        picture(path / f"images/{i}.png"), mask(path / f"masks/{i}.png")
        mask_of = PIL.Image.open(path / f"masks/{i}.png")
        mask_of.putpixel((0, 5), 2 + i % 2)
        mask_of.save(path / f"masks/{i}.png")
    picture(path / "images/lonely.png"), mask(path / "masks/stray.png")
    picture(path / "images/large.png", (60, 80)), mask(path / "masks/large.png")
    picture(path / "images/rgb.png")
    PIL.Image.fromarray(np.random.default_rng(0).integers(0, 255, (*SHAPE, 3)).astype(np.uint8)).save(
        path / "masks/rgb.png"
    )
    task = Segmenting()
    with pytest.raises(DataError, match="4 of 44 rows cannot be used"):
        open_data(task, path)
    data = open_data(task, path, allow_bad=0.1)
    assert [(Path(rejection.where).name, rejection.what) for rejection in data.report.rejected] == [
        ("large.png", "the mask is 8×6 pixels, its picture 80×60"),
        ("lonely.png", "there is no mask for this picture (of the name lonely)"),
        ("rgb.png", "the mask is in colour (48 colours), and no colour map says what they mean"),
        ("stray.png", "there is no picture for this mask (of the name stray)"),
    ]
    assert task.target.names == ["0", "1", "2", "3"]
    assert len(data.train) + len(data.validation) + len(data.test) == 40
    assert data.test[0].target.shape == SHAPE
    mask(path / "masks/0.png", 77)
    found = open_data(task, path, allow_bad=0.2, fit=False).report.rejected
    assert any("class '77' is in no training mask" in rejection.what for rejection in found)


def test_a_parquet_file_of_pictures_and_masks_is_understood(tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    files = [(picture(tmp_path / f"x{i}.png").read_bytes(), mask(tmp_path / f"m{i}.png", 1 + i % 2)) for i in range(20)]
    cells = [{"image": {"bytes": a, "path": None}, "mask": {"bytes": b.read_bytes(), "path": None}} for a, b in files]
    pq.write_table(pa.Table.from_pylist(cells), tmp_path / "all.parquet")
    task = Segmenting()
    data = open_data(task, tmp_path / "all.parquet")
    assert data.report.column_names == {"input": "image", "target": "mask"}
    assert task.target.names == ["0", "1", "2"]


# ---- names and colours


@pytest.mark.parametrize(
    ("name", "text", "names", "colours"),
    [
        ("classes.txt", "sky\nroad\n\n", {0: "sky", 1: "road"}, {}),
        ("codes.txt", "0 sky\n4: car\n", {0: "sky", 4: "car"}, {}),
        (
            "class_dict.csv",
            "name,r,g,b\nsky,1,2,3\nold car,4,5,6\n",
            {0: "sky", 1: "old car"},
            {(1, 2, 3): 0, (4, 5, 6): 1},
        ),
        (
            "label_colors.txt",
            "64 128 64\tAnimal\n192 0 128\t\tArchway\n",
            {0: "Animal", 1: "Archway"},
            {(64, 128, 64): 0, (192, 0, 128): 1},
        ),
        (
            "labelmap.txt",
            "# label:color_rgb:parts:actions\nbackground:0,0,0::\ncat:9,8,7::\n",
            {0: "background", 1: "cat"},
            {(0, 0, 0): 0, (9, 8, 7): 1},
        ),
    ],
)
def test_files_beside_the_data_name_classes_and_colours(tmp_path, name, text, names, colours):
    (tmp_path / name).write_text(text)
    found = scheme(tmp_path)
    assert (dict(found.names), dict(found.colours)) == (names, colours)


def test_colour_masks_in_a_folder_with_a_map_train_and_what_was_learnt_stays(tmp_path):
    picture(tmp_path / "data/images/x.jpg")
    colours = np.array([[10, 20, 30], [40, 50, 60]], np.uint8)[np.eye(*SHAPE, dtype=int)]
    (tmp_path / "data/masks").mkdir()
    PIL.Image.fromarray(colours).save(tmp_path / "data/masks/x.png")
    (tmp_path / "data/class_dict.csv").write_text("name,r,g,b\nwall,10,20,30\nline,40,50,60\n")
    task = Segmenting()
    found = ingest(task, tmp_path / "data")
    task.target.fit([found.source.target(0)])
    assert task.target.names == ["wall", "line"]
    picture(tmp_path / "other/images/y.jpg"), mask(tmp_path / "other/masks/y.png")
    (tmp_path / "other/classes.txt").write_text("something\nelse\n")
    ingest(task, tmp_path / "other", fit=False)
    assert task.target.scheme.names == {0: "wall", 1: "line"}


def test_names_beside_a_table_are_found(tmp_path):
    from sounding.contract.modality import Row

    (tmp_path / "classes.txt").write_text("sky\nvoid\n")
    target = Mask()
    target.learn_legend([Row("t:1", None, np.eye(3, dtype=np.uint8), root=tmp_path)], tmp_path)
    assert target.scheme.names == {0: "sky", 1: "void"}
    assert target.read(np.eye(3, dtype=np.uint8)).max() == VOID


# ---- COCO


def coco(path: Path, entries: list[dict], images: list[dict] | None = None, kinds=((3, "cat"), (90, "dog"))) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    images = images or [{"id": 1, "file_name": "x.jpg", "width": 8, "height": 6}]
    held = {"images": images, "annotations": entries, "categories": [{"id": i, "name": n} for i, n in kinds]}
    path.write_text(json.dumps(held))
    return path


def entry(shape, category=3, image=1, id=1):
    return {"id": id, "image_id": image, "category_id": category, "segmentation": shape}


SQUARE = [[2, 1, 5, 1, 5, 4, 2, 4]]


def test_polygons_are_drawn_later_ones_on_top_and_gaps_in_ids_do_not_matter(tmp_path):
    picture(tmp_path / "x.jpg")
    file = coco(tmp_path / "all.json", [entry(SQUARE), entry([[4, 3, 7, 3, 7, 5, 4, 5]], 90)])
    target = Mask()
    for source in (tmp_path, file):
        (row,) = laid(source)
        target.learn_legend([row], tmp_path)
        found = target.read(row.target)
        expected = np.zeros((6, 8), int)
        expected[1:4, 2:5], expected[3:5, 4:7] = 1, 2
        assert (found == expected).all()
        assert Path(row.input) == tmp_path / "x.jpg"
    target.fit([found])
    assert target.names == ["background", "cat", "dog"]


def test_polygons_and_run_lengths_mix(tmp_path):
    picture(tmp_path / "x.jpg")
    runs = {"size": [6, 8], "counts": [0, 6, 42]}  # the first column
    coco(tmp_path / "all.json", [entry(SQUARE), entry(runs, 90) | {"iscrowd": 1}])
    (row,) = laid(tmp_path)
    found = Mask().read(row.target)
    assert (found[:, 0] == 2).all()
    assert (found == 1).sum() == 9


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        ([entry(SQUARE, 7)], "category id 7 is not among the categories"),
        ([entry([])], "annotation 1 has no segmentation"),
        ([entry([[1, 2, 3, 4]])], "object 1 cannot be drawn"),
        ([entry({"size": [6, 8], "counts": [5]})], "object 1 cannot be drawn"),
        ([entry({"size": [5, 8], "counts": [40]})], "object 1 cannot be drawn"),
        ([entry({"size": [6, 8], "counts": "ab~"})], "object 1 cannot be drawn"),
        ([entry("nonsense")], "object 1 cannot be drawn"),
    ],
)
def test_broken_segmentations_are_refused_one_image_at_a_time(tmp_path, entries, said):
    picture(tmp_path / "x.jpg")
    coco(tmp_path / "all.json", entries)
    (row,) = laid(tmp_path)
    assert row.where == f"{tmp_path.name}/all.json:x.jpg"
    with pytest.raises(DataError, match=said):
        Mask().read(row.target)


def test_strays_missing_pictures_and_unequal_categories_are_said(tmp_path):
    images = [{"id": 1, "file_name": "x.jpg", "width": 8, "height": 6}, {"id": 2, "file_name": "gone.jpg"}]
    picture(tmp_path / "train/x.jpg")
    coco(tmp_path / "train/_annotations.coco.json", [entry(SQUARE), entry(SQUARE, image=5, id=9)], images)
    first, second, stray = list(laid(tmp_path))
    assert first.split == second.split == stray.split == "train"
    assert not Path(second.input).exists()
    with pytest.raises(DataError, match="no width and height"):
        Mask().read(second.target)
    with pytest.raises(DataError, match="annotation 9 is of image 5, which the file does not list"):
        Mask().read(stray.target)
    coco(tmp_path / "valid/_annotations.coco.json", [entry(SQUARE)], kinds=((3, "cat"),))
    with pytest.raises(DataError, match="its categories are not those of"):
        laid(tmp_path)
    (tmp_path / "valid/_annotations.coco.json").write_text("{")
    with pytest.raises(DataError, match="not readable as json"):
        laid(tmp_path)


def test_pictures_of_one_name_in_two_splits_are_told_apart(tmp_path):
    for split in ("train2017", "val2017"):
        picture(tmp_path / f"{split}/x.jpg")
        coco(tmp_path / f"annotations/instances_{split}.json", [entry(SQUARE)])
    rows = list(laid(tmp_path))
    assert [(row.split, Path(row.input).parent.name) for row in rows] == [
        *(("train", "train2017"), ("validation", "val2017")),
    ]
