"""Data that moved, grew or shrank after a training: the same test rows are measured, and never a row trained on."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from photo_folders import pictures
from PIL import Image

import sounding as sd
from sounding.data import Report
from sounding.errors import DataError, UsageError
from sounding.files import read_tensors
from sounding.runs.folder import Run


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Pictures, and a run that was trained on them: once for all tests, each of which has a copy."""
    folder = tmp_path_factory.mktemp("trained")
    photos = pictures(folder / "photos")
    sd.train("classify", str(photos), size="tiny", width=4, steps=40, card=None, out=folder / "run")
    return folder


@pytest.fixture
def photos(trained, tmp_path):
    return shutil.copytree(trained / "photos", tmp_path / "photos")


@pytest.fixture
def run(trained, sounding, photos):
    copy = shutil.copytree(trained / "run", "runs/classify/1")
    config = json.loads(Path(copy, "config.json").read_text())
    Path(copy, "config.json").write_text(json.dumps({**config, "source": str(photos)}))
    return Path(copy)


def numbers(text):
    """What `eval` printed, without what it said on the error stream."""
    return [line for line in text.splitlines() if "n=" in line]


def as_bytes(folder):
    return {bytes(example.input.tobytes()) for example in folder}


def test_each_verb_says_where_the_data_were_and_what_to_type(sounding, photos, run):
    photos.rename(photos.with_name("elsewhere"))
    for words in (("eval", run), ("card", run, "--quick"), ("train", "--resume", run)):
        status, _, err = sounding(*words)
        assert status == 1
        assert f"{photos}: the data of this run were here, and are not any more" in err
        assert f"sounding eval {run} PLACE" in err


def test_the_new_place_gives_the_same_test_rows_and_numbers(sounding, photos, run):
    _, before, _ = sounding("eval", run)
    there = photos.with_name("elsewhere")
    photos.rename(there)
    for i, file in enumerate(sorted(there.glob("dark/*"))):  # what a file is called does not matter
        file.rename(file.with_name(f"renamed {97 * i % 101}.png"))
    status, after, err = sounding("eval", run, there)
    assert status == 0
    assert numbers(after) == numbers(before)
    data = Run.open(run).data
    assert f"{data['splits']['train'] + data['splits']['validation']} rows of {there} are left out" in err
    assert "n=" in before


def test_rows_that_were_trained_on_are_never_measured_also_where_others_lie_beside_them(photos, run):
    m = sd.load(run)
    trained = as_bytes(m.dataset().train) | as_bytes(m.dataset().validation)
    tested = as_bytes(m.dataset().test)
    grown = pictures(
        photos.with_name("grown"), 60
    )  # the first rows of each class are others, since one stream draws all
    for file in photos.rglob("*.png"):
        shutil.copy(file, grown / file.parent.name / f"old {file.name}")
    data = m.dataset(grown)
    seen = as_bytes(data.unseen)
    assert tested <= seen
    assert not seen & trained
    assert len(data.unseen) + data.left_out == 200
    assert data.left_out > len(m.dataset().train)  # some of the sixty are among those trained on
    few = photos.with_name("few")
    few.mkdir()
    for example_class in ("dark", "bright"):
        shutil.copytree(photos / example_class, few / example_class)
    for file in [*few.rglob("*.png")]:
        if bytes(m.task.input.read(file).tobytes()) not in trained:
            file.unlink()
    with pytest.raises(DataError, match="learnt from all"):
        m.evaluate(few)


def test_rows_that_were_added_where_the_data_lie_change_nothing(photos, run):
    m = sd.load(run)
    before, order = m.evaluate(), [e.input.tobytes() for e in m.dataset().train]
    shutil.copy(photos / "dark" / "1.png", photos / "bright" / "a copy.png")
    other = m.task.input.read(photos / "dark" / "2.png")[::-1]
    Image.fromarray(other).save(photos / "dark" / "0 new.png")
    again = sd.load(run)
    assert again.evaluate() == before
    assert [e.input.tobytes() for e in again.dataset().train] == order


def test_rows_that_are_gone_or_changed_are_counted(sounding, photos, run):
    (photos / "dark" / "3.png").unlink()
    shutil.copy(photos / "dark" / "4.png", photos / "dark" / "5.png")
    status, _, err = sounding("eval", run)
    assert status == 1
    assert "2 of the 80 rows of the training are missing here, or were changed since" in err


