"""Six small applications of unlike kinds go through the public door with their whole card.

A tuple from `encode`, a model that is called with two tensors, an int input, texts without answers, play without any
data, and a loss that rises: each trains, answers, is loaded again, and has every section measured or says why not.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from brevity import briefly

import sounding as sd
from sounding.files import read_json

TOYS = Path(__file__).parent / "applications" / "toys"
KINDS = {
    "rising": "a tuple",
    "leader": "two tensors",
    "odd": "an int",
    "babble": "texts without answers",
    "nim": "play",
    "walk": "a loss that rises",
}
MEASURED = {
    "rising": {"data", "quality", "interpretability", "calibration", "energy"},
    "leader": {"data", "quality", "interpretability", "calibration", "energy"},
    "odd": {"data", "quality", "interpretability", "calibration", "energy"},
    "babble": {"data", "quality", "interpretability", "robustness", "energy"},
    "nim": {"data", "quality", "calibration", "prediction_sets", "energy"},
    "walk": {"data", "quality", "interpretability", "energy"},
}


@pytest.fixture(scope="module", params=KINDS, ids=lambda name: KINDS[name].replace(" ", "-"))
def model(request, tmp_path_factory) -> sd.Model:
    source = None if request.param == "nim" else "demo"
    with briefly():
        out = tmp_path_factory.mktemp(request.param) / "run"
        return sd.train(str(TOYS / f"{request.param}.py"), source, steps=120, out=out, size="tiny")


def named(model: sd.Model) -> str:
    return Path(model.run.config["task"]).stem


def test_every_section_is_measured_or_says_why_not(model):
    card = model.card()
    assert not card.failed
    for section in card:
        assert section.status == "ok" or len(section.reason) > 20, section.id
    assert MEASURED[named(model)] <= {section.id for section in card if section.status == "ok"}


def test_a_loaded_model_answers_as_the_trained_one(model):
    again = sd.load(model.dir)
    rows = [example.input for example in list(model.dataset().test)[:8]]
    first, second = ([result.value for result in one(rows)] for one in (model, again))
    assert first == second
    headline = model.task.metrics[0]
    assert again.evaluate()[headline.name].value == pytest.approx(model.metrics[headline.name].value)


def test_what_is_written_of_a_rising_loss(model):
    if named(model) != "walk":
        pytest.skip("of the toy whose loss rises")
    history = read_json(model.dir / "training.json")["history"]
    assert history[-1]["training_loss"] > 5 * history[0]["training_loss"]
    assert read_json(model.dir / "trainer_state.json")["rollbacks"] == 0
