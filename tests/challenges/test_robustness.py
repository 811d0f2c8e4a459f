"""The robustness section: what it says where the answer is known."""

import re
from dataclasses import replace

import numpy as np
import pytest
from challenges import toys
from challenges.toys import Guess, Pair, Read, Rounded, Sort, Vector, context, linear, rows, small, trained

from sounding.challenges import robustness
from sounding.challenges.disturbances import under_corruption
from sounding.challenges.disturbances.ensemble import Attacks
from sounding.contract.metrics import Metric, mean, mean_of_counted
from sounding.contract.modality import Modality
from sounding.contract.records import Example
from sounding.errors import UsageError
from sounding.evaluation.evaluation import evaluate_rows


@pytest.fixture(scope="module")
def sorted_subject():
    task = Sort(small())
    return context(task, trained(task, rows(task, 300)), rows(task, 200, "test"))


LIGHT = replace(
    robustness.PLANS["standard"], attacked=100, attacks=Attacks(pgd=20, apgd=20, targets=2, targeted=15, queries=100)
)
"""What the standard profile does, in fewer steps and queries."""


@pytest.fixture(scope="module")
def light():
    """The standard profile made light, for this file."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(robustness.PLANS, "standard", LIGHT)
        yield


@pytest.fixture(scope="module")
def standard(light, sorted_subject):
    return toys.measured(robustness, replace(sorted_subject, profile="standard"))


@pytest.fixture(scope="module")
def section(sorted_subject):
    return toys.measured(robustness, sorted_subject)


def test_a_slow_model_is_disturbed_on_fewer_rows(sorted_subject):
    slow = replace(sorted_subject)
    slow.row_seconds = 10.0
    section = toys.measured(robustness, slow)
    assert section["corrupted"].n == robustness.LEAST
    assert all(n.estimate.n == robustness.LEAST for n in section.numbers if n.kind == "bound")


def test_the_mean_over_corruptions_is_the_mean_of_their_accuracies(section):
    each = section.details["corruptions"]
    assert set(each) == {"nothing", "noise"}
    assert section["corrupted"].value == pytest.approx(np.mean([e["value"] for e in each.values()]))
    clean = section.details["clean_on_corrupted_rows"]["value"]
    assert each["nothing"]["value"] == clean
    assert section["retention"].value == pytest.approx(section["corrupted"].value / clean)
    assert section["worst_corruption"].value == each["noise"]["value"] < clean
    assert section["corrupted"].low < section["corrupted"].value < section["corrupted"].high
    assert section["corrupted"].n == 200
    assert "noise" in section.sentence


def test_noise_is_what_the_noise_does(sorted_subject, section):
    """The accuracy under noise agrees with the same noise made here, within what 200 rows can say."""
    noise, rng = sorted_subject.task.input.corruptions["noise"], np.random.default_rng(0)
    noisy = [replace(e, input=noise(e.input, 3, rng)) for e in sorted_subject.test]
    records = evaluate_rows(sorted_subject.task, sorted_subject.model, noisy)
    mine = np.mean([r.value == r.truth for r in records])
    assert abs(mine - section["worst_corruption"].value) < 0.1


def test_a_harmless_corruption_retains_exactly_all():
    class Still(Vector):
        @property
        def corruptions(self):
            return {"nothing": lambda value, severity, rng: value}

    task = Sort(small())
    task.input = Still()
    kept = toys.measured(robustness, context(task, trained(task, rows(task, 100), 30), rows(task, 80, "test")))[
        "retention"
    ]
    assert (kept.value, kept.low, kept.high) == (1.0, 1.0, 1.0)  # paired: the same rows on both sides


def test_attacks_are_bounds_that_fall_with_the_radius(section):
    numbers = {n.id: n for n in section.numbers if n.id.startswith("attack_")}
    assert list(numbers) == ["attack_linf_0_05", "attack_linf_0_2", "attack_l2_0_2"]
    assert all(n.kind == "bound" and n.estimate.interval == "wilson" for n in numbers.values())
    assert all(n.estimate.n == 100 for n in numbers.values())
    clean = section.details["clean_on_attacked_rows"]["value"]
    assert numbers["attack_linf_0_2"].estimate.value <= numbers["attack_linf_0_05"].estimate.value <= clean
    assert "at most" in section.sentence
    assert "Caution" not in section.sentence


def test_a_linear_model_keeps_the_share_whose_margin_is_large_enough():
    weights = np.random.default_rng(1).normal(size=16).astype(np.float32)
    task, model = Sort(small()), Pair(linear(weights, -float(weights.sum()) / 2))
    values = 0.3 + 0.4 * np.random.default_rng(2).random((100, 16)).astype(np.float32)  # far from 0 and 1
    margins = values @ weights - weights.sum() / 2
    test = [Example(v, int(m > 0)) for v, m in zip(values, margins, strict=True)]
    found = toys.measured(robustness, context(task, model, test))
    assert found["attack_linf_0_05"].value == pytest.approx(
        np.mean(np.abs(margins) > 0.05 * np.abs(weights).sum()), abs=0.011
    )


def test_masked_gradients_are_cautioned_against(light, sorted_subject):
    masked = context(sorted_subject.task, Rounded(sorted_subject.model), sorted_subject.test[:60])
    assert "gradients are masked" in toys.measured(robustness, masked).sentence
    unbounded = context(
        sorted_subject.task, Rounded(sorted_subject.model), sorted_subject.test[:60], profile="standard"
    )
    found = toys.measured(robustness, unbounded)
    assert "even an attack without a bound leaves" in found.sentence
    assert found["attack_everything"].low > 0.05
    assert found["masking_black_box"].value > 0.1


def test_standard_measures_five_severities_and_a_sound_model_falls_without_a_bound(standard):
    found = standard
    assert "severities 1 to 5" in found.sentence
    assert found["attack_everything"].value < 0.1
    assert "Caution" not in found.sentence


def test_a_metric_that_is_better_when_lower_is_bounded_from_below():
    task = Guess(small())
    model = linear(np.ones(16))
    found = toys.measured(robustness, context(task, model, rows(task, 60, "test")))
    assert "at least" in found.sentence
    clean = found.details["clean_on_attacked_rows"]["value"]
    assert clean == pytest.approx(0, abs=1e-4)
    # Every one of 16 numbers may move by 0.05, less where it is near 0 or 1.
    assert 0.6 < found["attack_linf_0_05"].value <= 0.8 + 1e-4
    assert found["attack_linf_0_2"].value > found["attack_linf_0_05"].value
    assert found["worst_corruption"].value == found.details["corruptions"]["noise"]["value"] > 0.1


def test_discrete_inputs_are_attacked_by_small_edits():
    task = Read(small())
    found = toys.measured(robustness, context(task, trained(task, rows(task, 200)), rows(task, 60, "test")))
    assert [n.id for n in found.numbers] == ["attack_two_small_edits"]
    assert re.search(r"goes from .* on \d+ rows to at most .* with two small edits", found.sentence)
    assert found.numbers[0].kind == "bound"
    assert found.numbers[0].estimate.value < found.details["clean_on_attacked_rows"]["value"]
    assert "No corruptions are known" in found.sentence


class Bare(Modality):
    """Numbers that can be read and encoded, and nothing else."""

    read, encode = Vector.read, Vector.encode


def test_an_input_that_declares_nothing_is_not_applicable():
    task = Sort(small())
    task.input = Bare()
    found = toys.measured(robustness, context(task, task.build(), rows(task, 20)))
    assert found.status == "not_applicable"
    assert "No corruptions" in found.reason
    assert "No attack" in found.reason


def test_rows_of_a_group_are_drawn_together(sorted_subject):
    grouped = [replace(e, group=f"g{i % 20}") for i, e in enumerate(sorted_subject.test)]
    found = toys.measured(robustness, context(sorted_subject.task, sorted_subject.model, grouped))
    assert found["corrupted"].n == 20
    assert "cluster" in found["attack_linf_0_2"].interval


def test_measuring_twice_gives_the_same(sorted_subject, section):
    again = toys.measured(robustness, sorted_subject)
    assert [n.estimate for n in again.numbers] == [n.estimate for n in section.numbers]
    assert again.figures[0].svg == section.figures[0].svg
    assert "<svg" in again.figures[0].svg


# ---- corruptions of two models


def test_judged_rows_are_the_same_for_two_models_and_their_difference_is_paired(sorted_subject):
    task, metric = sorted_subject.task, sorted_subject.task.metrics[0]
    worse = trained(task, rows(task, 300), 5)
    a, b = (
        under_corruption.judged(task, m, sorted_subject.test, (1, 3), seed=4) for m in (sorted_subject.model, worse)
    )
    assert a.clean.shape == (200,)
    assert {name: stats.shape for name, stats in a.corrupted.items()} == {"nothing": (200, 2), "noise": (200, 2)}
    found = under_corruption.difference(a, b, metric)
    assert found.value == pytest.approx(np.mean(under(a, mean)) - np.mean(under(b, mean)))
    assert found.interval.startswith("paired")
    assert found.low < found.value < found.high
    itself = under_corruption.difference(a, a, metric)
    assert (itself.value, itself.low, itself.high) == (0, 0, 0)


def under(some, reduce):
    """The values at each corruption and severity."""
    return [reduce(stats[:, j]) for stats in some.corrupted.values() for j in range(stats.shape[1])]


def test_the_mean_of_a_metric_that_is_no_mean_is_the_mean_of_its_values(sorted_subject):
    task = Sort(small())
    share = task.metrics[0]
    squared = Metric("squared", share.judge, lambda stats: mean(stats) ** 2, "accuracy squared")
    a, b = (under_corruption.judged(task, m, rows(task, 60), (1, 5)) for m in (sorted_subject.model, task.build()))
    expected = np.mean(under(a, squared.reduce)) - np.mean(under(b, squared.reduce))
    assert abs(expected) > 0.01
    assert under_corruption.difference(a, b, squared).value == pytest.approx(expected)


def test_what_knows_no_corruptions_cannot_be_judged():
    task = Read(small())
    with pytest.raises(UsageError, match="no corruptions"):
        under_corruption.judged(task, task.build(), rows(task, 5), (1,))


def test_severities_stand_in_a_table_and_a_figure(standard):
    found = standard
    table = found.details["severities"]
    values = [row["value"] for row in table.values()]
    assert list(table) == [f"severity {s}" for s in (1, 2, 3, 4, 5)]
    assert values[0] > values[-1]
    assert all(row["low"] < row["value"] < row["high"] for row in table.values())
    assert found["corrupted"].value == pytest.approx(np.mean(values))
    assert [figure.id for figure in found.figures] == ["robustness_corruptions", "robustness_severities"]
    definition = next(n.definition for n in found.numbers if n.id == "corrupted")
    assert "regenerated here, not the official files" in definition


# ---- models and rows that say little


def test_five_rows_give_wide_intervals_and_no_verdict(light, sorted_subject):
    few = context(sorted_subject.task, sorted_subject.model, sorted_subject.test[:5], profile="standard")
    found = toys.measured(robustness, few)
    for id in ("corrupted", "attack_linf_0_05"):
        assert 0 <= found[id].low <= found[id].value <= found[id].high <= 1
        assert found[id].high - found[id].low > 0.1
    assert {row["verdict"] for row in found.details["masked_gradients"]} == {"withheld"}
    assert "5 rows are too few for a verdict" in found.sentence
    assert "Caution" not in found.sentence


@pytest.mark.parametrize("profile", ["quick", "standard"])
def test_a_constant_model_gets_numbers_and_no_verdict(light, profile):
    task, model = Sort(small()), Pair(linear(np.zeros(16), 1.0))
    found = toys.measured(robustness, context(task, model, rows(task, 60, "test"), profile=profile))
    assert found["attack_linf_0_2"].value == found.details["clean_on_attacked_rows"]["value"]
    assert found["retention"].value == 1
    assert "every row gets the same answer" in found.sentence.lower()
    assert "Caution" not in found.sentence


def test_a_model_that_gives_no_numbers_is_not_applicable_and_it_says_why(light):
    task, model = Sort(small()), Pair(linear(np.full(16, np.nan)))
    found = toys.measured(robustness, context(task, model, rows(task, 20, "test"), profile="standard"))
    assert found.status == "not_applicable"
    assert "not finite" in found.reason


def test_attacks_are_listed_one_by_one_and_the_bound_has_its_limit(standard):
    found = standard
    lines = [row for row in found.details["attacks"] if row["threat model"] == "linf 0.2"]
    assert [row["attack"] for row in lines] == ["PGD", "APGD-CE", "APGD-T", "APGD-CE again", "Square"]
    bounds = [row["bound after this attack"]["value"] for row in lines]
    assert bounds == sorted(bounds, reverse=True)
    assert bounds[-1] == found["attack_linf_0_2"].value
    assert not any(row["stopped by the time limit"] for row in lines)
    high = found["attack_linf_0_2"].high
    assert f"at most {bounds[-1]:.3f} (upper 95 % limit {high:.3f})" in found.sentence


def test_a_metric_that_is_no_share_keeps_the_worst_record_by_loss(light):
    task = Guess(small())
    found = toys.measured(robustness, context(task, linear(np.ones(16)), rows(task, 60, "test"), profile="standard"))
    assert {row["attack"] for row in found.details["attacks"]} == {"PGD", "APGD-CE"}
    assert found["attack_linf_0_05"].value == pytest.approx(0.8, abs=0.08)
    assert "lower 95 % limit" in found.sentence
    bounds = [
        row["bound after this attack"]["value"] for row in found.details["attacks"] if row["threat model"] == "linf 0.2"
    ]
    assert bounds == sorted(bounds)


def test_rows_that_say_nothing_of_the_metric_are_a_reason_and_no_number():
    class Rare(Sort):
        @property
        def metrics(self):
            return [Metric("recall of 7", lambda r: r.value == r.truth if r.truth == 7 else np.nan, mean_of_counted, "",
                           proportion=True, needs="the truth 7")]  # fmt: skip

    task = Rare(small())
    found = toys.measured(robustness, context(task, task.build(), rows(task, 20, "test")))
    assert found.status == "not_applicable"
    assert found.reason == "recall of 7 has no value on the test rows: no row has the truth 7"
