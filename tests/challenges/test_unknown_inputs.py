"""Unknown inputs: sklearn and brute force as oracles, toys where the answer is known, and models that have little."""

import numpy as np
import pytest
import torch
from challenges import toys
from challenges.toys import PARTS, WIDTH, Guess, Kind, Read, Sort, Vector, Words, context, rows, small, trained
from sklearn.metrics import roc_auc_score, roc_curve
from torch import nn

from sounding.challenges import unknown_inputs
from sounding.challenges.confidences.detection import auroc, fpr95, separation, side_by_side
from sounding.challenges.confidences.far_ood import far_ood
from sounding.challenges.confidences.ood_scores import nearest, observe, ood_scores
from sounding.contract.answers import Listing, lists_nothing
from sounding.contract.records import Example, Prediction
from sounding.modalities.boxes.boxes import Boxes, BoxSet

LENGTH = PARTS * WIDTH


class Corner(Sort):
    """Three kinds, each a small cloud of its own: far from them, nothing was ever seen."""

    k = 3

    def demo(self, rng, n):
        values = rng.normal(0.2, 0.02, (n, LENGTH))
        kinds = rng.integers(0, 3, n)
        for value, kind in zip(values, kinds, strict=True):
            value[4 * kind : 4 * kind + 4] += 0.6
        return [Example(v.clip(0, 1).astype(np.float32), int(k)) for v, k in zip(values, kinds, strict=True)]


class Said(Corner):
    """As sure as it is told to be."""

    says = staticmethod(lambda value: 0.5)

    def predict(self, model, inputs):
        return [p.__class__(p.value, float(self.says(v))) for p, v in zip(super().predict(model, inputs), inputs)]


@pytest.fixture(scope="module")
def corner():
    task = Corner(small())
    return task, trained(task, rows(task, 120), steps=60)


# ---- detection


@pytest.mark.parametrize("levels", [0, 4])
def test_auroc_and_false_positives_are_sklearns(levels):
    rng = np.random.default_rng(0)
    for n, m in ((40, 60), (200, 7), (1, 1)):
        known, unknown = rng.normal(0.7, 1, n), rng.normal(0, 1, m)
        if levels:
            known, unknown = np.round(known * levels / 4), np.round(unknown * levels / 4)
        truth, scores = np.r_[np.ones(n), np.zeros(m)], np.r_[known, unknown]
        assert auroc(known, unknown) == pytest.approx(roc_auc_score(truth, scores))
        passed, reached, _ = roc_curve(truth, scores, drop_intermediate=False)
        assert fpr95(known, unknown) == pytest.approx(passed[np.argmax(reached >= 0.95)])
        limit = max(t for t in known if (known >= t).mean() >= 0.95)
        assert fpr95(known, unknown) == pytest.approx((unknown >= limit).mean())


def test_the_interval_of_the_auroc_holds_it_as_often_as_it_says():
    rng, truth, held = np.random.default_rng(1), 0.7602, 0  # Φ(1/√2)
    for _ in range(100):
        found = separation(side_by_side(rng.normal(1, 1, 60), rng.normal(0, 1, 60)), auroc, resamples=150)
        held += found.low <= truth <= found.high
    assert held >= 88  # of 100 at 95 %: fewer with probability 0.004


def test_groups_that_do_not_overlap_still_have_an_interval():
    found = separation(np.column_stack([np.arange(50) + 100.0, np.arange(50)]), auroc)
    assert found.value == found.high == 1
    assert 0.9 < found.low < 0.95  # Wilson of 50 of 50
    assert found.interval == "wilson"


def test_rows_of_a_group_are_drawn_together():
    rng = np.random.default_rng(2)
    far = np.column_stack([rng.normal(1, 1, 60), rng.normal(0, 1, 60)])
    found = separation(far, auroc, [f"g{i % 12}" for i in range(60)])
    assert (found.n, found.interval) == (12, "clustered bootstrap")


# ---- scores


def test_the_distance_is_that_of_brute_force():
    rng = np.random.default_rng(3)
    a, b = rng.normal(size=(30, 5)), rng.normal(size=(80, 5))
    unit = [v / np.linalg.norm(v, axis=1, keepdims=True) for v in (a, b)]
    far = np.sort(np.linalg.norm(unit[0][:, None] - unit[1][None], axis=2), axis=1)
    np.testing.assert_allclose(nearest(a, b, 10), far[:, 9], atol=1e-9)
    np.testing.assert_allclose(nearest(a, b[:4], 10), far_of(unit[0], unit[1][:4]), atol=1e-9)


def far_of(a, b):
    return np.linalg.norm(a[:, None] - b[None], axis=2).max(1)


