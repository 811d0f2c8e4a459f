"""Exports in the shapes that labelling tools write are read untouched: boxes and masks are those that made them."""

import json

import numpy as np
import PIL.Image
import pytest
from export_shapes import (
    HEIGHT,
    KINDS,
    SCENES,
    SPLITS,
    TRUE_BOXES,
    TRUE_MASKS,
    TRUE_SPLITS,
    WIDTH,
    Detecting,
    Segmenting,
    boxes_in,
    coco,
    cvat,
    label_studio,
    masks_in,
    panoptic,
)

from sounding.contract.modality import Row
from sounding.data.ingest import ingest
from sounding.data.reading import Reader
from sounding.data.sources import find
from sounding.errors import DataError
from sounding.modalities.masks.mask import VOID, Mask

NO_SPLITS = dict.fromkeys(TRUE_SPLITS, "")


def uploaded(truth):
    """The truth under the names that pictures have after they were uploaded."""
    return {f"{number:08x}-{name}": value for number, (name, value) in enumerate(truth.items(), 1)}


# ---- CVAT


@pytest.mark.parametrize("shape", ["box", "turned", "polygon", "window", "whole"])
def test_cvat(tmp_path, shape):
    path = cvat(tmp_path / "export", shape)
    assert boxes_in(path) == (TRUE_BOXES, TRUE_SPLITS, [])
    assert masks_in(path) == (TRUE_MASKS, TRUE_SPLITS, [])
    assert boxes_in(path / "val.xml") == ({"c": TRUE_BOXES["c"]}, {"c": ""}, [])


def test_cvat_says_what_it_leaves_out_and_what_it_cannot_read(tmp_path):
    path = cvat(tmp_path / "export", "box")
    text = (path / "train.xml").read_text()
    line = '<polyline label="disc" points="1,1;2,2"></polyline><tag label="disc"></tag>'
    (path / "train.xml").write_text(text.replace("</image>", f"{line}</image>", 1))
    assert any("1 polyline left out" in remark for remark in ingest(Detecting(), path).report.remarks)
    assert any("1 polyline left out in 1 picture" in note for note in ingest(Segmenting(), path).report.notes)
    (path / "train.xml").write_text(text.replace('xtl="3.00"', 'xtl="three"'))
    problem = next(row for row in ingest(Detecting(), path).report.rejected if "train.xml" in row.where)
    assert problem.where == "export/train.xml:a.jpg"
    assert "three" in problem.what
    (path / "train.xml").write_text(text[:-30])
    with pytest.raises(DataError, match=r"train\.xml: the xml is broken"):
        boxes_in(path)
    (path / "train.xml").write_text('<annotations><track id="0" label="disc"></track></annotations>')
    with pytest.raises(DataError, match="tracks through a video"):
        boxes_in(path)


# ---- Label Studio


@pytest.mark.parametrize("shape", ["rectangle", "polygon", "brush"])
@pytest.mark.parametrize("flat", [False, True])
def test_label_studio(tmp_path, shape, flat):
    path = label_studio(tmp_path / "export", shape, flat=flat)
    assert boxes_in(path) == (uploaded(TRUE_BOXES), uploaded(NO_SPLITS), [])
    assert masks_in(path) == (uploaded(TRUE_MASKS), uploaded(NO_SPLITS), [])


def test_label_studio_finds_pictures_under_the_names_that_they_had_before(tmp_path):
    path = label_studio(tmp_path / "export", "rectangle", renamed=False)
    assert boxes_in(path) == (TRUE_BOXES, NO_SPLITS, [])


@pytest.mark.parametrize(
    "address",
    [
        "/data/local-files/?d=photos%2Fa.png",
        "https://host/bucket/a.png?sig=1",
        "s3://bucket/deep/a.png",
        "photos\\a.png",
    ],
)
def test_label_studio_understands_where_pictures_were_served_from(tmp_path, address):
    path = label_studio(tmp_path / "export", "rectangle", renamed=False)
    (file,) = path.glob("*.json")
    tasks = json.loads(file.read_text())
    tasks[0]["data"] = {"picture": address}
    file.write_text(json.dumps(tasks))
    assert boxes_in(path)[0]["a"] == TRUE_BOXES["a"]


