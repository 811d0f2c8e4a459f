"""The command line as a person uses it: what it prints, what it leaves on disk, how it fails."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sounding.cli import cli
from sounding.files import read_tensors

APPLICATION = '''
"""Parity: whether a picture of dots has an even number of them. A newcomer's file."""

from typing import ClassVar

import torch
from torch import nn

import sounding as sd
from sounding.contract.metrics import accuracy
from sounding.modalities.category import Category
from sounding.modalities.class_folders import CLASS_FOLDERS
from sounding.modalities.pictures.image import Image


class Brightness(sd.Task):
    """Bright or dark: which of two kinds a picture is."""

    Recipe: ClassVar = sd.Recipe
    layouts = (CLASS_FOLDERS,)

    def modalities(self):
        return Image(8), Category()

    @property
    def metrics(self):
        return [accuracy()]

    def build(self):
        return nn.Sequential(nn.Flatten(), nn.Linear(64 * self.input.channels, len(self.target.classes)))

    def loss(self, model, x, y):
        return nn.functional.cross_entropy(model(x), y, reduction="none")

    @torch.inference_mode()
    def predict(self, model, inputs):
        scores = model(self.encoded(model, inputs)).softmax(-1)
        return [sd.Prediction(self.target.classes[int(s.argmax())], float(s.max()), s.numpy()) for s in scores]

    def demo(self, rng, n):
        return []
