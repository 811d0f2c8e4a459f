"""Folders as cameras, unzipped archives, notebooks and labelling tools leave them: read as their owners mean them."""

import json
import os
import unicodedata
from dataclasses import replace
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

import sounding as sd
from sounding import catalog
from sounding.contract.split_names import split_named
from sounding.data.audit import describe
from sounding.data.pool import open_pool
from sounding.data.report import Duplicates, Pairs
from sounding.errors import DataError
from sounding.runs.prediction import expand

APPLE_DOUBLE = b"\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X        "
SIZE = (16, 12)
LINE = "0 0.5 0.5 0.4 0.5\n"


def picture(path: Path, **options) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(list(str(path).encode(errors="surrogateescape")))
    PIL.Image.fromarray(rng.integers(0, 255, (SIZE[1], SIZE[0], 3), np.uint8)).save(path, **options)
    return path


def write(path: Path, content: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def yolo(top: Path, *parts: str, n: int = 4, images: str = "images", labels: str = "labels", ending: str = ".txt"):
    for part in parts or ("",):
        for i in range(n):
            picture(top / part / images / f"{i}.png")
            write(top / part / labels / f"{i}{ending}", LINE)


def coco(file: Path, names: list[str], segmentation: bool = False) -> Path:
    outline = {"segmentation": [[2, 2, 10, 2, 10, 8, 2, 8]]} if segmentation else {}
    held = {
        "images": [{"id": i, "file_name": name, "width": SIZE[0], "height": SIZE[1]} for i, name in enumerate(names)],
        "annotations": [
            {"id": i, "image_id": i, "category_id": 1, "bbox": [2, 2, 8, 6], **outline} for i in range(len(names))
        ],
        "categories": [{"id": 1, "name": "thing"}],
    }
    return write(file, json.dumps(held))


# ---- split words


@pytest.mark.parametrize(
    ("parts", "splits"),
    [
        (("Training", "Testing"), {"train", "test"}),
        (("TRAIN", "Valid", "eval"), {"train", "validation", "test"}),
        (("train", "dev", "test"), {"train", "validation", "test"}),
        (("seg_train", "seg_test"), {"train", "test"}),
        (("archive/Training", "archive/Validation"), {"train", "validation"}),
        (("seg_train/seg_train", "seg_test/seg_test"), {"train", "test"}),
    ],
)
def test_parts_of_the_data_are_never_classes(tmp_path, parts, splits):
    for part in parts:
        for kind in ("glioma", "notumor"):
            for i in range(8):
                picture(tmp_path / "brain" / part / kind / f"{i}.png")
    report = sd.check("classify", tmp_path / "brain")
    assert set(report.classes) == {"glioma", "notumor"}
    given = {split for split in splits if report.splits[split] >= 16 - 8 * (split == "train")}
    assert given == splits
    assert report.split_origin.startswith("given")


def test_splits_below_the_classes_are_splits(tmp_path):
    for kind in ("cat", "dog"):
        for part, n in (("train", 8), ("Test", 3)):
            for i in range(n):
                picture(tmp_path / "pets" / kind / part / f"{i}.png")
    report = sd.check("classify", tmp_path / "pets")
    assert set(report.classes) == {"cat", "dog"}
    assert report.splits["test"] == 6


@pytest.mark.parametrize("outer", [("fold1", "fold2"), ("day", "night", "dusk")])
def test_folders_that_all_hold_the_same_folders_are_not_guessed_about(tmp_path, outer):
    for part in outer:
        for kind in ("cat", "dog"):
            picture(tmp_path / "pets" / part / kind / "1.png")
    with pytest.raises(DataError, match=r"all hold the same folders \(cat, dog\), so either may be the classes"):
        sd.check("classify", tmp_path / "pets")


def test_many_folders_that_hold_the_same_folders_are_classes_and_that_is_told(tmp_path):
    for person in range(12):
        for side in ("left", "right"):
            for i in range(3):
                picture(tmp_path / "people" / f"p{person}" / side / f"{i}.png")
    report = sd.check("classify", tmp_path / "people")
    assert len(report.classes) == 12
    assert any("all 12 class folders hold the same folders (left, right)" in note for note in report.notes)


def test_folders_called_after_splits_without_classes_in_them_are_refused(tmp_path):
    picture(tmp_path / "dogs/train/cat.1.png")
    picture(tmp_path / "dogs/test/1.png")
    with pytest.raises(DataError, match="called after splits and not classes"):
        sd.check("classify", tmp_path / "dogs")


@pytest.mark.parametrize(
    ("train", "held_out"), [("Training", "Testing"), ("train", "valid"), ("TRAIN", "DEV"), ("train", "eval")]
)
def test_every_reader_knows_the_words_for_splits(tmp_path, train, held_out):
    """Boxes beside pictures, COCO, VOC, masks, lists and tables."""
    xml = "<annotation><object><name>thing</name><bndbox><xmin>2</xmin><ymin>2</ymin><xmax>9</xmax><ymax>9</ymax>"
    for part in (train, held_out):
        yolo(tmp_path / "yolo", part)
        coco(tmp_path / f"coco/{part}/_annotations.coco.json", [f"{i}.png" for i in range(4)])
        write(tmp_path / f"lists/{part}.txt", "".join(f"images\\{part}{i}.png\n" for i in range(4)))
        rows = "".join(f"{part}{i}.png,{'ab'[i % 2]}\n" for i in range(4))
        write(tmp_path / f"tables/{part}.csv", f"image,label\n{rows}")
        for i in range(4):
            picture(tmp_path / f"coco/{part}/{i}.png")
            picture(tmp_path / f"voc/{part}/{i}.png")
            write(tmp_path / f"voc/{part}/{i}.xml", f"{xml}</bndbox></object></annotation>")
            picture(tmp_path / f"masks/{part}/images/{i}.png")
            mask = picture(tmp_path / f"masks/{part}/masks/{i}.png")
            PIL.Image.fromarray(np.arange(192, dtype=np.uint8).reshape(SIZE[1], SIZE[0]) % 2).save(mask)
            picture(tmp_path / f"lists/images/{part}{i}.png")
            write(tmp_path / f"lists/labels/{part}{i}.txt", LINE)
            picture(tmp_path / f"tables/{part}{i}.png")
    readers = {"yolo": "detect", "coco": "detect", "voc": "detect", "lists": "detect", "masks": "segment"}
    for folder, task in {**readers, "tables": "classify"}.items():
        report = sd.check(task, tmp_path / folder)
        assert not report.rejected, folder
        assert report.split_origin.startswith("given"), folder
        assert report.splits[split_named(held_out)] == 4, folder


# ---- names


@pytest.mark.parametrize("task", ["detect", "segment"])
def test_a_name_that_fits_pictures_in_two_folders_is_refused_by_both(tmp_path, task):
    top = tmp_path / "export"
    for job in ("job1", "job2"):
        for i in range(6):
            picture(top / "images" / job / f"frame_{i}.png")
    told = [f"job{1 + i % 2}/frame_{i}.png" for i in range(6)]
    coco(top / "annotations/instances_default.json", ["frame_0.png", *told], segmentation=True)
    report = sd.check(task, top)
    ((where, what, fix),) = [(row.where, row.what, row.fix) for row in report.rejected]
    assert where == "export/annotations/instances_default.json:frame_0.png"
    assert "leads to 2 files (" in what
    assert "Write the folder in front of the name" in fix
    assert not any("../" in note for note in report.notes)
    assert all(f"images/{job}/frame_0.png" in what for job in ("job1", "job2"))


def test_a_pair_of_faces_that_may_be_of_several_people_is_refused(tmp_path):
    for person in ("ann", "bob", "cid", "dan", "eve", "fay"):
        for i in range(3):
            picture(tmp_path / "faces" / person / f"{i}.png")
    write(tmp_path / "faces/pairs.csv", "name1,name2,same\nann/0.png,ann\\1.png,1\n0.png,bob/1.png,0\n")
    report = sd.check("faces", tmp_path / "faces")
    (refused,) = report.rejected
    assert refused.where.endswith("pairs.csv:3")
    assert "'0.png' leads to 6 pictures" in refused.what


def test_a_mask_with_two_pictures_of_its_name_is_refused(tmp_path):
    from sounding.modalities.masks.layouts import mask_files
    from sounding.modalities.masks.mask import Mask
    from sounding.modalities.pictures.image import Image

    for name in ("images/a.png", "images/a.jpg", "images/b.jpg", "masks/a.png", "masks/b.png"):
        picture(tmp_path / name)
    first, second = mask_files(tmp_path, Image(), Mask())
    with pytest.raises(DataError, match="leads to 2 files"):
        Mask().read(first.target)
    assert second.target == str(tmp_path / "masks/b.png")


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_a_table_of_another_system_leads_to_its_files(tmp_path, form, monkeypatch):
    lines = ["Datei;label"]
    for k, kind in enumerate(("NA", "None", "007")):
        for i in range(4):
            picture(tmp_path / "fotos" / unicodedata.normalize("NFC", f"Bild {k} äöü {i}.JPG"), format="JPEG")
            lines.append(unicodedata.normalize(form, f"fotos\\Bild {k} äöü {i}.jpg;{kind}"))
    write(tmp_path / "liste.csv", "\ufeff" + "\r\n".join(lines))
    monkeypatch.chdir(tmp_path.parent)
    report = sd.check("", f"{tmp_path.name}/liste.csv")
    assert report.notes[0].startswith("read as classify reads it: columns input=Datei")
    assert not report.rejected
    assert set(report.classes) == {"NA", "None", "007"}


# ---- hidden files and litter


def test_what_is_hidden_is_read_by_no_reader_and_counted_once(tmp_path):
    top = tmp_path / "boxes"
    for i in range(8):
        picture(top / f"images/{i}.png")
    file = coco(top / "coco.json", [f"{i}.png" for i in range(8)])
    write(top / ".ipynb_checkpoints/coco-checkpoint.json", file.read_bytes())
    write(top / ".ipynb_checkpoints/more/coco-checkpoint.json", file.read_bytes())
    report = sd.check("detect", top)
    assert report.rows == report.used == 8
    told = [note for note in report.notes if note.startswith("passed over")]
    assert told == ["passed over: 1 file or folder, hidden or left by systems (.ipynb_checkpoints)"]
    assert not report.ignored


def test_what_a_mac_puts_into_an_archive_is_no_data(tmp_path):
    top = tmp_path / "set"
    yolo(top, "train", "valid", "test")
    for part in ("train", "valid", "test"):
        for i in range(4):
            write(top / part / "images" / f"._{i}.png", APPLE_DOUBLE)
            write(top / part / "labels" / f"._{i}.txt", APPLE_DOUBLE)
    write(top / "data.yaml", "train: ..\\train\\images\nval: ../valid/images\nTest: ../test/images\nnames: [thing]\n")
    write(top / "._data.yaml", APPLE_DOUBLE)
    write(top / "__MACOSX/._train", APPLE_DOUBLE)
    write(top / "Thumbs.db", b"x")
    report = sd.check("detect", top)
    assert dict(report.splits) == {"train": 4, "validation": 4, "test": 4}
    assert not report.rejected
    assert not report.ignored
    assert any(note.startswith("passed over: 27 files and folders") and "._*" in note for note in report.notes)


def test_predicting_a_folder_takes_the_files_that_training_takes(tmp_path):
    task = catalog.find("classify")()
    picture(tmp_path / "far/1.png")
    for name in ("mac/a.png", "mac/b.PNG", "mac/.ipynb_checkpoints/a-checkpoint.png", "mac/notes.txt.png"):
        picture(tmp_path / name)
    write(tmp_path / "mac/._a.png", APPLE_DOUBLE)
    write(tmp_path / "mac/__MACOSX/a.png", APPLE_DOUBLE)
    write(tmp_path / "mac/readme.txt", "x")
    (tmp_path / "mac/sub").symlink_to(tmp_path / "far")
    names = ["a.png", "b.PNG", "notes.txt.png", "1.png"]
    assert [file.name for file in expand(task.input, str(tmp_path / "mac"))] == names
    pool = open_pool(task, tmp_path / "mac")
    assert [Path(pool.where(i)).name for i in range(len(pool))] == names
    for pattern in ("mac/*", "mac/**", "m*"):
        found = expand(task.input, str(tmp_path / pattern))
        assert sorted(file.name for file in found) == sorted(names), pattern


def test_a_name_with_brackets_is_a_name(tmp_path):
    task = catalog.find("classify")()
    file = picture(tmp_path / "[2024] Images/img[1].png")
    assert expand(task.input, str(file.parent)) == [file]
    assert expand(task.input, str(file)) == [str(file)]
    assert expand(task.input, str(file.parent / "*.png")) == [file]
    assert expand(task.input, str(file).replace("Images/", "images\\")) == [file]


# ---- endings


def test_all_pictures_that_can_be_read_here_are_read_and_others_are_told(tmp_path):
    for i in range(6):
        picture(tmp_path / "p/cat" / (f"{i}.jpg" if i < 3 else f"{i}.JFIF"), format="JPEG")
        picture(tmp_path / "p/fox" / f"{i}.jpe", format="JPEG")
        picture(tmp_path / "p/dog" / f"{i}.png")
        write(tmp_path / "p/elk" / f"{i}.CR2", b"raw")
    write(tmp_path / "p/dog/7.jpg", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(200))
    report = sd.check("classify", tmp_path / "p", allow_bad=0.1)
    assert {kind: sum(times.values()) for kind, times in report.classes.items()} == {"cat": 6, "dog": 6, "fox": 6}
    assert "nothing is read in p/elk: 6 files (.cr2)" in report.notes
    assert "7.jpg is HEIC, which cannot be read on this machine" in report.rejected[0].what


@pytest.mark.parametrize(
    ("images", "labels", "ending", "names"),
    [("images", "labels", ".TXT", "classes.txt"), ("Images", "Labels", ".Txt", "CLASSES.TXT"), ("", "", ".TXT", "")],
)
def test_endings_and_folders_of_labels_count_in_any_case(tmp_path, images, labels, ending, names):
    yolo(tmp_path / "set", images=images, labels=labels, ending=ending, n=8)
    if names:
        write(tmp_path / "set" / names, "thing\n")
    report = sd.check("detect", tmp_path / "set")
    assert report.used == 8
    assert not report.rejected
    assert not report.ignored


def test_lists_and_names_beside_masks_count_in_any_case(tmp_path):
    top = tmp_path / "VOC"
    for i in range(6):
        picture(top / f"JpegImages/{i}.JPG", format="JPEG")
        mask = picture(top / f"segmentationclass/{i}.PNG", format="PNG")
        PIL.Image.fromarray(np.arange(192, dtype=np.uint8).reshape(SIZE[1], SIZE[0]) % 2).save(mask)
    write(top / "imagesets/segmentation/Train.TXT", "0\n1\n2\n3\n")
    write(top / "ImageSets/Segmentation/val.txt", "4\n5\n")
    write(top / "Classes.txt", "ground\nleaf\n")
    task = catalog.find("segment")()
    from sounding.data.ingest import ingest

    report = ingest(task, top).report
    assert report.splits["train"] + report.splits["test"] == 4
    assert report.splits["validation"] == 2
    assert task.target.names == ["ground", "leaf"]


# ---- boxes


@pytest.mark.parametrize(
    ("line", "rounded"),
    [
        ("0 0.3 0.5 0.6 1.0004", True),
        ("0 0.5 0.5 0.4 1.0000002", True),
        ("0 0.2 0.5 0.4000002 0.5", True),
        ("0 0.5 0.5 0.4 0.4 ", False),
        ("0 0.5 1.02 0.9 0.04", None),  # wholly outside, by less than a pixel: nothing is left of it
    ],
)
def test_less_than_a_pixel_beyond_the_border_is_rounding_in_every_format(tmp_path, line, rounded):
    yolo(tmp_path / "set", n=8)
    write(tmp_path / "set/labels/3.txt", f"{LINE}{line}\n")
    report = sd.check("detect", tmp_path / "set")
    assert not report.rejected
    said = [remark for remark in report.remarks if "images/3.png" in remark]
    assert (rounded is not False) == bool(said)
    _, x, y, w, h = map(float, line.split())
    box = [(x - w / 2) * SIZE[0], (y - h / 2) * SIZE[1], w * SIZE[0], h * SIZE[1]]
    held = {
        "images": [{"id": 1, "file_name": "images/3.png"}, {"id": 2, "file_name": "images/4.png"}],
        "annotations": [
            {"id": k, "image_id": k, "category_id": 1, "bbox": b}
            for k, b in ((1, box), (1, [1, 1, 4, 4]), (2, [1, 1, 4, 4]))
        ],
        "categories": [{"id": 1, "name": "thing"}],
    }
    alike = sd.check("detect", write(tmp_path / "set/all.json", json.dumps(held)))
    assert not alike.rejected
    assert [remark.split(": ")[-1] for remark in alike.remarks if "3.png" in remark] == [
        remark.split(": ")[-1] for remark in said
    ]


def test_a_pixel_beyond_the_border_is_no_rounding(tmp_path):
    yolo(tmp_path / "set", n=8)
    write(tmp_path / "set/labels/3.txt", f"0 0.5 0.5 0.4 {1 + 1.01 / SIZE[1]}\n")
    (refused,) = sd.check("detect", tmp_path / "set").rejected
    assert refused.where == "set/labels/3.txt:1"
    assert "is no share of the picture" in refused.what


def test_a_picture_without_a_label_file_is_background_and_how_many_is_told(tmp_path):
    yolo(tmp_path / "set", n=8)
    for i in range(8, 11):
        picture(tmp_path / f"set/images/{i}.png")
    picture(tmp_path / "set/results.png")  # a plot beside the folders
    report = sd.check("detect", tmp_path / "set")
    assert report.used == 11
    assert "3 of 11 pictures have no label file: taken as background, with nothing in them" in report.notes
    assert report.ignored == ("set/results.png",)


# ---- names that are not UTF-8


def latin(*parts: bytes) -> str:
    return os.fsdecode(b"/".join(parts))


@pytest.fixture
def odd(tmp_path):
    """Class folders below a folder, and pictures, whose names are Latin-1."""
    for kind in ("disc", latin(b"r\xfcbe")):
        for i in range(10):
            picture(tmp_path / latin(b"M\xf6bel") / kind / latin(b"Bild_\xe4%d.png" % i))
    return tmp_path / latin(b"M\xf6bel")


def test_names_that_are_not_utf8_are_read_and_written_escaped(odd, sounding):
    status, out, err = sounding("train", "classify", odd, "size=tiny", "width=4", "--steps", "3")
    assert status in (0, 1), err
    assert "Traceback" not in err + out
    card = Path("runs/classify/1/card.md").read_text(encoding="utf-8")
    assert "M\\xf6bel" in card
    assert json.loads(Path("runs/classify/1/data.json").read_text(encoding="utf-8"))["classes"].keys() == {
        "disc",
        "r\\xfcbe",
    }
    status, out, err = sounding("predict", "runs/classify/1", odd / "disc", "--out", "a.csv")
    assert status == 0, err
    assert "Bild_\\xe40.png" in Path("a.csv").read_text(encoding="utf-8")
    status, out, err = sounding("predict", "runs/classify/1", odd / "disc")
    assert status == 0, err
    assert "Bild_\\xe40.png" in out
    status, out, err = sounding("eval", "runs/classify/1")  # the place of the data came back from config.json
    assert status == 0, err


# ---- which application


def rows_of(top: Path, folders: list[str], each: int, draw) -> Path:
    for k, name in enumerate(folders):
        for i in range(each):
            (top / name).mkdir(parents=True, exist_ok=True)
            PIL.Image.fromarray(draw(np.random.default_rng([k, i]))).save(top / name / f"{i}.png")
    return top


def texture(rng):
    return np.clip(rng.normal(128, 40, (32, 32)) + rng.normal(0, 40, (32, 1)), 0, 255).astype(np.uint8)


def face(rng):
    y, x = np.mgrid[:32, :32]
    oval = ((x - 16) / 11) ** 2 + ((y - 16) / 14) ** 2 < 1
    eyes = sum((x - 16 - side) ** 2 + (y - 13) ** 2 < 9 for side in (-5, 5))
    return np.clip(60 + 120 * oval - 110 * eyes + rng.normal(0, 25, (32, 32)), 0, 255).astype(np.uint8)


@pytest.mark.parametrize(
    ("folders", "each", "draw", "taken", "other"),
    [
        ([f"texture {k}" for k in range(10)], 6, texture, "classify", "faces"),
        ([f"Ann_{chr(65 + k // 26)}{chr(97 + k % 26)}" for k in range(220)], 2, face, "faces", "classify"),
        ([f"s{k}" for k in range(40)], 4, face, "faces", "classify"),
        ([f"species {k}" for k in range(30)], 5, texture, "classify", "faces"),
    ],
)
def test_without_a_task_the_likeliest_is_taken_and_the_others_are_named(tmp_path, folders, each, draw, taken, other):
    report = sd.check("", rows_of(tmp_path / "data", folders, each, draw))
    assert report.notes[0].startswith(f"read as {taken} reads it: one folder for each ")
    assert f"also possible: {other} (one folder for each " in report.notes[0]
    assert f"{len(folders)} " in report.notes[0]


def test_copies_are_told_alike_of_single_pictures_and_of_pairs(tmp_path):
    for name in "abcdefgh":
        picture(tmp_path / "x" / f"{name}.png")
        picture(tmp_path / "y" / f"{name}.png")
    found = Duplicates(across=Pairs(1, (("a.png and b.png", "c.png"),)), near=Pairs(1, (("d.png", "e.png and f.png"),)))
    said = describe(replace(sd.check("classify", tmp_path), duplicates=found))
    assert "  a.png and b.png equal to c.png" in said
    assert "  d.png similar to e.png and f.png" in said
