"""A new kind of input is one file: what it says it can do is measured, what it does not say is said to be missing."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from brevity import briefly
from PIL import Image

import sounding as sd
from sounding import catalog
from sounding.card.card import Card, Header, sections
from sounding.card.measuring import measure
from sounding.contract.modality import Modality
from sounding.data import open_data
from sounding.evaluation.context import EvaluationContext
from sounding.machine.setting import Setting
from sounding.training.loop import Budget, fit

MORSE = Path(__file__).parents[1] / "applications" / "toys" / "morse.py"


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> sd.Model:
    with briefly():
        return sd.train(str(MORSE), "demo", steps=150, card="quick", out=tmp_path_factory.mktemp("morse") / "run")


def test_a_modality_and_a_task_in_one_file_get_a_whole_card(run):
    card = run.card()
    assert {section.id for section in card} >= set(sections())
    assert not card.failed
    assert card["quality"]["accuracy"].low > card["quality"]["baseline"].high
    assert card["interpretability"]["deletion_gradient"].low > 0
    assert {"corrupted", "deletion_occlusion"} <= {n.id for section in card for n in section.numbers}
    assert "two edits" in str(card["robustness"].to_json())
    assert "random edits" in str(card["unknown_inputs"].to_json())


def test_its_explanations_are_words_in_colour_in_the_card_in_files_and_on_a_terminal(run, tmp_path):
    (figure,) = run.card()["interpretability"].figures
    assert figure.svg.count(">against<") >= 3  # the legend of each text
    (result,) = run("... ... ...")
    assert result.label == "S"
    why = run.explain(result, "integrated_gradients").render()
    assert re.fullmatch(r"([. ](\([+-]\d+\.\d\d\))?){11}", why.text)
    assert "(" in why.text
    for ending in ("png", "svg", "html"):
        result.plot(tmp_path / f"why.{ending}", run.explain(result).weights)
    with Image.open(tmp_path / "why.png") as picture:
        assert len(picture.convert("RGB").getcolors(2**20)) > 10
    assert "<mark" in (tmp_path / "why.html").read_text()


# ---- a modality that says nothing


class Bare(Modality):
    """Morse code that can be read and encoded, and that is all."""

    def __init__(self, whole: Modality) -> None:
        self.whole = whole

    def read(self, cell: Any, root: Path = Path()) -> Any:
        return self.whole.read(cell, root)

    def encode(self, values: Any) -> Any:
        return self.whole.encode(values)


@pytest.fixture(scope="module")
def bare() -> tuple[EvaluationContext, Card]:
    letter = catalog.find(str(MORSE))

    class Mute(letter):  # type: ignore[valid-type, misc]
        """Morse code without capabilities."""

        def modalities(self) -> tuple[Modality, Modality]:
            whole, target = super().modalities()
            return Bare(whole), target

    task = Mute()
    data = open_data(task, task.demo(np.random.default_rng(0), 300))
    fitted = fit(task, data.train, data.validation, budget=Budget(steps=80), seed=0, setting=Setting(threads=1))
    context = EvaluationContext(task, fitted.model, data.train, data.validation, data.test)
    context.report = data.report.to_json()
    with briefly():
        return context, measure(context, Header("morse", "in memory", "demo"))


def test_a_modality_that_can_only_be_read_and_encoded_gets_a_card_that_says_what_is_missing(bare):
    _, card = bare
    assert {section.id for section in card} >= set(sections())
    assert not card.failed
    assert card["quality"].status == "ok"
    assert "does not fall into segments" in card["interpretability"].reason
    assert "No corruptions are known" in card["robustness"].reason
    assert "No attack was tried" in card["robustness"].reason
    assert card["unknown_inputs"].status == "not_applicable"


def test_a_value_that_cannot_be_explained_is_refused_with_the_reason(bare):
    from sounding.challenges.explanations.explanation import explain

    context, _ = bare
    with pytest.raises(sd.UsageError, match="does not fall into segments"):
        explain(context.task, context.model, context.test[0].input, "S")
    assert context.task.input.render("... ---").text == "... ---"
