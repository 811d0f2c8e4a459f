"""Calibration against torchmetrics, against planted temperatures, and on models that are calibrated by construction."""

import numpy as np
import pytest
import torch
from challenges import toys
from challenges.toys import Guess, Sort, context, rows, small, trained

from sounding.challenges import calibration
from sounding.challenges.confidences.confidence import (
    Decisions,
    at_temperature,
    brier,
    calibration_error,
    decisions,
    expected_calibration_error,
    fit_temperature,
    log_loss,
)
from sounding.challenges.confidences.confidence import null_errors as null
from sounding.contract.records import Record
from sounding.evaluation.context import EvaluationContext

RNG = np.random.default_rng(0)


class Four(Sort):
    """Four kinds, answered with given scores."""

    k = 4


def answered(n, rng, sharpness=1.0, groups=None):
    """Records of four options whose truths are drawn from softmax(logits), said with softmax(sharpness × logits)."""
    logits = torch.as_tensor(rng.normal(0, 1.5, (n, 4)))
    true, said = logits.softmax(1).numpy(), (sharpness * logits).softmax(1).numpy()
    truths = (true.cumsum(1) < rng.random((n, 1))).sum(1).clip(max=3)
    return [
        Record(int(p.argmax()), int(t), float(p.max()), float(-np.log(p[t])), f"g{i % groups}" if groups else "", p)
        for i, (p, t) in enumerate(zip(said, truths, strict=True))
    ]


def bench(test, validation=()):
    """A context whose records are given."""
    task = Four(small())
    made = EvaluationContext(task, task.build(), [], list(validation), list(test))
    made.records, made.validation_records = list(test), list(validation)
    return made


@pytest.mark.parametrize("bins", [5, 15])
def test_the_error_over_bins_of_equal_width_is_torchmetrics(bins):
    from torchmetrics.functional.classification import binary_calibration_error as metric

    for n in (20, 1000):
        c = RNG.random(n).astype(np.float32)
        hits = RNG.random(n) < c**2
        theirs = float(metric(torch.tensor(c), torch.tensor(hits.astype(int)), n_bins=bins, norm="l1"))
        assert expected_calibration_error(c, hits, bins, "equal width") == pytest.approx(theirs, abs=1e-6)


def test_the_error_over_bins_of_equal_mass_is_that_of_sorted_slices():
    c = RNG.random(300)
    hits = RNG.random(300) < c
    order = np.argsort(c)
    slices = [order[i * 20 : (i + 1) * 20] for i in range(15)]
    expected = np.mean([abs(c[s].mean() - hits[s].mean()) for s in slices])
    assert expected_calibration_error(c, hits) == pytest.approx(expected)


def test_equal_confidences_share_a_bin():
    c = np.full(100, 0.7)
    hits = np.arange(100) < 70
    assert expected_calibration_error(c, hits) == pytest.approx(0)
    assert expected_calibration_error(c, hits[::-1]) == pytest.approx(0)


@pytest.mark.parametrize(
    ("a", "b", "n", "mean", "high"),
    [
        (9, 1, 1000, 0.018, 0.029),
        (9, 1, 300, 0.034, 0.052),
        (3.5, 1.5, 1000, 0.035, 0.049),
        (3.5, 1.5, 100, 0.109, 0.153),
    ],
)
def test_the_null_is_that_of_simulated_calibrated_models(a, b, n, mean, high):
    """Published for fresh confidences each time; here the confidences stay and the labels are redrawn."""
    errors = np.concatenate([null(RNG.beta(a, b, n), mass="equal width", redraws=100, seed=i) for i in range(20)])
    assert errors.mean() == pytest.approx(mean, rel=0.08)
    assert np.quantile(errors, 0.95) == pytest.approx(high, rel=0.08)


@pytest.mark.parametrize("planted", [0.5, 2.5])
def test_a_planted_temperature_is_recovered_from_scores(planted):
    d = decisions(Four(), answered(20_000, np.random.default_rng(1), sharpness=planted))
    assert d.scores is not None
    assert fit_temperature(d) == pytest.approx(planted, rel=0.05)


def test_a_planted_temperature_is_recovered_from_confidences_alone():
    rng = np.random.default_rng(2)
    logits = rng.normal(1.0, 1.5, 20_000)
    hits = rng.random(20_000) < 1 / (1 + np.exp(-logits))
    d = Decisions(1 / (1 + np.exp(-2.5 * logits)), hits, [str(i) for i in range(20_000)])
    assert fit_temperature(d) == pytest.approx(2.5, rel=0.05)
    np.testing.assert_allclose(at_temperature(d, 2.5).confidences, 1 / (1 + np.exp(-logits)), atol=1e-6)


