"""Sets and abstention as a section: against brute force, their nominal coverage, and on models that have little."""

import numpy as np
import pytest
import torch
from challenges import toys
from challenges.toys import Guess, Sort, context, rows, small, trained

from sounding.challenges import prediction_sets
from sounding.challenges.confidences.abstention import (
    aurc,
    curve,
    estimate_accuracy_at,
    estimate_aurc,
    estimate_excess,
    estimate_gain_at,
    least_aurc,
    ranked,
    risks,
)
from sounding.challenges.confidences.conformal import expected_coverage
from sounding.challenges.confidences.covering import covered, halves, listed
from sounding.contract.records import Record
from sounding.evaluation.context import EvaluationContext


class Four(Sort):
    """Four kinds, answered with given scores."""

    k = 4


def answered(n, rng, sharpness=1.0, groups=0, spread=1.5):
    """Records of four options whose truths are drawn from softmax(logits), said with softmax(sharpness × logits)."""
    logits = torch.as_tensor(rng.normal(0, spread, (n, 4)))
    true, said = logits.softmax(1).numpy(), (sharpness * logits).softmax(1).numpy()
    truths = (true.cumsum(1) < rng.random((n, 1))).sum(1).clip(max=3)
    return [
        Record(int(p.argmax()), int(t), float(p.max()), float(-np.log(p[t])), f"g{i % groups}" if groups else "", p)
        for i, (p, t) in enumerate(zip(said, truths, strict=True))
    ]


def bench(test, validation=(), **more):
    """A context whose records are given."""
    task = Four(small())
    made = EvaluationContext(task, task.build(), [], list(validation), list(test), **more)
    made.records, made.validation_records = list(test), list(validation)
    return made


def measured(n, m, seed=0, **more):
    rng = np.random.default_rng(seed)
    return toys.measured(prediction_sets, bench(answered(n, rng, **more), answered(m, rng, **more)))


# ---- abstention


def test_risk_over_coverage_is_that_of_brute_force():
    rng = np.random.default_rng(0)
    confidences, hits = rng.random(57), rng.random(57) < 0.7
    order = sorted(range(57), key=lambda i: -confidences[i])
    expected = [sum(not hits[i] for i in order[:k]) / k for k in range(1, 58)]
    np.testing.assert_allclose(risks(confidences, hits), expected)
    assert aurc(confidences, hits) == pytest.approx(sum(expected) / 57)
    kept = estimate_accuracy_at(ranked(confidences, hits), 0.8, resamples=20).value
    assert kept == pytest.approx(np.mean([hits[i] for i in order[:46]]))  # ⌈45.6⌉
    assert least_aurc(3, 5) == pytest.approx((0 + 0 + 1 / 3 + 2 / 4 + 3 / 5) / 5)


def test_equal_confidences_are_kept_in_no_order():
    """The mean over all orders of the tied rows, by simulation; and the order of the rows does not matter."""
    rng = np.random.default_rng(1)
    confidences, hits = rng.integers(0, 3, 30) / 3, rng.random(30) < 0.6
    drawn = []
    for _ in range(4000):
        order = np.lexsort((rng.random(30), -confidences))
        drawn.append((~hits[order]).cumsum() / np.arange(1, 31))
    np.testing.assert_allclose(risks(confidences, hits), np.mean(drawn, 0), atol=0.03)
    np.testing.assert_allclose(risks(confidences[::-1], hits[::-1]), risks(confidences, hits))
    np.testing.assert_allclose(risks(np.full(30, 0.7), hits), (~hits).mean())


def test_intervals_of_abstention_hold_the_truth_as_often_as_they_say():
    """Truth: the same quantities of very many decisions of the same model."""
    rng = np.random.default_rng(2)

    def drawn(n):
        confidences = rng.beta(4, 1, n)
        return ranked(confidences, rng.random(n) < confidences)

    many = drawn(50_000)
    estimates = {
        "accuracy": lambda s, n: estimate_accuracy_at(s, 0.8, resamples=n),
        "gain": lambda s, n: estimate_gain_at(s, 0.8, resamples=n),
        "aurc": lambda s, n: estimate_aurc(s, resamples=n),
    }
    for name, estimate in estimates.items():
        truth = estimate(many, 10).value
        held = sum(e.low <= truth <= e.high for e in (estimate(drawn(150), 120) for _ in range(80)))
        assert held >= 69, name  # of 80 at 95 %: fewer with probability 0.001


