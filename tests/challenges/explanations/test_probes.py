"""Linear probes beside sklearn's logistic regression; and a section that finds planted concepts and no others."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score

from sounding import catalog
from sounding.applications.games.shared.board_concepts import board_concept
from sounding.challenges.concepts import PLANS, Concepts
from sounding.challenges.explanations.probes import answers, balanced, balanced_accuracy, tallied
from sounding.challenges.explanations.site_layers import at_sites
from sounding.contract.concepts import NOT_ASKED
from sounding.contract.task import built
from sounding.evaluation.challenge import NotMeasured
from sounding.evaluation.context import EvaluationContext
from sounding.modalities.boards.board import many
from sounding.randomness import stream

SQUARES = 42


def clouds(n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Three clouds that overlap, one of them rare, on axes of very different lengths."""
    labels = rng.choice(3, n, p=[0.6, 0.3, 0.1])
    centres = np.array([[0, 0], [2, 0], [0, 2]])
    return (centres[labels] + rng.normal(size=(n, 2))) * [1, 100], labels


def test_a_probe_answers_as_logistic_regression_does():
    rng = stream("clouds")
    (fit, labels), (test, truth) = clouds(600, rng), clouds(400, rng)
    said = answers(fit, labels, test, 3)
    spread = fit.std(axis=0)
    known = LogisticRegression(C=1.0, class_weight="balanced").fit(fit / spread, labels).predict(test / spread)
    assert (said == known).mean() > 0.97
    found = balanced_accuracy(tallied(truth, said, np.arange(400) % 7, 3))
    assert found == pytest.approx(balanced_accuracy_score(truth, said))
    assert found > 0.6


def test_classes_are_drawn_in_equal_numbers():
    labels = np.array([0] * 50 + [1] * 7 + [NOT_ASKED] * 20)
    drawn = balanced(labels, 10, stream("drawn"))
    assert np.bincount(labels[drawn]).tolist() == [10, 7]
    assert len(balanced(np.full(5, NOT_ASKED), 10, stream("none"))) == 0


@pytest.fixture(scope="module")
def task():
    application = catalog.find("connect4")
    return application(application.Recipe.make("tiny"))


@pytest.fixture(scope="module")
def model(task):
    torch.manual_seed(0)
    return built(task).eval()


@pytest.fixture(scope="module")
def context(task, model):
    rows = task.demo(stream("probed"), 160)
    half = next(i for i in range(80, 160) if rows[i].group != rows[i - 1].group)
    return EvaluationContext(task, model, (), rows[:half], rows[half:])


def test_layers_give_what_they_give_at_each_square(task, model, context):
    values = [row.input for row in context.test[:40]]
    found = at_sites(task, model, values, SQUARES, 9)
    assert list(found)[:4] == ["input", "network.stem", "network.blocks.0", "network.blocks.1"]
    with torch.inference_mode():
        stem = model.network.stem(torch.from_numpy(task.game.observe(many(values, task.game))))
    assert np.allclose(found["network.stem"], stem.flatten(2).transpose(1, 2).numpy(), atol=1e-5)
    assert list(at_sites(task, model, values, SQUARES, 1)) == ["input", "network.stem"]
    assert at_sites(task, model, values, 5, 9) == {}


def test_what_is_there_is_found_and_what_is_not_is_not(task, model, context, monkeypatch):
    def landing(positions):
        return task.game.observe(positions)[:, 2].reshape(len(positions), -1).astype(int)

    def drawn(positions):  # whatever stands on the board
        return stream("drawn", len(positions)).integers(2, size=(len(positions), SQUARES))

    def never(positions):
        return np.zeros((len(positions), SQUARES), int)

    planted = [
        board_concept(task.game, name, name, name, ("no", "yes"), labels)
        for name, labels in (("landing", landing), ("drawn", drawn), ("never", never))
    ]
    monkeypatch.setattr(type(task), "concepts", planted)
    found = Concepts().measure(context)
    known = {number.id: number.estimate for number in found.numbers}
    assert known["probe_landing"].value > 0.9
    assert known["selectivity_landing"].low > 0.2
    assert known["probe_drawn"].low < 0.5 < known["probe_drawn"].high
    assert not any("never" in id for id in known)
    assert found.details["notes"] == ["never: too rarely seen in these rows, and not asked."]
    assert "drawn" in found.sentence.split("Not shown")[1]
    assert {row["concept"] for row in found.details["by_layer"]} == {"landing", "drawn"}


def test_many_concepts_are_drawn_in_figures_that_can_be_told_apart(task, context, monkeypatch):
    names = [f"landing {number}" for number in range(7)]

    def landing(positions):
        return task.game.observe(positions)[:, 2].reshape(len(positions), -1).astype(int)

    monkeypatch.setattr(
        type(task), "concepts", [board_concept(task.game, n, n, n, ("no", "yes"), landing) for n in names]
    )
    first, second = Concepts().measure(context).figures
    assert (first.id, second.id) == ("concepts_selectivity", "concepts_selectivity_2")
    assert [name in first.svg for name in names] == [True] * 4 + [False] * 3
    assert [name in second.svg for name in names] == [False] * 4 + [True] * 3


def test_there_is_nothing_to_ask_without_concepts_or_rows(task, context, monkeypatch):
    assert "validation" in Concepts().needs(replace(context, validation=()))
    monkeypatch.setattr(type(task), "concepts", ())
    assert "nobody has said" in Concepts().needs(context)
    assert set(PLANS) == {"quick", "standard", "full"}


def test_a_network_without_sites_is_not_asked(task, context, monkeypatch):
    narrow = board_concept(
        task.game, "one", "one", "one", ("no", "yes"), lambda positions: np.zeros((len(positions), 5), int)
    )
    monkeypatch.setattr(type(task), "concepts", (narrow,))
    with pytest.raises(NotMeasured, match="no layer"):
        Concepts().measure(context)
