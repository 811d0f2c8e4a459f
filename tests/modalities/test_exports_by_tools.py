"""Exports that the tools themselves write here and now, where they are installed, read untouched.

Beside them test_exports.py has the same shapes written by hand, so that a machine without the tools checks them too.
All at once: pip install datumaro supervision label-studio-sdk datasets
"""

import json

import numpy as np
import PIL.Image
import pytest
from export_shapes import (
    HEIGHT,
    KINDS,
    SCENES,
    TRUE_BOXES,
    TRUE_MASKS,
    TRUE_SPLITS,
    WIDTH,
    boxes_in,
    label_studio,
    masks_in,
    polygon,
)


def tool(name):
    """The tool, or a skipped test that says what to install."""
    return pytest.importorskip(name.replace("-", "_"), reason=f"pip install {name} to read what {name} writes")


def near(found, truth, pixels=0.05):
    """Whether boxes are the true ones; label files of shares keep about six digits."""
    assert {name: [box[0] for box in boxes] for name, boxes in found.items()} == {
        name: [box[0] for box in boxes] for name, boxes in truth.items()
    }
    return all(
        np.allclose([b[1:] for b in found[name]], [b[1:] for b in truth[name]], atol=pixels)
        for name in truth
        if found[name]
    )


# ---- datumaro


def datumaro_export(path, kind, shape, names=KINDS):
    tool("datumaro")
    from datumaro import Dataset
    from datumaro.components.annotation import AnnotationType, Bbox, LabelCategories, Mask, MaskCategories, Polygon
    from datumaro.components.dataset_base import DatasetItem
    from datumaro.components.media import Image

    items = []
    for scene in SCENES:
        things = []
        for k, (label, left, top, right, bottom) in enumerate(scene.boxes):
            said = {"label": names.index(label), "id": k + 1, "group": k + 1}
            things.append(
                Bbox(left, top, right - left, bottom - top, **said)
                if shape == "box"
                else Polygon(polygon(left, top, right, bottom), **said)
                if shape == "polygon"
                else Mask(scene.part(k), **said)
            )
        pixels = np.full((HEIGHT, WIDTH, 3), 90 + len(items), np.uint8)
        items.append(DatasetItem(scene.name, subset=scene.split, media=Image.from_numpy(pixels), annotations=things))
    categories = {AnnotationType.label: LabelCategories.from_iterable(names)}
    if shape == "mask":
        categories[AnnotationType.mask] = MaskCategories.generate(len(names))
    try:
        Dataset.from_iterable(items, categories=categories).export(str(path), kind, save_media=True)
    except OSError as error:
        pytest.skip(f"this datumaro cannot write {kind} with this Pillow ({error})")


@pytest.mark.parametrize(
    ("kind", "shape"),
    [
        ("cvat", "box"),
        ("cvat", "polygon"),
        ("cvat", "mask"),
        ("coco", "box"),
        ("coco_instances", "polygon"),
        ("coco_instances", "mask"),
        ("voc", "box"),
        ("yolo", "box"),
        ("yolo_ultralytics", "box"),
    ],
)
def test_boxes_of_datumaro(tmp_path, kind, shape):
    datumaro_export(tmp_path / "export", kind, shape)
    found, splits, _ = boxes_in(tmp_path / "export")
    assert near(found, TRUE_BOXES)
    assert splits == TRUE_SPLITS


@pytest.mark.parametrize(
    ("kind", "shape"),
    [
        ("cvat", "polygon"),
        ("cvat", "mask"),
        ("coco", "polygon"),
        ("coco_instances", "mask"),
        ("voc", "mask"),
        ("camvid", "mask"),
        ("cityscapes", "mask"),
    ],
)
def test_masks_of_datumaro(tmp_path, kind, shape):
    coloured = kind in ("voc", "camvid", "cityscapes")
    datumaro_export(tmp_path / "export", kind, shape, ("background", *KINDS) if coloured else KINDS)
    found, splits, _ = masks_in(tmp_path / "export")
    ending = "_leftImg8bit" if kind == "cityscapes" else ""
    assert {name.removesuffix(ending): value for name, value in found.items()} == TRUE_MASKS
    assert {name.removesuffix(ending): split for name, split in splits.items()} == TRUE_SPLITS


# ---- supervision


