"""What the section claims, and what it does not: coins, broken models, random labels, few rows, pictures."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from challenges import toys
from challenges.pictures import Watermark, fitted
from challenges.toys import PARTS, WIDTH, Pair, Sort, context, linear, measure_only, rows, small, trained
from torch import nn

from sounding.challenges import interpretability
from sounding.challenges.explanations.explanation import METHODS, random_order
from sounding.challenges.explanations.faithfulness import faithfulness
from sounding.contract.evidence import Figure, Section

CAUTION = "the answers themselves are not shown to be better than a constant answer"


@pytest.fixture(scope="module", autouse=True)
def brief():
    """Few rows are enough to see what is said of them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(interpretability.PLANS, "quick", interpretability.Plan(24, 6, 60.0))
        patch.setitem(interpretability.PLANS, "standard", interpretability.Plan(24, 6, 60.0, shapley=256))
        yield


@pytest.fixture(scope="module")
def sure():
    """A model that is right, on rows of which part 3 alone tells the kind."""
    task = Sort(small())
    return context(task, trained(task, rows(task, 600), 100), rows(task, 120, "test"))


@pytest.fixture(scope="module")
def pictures() -> Section:
    task, model = fitted(Watermark().demo(np.random.default_rng(0), 400), steps=30)
    test = task.demo(np.random.default_rng(1), 40)
    return toys.measured(interpretability, context(task, model, test))


def coins(monkeypatch, explain) -> None:
    measure_only(monkeypatch, occlusion=explain)


def assert_finite(section: Section) -> None:
    assert all(math.isfinite(number.estimate.value) for number in section.numbers)


# ---- false claims


def test_coins_are_rarely_said_to_be_better_than_coins(sure, monkeypatch):
    measure_only(monkeypatch, **{f"coin {i}": random_order for i in range(20)})
    monkeypatch.setattr(interpretability, "examples", lambda *of, **how: Figure("none", "", ""))
    claims = []
    for seed in range(2):
        found = toys.measured(interpretability, replace(sure, seed=seed))
        claims += [found[f"deletion_coin {i}"].low > 0 for i in range(20)]
        assert ("Better than random" in found.sentence) == any(claims[-20:])
    assert sum(claims) <= 3  # at most 1 in 40 is expected


def test_the_place_of_parts_of_equal_weight_is_no_clue():
    """A map that says nothing would be right by luck where the first part is the one that matters."""
    weights = np.repeat([5.0, *[0.0] * (PARTS - 1)], WIDTH)
    values = [e.input for e in rows(Sort(), 60)]
    maps = {"nothing": [np.zeros(PARTS)] * 60}
    found = faithfulness(Sort(), Pair(linear(weights, -4.0)), values, [1] * 60, maps, np.random.default_rng(0))
    for scores in (found.deletion["nothing"], found.insertion["nothing"]):
        assert np.abs(scores.mean(0)).max() < 3 * scores.std(0).max() / 60**0.5


def test_random_labels_give_a_caution_and_only_claims_that_are_true_of_the_model(sure):
    task, rng = sure.task, np.random.default_rng(4)
    shuffled = [replace(e, target=int(rng.integers(2))) for e in rows(task, 60)]
    model = trained(task, shuffled, 300)
    learnt = np.mean([p.value == e.target for p, e in zip(task.predict(model, [e.input for e in shuffled]), shuffled)])
    assert learnt > 0.95  # by heart
    test = [replace(e, target=int(rng.integers(2))) for e in rows(task, 200, "test")]
    found = toys.measured(interpretability, context(task, model, test, train=shuffled))
    assert CAUTION in found.sentence
    assert CAUTION not in toys.measured(interpretability, sure).sentence
    fresh = [e.input for e in rows(task, 80, "fresh")]
    answers = [p.value for p in task.predict(model, fresh)]
    for method in ("occlusion", "gradient", "integrated_gradients"):
        if found[f"deletion_{method}"].low > 0:  # then it holds on other rows, with other coins
            maps = {method: METHODS[method](task, model, fresh, answers, rng)}
            again = faithfulness(task, model, fresh, answers, maps, rng).deletion[method]
            assert (again.mean(0) > 0).all()


# ---- models that are broken, and few rows


class Broken(nn.Module):
    """Gives NaN where the first number is above `limit`; elsewhere a slope that is NaN if `steep`."""

    def __init__(self, one: nn.Module, limit: float, steep: bool = False):
        super().__init__()
        self.one, self.limit, self.steep = one, limit, steep

    def forward(self, x):
        logits = self.one(x)
        if self.steep:  # the slope of a root at 0 is infinite, and times 0 it is NaN
            logits = logits + 0 * (0 * x.sum(1, keepdim=True)).sqrt()
        return torch.where(x[:, :1] > self.limit, torch.nan, logits)