def test_where_nothing_is_wrong_the_intervals_still_allow_for_it():
    stats = ranked(np.linspace(0.5, 1, 40), np.ones(40, bool))
    kept, gain, area = estimate_accuracy_at(stats, 0.8), estimate_gain_at(stats, 0.8), estimate_aurc(stats)
    assert (kept.value, gain.value, area.value) == (1, 0, 0)
    assert kept.low < 0.95
    assert gain.low < 0 < gain.high
    assert area.high == estimate_excess(stats).high > 0.05


def test_the_curve_allows_for_wrong_answers_that_it_has_not_seen():
    """The surest half are all right: their risk is 0 in every draw, which is no proof of 0."""
    rng = np.random.default_rng(3)
    confidences = np.linspace(0.5, 1, 80)
    found = curve(ranked(confidences, (confidences > 0.75) | (rng.random(80) < 0.6)), (0.1, 0.3, 1.0))
    assert [e.value for e in found[:2]] == [0, 0]
    assert found[0].high > found[1].high > 0.1  # the fewer are kept, the less they say: Wilson of 8 and of 24
    assert 0 < found[2].low < found[2].value < found[2].high


# ---- the section


def test_a_calibrated_model_reaches_its_nominal_coverage():
    found = measured(600, 600, seed=2)
    assert "Coverage agrees with the nominal 90 %" in found.sentence
    assert found["coverage_expected"].low < found["coverage"].value < found["coverage_expected"].high
    assert 1 < found["set_size"].value < 4
    assert found["coverage"].interval == "clopper-pearson"
    assert found["worst_class_coverage"].value <= found["coverage"].value
    assert found["worst_class_coverage"].n >= 30
    assert "Abstaining helps" in found.sentence
    assert found["gain_at_80"].low > 0
    assert all(f.svg.startswith("<svg") for f in found.figures)
    assert sum(row["sets"] for row in found.details["answers_in_a_set"]) == 600


def test_coverage_is_said_to_be_too_low_as_rarely_as_it_should():
    """Of 100 calibrated models, with halves drawn as the section draws them, 95 lie in the range that it expects."""
    expected, inside = expected_coverage(100, 150, 0.1), 0
    for seed in range(100):
        rng = np.random.default_rng(seed)
        made = bench(answered(150, rng), answered(200, rng), seed=seed)
        parts = [listed(made.task, part) for part in halves(made.validation_records, made.rng("prediction_sets"))]
        found = covered("lac", 0.9, *parts, listed(made.task, made.records), made, 10).coverage
        inside += expected.low <= found.value <= expected.high
    assert inside >= 88


def test_sets_cover_for_any_model_and_the_better_one_has_smaller_sets():
    poor, good = measured(700, 700, spread=0.5), measured(700, 700, spread=4.0)
    for found in (poor, good):
        assert found["coverage"].value == pytest.approx(0.9, abs=0.05)
    assert good["set_size"].value < poor["set_size"].value - 1


def test_a_shift_between_validation_and_test_lowers_the_coverage():
    rng = np.random.default_rng(3)
    found = toys.measured(prediction_sets, bench(answered(400, rng, 3.0, spread=0.7), answered(400, rng, spread=3.0)))
    assert "Coverage is below the nominal 90 %" in found.sentence
    assert found["coverage"].high < 0.9


def test_a_class_that_is_never_covered_is_the_worst():
    rng = np.random.default_rng(4)
    test = answered(600, rng)
    test = [r if r.truth else Record(1, 0, 0.97, 3.0, "", np.array([0.01, 0.97, 0.01, 0.01])) for r in test]
    found = toys.measured(prediction_sets, bench(test, answered(600, rng)))
    assert found["worst_class_coverage"].value == 0
    assert "for 0 they hold it for 0.000" in found.sentence


def test_empty_sets_are_said_when_one_answer_is_right_more_often_than_nominal():
    found = measured(600, 600, spread=12.0)
    assert found["set_size"].value < 1
    assert "are empty: one answer is right for" in found.sentence


def test_too_few_calibration_rows_cover_nothing_and_no_number_is_made_up():
    rng = np.random.default_rng(5)
    found = toys.measured(prediction_sets, bench(answered(200, rng), answered(16, rng)))
    assert (
        "No set short of every answer can have a nominal coverage of 90 %: that takes 9 calibration rows"
        in found.sentence
    )
    assert "coverage" not in {n.id for n in found.numbers}
    assert found["accuracy_at_80"].n == 200
    enough = toys.measured(prediction_sets, bench(answered(200, rng), answered(18, rng)))
    assert enough["coverage_expected"].n == 9


