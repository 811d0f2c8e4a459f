"""Two words for one split beside each other are told, and nothing else is."""

from pathlib import Path

import pytest

from sounding import api
from sounding.contract.split_names import several_words


@pytest.mark.parametrize(
    ("folders", "told"),
    [
        ([("test/cat", "test"), ("eval/cat", "test"), ("train/cat", "train")], ["test and eval"]),
        ([("Training/cat", "train"), ("train/cat", "train")], ["Training and train"]),
        ([("a/val", "validation"), ("a/dev", "validation")], ["val and dev"]),
        ([("train2014", "train"), ("train2017", "train")], []),
        ([("images/train", "train"), ("labels/training", "train")], []),
        ([("test/eval", "validation"), ("test/tests", "test")], []),
    ],
)
def test_words_beside_each_other(folders, told):
    said = list(several_words([(Path(folder), split) for folder, split in folders]))
    assert len(said) == len(told)
    assert all(note.startswith(f"{names} are read together as ") for note, names in zip(said, told, strict=True))


def test_a_folder_and_tables_with_two_words_for_the_test_say_so(tmp_path, photos):
    for part in ("train", "test", "eval"):
        (tmp_path / "all").mkdir(exist_ok=True)
        (tmp_path / "all" / part).symlink_to(photos, target_is_directory=True)
        (tmp_path / "tables").mkdir(exist_ok=True)
        (tmp_path / "tables" / f"{part}.csv").write_text("text,label\n" + f"{part} one,a\n{part} two,b\n" * 20)
    for task, data in (("classify", "all"), ("sentiment", "tables")):
        notes = " ".join(api.check(task, tmp_path / data).notes)
        assert "read together as test; if one of them is for train or validation, give it that name" in notes
