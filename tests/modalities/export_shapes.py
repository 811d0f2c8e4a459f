"""Scenes of which boxes and masks are known, and writers of them in the shapes that labelling tools export."""

import json
from pathlib import Path
from typing import NamedTuple

import numpy as np
import PIL.Image

from sounding.contract.task import Task
from sounding.data.reading import Reader
from sounding.data.sources import find
from sounding.modalities.boxes.boxes import Boxes
from sounding.modalities.boxes.layouts.box_layouts import BOX_LAYOUTS
from sounding.modalities.masks.layouts import MASK_LAYOUTS
from sounding.modalities.masks.mask import Mask
from sounding.modalities.pictures.image import Image

KINDS = ("disc", "square")
WIDTH, HEIGHT = 40, 24


class Scene(NamedTuple):
    """A picture, its split, its boxes (label, left, top, right, bottom), and the class of each pixel by name."""

    name: str
    split: str
    boxes: list[tuple[str, int, int, int, int]]

    @property
    def mask(self) -> np.ndarray:
        """0 for the background, 1 and 2 for the kinds."""
        mask = np.zeros((HEIGHT, WIDTH), np.uint8)
        for label, left, top, right, bottom in self.boxes:
            mask[top:bottom, left:right] = 1 + KINDS.index(label)
        return mask

    def part(self, k: int) -> np.ndarray:
        """The pixels of box k."""
        inside = np.zeros((HEIGHT, WIDTH), np.uint8)
        _, left, top, right, bottom = self.boxes[k]
        inside[top:bottom, left:right] = 1
        return inside

    def save(self, path: Path) -> None:
        """The picture: noise of its own, with the boxes in colour."""
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(list(self.name.encode())).integers(90, 140, (HEIGHT, WIDTH, 3))
        pixels[self.mask > 0] += 90
        PIL.Image.fromarray(pixels.astype(np.uint8)).save(path)


SCENES = (
    Scene("a", "train", [("disc", 3, 2, 14, 13), ("square", 20, 9, 40, 24)]),
    Scene("b", "train", [("square", 0, 0, 9, 8)]),
    Scene("c", "val", [("disc", 12, 5, 22, 17), ("square", 25, 0, 31, 6)]),
    Scene("d", "test", [("disc", 30, 13, 39, 21)]),
)
SPLITS = {"train": "train", "val": "validation", "test": "test"}


class Detecting(Task):
    """What reading boxes needs of a task."""

    layouts = BOX_LAYOUTS
    metrics = build = loss = predict = demo = None

    def modalities(self):
        return Image(), Boxes()


class Segmenting(Task):
    """What reading masks needs of a task."""

    layouts = MASK_LAYOUTS
    metrics = build = loss = predict = demo = None

    def modalities(self):
        return Image(), Mask()


def boxes_in(path: Path):
    """What `detect` reads: name of the picture → its boxes in whole pixels; its splits; what was not used."""
    task = Detecting()
    listing = find(task, path)
    source = Reader(listing.rows, task.input, task.target)
    found = {}
    for i, row in enumerate(listing.rows):
        value = source.read(i).target
        corners = value.in_pixels().round(3).tolist()
        found[Path(row.input).stem] = sorted((n, *c) for n, c in zip(value.labels, corners, strict=True))
    return found, {Path(row.input).stem: row.split for row in listing.rows}, list(listing.ignored)


def masks_in(path: Path):
    """What `segment` reads: name of the picture → the name of each pixel's class; its splits; what was not used."""
    task = Segmenting()
    listing = find(task, path)
    task.target.learn_legend(listing.rows, listing.root)
    source = Reader(listing.rows, task.input, task.target)
    found = {Path(row.input).stem: named(task.target, source.read(i).target) for i, row in enumerate(listing.rows)}
    return found, {Path(row.input).stem: row.split for row in listing.rows}, list(listing.ignored)


def named(target: Mask, value: np.ndarray) -> list[list[str]]:
    """The names of the classes of a mask, pixel by pixel."""
    return [[target.name(id) for id in row] for row in value.tolist()]


TRUE_BOXES = {s.name: sorted((n, *map(float, c)) for n, *c in s.boxes) for s in SCENES}
TRUE_MASKS = {s.name: np.array(["background", *KINDS])[s.mask].tolist() for s in SCENES}
TRUE_SPLITS = {s.name: SPLITS[s.split] for s in SCENES}


def runs(flat: np.ndarray) -> list[int]:
    """Runs of zeros and ones by turns."""
    cuts = np.flatnonzero(np.diff(np.concatenate([[0], flat.astype(int), [1 - int(flat[-1])]])))
    return np.diff(np.concatenate([[0], cuts])).tolist()


