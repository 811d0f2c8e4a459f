"""Label-efficiency curves: the reading of known ones, and one that is really trained."""

from dataclasses import replace

import numpy as np
import pytest
from challenges import toys
from challenges.toys import Guess, Sort, by_part, context, linear, rows, small

from sounding.challenges import data_efficiency
from sounding.challenges.data_efficiency import Curve, labels_needed
from sounding.challenges.labels.curves import area, at, labels_to, nested_order, sizes
from sounding.challenges.labels.retraining import steps_within
from sounding.contract.records import Example
from sounding.contract.task import Task
from sounding.errors import TrainingError

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


def test_a_bound_for_one_draw_is_a_bound_for_all_and_has_no_interval():
    flat, steep = [0.85, 0.9, 0.9, 0.9, 0.9], RISING
    found, censored = labels_needed(Curve(GRID, np.array([flat, steep, steep]), 1))
    assert censored == "at most"
    assert (found.low, found.high, found.interval) == (None, None, "none")


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
    return toys.measured(
        data_efficiency, context(task, task.build(), rows(task, 200, "test"), train=train, training=CHEAP)
    )


def test_more_labels_give_more_and_the_section_says_how_much(section):
    assert section.status == "ok"
    scores = np.mean(section.details["scores"], 0)
    assert section.details["sizes"] == [40, 120, 400]
    assert len(section.details["scores"]) == 3
    assert scores[-1] > scores[0] + 0.03
    assert section["aulc"].low < section["aulc"].value < section["aulc"].high
    assert scores[0] < section["aulc"].value < scores[-1]
    assert 40 <= section["n90"].value < 400
    (needed,) = [number for number in section.numbers if number.id == "n90"]
    assert (needed.kind == "bound") == (needed.estimate.low is None)
    half = np.interp(np.log2(200), np.log2([40, 120, 400]), scores)
    assert section["last_doubling"].value == pytest.approx(scores[-1] - half, abs=1e-4)
    assert section["aulc"].interval == "t over 3 draws"
    assert section.figures[0].svg.startswith("<svg")
    assert "60 steps each" in section.sentence


def test_the_full_profile_draws_more_and_a_metric_may_be_better_when_lower():
    task = Guess(replace(small(), lr=0.05))
    made = context(task, linear(np.ones(16)), rows(task, 60, "test"), train=rows(task, 60, "train"))
    made.profile, made.training = "full", {"seconds": 1e6, "steps": 30}
    found = toys.measured(data_efficiency, made)
    assert len(found.details["scores"]) == 5
    assert "per_class" not in found.details  # there are none
    assert found.details["steps"] == 30
    assert found["aulc"].value > 0


def test_a_costly_curve_is_left_for_the_full_card_and_says_its_price():
    task = Sort(small())
    found = toys.measured(
        data_efficiency, context(task, task.build(), rows(task, 20), training={"seconds": 600.0, "steps": 1000})
    )
    assert found.status == "skipped"
    assert "retrains the model 35 times, about 5 h 50 min" in found.reason  # 5 × (5 sizes, 4 and 25 per class)
    assert "--full" in found.reason


def test_steps_are_shortened_to_the_time_there_is():
    assert steps_within({"seconds": 1.0, "steps": 100}, 24.0, 9) == 100
    assert steps_within({"seconds": 10.0, "steps": 1000}, 24.0, 9) == 266  # 24 s / 9 runs / 10 ms
    assert steps_within({"seconds": 100.0, "steps": 1000}, 24.0, 9) is None
    assert steps_within({}, 24.0, 9) is None


def test_what_cannot_have_a_curve_says_why():
    class Plays(Sort):
        def collect(self, model, examples, rng):
            return [Example(np.zeros(16), 0)]

    task = Plays(small())
    found = toys.measured(data_efficiency, context(task, task.build(), rows(task, 20), training=CHEAP))
    assert found.status == "not_applicable"
    assert "makes its own examples" in found.reason
    few = toys.measured(data_efficiency, context(Sort(), Sort().build(), rows(Sort(), 20), train=rows(Sort(), 39)))
    assert few.status == "not_applicable"
    assert "39 training" in few.reason
    assert type(few) is type(found)
    assert Task.collect is not Plays.collect