def test_label_studio_names_the_tasks_that_cannot_be_used(tmp_path):
    path = label_studio(tmp_path / "export", "rectangle")
    (file,) = path.glob("*.json")
    tasks = json.loads(file.read_text())
    tasks[0]["annotations"] = []
    tasks[1]["annotations"][0]["result"][0]["value"]["x"] = "left"
    file.write_text(json.dumps(tasks))
    rejected = ingest(Detecting(), path).report.rejected
    assert [row.what.split(" (")[0] for row in rejected] == ["nobody has annotated it", "a result cannot be understood"]
    rejected = ingest(Segmenting(), path).report.rejected
    assert len(rejected) == 2


def test_a_rectangle_of_label_studio_turns_about_its_upper_left_corner(tmp_path):
    path = label_studio(tmp_path / "export", "rectangle")
    (file,) = path.glob("*.json")
    tasks = json.loads(file.read_text())
    value = tasks[3]["annotations"][0]["result"][0]["value"]  # 9 × 8 pixels at (30, 13)
    value |= {"x": 100 * 30 / WIDTH, "y": 100 * 3 / HEIGHT, "rotation": 90}
    file.write_text(json.dumps(tasks))
    assert boxes_in(path)[0]["00000004-d"] == [("disc", 22, 3, 30, 12)]


# ---- COCO


@pytest.mark.parametrize("shape", ["polygons", "runs"])
def test_coco_of_datumaro(tmp_path, shape):
    path = coco(tmp_path / "export", shape)
    others = [f"export/annotations/{name}_{split}.json" for name in ("image_info", "stuff") for split in sorted(SPLITS)]
    for boxes, truth in ((boxes_in, TRUE_BOXES), (masks_in, TRUE_MASKS)):
        assert boxes(path) == (truth, TRUE_SPLITS, others)


def test_one_flat_polygon_is_an_outline_too(tmp_path):
    path = coco(tmp_path / "export", "polygons")
    for file in (path / "annotations").glob("instances_*.json"):
        held = json.loads(file.read_text())
        for entry in held["annotations"]:
            entry["segmentation"] = entry["segmentation"][0]
        file.write_text("\ufeff" + json.dumps(held), encoding="utf-8")
    assert masks_in(path)[0] == TRUE_MASKS


def test_coco_panoptic(tmp_path):
    path = panoptic(tmp_path / "export")
    assert masks_in(path) == (TRUE_MASKS, TRUE_SPLITS, [])
    target = Mask()
    cell = {"panoptic": str(path / "annotations/panoptic_test/d.png"), "segments": [[70_000, 5]], "names": {}}
    with pytest.raises(DataError, match=r"does not know the segment 300 of d\.png"):
        target.read(cell)
    dark = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    PIL.Image.fromarray(dark).save(path / "annotations/panoptic_test/d.png")
    assert (target.read(cell) == VOID).all()


# ---- YOLO


def yolo_line(label, left, top, right, bottom, digits=6):
    numbers = ((left + right) / 2 / WIDTH, (top + bottom) / 2 / HEIGHT, (right - left) / WIDTH, (bottom - top) / HEIGHT)
    return " ".join([str(KINDS.index(label)), *(f"{number:.{digits}f}" for number in numbers)])


def rounded(found):
    """Boxes to a tenth of a pixel: label files keep six digits of a share."""
    return {name: [(n, *np.round(c, 1).tolist()) for n, *c in boxes] for name, boxes in found.items()}