def test_what_the_model_gives_is_seen_as_it_is(corner):
    task, model = corner
    values = [row.input for row in rows(task, 40, "seen")]
    seen = observe(task, model, values)
    x = torch.from_numpy(np.stack(values))
    with torch.no_grad():
        logits, inside = model(x), model[1](model[0](x))
    np.testing.assert_allclose(seen.energy, logits.logsumexp(1), atol=1e-5)
    np.testing.assert_allclose(seen.features, inside, atol=1e-5)
    np.testing.assert_allclose(seen.confidences, logits.softmax(1).amax(1), atol=1e-5)
    found = ood_scores(seen, seen.features)
    assert list(found) == ["confidence", "margin", "entropy", "energy", "distance"]
    np.testing.assert_allclose(found["entropy"], -torch.distributions.Categorical(logits=logits).entropy(), atol=1e-4)


def test_energy_is_not_made_up_where_the_logits_are_not_seen(corner):
    task, model = corner

    class Hidden(Corner):
        def predict(self, model, inputs):
            return [p.__class__(2 - p.value, p.confidence, p.scores[::-1]) for p in super().predict(model, inputs)]

    seen = observe(Hidden(small()), model, [row.input for row in rows(task, 40)])
    assert seen.energy is None
    assert seen.scores is not None
    assert observe(Guess(small()), Guess(small()).build(), [row.input for row in rows(task, 9)]).confidences is None


# ---- far inputs


def test_far_inputs_are_legal_and_made_as_they_say():
    rng = np.random.default_rng(4)
    values = [rng.random(LENGTH).astype(np.float32) ** 3 for _ in range(50)]
    sets = far_ood(Vector(), values, rng)
    assert set(sets) == {"random values", "shuffled values", "blank (zero)", "blank (half)"}
    for some in sets.values():
        assert len(some) == 50
        assert all(v.min() >= 0 and v.max() <= 1 for v in some)
    assert np.mean(sets["random values"]) == pytest.approx(0.5, abs=0.03)
    for before, after in zip(values, sets["shuffled values"], strict=True):
        np.testing.assert_array_equal(np.sort(before), np.sort(after))
    assert not np.any(sets["blank (zero)"])


def test_discrete_inputs_are_edited_many_times_and_what_cannot_change_is_left_out():
    sets = far_ood(Words(), [(1, 2, 3, 4, 5, 6), ()], np.random.default_rng(5))
    assert set(sets) == {"random edits", "blank (delete)", "blank (mask)"}
    assert sets["random edits"][0] != (1, 2, 3, 4, 5, 6)
    assert len(sets["random edits"][0]) == 6
    assert sets["blank (delete)"] == [(), None]
    assert sets["random edits"][1] is None


# ---- the section


def test_distances_find_what_is_far_from_every_training_row(corner):
    task, model = corner
    found = toys.measured(unknown_inputs, context(task, model, rows(task, 100, "test")))
    assert found.status == "ok"
    by = {row["unknown_inputs"]: row for row in found.details["auroc"]}
    assert by["random values"]["distance"]["value"] > 0.98
    assert by["shuffled values"]["distance"]["value"] > 0.9
    assert found["auroc_far"].value > 0.9
    assert found["auroc_far"].value >= found["auroc_far"].low
    assert found["fpr95_far"].value < 0.5
    assert found["confidence_known"].value > 0.9
    assert "best on 60 validation rows" in found.details["headline_score"]
    assert found.figures[0].svg.startswith("<svg")
    assert "Not measured: near inputs" in found.sentence


def test_the_headline_is_chosen_on_validation_rows_and_not_on_test(corner):
    """Confidence is told to be perfect on the test rows, and worthless on the validation rows."""
    _, model = corner
    task = Said(small())
    test, validation = rows(task, 60, "test"), rows(task, 60, "validation")
    known = {row.input.tobytes() for row in test}
    task.says = lambda value: 1.0 if value.tobytes() in known else 0.5
    found = toys.measured(unknown_inputs, context(task, model, test, validation=validation))
    assert found["auroc_far_confidence"].value == 1
    assert "distance: best on 60 validation rows" in found.details["headline_score"]
    assert "Another score, distance, chosen on the validation rows, is no better here" in found.sentence


def test_confidence_that_is_higher_on_the_unknown_is_called_so(corner):
    _, model = corner
    task = Said(small())
    known = {row.input.tobytes() for name in ("test", "validation") for row in rows(task, 60, name)}
    task.says = lambda value: 0.4 if value.tobytes() in known else 0.9
    found = toys.measured(unknown_inputs, context(task, model, rows(task, 60, "test")))
    assert "confidence is higher on far out-of-distribution inputs than on test rows" in found.sentence
    assert found["auroc_far_confidence"].value == 0
    assert found["fpr95_far_confidence"].value == 1


def test_rows_of_a_class_that_training_never_saw_are_the_near_inputs(corner):
    task, model = corner
    stranger = [Example(np.full(LENGTH, 0.2, np.float32) + 0.05 * i / 40, 7) for i in range(40)]
    second = [*stranger, *rows(task, 20, "second")]
    found = toys.measured(
        unknown_inputs, context(task, model, rows(task, 60, "test"), second=second, second_name="others")
    )
    assert found["auroc_near"].n == 100  # the rows of known classes are left out
    assert "On near inputs" in found.sentence
    assert "others" in next(n.definition for n in found.numbers if n.id == "auroc_near")
    same = toys.measured(unknown_inputs, context(task, model, rows(task, 60, "test"), second=rows(task, 20, "second")))
    assert "every answer of the second set is one of the 3 options" in same.details["not_measured"]