@pytest.mark.parametrize("limit", [-1.0, 0.5])
def test_a_model_that_gives_nan_is_not_explained(sure, limit):
    found = toys.measured(interpretability, context(sure.task, Broken(sure.model, limit), sure.test))
    assert found.status == "not_applicable"
    assert "not finite" in found.reason


def test_slopes_that_are_nan_make_no_claim(sure):
    found = toys.measured(interpretability, context(sure.task, Broken(sure.model, 2.0, steep=True), sure.test))
    assert_finite(found)
    assert "Better than random: occlusion." in found.sentence
    assert "gradient: not finite on 24 rows, where it counts as no weights." in found.details["notes"]
    assert found["deletion_gradient"].low <= 0 <= found["deletion_gradient"].high


def test_nan_for_inputs_with_parts_missing_is_a_likelihood_lost(sure):
    """A model that only knows whole inputs: none of the emptied ones keeps its answer, by any order."""

    class Whole(nn.Module):
        def __init__(self, one):
            super().__init__()
            self.one = one

        def forward(self, x):
            return torch.where((x == 0).any(1, keepdim=True), torch.nan, self.one(x))

    found = toys.measured(interpretability, context(sure.task, Whole(sure.model), sure.test))
    assert_finite(found)
    assert found.details["by_ablation"]["deletion"]["gradient"]["zero"] == 0


def test_a_few_rows_give_numbers_and_no_verdict(sure):
    found = toys.measured(interpretability, context(sure.task, sure.model, sure.test[:5]))
    assert found.status == "ok"
    assert found["deletion_occlusion"].interval == "t over 5 rows"
    assert "No verdict on explanations: 5 independent rows are too few." in found.sentence
    assert "andom:" not in found.sentence
    assert "like random" not in found.figures[0].svg
    grouped = [replace(e, group=f"speaker {i % 6}") for i, e in enumerate(sure.test)]
    assert "6 independent rows" in toys.measured(interpretability, context(sure.task, sure.model, grouped)).sentence


# ---- which methods, and how they are drawn


def test_shapley_values_are_for_longer_profiles(sure, pictures):
    found = toys.measured(interpretability, replace(sure, profile="standard"))
    assert found["deletion_shapley"].low > 0
    assert found["randomisation_absolute_shapley"].value < 0.5
    assert "Shapley values" in found.sentence
    assert "Grad-CAM: not for this model; no layer of it" in " ".join(found.details["notes"])
    assert "deletion_shapley" not in {n.id for n in pictures.numbers}
    assert "Shapley values: not in the quick profile" in " ".join(pictures.details["notes"])


def test_pictures_are_explained_by_grad_cam_too(pictures):
    assert {"deletion_grad_cam", "insertion_grad_cam", "randomisation_grad_cam"} <= {n.id for n in pictures.numbers}
    assert pictures["deletion_occlusion"].low > 0
    assert "Grad-CAM" in pictures.sentence


def test_the_figure_lets_a_person_compare_methods(pictures):
    svg = pictures.figures[0].svg
    for head in ("input", "occlusion", "gradient", "Grad-CAM"):
        assert f">{head}<" in svg
    assert (
        svg.count("%\N{NO-BREAK SPACE}sure") == svg.count(">input<") * 2
    )  # answered rightly, and least sure; none is wrong
    assert svg.count("<image") >= 2 * 5  # the input, and four methods


def test_a_method_that_large_inputs_satisfy_is_drawn_by_its_signs(sure, monkeypatch):
    by_place = lambda *of: [np.arange(PARTS) - 3.0 for _ in of[2]]  # noqa: E731
    coins(monkeypatch, by_place)
    seen = []
    render = type(sure.task.input).render

    def watched(self, value, weights=None, answer=None):
        seen.append(weights)
        return render(self, value, weights, answer)

    monkeypatch.setattr(type(sure.task.input), "render", watched)
    found = toys.measured(interpretability, sure)
    assert found["randomisation_absolute_occlusion"].value > 0.5
    assert "Of occlusion the sign alone is drawn" in found.figures[0].caption
    drawn = [w for w in seen if w is not None and w.any()]
    assert drawn
    assert all(set(np.unique(w)) <= {-1.0, 0.0, 1.0} for w in drawn)
