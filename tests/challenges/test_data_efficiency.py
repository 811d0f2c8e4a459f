"""Label-efficiency curves: the reading of known ones, and one that is really trained."""

from dataclasses import replace

import numpy as np
import pytest
from challenges.toys import Guess, Sort, by_part, linear, rows, small, subject

from sounding.challenges import data_efficiency
from sounding.challenges.curves import area, at, labels_to, nested_order, sizes
from sounding.challenges.data_efficiency import Curve, labels_needed
from sounding.engine.records import Example
from sounding.engine.task import Task

GRID = [10, 20, 40, 80, 160]
RISING = [0.5, 0.6, 0.7, 0.8, 0.9]  # 0.1 for each doubling
CHEAP = {"seconds": 0.5, "steps": 60}


# ---- reading a curve


def test_the_area_of_a_straight_line_in_log_n_is_its_middle():
    assert area(GRID, RISING) == pytest.approx(0.7)
    assert area([10, 1000], [0.2, 0.6]) == pytest.approx(0.4)


def test_labels_to_a_level_are_found_between_the_sizes():
    assert labels_to(0.65, GRID, RISING) == (pytest.approx(20 * 2**0.5), "")
    assert labels_to(0.9, GRID, RISING) == (pytest.approx(160), "")
    assert labels_to(0.8, GRID, [0.5, 0.7, 0.65, 0.7, 0.9])[0] == pytest.approx(80 * 2**0.5)  # a dip does not count
    falling = [1.0, 0.8, 0.6, 0.4, 0.2]
    assert labels_to(0.5, GRID, falling, higher_is_better=False)[0] == pytest.approx(40 * 2**0.5)


def test_levels_outside_the_curve_are_bounds():
    assert labels_to(0.45, GRID, RISING) == (10.0, "at most")
    assert labels_to(0.95, GRID, RISING) == (160.0, "more than")


def test_n90_of_a_known_curve_with_noise_is_recovered():
    """M(n) = 0.5 + 0.1 log2(n / 10) reaches 0.81 = 90 % of 0.9 at n = 10 × 2^3.1."""
    rng = np.random.default_rng(0)
    curve = Curve(GRID, np.array(RISING) + rng.normal(0, 0.004, (5, 5)), 1)
    found, censored = labels_needed(curve)
    assert censored == ""
    assert found.low < 10 * 2**3.1 < found.high
    assert found.value == pytest.approx(10 * 2**3.1, rel=0.05)


def test_n90_below_the_smallest_size_is_a_bound():
    found, censored = labels_needed(Curve(GRID, np.full((3, 5), 0.7), 1))
    assert censored == "at most"
    assert found.value == 10


def test_between_sizes_the_curve_is_straight_in_log_n():
    assert at(30, GRID, RISING) == pytest.approx(0.6 + 0.1 * np.log2(1.5))


# ---- choosing rows


def test_every_beginning_holds_the_classes_in_proportion():
    targets = ["a"] * 700 + ["b"] * 250 + ["c"] * 50
    order = nested_order(targets, np.random.default_rng(0))
    assert sorted(order) == list(range(1000))
    first = [targets[i] for i in order[:6]]
    assert sorted(first) == ["a", "a", "b", "b", "c", "c"]
    for n in (100, 200, 500):
        counts = {c: sum(targets[i] == c for i in order[:n]) / n for c in "abc"}
        assert counts["a"] == pytest.approx(0.7, abs=0.03)
        assert counts["b"] == pytest.approx(0.25, abs=0.03)
        assert counts["c"] == pytest.approx(0.05, abs=0.03)


def test_rows_without_classes_are_drawn_at_random_and_draws_differ():
    a, b = (nested_order(100, np.random.default_rng(seed)) for seed in (0, 1))
    assert sorted(a) == sorted(b) == list(range(100))
    assert (a != b).any()


def test_sizes_rise_to_all_rows_and_none_is_too_small():
    assert sizes(1000, (0.05, 0.1, 0.5, 1.0), 6) == [50, 100, 500, 1000]
    assert sizes(60, (0.05, 0.1, 0.5, 1.0), 20) == [20, 30, 60]


# ---- the section


@pytest.fixture(scope="module")
def section():
    task = Sort(replace(small(), lr=0.02))
    train = [by_part(np.random.default_rng(i), 3) for i in range(400)]
    return data_efficiency.measure(subject(task, task.build(), rows(task, 200, "test"), train=train, training=CHEAP))


def test_more_labels_give_more_and_the_section_says_how_much(section):
    assert section.status == "ok"
    scores = np.mean(section.details["scores"], 0)
    assert section.details["sizes"] == [40, 120, 400]
    assert len(section.details["scores"]) == 3
    assert scores[-1] > scores[0] + 0.03
    assert section["aulc"].low < section["aulc"].value < section["aulc"].high
    assert scores[0] < section["aulc"].value < scores[-1]
    assert 20 <= section["n90"].low <= section["n90"].value <= section["n90"].high <= 400
    half = np.interp(np.log2(200), np.log2([40, 120, 400]), scores)
    assert section["last_doubling"].value == pytest.approx(scores[-1] - half, abs=1e-4)
    assert section["aulc"].interval == "t over 3 draws"
    assert section.figures[0].svg.startswith("<svg")
    assert "60 steps each" in section.sentence


def test_the_full_profile_draws_more_and_a_metric_may_be_better_when_lower():
    task = Guess(replace(small(), lr=0.05))
    made = subject(task, linear(np.ones(16)), rows(task, 60, "test"), train=rows(task, 60, "train"))
    made.profile, made.training = "full", {"seconds": 1e6, "steps": 30}
    found = data_efficiency.measure(made)
    assert len(found.details["scores"]) == 5
    assert found.details["steps"] == 30
    assert found["aulc"].value > 0


def test_a_costly_curve_is_left_for_the_full_card_and_says_its_price():
    task = Sort(small())
    found = data_efficiency.measure(
        subject(task, task.build(), rows(task, 20), training={"seconds": 600.0, "steps": 1000})
    )
    assert found.status == "skipped"
    assert "retrains the model 30 times, about 300 minutes" in found.reason
    assert "--full" in found.reason


def test_steps_are_shortened_to_the_time_there_is():
    plan = data_efficiency.PLANS["quick"]
    assert data_efficiency._affordable({"seconds": 1.0, "steps": 100}, plan, 3) == 100
    assert data_efficiency._affordable({"seconds": 10.0, "steps": 1000}, plan, 3) == 266  # 24 s / 9 runs / 10 ms
    assert data_efficiency._affordable({"seconds": 100.0, "steps": 1000}, plan, 3) is None


def test_what_cannot_have_a_curve_says_why():
    class Plays(Sort):
        def gather(self, model, examples, rng):
            return [Example(np.zeros(16), 0)]

    task = Plays(small())
    found = data_efficiency.measure(subject(task, task.build(), rows(task, 20), training=CHEAP))
    assert found.status == "not_applicable"
    assert "makes its own examples" in found.reason
    few = data_efficiency.measure(subject(Sort(), Sort().build(), rows(Sort(), 20), train=rows(Sort(), 39)))
    assert few.status == "not_applicable"
    assert "39 training" in few.reason
    assert type(few) is type(found)
    assert Task.gather is not Plays.gather