def test_a_discrete_input_is_measured_too():
    task = Read(small())
    model = trained(task, rows(task, 60), steps=60)
    found = toys.measured(unknown_inputs, context(task, model, rows(task, 60, "test")))
    assert found.status == "ok"
    assert {row["unknown_inputs"] for row in found.details["auroc"]} == {
        "random edits",
        "blank (delete)",
        "blank (mask)",
    }


def test_a_task_without_confidence_is_measured_by_distance_alone():
    task = Guess(small())
    model = nn.Sequential(nn.Linear(LENGTH, 8), nn.ReLU(), nn.Linear(8, 1))
    found = toys.measured(unknown_inputs, context(task, model, rows(task, 60, "test")))
    assert found.details["headline_score"] == "distance: the only score that this model offers"
    assert "auroc_far_confidence" not in {n.id for n in found.numbers}
    assert "finite list" in found.sentence


def test_a_model_without_confidence_or_features_is_not_applicable():
    class Sum(nn.Module):
        def __init__(self):
            super().__init__()
            self.scale = nn.Parameter(torch.ones(1))

        def forward(self, x):
            return (x * self.scale).sum(1, keepdim=True)

    task = Guess(small())
    found = toys.measured(unknown_inputs, context(task, Sum(), rows(task, 40, "test")))
    assert found.status == "not_applicable"
    assert "neither confidences nor features" in found.reason


def test_five_rows_give_no_verdict(corner):
    task, model = corner
    found = toys.measured(
        unknown_inputs, context(task, model, rows(task, 5, "test"), validation=rows(task, 5, "validation"))
    )
    assert found.sentence.startswith("5 test rows are too few")
    assert "5 validation rows are too few" in found.details["headline_score"]
    for number in found.numbers:
        e = number.estimate
        assert e.low is None or 0 <= e.low <= e.value <= e.high <= 1, number.id


def test_a_model_that_always_says_the_same_tells_nothing(corner):
    task, _ = corner
    model = task.build()
    for p in model.parameters():
        nn.init.zeros_(p)
    found = toys.measured(unknown_inputs, context(task, model, rows(task, 60, "test")))
    assert found["auroc_far"].value == 0.5
    assert found["fpr95_far"].value == 1
    assert "not seen to separate" in found.sentence


class Finds(Kind, Listing):
    """A kind, or 0: that there is nothing."""

    def lists_nothing(self, value):
        return value == 0


class Finder(Corner):
    """Sure of nothing where there is nothing, and less sure of what it finds: right in both."""

    def modalities(self):
        return Vector(), Finds(3)

    def predict(self, model, inputs):
        there = [v.mean() < 0.4 and v[:12].reshape(3, 4).min(1).max() > 0.6 for v in inputs]  # one kind's four are high
        return [Prediction(1, 0.7) if found else Prediction(0, 1.0) for found in there]


def test_an_answer_that_there_is_nothing_is_no_overconfidence():
    task = Finder(small())
    found = toys.measured(unknown_inputs, context(task, nn.Sequential(nn.Linear(LENGTH, 3)), rows(task, 60, "test")))
    end = "_confidence" if "auroc_far_confidence" in {n.id for n in found.numbers} else ""
    assert found[f"auroc_far{end}"].value > 0.95  # by confidence alone it would be the other way round
    assert found[f"fpr95_far{end}"].value < 0.05
    assert "answered with nothing, which is right and counts as told apart" in found.sentence
    assert "higher on far" not in found.sentence
    assert "most confident on" not in found.sentence or ": 0.700" in found.sentence


def test_a_detector_that_shows_no_box_says_that_there_is_nothing():
    corners, scores = np.array([[0.1, 0.1, 0.4, 0.4]]), np.array([0.2], np.float32)
    shown, unsure = (BoxSet(corners, ("cell",), scores, threshold=t) for t in (0.1, 0.5))
    assert (lists_nothing(Boxes(), shown), lists_nothing(Boxes(), unsure)) == (False, True)
    assert lists_nothing(Kind(2), "")
    assert not lists_nothing(Kind(2), 0)


def test_outputs_that_are_not_finite_are_said_and_never_crash(corner):
    task, _ = corner
    model = task.build()
    nn.init.constant_(model[-1].weight, float("nan"))
    found = toys.measured(unknown_inputs, context(task, model, rows(task, 40, "test")))
    assert found.status == "not_applicable"
    assert "not finite for 40 of 40" in found.reason


def test_the_same_seed_gives_the_same_numbers(corner):
    task, model = corner
    first, second = (toys.measured(unknown_inputs, context(task, model, rows(task, 50, "test"))) for _ in range(2))
    assert [n.estimate for n in first.numbers] == [n.estimate for n in second.numbers]