def test_darknet_of_datumaro(tmp_path):
    path = tmp_path / "export"
    for split in SPLITS:
        mine = [scene for scene in SCENES if scene.split == split]
        for scene in mine:
            scene.save(path / f"obj_{split}_data/{scene.name}.jpg")
            text = "\n".join(yolo_line(*box) for box in scene.boxes)
            (path / f"obj_{split}_data/{scene.name}.txt").write_text(text + "\n")
        (path / f"{split}.txt").write_text("".join(f"data/obj_{split}_data/{s.name}.jpg\n" for s in mine))
    (path / "obj.names").write_text("\n".join(KINDS))
    lists = "".join(f"{split} = data/{split}.txt\n" for split in SPLITS)
    (path / "obj.data").write_text(f"classes = 2\n{lists}names = data/obj.names\nbackup = backup/\n")
    found, splits, unused = boxes_in(path)
    assert (rounded(found), splits, unused) == (TRUE_BOXES, TRUE_SPLITS, [])


def test_ultralytics_of_datumaro(tmp_path):
    path = tmp_path / "export"
    for split in SPLITS:
        mine = [scene for scene in SCENES if scene.split == split]
        for scene in mine:
            scene.save(path / f"images/{split}/{scene.name}.jpg")
            label = path / f"labels/{split}/{scene.name}.txt"
            label.parent.mkdir(parents=True, exist_ok=True)
            label.write_text("\n".join(yolo_line(*box) for box in scene.boxes))
        (path / f"{split}.txt").write_text("".join(f"./images/{split}/{s.name}.jpg\n" for s in mine))
    names = "".join(f"  {k}: {kind}\n" for k, kind in enumerate(KINDS))
    lists = "".join(f"{split}: {split}.txt\n" for split in SPLITS)
    (path / "data.yaml").write_text(f"{lists}names:\n{names}")
    found, splits, unused = boxes_in(path)
    assert (rounded(found), splits, unused) == (TRUE_BOXES, TRUE_SPLITS, [])


# ---- Pascal VOC


@pytest.mark.parametrize(("folder", "database", "first"), [("pic", "Unknown", 0), ("VOC", "roboflow.ai", 1)])
def test_voc_of_datumaro_counts_from_0_and_that_of_supervision_from_1(tmp_path, folder, database, first):
    path = tmp_path / "export"
    (path / "annotations").mkdir(parents=True)
    for scene in SCENES:
        scene.save(path / f"images/{scene.name}.png")
        things = ""
        for label, left, top, right, bottom in scene.boxes:
            sides = {"xmin": left + first, "ymin": top + first, "xmax": right, "ymax": bottom}
            corners = "".join(f"<{side}>{number}</{side}>" for side, number in sides.items())
            things += f"<object><name>{label}</name><bndbox>{corners}</bndbox></object>"
        source = f"<folder>{folder}</folder><source><database>{database}</database></source>"
        size = f"<size><width>{WIDTH}</width><height>{HEIGHT}</height><depth>3</depth></size>"
        text = f"<annotation>{source}<filename>{scene.name}.png</filename>{size}{things}</annotation>"
        (path / f"annotations/{scene.name}.xml").write_text(text)
    assert boxes_in(path) == (TRUE_BOXES, NO_SPLITS, [])


@pytest.mark.parametrize("coloured", [True, False])
def test_voc_masks_in_colour_also_where_the_label_map_leaves_out_the_usual_colours(tmp_path, coloured):
    path, colours = tmp_path / "export", np.array([[0, 0, 0], [128, 0, 0], [0, 128, 0]], np.uint8)
    for folder in ("JPEGImages", "SegmentationClass", "SegmentationObject", "ImageSets/Segmentation"):
        (path / folder).mkdir(parents=True)
    for scene in SCENES:
        scene.save(path / f"JPEGImages/{scene.name}.jpg")
        PIL.Image.fromarray(colours[scene.mask]).save(path / f"SegmentationClass/{scene.name}.png")
        with open(path / f"ImageSets/Segmentation/{scene.split}.txt", "a") as file:
            file.write(f"{scene.name}\n")
    names = ("background", *KINDS)
    told = [",".join(map(str, colour)) if coloured else "" for colour in colours.tolist()]
    lines = "".join(f"{name}:{colour}::\n" for name, colour in zip(names, told, strict=True))
    (path / "labelmap.txt").write_text("# label:color_rgb:parts:actions\n" + lines)
    assert masks_in(path) == (TRUE_MASKS, TRUE_SPLITS, [])