def test_boxes_of_supervision(tmp_path):
    supervision = tool("supervision")
    paths, detections = [], {}
    for scene in SCENES:
        scene.save(tmp_path / f"pictures/{scene.name}.png")
        paths.append(str(tmp_path / f"pictures/{scene.name}.png"))
        corners = np.array([box[1:] for box in scene.boxes], float)
        classes = np.array([KINDS.index(box[0]) for box in scene.boxes])
        detections[paths[-1]] = supervision.Detections(xyxy=corners, class_id=classes)
    held = supervision.DetectionDataset(classes=list(KINDS), images=paths, annotations=detections)
    yolo, voc, coco = (tmp_path / name for name in ("yolo", "voc", "coco"))
    held.as_yolo(f"{yolo}/images", f"{yolo}/labels", f"{yolo}/data.yaml")
    held.as_pascal_voc(f"{voc}/images", f"{voc}/annotations")
    held.as_coco(f"{coco}/images", f"{coco}/annotations.json")
    for path in (yolo, voc, coco):
        assert near(boxes_in(path)[0], TRUE_BOXES), path


# ---- Label Studio


CONFIG = """<View><Image name="image" value="$image"/><{0} name="label" toName="image">
<Label value="disc"/><Label value="square"/></{0}></View>"""
SHAPES = {"rectangle": "RectangleLabels", "polygon": "PolygonLabels", "brush": "BrushLabels"}


@pytest.mark.parametrize(
    ("shape", "kind"),
    [
        *(("rectangle", kind) for kind in ("JSON", "JSON_MIN", "COCO", "YOLO")),
        *(("polygon", kind) for kind in ("JSON", "JSON_MIN", "COCO")),
        *(("brush", kind) for kind in ("JSON", "JSON_MIN")),
    ],
)
def test_label_studio_s_converter(tmp_path, shape, kind):
    tool("label-studio-sdk")
    from label_studio_sdk.converter import Converter

    made = label_studio(tmp_path / "made", shape)
    (tasks,) = made.glob("*.json")
    export = tmp_path / "export"
    export.mkdir()
    given = [{**task, "annotations": task["annotations"][:1]} for task in json.loads(tasks.read_text())]
    tasks.write_text(json.dumps(given))
    converter = Converter(CONFIG.format(SHAPES[shape]), None, upload_dir=str(made), download_resources=False)
    converter.convert(str(tasks), str(export), kind, is_dir=False)
    for picture in (made / "images").iterdir():
        (export / "images").mkdir(exist_ok=True)
        (export / "images" / picture.name).write_bytes(picture.read_bytes())
    names = {f"{number:08x}-{scene.name}": scene.name for number, scene in enumerate(SCENES, 1)}
    assert near({names[name]: boxes for name, boxes in boxes_in(export)[0].items()}, TRUE_BOXES)
    if shape != "rectangle":
        assert {names[name]: mask for name, mask in masks_in(export)[0].items()} == TRUE_MASKS


def test_brushes_are_those_of_label_studio():
    brush = pytest.importorskip("label_studio_sdk.converter.brush", reason="pip install label-studio-sdk")
    from sounding.modalities.annotations.label_studio import unpacked

    rng = np.random.default_rng(0)
    for share in (0.0, 0.03, 0.5, 1.0):
        mask = (rng.random((13, 17)) < share).astype(np.uint8) * 255
        packed = brush.mask2rle(mask)
        assert np.array_equal(unpacked(packed), np.repeat(mask.ravel(), 4))
        assert np.array_equal(unpacked(packed), brush.decode_rle(packed))


# ---- Hugging Face


def test_an_image_folder_is_read_as_datasets_reads_it(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HOME", str(tmp_path / "cache"))
    datasets = tool("datasets")
    path = tmp_path / "export"
    for scene in SCENES:
        split = {"val": "validation"}.get(scene.split, scene.split)
        scene.save(path / f"{split}/{scene.name}.png")
        boxes = [[left, top, right - left, bottom - top] for _, left, top, right, bottom in scene.boxes]
        line = {"file_name": f"{scene.name}.png", "objects": {"bbox": boxes, "category": [b[0] for b in scene.boxes]}}
        with open(path / f"{split}/metadata.jsonl", "a") as file:
            file.write(json.dumps(line) + "\n")
    found, splits, unused = boxes_in(path)
    theirs = datasets.load_dataset("imagefolder", data_dir=str(path), cache_dir=str(tmp_path / "cache"))
    assert unused == []
    for split, rows in theirs.items():
        for row in rows:
            name = next(s.name for s in SCENES if np.array_equal(np.asarray(row["image"]), pixels(path, split, s.name)))
            corners = [[x, y, x + w, y + h] for x, y, w, h in row["objects"]["bbox"]]
            assert found[name] == sorted((n, *map(float, c)) for n, c in zip(row["objects"]["category"], corners))
            assert splits[name] == split


def pixels(path, split, name):
    file = path / split / f"{name}.png"
    return np.asarray(PIL.Image.open(file)) if file.exists() else None