def test_scores_are_proper_and_as_defined():
    scores = np.array([[0.7, 0.2, 0.1], [0.5, 0.25, 0.25]])
    d = Decisions(scores.max(1), np.array([True, False]), ["a", "b"], scores, np.array([0, 2]))
    np.testing.assert_allclose(brier(d), [0.09 + 0.04 + 0.01, 0.25 + 0.0625 + 0.5625])
    np.testing.assert_allclose(log_loss(d), -np.log([0.7, 0.25]))
    bare = Decisions(d.confidences, d.hits, d.groups)
    np.testing.assert_allclose(brier(bare), [0.09, 0.25])
    np.testing.assert_allclose(log_loss(bare), -np.log([0.7, 0.5]))


def test_a_calibrated_model_gets_no_verdict():
    verdicts = []
    for i in range(6):
        rng = np.random.default_rng(i)
        found = toys.measured(calibration, bench(answered(500, rng)))
        verdicts.append("No evidence of miscalibration" not in found.sentence)
        assert found["ece"].low == 0 or verdicts[-1]
    assert sum(verdicts) <= 1  # the null is a 95 % one


@pytest.mark.parametrize(("sharpness", "word"), [(2.5, "overconfident"), (0.4, "underconfident")])
def test_a_miscalibrated_model_is_called_so_and_the_temperature_mends_it(sharpness, word):
    rng = np.random.default_rng(3)
    found = toys.measured(calibration, bench(answered(1500, rng, sharpness), answered(1500, rng, sharpness)))
    assert f"The model is {word}" in found.sentence
    assert found["ece"].value > found["ece_null_95"].value > found["ece_tempered"].value
    assert found["temperature"].low < sharpness < found["temperature"].high
    assert found["ece"].low < found["ece"].value < found["ece"].high
    assert found.figures[0].svg.startswith("<svg")


def test_the_temperature_comes_from_validation_and_never_from_test():
    rng = np.random.default_rng(4)
    test, sharp, flat = answered(400, rng), answered(400, rng, 2.0), answered(400, rng, 0.5)
    assert toys.measured(calibration, bench(test, sharp))["temperature"].value > 1.5
    assert toys.measured(calibration, bench(test, flat))["temperature"].value < 0.7


def test_the_interval_of_the_temperature_holds_it_however_the_validation_rows_are_sorted(monkeypatch):
    monkeypatch.setattr(calibration, "MOST_FITTED", 200)
    rng = np.random.default_rng(12)
    validation = [*answered(600, rng, 0.7), *answered(1400, rng, 3.0)]  # the first ones are not like the others
    found = toys.measured(calibration, bench(answered(100, rng), validation))["temperature"]
    assert found.n == 200
    assert found.low < found.value < found.high
    first = toys.measured(calibration, bench(answered(100, rng), validation[:200]))["temperature"]
    assert first.high < found.low


def test_scores_that_are_not_of_the_options_are_left_alone():
    odd = [Record(0, i % 2, 0.9, 0.1, "", np.full(1 + i % 3, 0.9)) for i in range(60)]
    assert decisions(Four(small()), odd).scores is None
    assert toys.measured(calibration, bench(odd)).status == "ok"


def test_without_validation_rows_nothing_is_fitted_and_it_says_so():
    found = toys.measured(calibration, bench(answered(200, RNG)))
    assert "temperature" not in {n.id for n in found.numbers}
    assert "No temperature was fitted" in found.sentence


@pytest.mark.parametrize("sharpness", [1.0, 1.3, 2.0])
def test_the_interval_of_the_error_holds_it_as_often_as_it_says(sharpness):
    """The truth: the binned error of a calibrated and two too sure models, from very many of their decisions."""
    many = decisions(Four(), answered(100_000, np.random.default_rng(5), sharpness))
    truth, held = expected_calibration_error(many.confidences, many.hits), 0
    for i in range(50):
        d = decisions(Four(), answered(300, np.random.default_rng(100 + i), sharpness))
        found = calibration_error(d, resamples=200)
        held += found.low <= truth <= found.high
    assert held >= 44  # of 50 at 95 %: 44 or more with probability 0.99


def test_records_of_a_group_count_once():
    found = toys.measured(calibration, bench(answered(300, RNG, groups=15)))
    assert found["brier"].n == 15
    assert "clustered" in found["ece"].interval


