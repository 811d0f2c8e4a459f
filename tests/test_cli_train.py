"""`train` as a person types it: fields of the recipe as options, runs without a card, and runs that are resumed."""

from __future__ import annotations

import inspect
import json
from dataclasses import dataclass
from pathlib import Path

import click
import pytest

import sounding as sd
from sounding import api
from sounding.applications.vision.classify import Classify, ClassifyRecipe
from sounding.cli import cli
from sounding.contract.settings import TRAINING_WORDS

SMALL = ("size=tiny", "width=4", "--steps", 5, "--card", "none")


def config(run: str = "runs/classify/1") -> dict:
    return json.loads(Path(run, "config.json").read_text())


# ---- fields of the recipe


def test_every_field_of_the_recipe_is_an_option(sounding, photos):
    words = ("--lr", "0.01", "--image-size=12", "--batch", 4, "--flip-average", "no", "--cutout", "0.5")
    status, _, err = sounding("train", "--depth", 2, "classify", *words, photos, *SMALL)
    assert status == 0, err
    said = config()
    expected = {"lr": 0.01, "image_size": 12, "batch": 4, "depth": 2, "cutout": 0.5, "width": 4, "size": "tiny"}
    assert {name: said["recipe"][name] for name in expected} == expected
    assert said["options"] == {"flip_average": False}
    assert said["budget"]["steps"] == 5


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--epoch", 3), "classify has no setting 'epoch'. Did you mean epochs?"),
        (("--widht", 3), "classify has no setting 'widht'. Did you mean width?"),
        (("--image-sise=3",), "classify has no setting 'image_sise'. Did you mean image_size?"),
        (("sed=3",), "classify has no setting 'sed'. Did you mean seed?"),
        (("--lr", "fast"), "lr=fast is not a number"),
        (("--lr", "--batch", 3), "lr=yes is not a number"),
        (("--start", "x"), "there is no option 'start' here"),
        (("reporter=x",), "there is no option 'reporter' here"),
    ],
)
def test_what_is_no_option_is_told_with_what_was_meant(sounding, photos, words, said):
    status, _, err = sounding("train", "classify", photos, *words)
    assert status == 2
    assert said in err
    assert not Path("runs").exists()


def test_from_python_as_well():
    with pytest.raises(sd.UsageError, match=r"no setting 'epoch'\. Did you mean epochs\?"):
        sd.train("classify", "demo", epoch=3)
    with pytest.raises(sd.UsageError, match=r"no setting 'cad'\. Did you mean card\?"):
        sd.train("classify", "demo", cad=None)


def test_the_words_of_a_training_are_those_of_both_doors():
    python = set(inspect.signature(api.train).parameters) - {"settings"}
    options = [p for p in cli.commands["train"].params if isinstance(p, click.Option)]
    typed = {word.lstrip("-").replace("-", "_") for option in options for word in option.opts}
    stored = {str(option.name) for option in options}
    assert python | typed | stored | {"help"} == TRAINING_WORDS


@pytest.mark.parametrize("name", ["time", "out", "seed", "start", "group", "card"])
def test_a_setting_called_as_a_word_of_every_training_is_refused_where_the_class_is_written(name):
    fields = {"__annotations__": {name: float}, name: 1.0}
    muddled = dataclass(frozen=True)(type("MuddledRecipe", (ClassifyRecipe,), fields))
    with pytest.raises(sd.UsageError, match=f"Muddled has a setting called '{name}', which is a word of every"):
        type("Muddled", (Classify,), {"Recipe": muddled})


# ---- without a card


def test_without_a_card_the_test_metric_and_the_control_are_told(sounding, photos, run):
    status, out, err = sounding("train", "classify", photos, *SMALL, "--from", run, "--control")
    assert status == 0, err
    test, control, following = out.splitlines()
    measured = sounding("eval", "runs/classify/2")[1].split()
    assert test.split()[:3] == ["Test", "accuracy", measured[1]]
    assert control.split()[:2] == ["Control", "accuracy"]
    assert control.endswith(("the control is kept", "the training with the help is kept"))
    assert following.split() == ["Next", "sounding", "predict", "runs/classify/2", "INPUT"]


# ---- resumed


def cut_short(run: Path) -> None:
    """As a training leaves it that was killed before its last words."""
    (run / "training.json").unlink()


def test_the_latest_unfinished_run_is_found_without_a_task(sounding, photos, run):
    assert sounding("train", "classify", photos, *SMALL)[0] == 0
    status, _, err = sounding("train", "--resume")
    assert status == 1
    assert "there is no unfinished run; the latest, runs/classify/2, is finished" in err
    cut_short(run)
    status, out, err = sounding("train", "--resume")
    assert status == 0, err
    assert out.splitlines()[-1].split() == ["Next", "sounding", "predict", "runs/classify/1", "INPUT"]
    assert "no unfinished run" in sounding("train", "--resume")[2]


def test_a_run_begun_without_a_card_stays_without_one(sounding, photos, run):
    cut_short(run)
    status, out, err = sounding("train", "--resume", run)
    assert status == 0, err
    assert out.startswith("Test ")
    assert not (run / "card.json").exists()


def test_a_finished_run_says_so_and_is_not_measured_again(sounding, photos, brief):
    assert sounding("train", "classify", photos, "size=tiny", "width=4", "--steps", 5)[0] == 0
    card = Path("runs/classify/1/card.json")
    before = card.read_bytes()
    status, out, err = sounding("train", "--resume", "runs/classify/1")
    assert status == 0, err
    assert out.splitlines()[0] == "runs/classify/1 is finished: nothing is left to train"
    assert card.read_bytes() == before
    card.unlink()
    assert sounding("train", "--resume", "runs/classify/1")[0] == 0
    assert card.exists(), "a card that was planned is made where it is missing"