def polygon(left, top, right, bottom):
    return [left, top, right, top, right, bottom, left, bottom]


# ---- CVAT


def cvat(path: Path, shape: str) -> Path:
    """One xml for each split and images/, as datumaro writes "cvat" and CVAT "CVAT for images 1.1"."""
    labels = "".join(f"<label><name>{kind}</name><attributes></attributes></label>" for kind in KINDS)
    for split in SPLITS:
        images = ""
        for id, scene in enumerate(s for s in SCENES if s.split == split):
            scene.save(path / f"images/{scene.name}.jpg")
            shapes = "".join(_cvat_shape(shape, scene, k) for k in range(len(scene.boxes)))
            images += f'<image id="{id}" name="{scene.name}.jpg" width="{WIDTH}" height="{HEIGHT}">{shapes}</image>\n'
        meta = f"<meta><task><name>{split}</name><labels>{labels}</labels></task></meta>"
        text = (
            f'<?xml version="1.0" encoding="utf-8"?>\n<annotations>\n<version>1.1</version>{meta}{images}</annotations>'
        )
        (path / f"{split}.xml").write_text(text)
    return path


def _cvat_shape(shape: str, scene: Scene, k: int) -> str:
    label, left, top, right, bottom = scene.boxes[k]
    common = f'label="{label}" occluded="0" z_order="{k}"'
    if shape == "box":
        return f'<box {common} xtl="{left:.2f}" ytl="{top:.2f}" xbr="{right:.2f}" ybr="{bottom:.2f}"></box>'
    if shape == "turned":  # by a quarter about its middle: written as it lay before
        x, y, across, down = (left + right) / 2, (top + bottom) / 2, (right - left) / 2, (bottom - top) / 2
        sides = f'xtl="{x - down}" ytl="{y - across}" xbr="{x + down}" ybr="{y + across}"'
        return f'<box {common} {sides} rotation="90.0"></box>'
    if shape == "polygon":
        points = ";".join(f"{x:.2f},{y:.2f}" for x, y in np.reshape(polygon(left, top, right, bottom), (-1, 2)))
        return f'<polygon {common} points="{points}"></polygon>'
    if shape == "window":  # as CVAT keeps masks: runs along the rows of a window a pixel larger than the thing
        top, left, bottom, right = max(0, top - 1), max(0, left - 1), min(HEIGHT, bottom + 1), min(WIDTH, right + 1)
    else:  # as datumaro does: the window is the picture
        top, left, bottom, right = 0, 0, HEIGHT, WIDTH
    counts = ", ".join(map(str, runs(scene.part(k)[top:bottom, left:right].ravel())))
    place = f'left="{left}" top="{top}" width="{right - left}" height="{bottom - top}"'
    return f'<mask {common} rle="{counts}" {place}></mask>'


# ---- Label Studio


def label_studio(path: Path, shape: str, *, flat: bool = False, renamed: bool = True) -> Path:
    """One json of tasks ("JSON") or of flat records ("JSON-MIN"), and images/, as uploaded or as called before."""
    tasks = []
    for number, scene in enumerate(SCENES, 1):
        uploaded = f"{number:08x}-{scene.name}.png"
        scene.save(path / "images" / (uploaded if renamed else f"{scene.name}.png"))
        results = [_result(shape, scene, k) for k in range(len(scene.boxes))]
        image = {"image": f"/data/upload/1/{uploaded}"}
        if flat:
            record = [{**r["value"], "original_width": WIDTH, "original_height": HEIGHT} for r in results]
            tasks.append({**image, "id": number, "label": record, "annotator": 1, "annotation_id": number})
            continue
        older = {"result": [], "was_cancelled": False, "created_at": "2025-01-01T00:00:00Z"}
        mine = {"result": results, "was_cancelled": False, "created_at": "2026-01-01T00:00:00Z"}
        spoilt = {"result": results[:1], "was_cancelled": True, "created_at": "2026-02-01T00:00:00Z"}
        tasks.append({"id": number, "data": image, "annotations": [mine, older, spoilt], "predictions": []})
    (path / "project-1-at-2026.json").write_text(json.dumps(tasks))
    return path