def test_groups_that_are_right_or_wrong_together_are_no_sign_of_miscalibration():
    """Six groups of ten in a hundred are wrong as a whole, as often as the model says: chance, and not the model."""

    def together(seed, groups, said=0.9, right=0.9):
        hits = np.random.default_rng(seed).random(groups) < right
        scores = np.array([said, *[(1 - said) / 3] * 3])
        return [Record(0, 0 if hit else 1, said, 0.1, f"g{g}", scores) for g, hit in enumerate(hits) for _ in range(10)]

    said = [toys.measured(calibration, bench(together(seed, 100))).sentence for seed in range(12)]
    assert sum("The model is" in sentence for sentence in said) <= 2
    assert "The model is overconfident" in toys.measured(calibration, bench(together(0, 100, right=0.6))).sentence
    few = toys.measured(calibration, bench(together(0, 6, right=0.3))).sentence
    assert "come in 6 groups, too few to say" in few


def test_a_task_whose_records_hold_many_decisions_is_measured_by_them():
    task = Four(small())
    base = task.metrics[0]
    many = [[(float(c), bool(RNG.random() < c)) for c in RNG.random(5)] for _ in range(100)]
    task.__class__ = type(
        "Many", (Four,), {"metrics": property(lambda self: [base.__class__(**{**vars(base), "hit": hit})])}
    )

    def hit(record):
        return many[record.value]

    made = bench([])
    made.task = task
    made.test = rows(task, 100)
    made.records = [Record(i, 0, 0.5, 0.0) for i in range(100)]
    found = toys.measured(calibration, made)
    assert found["brier"].n == 100  # decisions of one record are drawn together
    assert "500 decisions" in found.sentence


def test_answers_without_confidence_are_not_applicable():
    task = Guess(small())
    found = toys.measured(calibration, context(task, task.build(), rows(task, 50)))
    assert found.status == "not_applicable"
    assert "no confidence" in found.reason


def test_a_handful_of_decisions_is_not_enough():
    found = toys.measured(calibration, bench(answered(12, RNG)))
    assert found.status == "not_applicable"
    assert "12 decisions" in found.reason


def test_a_trained_model_is_measured_end_to_end():
    task = Sort(small())
    found = toys.measured(calibration, context(task, trained(task, rows(task, 60)), rows(task, 100, "test")))
    assert found.status == "ok"
    before = {"ece", "ece_null", "ece_null_95", "mean_gap", "mean_gap_p", "ece_equal_width", "brier", "nll"}
    after = {"ece_tempered", "ece_null_95_tempered", "brier_tempered", "nll_tempered", "temperature"}
    assert before <= {n.id for n in found.numbers} <= before | after


# ---- before and after, and a temperature that predictions are given with


def test_every_score_is_given_before_and_after_the_temperature():
    rng = np.random.default_rng(6)
    found = toys.measured(calibration, bench(answered(800, rng, 2.5), answered(800, rng, 2.5)))
    rows = {row["number"]: row for row in found.details["before_and_after_the_temperature"]}
    assert list(rows) == [
        "calibration error",
        "largest plausible error of a calibrated model",
        "Brier score",
        "log loss",
    ]
    for name in ("calibration error", "Brier score", "log loss"):
        assert rows[name]["after"]["value"] < rows[name]["before"]["value"]
    assert found["nll_tempered"].value == rows["log loss"]["after"]["value"]
    assert "which a calibrated model could show" in found.sentence


@pytest.mark.parametrize(("said", "right"), [(0.8, 300), (0.999, 300), (0.8, 0), (0.8, 240)])
def test_where_nothing_is_wrong_the_temperature_says_no_more_than_the_rows_can_tell(said, right):
    """The log loss of answers that are all right falls for ever as they get surer; Platt's rule stops at n + 1 : 1."""
    d = Decisions(np.full(300, said), np.arange(300) < right, [str(i) for i in range(300)])
    expected = (right * 301 / 302 + (300 - right) / 302) / 300
    t = fit_temperature(d)
    if right > 150:  # a temperature cannot take a confidence to the other side of one half
        assert at_temperature(d, t).confidences[0] == pytest.approx(expected, abs=1e-4)
    scores = np.stack([d.confidences, 1 - d.confidences], axis=1)
    same = Decisions(d.confidences, d.hits, d.groups, scores, 1 - d.hits.astype(int))
    assert fit_temperature(same) == pytest.approx(t, rel=1e-3)


def test_outputs_that_are_not_finite_are_said_and_never_crash():
    task = Sort(small())
    model = task.build()
    torch.nn.init.constant_(model[-1].weight, float("nan"))
    found = toys.measured(calibration, context(task, model, rows(task, 50)))
    assert found.status == "not_applicable"
    assert "not finite" in found.reason
