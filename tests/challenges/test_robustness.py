"""The robustness section: what it says where the answer is known."""

from dataclasses import replace

import numpy as np
import pytest
from challenges.test_attacks import Rounded
from challenges.toys import Guess, Pair, Read, Sort, Vector, linear, rows, small, subject, trained

from sounding.challenges import robustness
from sounding.engine.evaluation import trials
from sounding.engine.records import Example


@pytest.fixture(scope="module")
def sorted_subject():
    task = Sort(small())
    return subject(task, trained(task, rows(task, 300)), rows(task, 200, "test"))


@pytest.fixture(scope="module")
def section(sorted_subject):
    return robustness.measure(sorted_subject)


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
    records = trials(sorted_subject.task, sorted_subject.model, noisy)
    mine = np.mean([r.value == r.truth for r in records])
    assert abs(mine - section["worst_corruption"].value) < 0.1


def test_a_harmless_corruption_retains_exactly_all():
    class Still(Vector):
        @property
        def corruptions(self):
            return {"nothing": lambda value, severity, rng: value}

    task = Sort(small())
    task.input = Still()
    kept = robustness.measure(subject(task, trained(task, rows(task, 100), 30), rows(task, 80, "test")))["retention"]
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
    found = robustness.measure(subject(task, model, test))
    assert found["attack_linf_0_05"].value == pytest.approx(
        np.mean(np.abs(margins) > 0.05 * np.abs(weights).sum()), abs=0.011
    )


def test_masked_gradients_are_cautioned_against(sorted_subject):
    masked = subject(sorted_subject.task, Rounded(sorted_subject.model), sorted_subject.test[:60])
    assert "gradients are masked" in robustness.measure(masked).sentence
    unbounded = subject(
        sorted_subject.task, Rounded(sorted_subject.model), sorted_subject.test[:60], profile="standard"
    )
    found = robustness.measure(unbounded)
    assert "even an attack without a bound leaves" in found.sentence
    assert found["attack_everything"].value > 0.5


def test_standard_measures_five_severities_and_a_sound_model_falls_without_a_bound(sorted_subject):
    found = robustness.measure(
        subject(sorted_subject.task, sorted_subject.model, sorted_subject.test, profile="standard")
    )
    assert "severities 1 to 5" in found.sentence
    assert found["attack_everything"].value < 0.1
    assert "Caution" not in found.sentence


def test_a_metric_that_is_better_when_lower_is_bounded_from_below():
    task = Guess(small())
    model = linear(np.ones(16))
    found = robustness.measure(subject(task, model, rows(task, 60, "test")))
    assert "at least" in found.sentence
    clean = found.details["clean_on_attacked_rows"]["value"]
    assert clean == pytest.approx(0, abs=1e-4)
    # Every one of 16 numbers may move by 0.05, less where it is near 0 or 1.
    assert 0.6 < found["attack_linf_0_05"].value <= 0.8 + 1e-4
    assert found["attack_linf_0_2"].value > found["attack_linf_0_05"].value
    assert found["worst_corruption"].value == found.details["corruptions"]["noise"]["value"] > 0.1


def test_discrete_inputs_are_attacked_by_small_edits():
    task = Read(small())
    found = robustness.measure(subject(task, trained(task, rows(task, 200)), rows(task, 60, "test")))
    assert [n.id for n in found.numbers] == ["attack_two_small_edits"]
    assert found.numbers[0].kind == "bound"
    assert found.numbers[0].estimate.value < found.details["clean_on_attacked_rows"]["value"]
    assert "No corruptions are known" in found.sentence


def test_an_input_that_declares_nothing_is_not_applicable():
    class Bare(Vector):
        legal = None
        corruptions = {}  # noqa: RUF012

    task = Sort(small())
    task.input = Bare()
    found = robustness.measure(subject(task, task.build(), rows(task, 20)))
    assert found.status == "not_applicable"
    assert "No corruptions" in found.reason
    assert "No attack" in found.reason


def test_rows_of_a_group_are_drawn_together(sorted_subject):
    grouped = [replace(e, group=f"g{i % 20}") for i, e in enumerate(sorted_subject.test)]
    found = robustness.measure(subject(sorted_subject.task, sorted_subject.model, grouped))
    assert found["corrupted"].n == 20
    assert "cluster" in found["attack_linf_0_2"].interval


def test_measuring_twice_gives_the_same(sorted_subject, section):
    again = robustness.measure(sorted_subject)
    assert [n.estimate for n in again.numbers] == [n.estimate for n in section.numbers]
    assert again.figures[0].svg == section.figures[0].svg
    assert "<svg" in again.figures[0].svg