# ---- Cityscapes


@pytest.mark.parametrize("ids", [("labelIds",), ("labelTrainIds",), ("labelIds", "labelTrainIds")])
def test_cityscapes_is_read_by_its_class_ids_and_not_by_what_is_drawn_beside_them(tmp_path, ids):
    path = tmp_path / "export"
    for scene in SCENES:
        scene.save(path / f"leftImg8bit/{scene.split}/town/{scene.name}_leftImg8bit.png")
        folder = path / f"gtFine/{scene.split}/town"
        folder.mkdir(parents=True, exist_ok=True)
        PIL.Image.fromarray(scene.mask + 9).save(folder / f"{scene.name}_gtFine_{ids[0]}.png")
        PIL.Image.fromarray(scene.mask).save(folder / f"{scene.name}_gtFine_{ids[-1]}.png")  # the last is meant
        PIL.Image.fromarray(scene.mask.astype(np.uint16) * 1000).save(folder / f"{scene.name}_gtFine_instanceIds.png")
        PIL.Image.fromarray(np.dstack([scene.mask * 90] * 3)).save(folder / f"{scene.name}_gtFine_color.png")
        (folder / f"{scene.name}_gtFine_polygons.json").write_text('{"imgHeight": 24, "imgWidth": 40, "objects": []}')
    (path / "label_colors.txt").write_text("0 0 0 background\n90 90 90 disc\n180 180 180 square\n")
    found, splits, _ = masks_in(path)
    assert found == {f"{name}_leftImg8bit": value for name, value in TRUE_MASKS.items()}
    assert splits == {f"{name}_leftImg8bit": value for name, value in TRUE_SPLITS.items()}


# ---- image folders of Hugging Face


def objects(scene):
    boxes = [[left, top, right - left, bottom - top] for _, left, top, right, bottom in scene.boxes]
    return {"bbox": boxes, "categories": [label for label, *_ in scene.boxes]}


@pytest.mark.parametrize("kind", ["jsonl", "csv"])
def test_an_image_folder_with_metadata_of_boxes(tmp_path, kind):
    path = tmp_path / "export"
    for split in SPLITS:
        lines = []
        for scene in (s for s in SCENES if s.split == split):
            scene.save(path / f"{split}/{scene.name}.png")
            lines.append({"file_name": f"{scene.name}.png", "objects": objects(scene)})
        if kind == "jsonl":
            text = "".join(json.dumps(line) + "\n" for line in lines)
        else:
            cells = [json.dumps(line["objects"]).replace('"', '""') for line in lines]
            rows = [f'{line["file_name"]},"{cell}"\n' for line, cell in zip(lines, cells, strict=True)]
            text = "file_name,objects\n" + "".join(rows)
        (path / f"{split}/metadata.{kind}").write_text(text)
    assert boxes_in(path) == (TRUE_BOXES, TRUE_SPLITS, [])


