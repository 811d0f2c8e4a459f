"""How a model answers may be set wherever it answers, is saved with its run, and is told by its card."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

import sounding as sd
from sounding.applications.vision.classify import Classify
from sounding.contract.options import Options

CHARLM = str(Path(__file__).parents[1] / "applications" / "toys" / "charlm.py")


def scores(out: str) -> list[float]:
    return [json.loads(line)["score"] for line in out.splitlines()]


def test_predict_eval_and_compare_take_options_as_bare_words_and_by_set(sounding, photos, run):
    inputs = (photos / "dark" / "0.png", photos / "bright" / "1.png")
    plain, bare, given = (
        scores(sounding("predict", run, *inputs, "--json", *words)[1])
        for words in ((), ("flip_average=no",), ("--set", "flip_average=no"))
    )
    assert bare == given != plain
    model = sd.load(run)
    assert [r.score for r in model(list(inputs), flip_average=False)] == bare
    assert [r.score for r in model(list(inputs))] == plain
    assert [r.score for r in sd.load(run, options={"flip_average": "no"})(list(inputs))] == bare
    pipe = sd.pipeline("image-classification", run)
    assert pipe(str(inputs[0]), flip_average=False)[0]["score"] == pytest.approx(bare[0])
    losses = [[r.loss for r in model.records(photos, **options)] for options in ({}, {"flip_average": False})]
    assert not np.allclose(*losses)
    assert model.evaluate(photos, flip_average=False).keys() == model.evaluate(photos).keys()
    for words in (("eval", run, photos), ("compare", run, run, photos)):
        status, out, err = sounding(*words, "flip_average=no")
        assert status == 0, err
        assert "accuracy" in out


def test_an_unknown_option_is_named_with_what_was_meant(sounding, photos, run):
    for words in (("predict", run, photos), ("eval", run), ("compare", run, run), ("card", run)):
        for more in (("flip_averag=no",), ("--set", "flip_averag=no")):
            status, _, err = sounding(*words, *more)
            assert status == 2
            assert "no setting 'flip_averag'. Did you mean flip_average?" in err
    with pytest.raises(sd.UsageError, match="Did you mean flip_average"):
        sd.load(run)(photos / "dark" / "0.png", flip_averages=True)
    with pytest.raises(sd.UsageError, match="flip_average=perhaps is not yes or no"):
        sd.load(run, options={"flip_average": "perhaps"})
    assert not (run / "card.json").exists()


def test_an_option_of_a_training_is_saved_and_answered_with(sounding, photos):
    words = ("size=tiny", "width=4", "steps=5", "--card", "none")
    status, _, err = sounding("train", "classify", photos, *words, "flip_average=no")
    assert status == 0, err
    for name in ("config.json", "best/config.json", "last/config.json"):
        assert json.loads(Path("runs/classify/1", name).read_text())["options"] == {"flip_average": False}
    assert sd.load("runs/classify/1").task.options == Classify.Options(flip_average=False)
    assert sd.train("classify", resume="runs/classify/1").task.options.flip_average is False


def test_a_card_says_its_options_and_is_not_taken_for_one_with_others(tmp_path, brief):
    model = sd.train("classify", "demo", size="tiny", width=4, steps=5, out=tmp_path / "run")
    assert model.card().header.options == {"flip_average": True}
    first = (model.dir / "card.json").read_bytes()
    other = model.card(options={"flip_average": False})
    assert other.header.options == {"flip_average": False}
    assert (model.dir / "card.json").read_bytes() != first
    assert sd.load(model.dir, options={"flip_average": False}).card() == sd.Card.load(model.dir)
    assert sd.load(model.dir).card().header.options == {"flip_average": True}
    with pytest.raises(sd.UsageError, match="no setting 'flap'"):
        model.card(options={"flap": 1})


def test_a_word_with_a_sign_of_equality_is_a_text_where_texts_are_answered(sounding):
    status, _, err = sounding("train", CHARLM, "demo", "--steps", 2, "--card", "none")
    assert status == 0, err
    status, out, err = sounding("predict", "runs/charlm/1", "cat=5")
    assert status == 0, err
    assert out.startswith("cat=5\t")
    assert "no setting 'cat'. It has none" in sounding("predict", "runs/charlm/1", "cat", "--set", "cat=5")[2]


def test_a_setting_of_training_and_answering_at_once_is_refused_where_the_class_is_written():
    @dataclass(frozen=True)
    class Unclear(Options):
        lr: float = 1.0

    with pytest.raises(sd.UsageError, match="Muddled has lr in its recipe and in its options"):

        class Muddled(Classify):
            Options = Unclear
