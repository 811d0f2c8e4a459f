"""One way from a name to a file: separators, Unicode forms, case, folders in front; several candidates are an error."""

import unicodedata
from pathlib import Path

import pytest

from sounding.contract.file_names import Files, Spellings, Surroundings
from sounding.errors import DataError
from sounding.folders import walk

COMPOSED, APART = (unicodedata.normalize(form, "Grün/Bücher.png") for form in ("NFC", "NFD"))


def make(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)
    return root


def found(path: Path | None, root: Path) -> str | None:
    return None if path is None else str(path.relative_to(root))


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("photos/a.png", "photos/a.png"),
        ("photos\\a.png", "photos/a.png"),
        (" photos/a.png ", "photos/a.png"),
        ("Photos/A.PNG", "photos/a.png"),
        ("photos/sub\\b.JPG", "photos/sub/b.jpg"),
        ("photos/c.png", None),
        ("elsewhere/a.png", None),
    ],
)
def test_a_name_in_a_table_is_found_however_it_is_spelled(tmp_path, name, file):
    make(tmp_path, "photos/a.png", "photos/sub/b.jpg")
    assert found(Spellings().named(tmp_path, name), tmp_path) == file


@pytest.mark.parametrize(("on_disk", "told"), [(COMPOSED, APART), (APART, COMPOSED)])
def test_both_unicode_forms_are_one_name(tmp_path, on_disk, told):
    make(tmp_path, on_disk)
    assert found(Spellings().named(tmp_path, told), tmp_path) == on_disk
    files = Files(walk(tmp_path), tmp_path)
    assert found(files.find(told, tmp_path / "x.json"), tmp_path) == on_disk


def test_what_is_there_is_taken_as_it_is_written_and_two_that_differ_by_case_are_refused(tmp_path):
    make(tmp_path, "a.png", "A.png")
    assert found(Spellings().named(tmp_path, "A.png"), tmp_path) == "A.png"
    with pytest.raises(DataError, match=r"the name 'A.PNG' leads to 2 files \(.*/A.png, .*/a.png\)"):
        Spellings().named(tmp_path, "A.PNG")


@pytest.mark.parametrize(
    ("annotation", "name", "split", "file"),
    [
        ("all.json", "train/1.png", "", "train/1.png"),  # a path from where the annotation lies
        ("all.json", "C:\\data\\val\\1.png", "", "val/1.png"),  # of another machine
        ("annotations/x.json", "1.png", "train", "train/1.png"),
        ("annotations/x.json", "1.png", "validation", "val/1.png"),
        ("annotations/x.json", "1.png", "test", None),  # never a picture of another split
        ("annotations/val.json", "1.png", "", "val/1.png"),  # named after the folder
        ("train/x.json", "2.png", "train", None),  # 2.png is of the other split
        ("set/annotations/x.json", "3.png", "", "set/images/3.png"),  # the nearer one
        ("all.json", "images/3.png", "", "set/images/3.png"),
        ("all.json", "4.png", "", "shots/4.png"),  # not its mask
        ("all.json", "lost/4.png", "", "shots/4.png"),  # the folder is not here
        ("all.json", "train/2.png", "", None),  # the folder is here, and the picture is not in it
        ("all.json", "", "", None),
    ],
)
def test_a_name_in_an_annotation_leads_to_its_picture_or_to_none(tmp_path, annotation, name, split, file):
    make(tmp_path, "train/1.png", "val/1.png", "val/2.png", "set/images/3.png", "images/3.png", "shots/4.png")
    make(tmp_path, "masks/4.png")
    if name == "images/3.png":
        (tmp_path / "images/3.png").unlink()
    files = Files(walk(tmp_path), tmp_path)
    assert found(files.find(name, tmp_path / annotation, split), tmp_path) == file


def test_a_name_that_several_pictures_have_leads_to_none_of_them(tmp_path):
    make(tmp_path, "images/a/1.png", "images/b/1.png")
    (tmp_path / "images/c").mkdir()
    (tmp_path / "images/c/1.png").symlink_to(tmp_path / "images/a/1.png")
    files = Files(walk(tmp_path), tmp_path)
    with pytest.raises(DataError, match=r"the name '1.png' leads to 3 files \(.*/images/a/1.png, .*/images/b/1.png"):
        files.find("1.png", tmp_path / "all.json")
    (tmp_path / "images/b/1.png").unlink()
    assert found(files.find("images/a/1.png", tmp_path / "all.json"), tmp_path) == "images/a/1.png"
    linked = Files(walk(tmp_path), tmp_path)
    assert found(linked.find("1.png", tmp_path / "all.json"), tmp_path) == "images/a/1.png"  # a link is no other file


def test_pictures_are_looked_for_around_a_single_annotation_and_in_all_of_a_folder(tmp_path):
    make(tmp_path, "annotations/x.json", "images/deep/1.png", "images/deep/er/2.png")
    file = tmp_path / "annotations/x.json"
    alone, folder = Surroundings(file, (".png",)).of(file), Surroundings(tmp_path, (".png",)).of(file)
    assert found(alone.find("1.png", file), tmp_path) == "images/deep/1.png"
    assert alone.find("2.png", file) is None
    assert found(folder.find("2.png", file), tmp_path) == "images/deep/er/2.png"