def test_five_test_rows_give_wide_intervals_and_no_verdict():
    rng = np.random.default_rng(6)
    found = toys.measured(prediction_sets, bench(answered(5, rng), answered(100, rng)))
    assert found["coverage"].high - found["coverage"].low > 0.4
    assert "worst_class_coverage" not in {n.id for n in found.numbers}
    assert "5 rows are too few" in found.sentence
    assert "5 answers are too few" in found.sentence
    for number in found.numbers:
        e = number.estimate
        assert e.low is None or e.low <= e.value <= e.high, number.id


def test_more_nominal_coverages_are_measured_in_longer_profiles():
    rng = np.random.default_rng(7)
    found = toys.measured(prediction_sets, bench(answered(300, rng), answered(300, rng), profile="standard"))
    assert found["coverage_95"].value > found["coverage"].value
    assert found["coverage_99"].value > found["coverage_95"].value
    assert found["set_size_99"].value > found["set_size"].value


def test_the_same_seed_gives_the_same_sets_and_halves_keep_groups_together():
    first, second = (measured(300, 300) for _ in range(2))
    assert [n.estimate for n in first.numbers] == [n.estimate for n in second.numbers]
    records = answered(200, np.random.default_rng(8), groups=20)
    one, other = halves(records, np.random.default_rng(9))
    assert len(one) + len(other) == 200
    assert abs(len(one) - len(other)) <= 20
    assert not {r.group for r in one} & {r.group for r in other}


def test_rows_of_a_group_count_once():
    found = measured(300, 300, groups=15)
    assert found["coverage"].interval == "clustered bootstrap"
    assert found["aurc"].n == 15
    assert "rows come in groups" in found.sentence


def test_a_model_that_always_says_the_same_gains_nothing_by_abstaining():
    flat = [Record(0, i % 4, 0.25, 1.4, "", np.full(4, 0.25)) for i in range(200)]
    found = toys.measured(prediction_sets, bench(flat, flat))
    assert found["coverage"].value == 1
    assert found["set_size"].value == 4
    assert found["gain_at_80"].value == pytest.approx(0)
    assert found["aurc"].value == pytest.approx(0.75)
    assert "not seen to help" in found.sentence


def test_a_truth_that_no_set_can_hold_is_never_covered():
    rng = np.random.default_rng(10)
    strangers = [Record(r.value, 99, r.confidence, 9.0, "", r.scores) for r in answered(100, rng)]
    found = toys.measured(prediction_sets, bench(strangers, answered(200, rng)))
    assert found["coverage"].value == 0
    assert "Coverage is below the nominal 90 %" in found.sentence


def test_answers_without_a_list_of_options_are_still_ordered_by_confidence():
    rng = np.random.default_rng(11)
    bare = [Record(r.value, r.truth, r.confidence, r.loss) for r in answered(300, rng)]
    found = toys.measured(prediction_sets, bench(bare, bare))
    assert found.status == "ok"
    assert {n.id for n in found.numbers} == {"accuracy_at_80", "gain_at_80", "aurc", "aurc_excess"}
    assert found.sentence.startswith("Abstaining")
    assert "finite list" in found.sentence


def test_answers_without_confidence_are_not_applicable():
    task = Guess(small())
    found = toys.measured(prediction_sets, context(task, task.build(), rows(task, 50)))
    assert found.status == "not_applicable"
    assert "no confidence" in found.reason


def test_outputs_that_are_not_finite_are_said_and_never_crash():
    task = Sort(small())
    model = task.build()
    torch.nn.init.constant_(model[-1].weight, float("nan"))
    found = toys.measured(prediction_sets, context(task, model, rows(task, 50)))
    assert found.status == "not_applicable"
    assert "not finite" in found.reason


def test_a_trained_model_is_measured_end_to_end():
    task = Sort(small())
    found = toys.measured(prediction_sets, context(task, trained(task, rows(task, 60)), rows(task, 120, "test")))
    assert found.status == "ok"
    assert {"coverage", "set_size", "coverage_aps", "coverage_raps", "aurc"} <= {n.id for n in found.numbers}
    assert all(n.definition and n.seed == 0 for n in found.numbers)
