"""Words that contradict each other, words that are none, and data under names that do not say what they are."""

import pytest
from PIL import Image

import sounding as sd
from sounding.errors import UsageError


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("card", "RUN", "--quick", "--full"), ("--quick", "--full")),
        (("train", "classify", "DATA", "--steps", "3", "--time", "5s"), ("--steps 3", "--time 5s")),
        (("train", "classify", "DATA", "steps=3", "--epochs", "1"), ("--epochs 1", "--steps 3")),
        (("train", "classify", "DATA", "--steps", "3", "steps=4"), ("steps=4", "steps=3")),
        (("train", "classify", "DATA", "--lr", "1", "lr=2"), ("lr=2", "lr=1")),
        (("train", "classify", "DATA", "lr=1", "--set", "lr=2"), ("lr=2", "lr=1")),
        (("train", "--resume", "RUN", "--out", "else"), ("--resume", "--out else")),
        (("predict", "RUN", "DATA", "--out", "a.csv", "--json"), ("--out", "--json")),
    ],
)
def test_two_words_of_which_one_makes_the_other_void_are_named_together(sounding, run, photos, words, named):
    typed = [{"RUN": run, "DATA": photos}.get(word, word) for word in words]
    status, _, err = sounding(*typed)
    assert status == 2
    assert "cannot be given together. Give one of them" in err
    assert all(word in err for word in named)
    assert len(err.strip().splitlines()) == 1


def test_the_same_value_twice_is_no_contradiction(sounding, photos):
    words = ("epochs=1", "--epochs", "1", "width=4", "size=tiny", "--card", "none", "--out", "made")
    assert sounding("train", "classify", photos, *words)[0] == 0


def test_an_unknown_setting_is_answered_with_what_a_person_can_set(sounding, photos):
    status, _, err = sounding("train", "classify", photos, "--set", "nosuch=3")
    known = err.partition("Known: ")[2].strip().split(", ")
    assert status == 2
    assert {"lr", "batch", "image_size"} <= set(known)
    assert not {"reporter", "say", "help", "source", "settings", "columns", "task", "set"} & set(known)
    assert "Did you mean time?" in sounding("train", "classify", photos, "tme=10m")[2]


def test_a_file_that_is_not_there_is_said_to_be_missing(sounding, run, photos):
    (photos / "dark" / "broken.png").write_bytes(b"no picture")
    near = photos / "dark" / "brken.png"
    status, _, err = sounding("predict", run, "nowhere.png", near, photos / "dark" / "broken.png")
    assert status == 1
    assert "nowhere.png: there is no such file or folder" in err
    assert "Did you mean broken.png?" in err
    assert "is not a picture" in err
    assert "row" not in err


def test_pictures_without_an_ending_are_read_alike_by_all_who_look_at_a_folder(sounding, run, photos, tmp_path):
    bare = tmp_path / "bare"
    for file in sorted(photos.rglob("*.png")):
        (bare / file.parent.name).mkdir(parents=True, exist_ok=True)
        (bare / file.parent.name / file.stem).write_bytes(file.read_bytes())
    count = len(list(photos.rglob("*.png")))
    assert f"{count} rows in {count} files" in sounding("check", "classify", bare)[1]
    assert len(sounding("predict", run, bare)[1].splitlines()) == count


def test_pictures_under_another_ending_are_named_with_what_to_do(sounding, tmp_path):
    for person in ("ann", "bob"):
        (tmp_path / "faces" / person).mkdir(parents=True)
        Image.new("RGB", (9, 9)).save(tmp_path / "faces" / person / f"{person}.happy", "PNG")
    status, _, err = sounding("check", "classify", tmp_path / "faces")
    assert status == 1
    assert "in these 2 files .happy" in err
    assert "faces/ann/ann.happy is a picture by its content: let the names of such files end in .png" in err


def test_a_pipeline_takes_a_run_alone_or_behind_its_name(run, photos):
    picture = str(next(photos.rglob("*.png")))
    made = [sd.pipeline(run), sd.pipeline("image-classification", run), sd.pipeline(model=run)]
    answers = [answer(picture) for answer in made]
    assert answers[0] == answers[1] == answers[2] == sd.pipeline(task="classify", model=run)(picture)
    with pytest.raises(UsageError, match=r"'image-classification' is no run\. Give its folder"):
        sd.pipeline("image-classification")
    with pytest.raises(UsageError, match="no run is named"):
        sd.pipeline()