def test_an_image_folder_with_metadata_of_masks_lists_only_what_was_not_used(tmp_path):
    path = tmp_path / "export"
    lines = []
    for scene in SCENES:
        scene.save(path / f"images/{scene.name}.jpg")
        (path / "masks").mkdir(exist_ok=True)
        PIL.Image.fromarray(scene.mask).save(path / f"masks/{scene.name}.png")
        lines.append({"file_name": f"images/{scene.name}.jpg", "mask_file_name": f"masks/{scene.name}.png"})
    (path / "metadata.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (path / "classes.txt").write_text("\n".join(("background", *KINDS)))
    SCENES[0].save(path / "images/nobody_named_it.jpg")
    assert masks_in(path) == (TRUE_MASKS, NO_SPLITS, ["export/classes.txt", "export/images/nobody_named_it.jpg"])


def test_a_cell_of_json_that_is_broken_is_refused_by_its_line(tmp_path):
    SCENES[0].save(tmp_path / "export/a.png")
    text = 'file_name,objects\na.png,"{""bbox"": [[1, 2, 3"\n'
    (tmp_path / "export/metadata.csv").write_text(text)
    rejected = ingest(Detecting(), tmp_path / "export").report.rejected
    assert rejected[0].where == "export/metadata.csv:2"
    with pytest.raises(DataError, match="is no list of boxes"):
        Detecting().target.read(Row("", None, '{"bbox": [[1, 2, 3').target)


# ---- the border, in all formats alike


def out_of(path, left, top, right, bottom):
    """One picture with one box, in every format that keeps boxes: a folder for each."""
    scene = SCENES[0]
    width, height = right - left, bottom - top
    for name in ("coco", "voc", "yolo", "cvat", "label_studio", "table"):
        scene.save(path / name / "a.png")
    entry = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [left, top, width, height]}
    image = {"id": 1, "file_name": "a.png", "width": WIDTH, "height": HEIGHT}
    held = {"images": [image], "annotations": [entry], "categories": [{"id": 1, "name": "disc"}]}
    (path / "coco/instances.json").write_text(json.dumps(held))
    sides = {"xmin": left, "ymin": top, "xmax": right, "ymax": bottom}
    corners = "".join(f"<{side}>{number}</{side}>" for side, number in sides.items())
    thing = f"<object><name>disc</name><bndbox>{corners}</bndbox></object>"
    (path / "voc/a.xml").write_text(f"<annotation>{thing}</annotation>")
    (path / "yolo/a.txt").write_text(yolo_line("disc", left, top, right, bottom, digits=12))
    (path / "yolo/classes.txt").write_text("disc\n")
    box = f'<box label="disc" xtl="{left}" ytl="{top}" xbr="{right}" ybr="{bottom}"></box>'
    image = f'<image id="0" name="a.png" width="{WIDTH}" height="{HEIGHT}">{box}</image>'
    label = "<meta><task><labels><label><name>disc</name></label></labels></task></meta>"
    (path / "cvat/annotations.xml").write_text(f"<annotations>{label}{image}</annotations>")
    value = {"x": 100 * left / WIDTH, "y": 100 * top / HEIGHT, "width": 100 * width / WIDTH}
    value |= {"height": 100 * height / HEIGHT, "rectanglelabels": ["disc"]}
    result = {"value": value, "original_width": WIDTH, "original_height": HEIGHT}
    task = {"data": {"image": "/data/upload/1/a.png"}, "annotations": [{"result": [result]}]}
    (path / "label_studio/export.json").write_text(json.dumps([task]))
    cell = {"image": "a.png", "objects": {"bbox": [[left, top, width, height]], "category": ["disc"]}}
    (path / "table/rows.jsonl").write_text(json.dumps(cell) + "\n")
    return sorted(folder for folder in path.iterdir())


@pytest.mark.parametrize(
    ("corners", "said"),
    [
        ((3.0, 2.0, 40.0, 24.0), ""),
        ((3.0, -0.4, 40.3, 13.0), "1 box less than a pixel beyond the border"),
        ((-0.9, 2.0, 14.0, 24.9), "1 box less than a pixel beyond the border"),
    ],
)
def test_what_reaches_less_than_a_pixel_beyond_the_border_is_clipped_and_counted_in_every_format(
    tmp_path, corners, said
):
    clipped = np.clip(corners, 0, [WIDTH, HEIGHT, WIDTH, HEIGHT])
    for folder in out_of(tmp_path, *corners):
        task = Detecting()
        listing = find(task, folder)
        value = Reader(listing.rows, task.input, task.target).read(0).target
        assert value.in_pixels()[0] == pytest.approx(clipped, abs=1e-4), folder.name
        remark = task.target.remark(value)
        assert (said in remark) if said else not remark, (folder.name, remark)