def _result(shape: str, scene: Scene, k: int) -> dict:
    label, left, top, right, bottom = scene.boxes[k]
    x, y = 100 / WIDTH, 100 / HEIGHT
    if shape == "rectangle":
        sides = {"x": left * x, "y": top * y, "width": (right - left) * x, "height": (bottom - top) * y}
        kind, value = "rectanglelabels", {**sides, "rotation": 0}
    elif shape == "polygon":
        points = np.reshape(polygon(left, top, right, bottom), (-1, 2)) * [x, y]
        kind, value = "polygonlabels", {"points": points.tolist(), "closed": True}
    else:
        kind, value = "brushlabels", {"format": "rle", "rle": packed(np.repeat(scene.part(k).ravel() * 255, 4))}
    result = {"type": kind, "from_name": "label", "to_name": "image", "value": {**value, kind: [label]}}
    return {**result, "original_width": WIDTH, "original_height": HEIGHT, "image_rotation": 0}


def packed(values: np.ndarray) -> list[int]:
    """Run lengths in bits, as Label Studio keeps brushes; single values as lists of one."""
    bits = f"{len(values):032b}{8 - 1:05b}" + "".join(f"{size - 1:04b}" for size in (3, 4, 8, 16))
    start = 0
    for end in [*(np.flatnonzero(np.diff(values.astype(int))) + 1).tolist(), len(values)]:
        n, value = end - start, int(values[start])
        sizes = next(k for k, size in enumerate((3, 4, 8, 16)) if n <= 2**size)
        run = f"{sizes:02b}{n - 1:0{(3, 4, 8, 16)[sizes]}b}"
        bits += f"1{run}{value:08b}" if n > 1 else f"0{run}{value:08b}"
        start = end
    bits += "0" * (-len(bits) % 8)
    return [int(bits[i : i + 8], 2) for i in range(0, len(bits), 8)]


# ---- COCO


def coco(path: Path, shape: str) -> Path:
    """annotations/ beside images/SPLIT/, with the files that datumaro adds for stuff and for the pictures alone."""
    (path / "annotations").mkdir(parents=True)
    categories = [{"id": k, "name": kind, "supercategory": ""} for k, kind in enumerate(KINDS, 1)]
    for split in SPLITS:
        images, annotations = [], []
        for id, scene in enumerate((s for s in SCENES if s.split == split), 1):
            scene.save(path / f"images/{split}/{scene.name}.jpg")
            images.append({"id": id, "file_name": f"{scene.name}.jpg", "width": WIDTH, "height": HEIGHT})
            for k, (label, left, top, right, bottom) in enumerate(scene.boxes):
                outline = [polygon(left, top, right, bottom)]
                if shape == "runs":
                    outline = {"counts": runs(scene.part(k).T.ravel()), "size": [HEIGHT, WIDTH]}
                entry = {"image_id": id, "category_id": 1 + KINDS.index(label), "segmentation": outline}
                entry |= {"id": len(annotations) + 1, "bbox": [left, top, right - left, bottom - top]}
                annotations.append(entry | {"iscrowd": int(shape == "runs")})
        held = {"images": images, "categories": categories, "annotations": annotations}
        for name in ("instances", "stuff"):
            (path / f"annotations/{name}_{split}.json").write_text(json.dumps(held))
        (path / f"annotations/image_info_{split}.json").write_text(json.dumps({**held, "annotations": []}))
    return path


def panoptic(path: Path) -> Path:
    """PNG files of segments beside panoptic_SPLIT.json; the background is a category."""
    categories = [{"id": 10 * k, "name": name} for k, name in enumerate(("background", *KINDS), 1)]
    for split in SPLITS:
        images, annotations = [], []
        for id, scene in enumerate((s for s in SCENES if s.split == split), 1):
            scene.save(path / f"images/{split}/{scene.name}.jpg")
            images.append({"id": id, "file_name": f"{scene.name}.jpg", "width": WIDTH, "height": HEIGHT})
            numbers = np.full((HEIGHT, WIDTH), 70_000)
            segments = [{"id": 70_000, "category_id": 10}]
            for k, (label, *_) in enumerate(scene.boxes):
                numbers[scene.part(k) > 0] = 300 + k
                segments.append({"id": 300 + k, "category_id": 20 + 10 * KINDS.index(label)})
            annotations.append({"image_id": id, "file_name": f"{scene.name}.png", "segments_info": segments})
            png = path / f"annotations/panoptic_{split}/{scene.name}.png"
            png.parent.mkdir(parents=True, exist_ok=True)
            PIL.Image.fromarray(
                np.stack([numbers % 256, numbers // 256 % 256, numbers // 65536], 2).astype(np.uint8)
            ).save(png)
        held = {"images": images, "categories": categories, "annotations": annotations}
        (path / f"annotations/panoptic_{split}.json").write_text(json.dumps(held))
    return path