'''


def test_help_comes_at_once():
    started = time.monotonic()
    call = [sys.executable, "-X", "importtime", "-m", "sounding", "--help"]
    done = subprocess.run(call, capture_output=True, text=True, check=True)
    assert "train" in done.stdout
    imported = {line.split("|")[-1].strip() for line in done.stderr.splitlines()}
    assert not {"torch", "numpy", "pyarrow", "matplotlib"} & imported
    assert time.monotonic() - started < 20


def test_train_predict_eval_compare_card(sounding, photos):
    status, out, _ = sounding("train", "classify", photos, "--size", "tiny", "--steps", 60, "--set", "width=4")
    assert status == 0
    assert len(out.splitlines()) <= 12
    assert "runs/classify/1/card.html" in out
    assert out.splitlines()[-1].split() == ["Next", "sounding", "predict", "runs/classify/1", "INPUT"]
    folder = Path("runs/classify/1")
    for name in ("config.json", "data.json", "metrics.csv", "trainer_state.json", "card.json", "card.md", "card.html"):
        assert (folder / name).stat().st_size > 0, name
    card = json.loads((folder / "card.json").read_text())
    assert card["sections"][2]["numbers"][0]["id"] == "accuracy"

    status, out, _ = sounding("predict", folder, photos / "dark" / "1.png", photos / "bright")
    lines = [line.split("\t") for line in out.splitlines()]
    assert (status, len(lines), lines[0][1]) == (0, 41, "dark")

    shares = json.loads((folder / "data.json").read_text())["splits"]
    for words in ((photos,), ()):  # of the data that it was trained on, only the test rows are measured
        status, out, _ = sounding("eval", folder, *words)
        assert status == 0
        assert f"n={shares['test']}" in out

    assert sounding("train", "classify", photos, "network=mlp", "steps=20", "card=none")[0] == 0
    assert not Path("runs/classify/2/card.json").exists()
    status, out, _ = sounding("compare", folder, "runs/classify/2")
    assert status == 0
    assert out.startswith("accuracy")
    status, out, _ = sounding("card", folder)
    assert (status, "Robustness" in out) == (0, True)
    status, out, _ = sounding("list")
    assert "runs/classify/2  finished" in out


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("card=nine", "no profile 'nine'"),
        ("seed=x", "'--seed': 'x' is not a valid integer"),
        ("from=nowhere", "nowhere: not a run"),
        ("sed=1", "classify has no setting 'sed'"),
    ],
)
def test_an_option_may_be_typed_as_a_bare_word_and_is_read_as_the_option_is(sounding, photos, word, said):
    status, _, err = sounding("train", "classify", photos, "steps=5", word)
    assert status != 0
    assert said in err
    assert not Path("runs").exists()


def test_a_folder_copied_elsewhere_still_answers(sounding, run, photos, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    os.rename(run / "best", tmp_path / "elsewhere" / "best")
    os.rename(run / "config.json", tmp_path / "elsewhere" / "config.json")
    status, out, _ = sounding("predict", tmp_path / "elsewhere", photos / "dark" / "1.png", "--json")
    assert status == 0
    assert json.loads(out)["answer"] == "dark"


def test_answers_go_into_a_folder_with_a_picture_of_each_and_into_no_file_of_another_kind(sounding, run, photos):
    assert sounding("predict", run, photos, "--out", "drawn")[0] == 0
    lines = Path("drawn/answers.jsonl").read_text().splitlines()
    assert len(list(Path("drawn").glob("*.png"))) == len(lines) > 1
    for name, said in (("a.txt", "not written as .txt"), ("a.json", "no JSON document")):
        status, _, err = sounding("predict", run, photos, "--out", name)
        assert status != 0
        assert said in err
        assert not Path(name).exists()


@pytest.mark.parametrize("name", ["a.jsonl", "a.csv"])
def test_predictions_go_to_a_file(sounding, run, photos, name):
    status, out, _ = sounding("predict", run, photos, "--out", name)
    assert (status, out) == (0, f"80 answers in {name}\n")
    assert len(Path(name).read_text().splitlines()) == 80 + name.endswith("csv")


def test_a_newcomers_application_is_one_file(sounding, photos, tmp_path, brief):
    (tmp_path / "brightness.py").write_text(APPLICATION)
    status, out, err = sounding("train", "./brightness.py", photos, "--steps", 150, "--set", "lr=0.03")
    assert status == 0, err
    assert "Robustness" in out
    status, out, _ = sounding("predict", "runs/brightness/1", photos / "bright" / "0.png")
    assert out.split("\t")[1] == "bright"
    status, out, _ = sounding("eval", "runs/brightness/1", photos)
    assert float(out.split()[1]) > 0.9
    assert sounding("card", "runs/brightness/1", "--quick")[0] == 0
    (tmp_path / "brightness.py").rename(tmp_path / "moved.py")
    status, _, err = sounding("predict", "runs/brightness/1", photos)
    assert (status, "is gone" in err) == (1, True)


WRONG = [
    (("trian", "classify", "."), 2, "no verb 'trian'. Did you mean train?"),
    (("train", "clasify", "photos"), 2, "no application is called 'clasify'. Did you mean classify? An application"),
    (("train",), 2, "train takes a task and the data"),
    (("train", "classify"), 2, "classify learns from rows with an answer each, and no data are named"),
    (("train", "classify", "photos", "--size", "huge"), 2, "no size 'huge'"),
    (("train", "classify", "photos", "widht=3"), 2, "no setting 'widht'. Did you mean width?"),
    (("train", "classify", "photos", "--set", "lr=fast"), 2, "lr=fast is not a number"),
    (("train", "classify", "photos", "--time", "soon"), 2, "no duration: 'soon'"),
    (("train", "classify", "photos", "network=vit"), 2, "no network 'vit'"),
    (("train", "classify", "photos", "--precision", "fp16"), 2, "no precision 'fp16'"),
    (("train", "classify", "nowhere"), 1, "nowhere"),
    (("train", "classify", "--resume"), 1, "there is no unfinished run"),
    (("predict", "nowhere", "x.png"), 1, "not a run"),
    (("eval", "photos"), 1, "not a run"),
    (("train", "./nothing.py", "photos"), 2, "there is no such file"),
]


@pytest.mark.parametrize(("words", "status", "message"), WRONG, ids=[" ".join(w[0]) for w in WRONG])
def test_wrong_words_get_one_clear_message(sounding, photos, words, status, message):
    found, _, err = sounding(*words)
    assert found == status
    assert message in err
    assert "Traceback" not in err
    assert not list(Path().glob("runs/*/*")), "a call that failed left a run behind"


def test_damaged_runs_are_refused(sounding, run, photos):
    weights = run / "best" / "model.safetensors"
    good = weights.read_bytes()
    weights.write_bytes(good[: len(good) // 2])
    status, _, err = sounding("predict", run, photos)
    assert (status, "damaged" in err) == (1, True)
    weights.write_bytes(b"\x80\x05K\x01.")
    status, _, err = sounding("predict", run, photos)
    assert (status, "pickle" in err) == (1, True)
    weights.write_bytes(good)
    config = json.loads((run / "config.json").read_text())
    (run / "config.json").write_text(json.dumps({**config, "schema": 99}))
    status, _, err = sounding("predict", run, photos)
    assert (status, "made by a newer version" in err) == (1, True)


def test_data_that_changed_are_not_measured_on_in_silence(sounding, run, photos):
    (photos / "dark" / "1.png").write_bytes((photos / "dark" / "2.png").read_bytes())
    status, _, err = sounding("eval", run)
    assert (status, "changed since" in err) == (1, True)


def test_bad_rows_are_refused_or_named(sounding, photos):
    for i in range(4):
        (photos / "dark" / f"{i}.png").write_text("not a picture")
    status, _, err = sounding("train", "classify", photos, "--steps", 2, "--card", "none")
    assert status == 1
    assert all(f"dark/{i}.png" in err for i in range(4))
    status, out, _ = sounding("check", "classify", photos)
    assert (status, "dark/3.png" in out) == (1, True)
    status, _, _ = sounding("train", "classify", photos, "--steps", 2, "--card", "none", "--allow-bad", 0.1)
    assert status == 0
    rejected = json.loads(Path("runs/classify/1/data.json").read_text())["rejected"]
    assert [r["where"] for r in rejected] == [f"photos/dark/{i}.png" for i in range(4)]


def test_nothing_can_be_written_where_there_is_no_permission(sounding, photos, tmp_path):
    (tmp_path / "blocked").write_text("a file where a folder should be")
    status, _, err = sounding("train", "classify", photos, "--steps", 2, "--out", tmp_path / "blocked" / "run")
    assert status == 1
    assert "blocked" in err
    assert "Traceback" not in err


def test_ctrl_c_leaves_a_run_that_goes_on(photos, tmp_path):
    call = [sys.executable, "-m", "sounding", "train", "classify", str(photos), "--steps", "100000", "width=4", "--out"]
    process = subprocess.Popen(
        [*call, str(tmp_path / "run"), "--card", "none"],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    checkpoint = tmp_path / "run" / "last" / "checkpoint.safetensors"
    until(lambda: checkpoint.exists())
    time.sleep(1.0)
    process.send_signal(2)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "nothing is lost" in err
    assert f"sounding train --resume {tmp_path / 'run'}" in err
    assert read_tensors(checkpoint)[1]["step"] > 0


def until(condition, seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.05)


def test_doctor_speaks(sounding):
    status, out, _ = sounding("doctor")
    assert status == 0
    assert "torch" in out
    assert "estimated" in out or "measured" in out


def test_every_verb_has_help():
    for name, command in cli.commands.items():
        assert command.help, name
