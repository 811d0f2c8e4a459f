"""One rule for what lies in a folder: the user's files in order, and neither litter nor circles."""

import os
from pathlib import Path

import pytest
from PIL import Image

from sounding.errors import DataError
from sounding.folders import entries, place, subfolders, walk, with_suffix


def make(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)
    return root


def test_files_come_sorted_folder_by_folder_without_what_systems_leave(tmp_path):
    root = make(tmp_path / "top", "b/2.txt", "b/1.txt", "c.txt", "a.txt", "b/.hidden", ".git/x", "B.txt")
    make(root, "__MACOSX/b/1.txt", "b/Thumbs.db", "b/.DS_Store", "@eaDir/1.txt", "desktop.ini", "b/deep/3.txt")
    assert [place(file, root) for file in walk(root)] == [
        *("top/B.txt", "top/a.txt", "top/b/1.txt", "top/b/2.txt", "top/b/deep/3.txt", "top/c.txt"),
    ]
    assert [file.name for file in walk(root, depth=0)] == ["B.txt", "a.txt", "c.txt"]
    assert [file.name for file in walk(root, depth=1)] == ["B.txt", "a.txt", "1.txt", "2.txt", "c.txt"]
    assert [entry.name for entry in entries(root)] == ["B.txt", "a.txt", "b", "c.txt"]
    assert [folder.name for folder in subfolders(root)] == ["b"]


def test_links_are_followed_but_not_in_circles(tmp_path):
    make(tmp_path / "elsewhere", "1.txt")
    root = make(tmp_path / "top", "in/2.txt")
    (root / "linked").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    (root / "in/up").symlink_to(root, target_is_directory=True)
    (root / "itself").symlink_to("itself")
    (root / "gone.txt").symlink_to(tmp_path / "nowhere.txt")
    found = [place(file, root) for file in walk(root)]
    assert found == ["top/gone.txt", "top/in/2.txt", "top/itself", "top/linked/1.txt"]


def test_endings_count_in_any_case(tmp_path):
    root = make(tmp_path, "a.JPG", "b.jpeg", "c.png")
    assert [file.name for file in with_suffix(walk(root), (".jpg", ".jpeg"))] == ["a.JPG", "b.jpeg"]


def test_a_picture_without_an_ending_is_told_by_its_content(tmp_path):
    for name, kind in (("0001", "PNG"), ("0002", "JPEG"), ("0003", "GIF"), ("0004", "WEBP"), ("0005.1", "PNG")):
        Image.new("RGB", (4, 4)).save(tmp_path / name, kind)
    make(tmp_path, "LICENSE", "a.png", "empty")
    (tmp_path / "empty").write_bytes(b"")
    found = with_suffix(walk(tmp_path), (".png", ".webp", ".jpg"))
    assert [file.name for file in found] == ["0001", "0002", "0004", "a.png"]
    assert with_suffix(walk(tmp_path), (".txt",)) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="this user may read everything")
def test_a_folder_that_cannot_be_opened_is_named(tmp_path):
    make(tmp_path, "closed/1.txt")
    (tmp_path / "closed").chmod(0)
    with pytest.raises(DataError, match="closed: no permission"):
        list(walk(tmp_path))
    (tmp_path / "closed").chmod(0o700)


def test_a_folder_that_went_away_is_named(tmp_path):
    with pytest.raises(DataError, match="gone: the file is not there any more"):
        list(walk(tmp_path / "gone"))