def test_a_training_that_was_cut_short_goes_on_where_its_data_lie_now(sounding, photos, tmp_path):
    words = ("size=tiny", "width=4", "steps=30", "--card", "none")
    assert sounding("train", "classify", photos, *words, "--out", "whole")[0] == 0
    sd.train("classify", str(photos), size="tiny", width=4, steps=30, card=None, out="cut")
    cut = tmp_path / "cut"
    config = json.loads((cut / "config.json").read_text())
    for name in ("trainer_state.json", "training.json", "metrics.csv"):  # as it was before its first step
        (cut / name).unlink()
    for folder in ("best", "last"):
        for file in (cut / folder).glob("*.safetensors"):
            file.unlink()
    there = photos.with_name("elsewhere")
    photos.rename(there)
    status, _, err = sounding("train", "--resume", cut, there, "--card", "none")
    assert status == 0, err
    one, other = (read_tensors(tmp_path / name / "best" / "model.safetensors")[0] for name in ("whole", "cut"))
    assert all((one[name] == other[name]).all() for name in one)
    now = json.loads((cut / "config.json").read_text())
    assert now == {**config, "source": str(there)}
    assert sounding("eval", cut)[0] == 0


def test_a_card_is_measured_on_the_rows_that_lie_elsewhere_now_and_on_no_others(sounding, photos, run):
    photos.rename(photos.with_name("elsewhere"))
    found = sd.load(run, data=str(photos.with_name("elsewhere"))).dataset()
    assert len(found.test) == Run.open(run).data["splits"]["test"]
    assert found.report.to_json() == Report.from_json(Run.open(run).data).to_json()
    (photos.with_name("elsewhere") / "dark" / "3.png").unlink()
    status, _, err = sounding("card", run, "elsewhere", "--quick")
    assert status == 1
    assert "elsewhere: 1 of the 80 rows of the training are missing here" in err
    status, _, err = sounding("card", run, "nowhere", "--quick")
    assert status == 1
    assert "nowhere: not a run" in err


def test_a_comparison_on_other_rows_is_on_rows_that_neither_model_learnt_from(photos, run):
    sd.train("classify", str(photos), size="tiny", width=4, steps=5, card=None, split="50/20/30")
    a, b = sd.load("runs/classify/1"), sd.load("runs/classify/2")
    both = as_bytes(a.dataset().test) & as_bytes(b.dataset().test)
    assert both
    assert next(iter(sd.compare(a, b, str(photos)).values())).n == len(both)


def test_weights_to_begin_with_and_a_named_run_keep_what_was_trained_on_out_of_the_test(photos, run):
    first = sd.load(run).dataset()
    for i in range(40):
        (photos / "dark" / f"{i}.png").rename(photos / "dark" / f"moved {i}.png")
    pictures(photos.with_name("more"), 90)
    for file in photos.with_name("more").rglob("*.png"):
        target = photos / file.parent.name / f"more {file.name}"
        shutil.copy(file, target)
    for words in ({"start": str(run)}, {"split": str(run)}):
        model = sd.train("classify", str(photos), size="tiny", width=4, steps=2, card=None, **words)
        second = model.dataset()
        assert as_bytes(first.test) <= as_bytes(second.test)
        assert not as_bytes(second.test) & (as_bytes(first.train) | as_bytes(first.validation))
        assert "rows as before" in second.report.split_origin
        resumed = sd.train(resume=model.dir, card=None)
        assert len(resumed.dataset().test) == len(second.test)


def test_the_split_has_the_sizes_that_are_asked_for_from_both_doors(sounding, photos):
    status, out, _ = sounding("check", "classify", photos, "--split", "60/20/20")
    assert status == 0
    assert "split: hash of content, stratified by answer, 60/20/20" in out
    report = sd.check("classify", str(photos), split="60/20/20")
    for times in report.classes.values():
        assert min(times["validation"], times["test"]) >= 8
    assert sounding("check", "classify", photos, "--split", "60/40")[0] == 2
    with pytest.raises(UsageError, match="70/15/15"):
        sd.check("classify", str(photos), split="60/40")


# ---- what is said beside --resume


def test_what_is_said_beside_resume_has_to_be_what_the_run_began_with(sounding, photos, run):
    same = ("size=tiny", "width=4", "steps=40", "--seed", 0, "--card", "none")
    assert sounding("train", "classify", photos, *same, "--resume", run)[0] == 0
    for words in (
        ("lr=0.5",),
        ("flip_average=no",),
        ("--steps", 50),
        ("--epochs", 2),
        ("--time", "1m"),
        ("--size", "small"),
        ("--seed", 1),
        ("--harden", "attacks"),
        ("--allow-bad", 0),
        ("--target", "kind"),
        ("--split", "70/15/15"),
        ("--every", 5),
    ):
        status, _, err = sounding("train", "classify", "--resume", run, "--card", "none", *words)
        assert status == 2, words
        assert f"{run}: a run goes on as it began, and" in err
        assert "would be another training" in err
        assert len(err.strip().splitlines()) == 1