# ---- chance, labels per class, interruptions


def curved(task, train, test, **plan):
    """A curve of 60 steps, with parts of the quick plan replaced, and what it says while it runs."""
    said, kept = [], plan.pop("kept", None)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(data_efficiency.PLANS, "quick", replace(data_efficiency.PLANS["quick"], **plan))
        made = context(task, task.build(), test, train=train, training=CHEAP)
        return toys.measured(data_efficiency, made, scores=kept, say=said.append), said


def drawn(n: int, seed: int) -> list[Example]:
    """Vectors with labels that have nothing to do with them."""
    rng = np.random.default_rng(seed)
    return [Example(rng.random(16).astype(np.float32), int(rng.integers(2))) for _ in range(n)]


def test_random_labels_give_chance():
    found, _ = curved(Sort(replace(small(), lr=0.02)), drawn(300, 0), drawn(400, 1))
    assert found["aulc"].value == pytest.approx(0.5, abs=0.06)
    assert found["last_doubling"].low < 0 < found["last_doubling"].high
    assert "not distinguishable from zero" in found.sentence


def test_so_many_labels_of_each_class_are_so_many(monkeypatch):
    seen = []
    trained = data_efficiency.retrained
    monkeypatch.setattr(
        data_efficiency,
        "retrained",
        lambda task, rows, *rest: (
            seen.append([sum(e.target == k for e in rows) for k in (0, 1)]),
            trained(task, rows, *rest),
        )[1],
    )
    train = [by_part(np.random.default_rng(i), 3) for i in range(200)]
    train = [e for e in train if e.target][:90] + [e for e in train if not e.target][:30]
    found, said = curved(
        Sort(replace(small(), lr=0.02)),
        train,
        rows(Sort(), 100, "test"),
        shares=(0.1, 0.3, 1.0),
        per_class=(4, 25, 400),
    )
    assert seen[3:5] == [[4, 4], [25, 25]]  # 400 there are not
    assert seen[2] == [30, 90]
    assert list(found.details["per_class"]) == ["4", "25"]
    assert found["per_class_25"].value == pytest.approx(np.mean(found.details["per_class"]["25"]), abs=1e-4)
    assert found["per_class_25"].interval == "t over 3 draws"
    assert said[0] == "training 1 of 15"
    assert said[-1].startswith("training 15 of 15")


def test_a_curve_that_was_interrupted_goes_on_where_it_was(monkeypatch):
    train, test, task = drawn(120, 2), drawn(50, 3), Sort(small())
    whole, said = curved(task, train, test)
    assert said[0] == "training 1 of 9"
    assert said[-1].startswith("training 9 of 9, step ")
    trained, kept, times = data_efficiency.retrained, {}, []

    def stopped(*args):
        times.append(1)
        if len(times) == 6:
            raise KeyboardInterrupt
        return trained(*args)

    monkeypatch.setattr(data_efficiency, "retrained", stopped)
    with pytest.raises(KeyboardInterrupt):
        curved(task, train, test, kept=kept)
    assert len(kept) == 5
    found, said = curved(task, train, test, kept=kept)
    assert len(times) == 6 + 4
    assert said[0] == "training 6 of 9"
    assert found.details == whole.details
    assert {number.id: number.estimate for number in found.numbers} == {n.id: n.estimate for n in whole.numbers}


def test_a_training_that_fails_is_said_and_nothing_breaks(monkeypatch):
    def diverged(*args):
        raise TrainingError("training diverged 7 times")

    monkeypatch.setattr(data_efficiency, "retrained", diverged)
    found, _ = curved(Sort(small()), drawn(120, 2), drawn(50, 3))
    assert found.status == "skipped"
    assert found.reason == "a training on part of the rows failed: training diverged 7 times"
