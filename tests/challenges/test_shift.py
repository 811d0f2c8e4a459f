"""The gap to a second set: planted, against simulation; and what makes a second set no second set."""

import json
import math

import numpy as np
import pytest
from challenges import toys
from challenges.toys import PARTS, WIDTH, Guess, Read, Sort, Vector, context, rows, small, trained
from torch import nn

from sounding.challenges import shift
from sounding.challenges.shift import copies, difference, known
from sounding.contract.evidence import Estimate
from sounding.contract.inputs import Fingerprinted
from sounding.contract.records import Example
from sounding.data import open_data
from sounding.errors import DataError
from sounding.evaluation.intervals import bootstrap, mean_t, wilson


class Printed(Vector, Fingerprinted):
    """Vectors that have fingerprints."""

    def fingerprint(self, value):
        return value


class Seen(Sort):
    """Sorts vectors that have fingerprints."""

    def modalities(self):
        return Printed(), super().modalities()[1]


class Words(Sort):
    """Sorts into classes that have names."""

    def modalities(self):
        input, target = super().modalities()
        target.classes = ["cat", "dog"]
        return input, target


@pytest.fixture(scope="module")
def sorter():
    task = Sort(small())
    return task, trained(task, rows(task, 200))


def flipped(examples, share, groups=0):
    """The examples with the other truth on a share of rows, so that accuracy falls by a known amount."""
    wrong = set(np.random.default_rng(1).permutation(len(examples))[: int(share * len(examples))].tolist())
    return [
        Example(e.input, 1 - e.target if i in wrong else e.target, f"g{i % groups}" if groups else "")
        for i, e in enumerate(examples)
    ]


def measured(task, model, second, **more):
    return toys.measured(shift, context(task, model, rows(task, 300, "test"), second=second, **more))


# ---- the gap


def test_a_planted_gap_is_found(sorter):
    task, model = sorter
    section = measured(task, model, flipped(rows(task, 300, "elsewhere"), 0.2), second_name="elsewhere.csv")
    assert section["gap"].value == pytest.approx(section["second"].value - section["test"].value)
    assert section["gap"].low < -0.2 * (2 * section["test"].value - 1) < section["gap"].high < 0
    assert section["gap"].interval == "wilson, combined"
    assert section["second"].n == section["test"].n == 300
    assert "On elsewhere.csv" in section.sentence
    assert "does worse there" in section.sentence


def test_no_gap_is_no_verdict(sorter):
    task, model = sorter
    section = measured(task, model, rows(task, 300, "elsewhere"))
    assert section["gap"].low < 0 < section["gap"].high
    assert "No loss by the shift is shown" in section.sentence


def test_few_rows_get_numbers_and_no_verdict(sorter):
    task, model = sorter
    section = measured(task, model, flipped(rows(task, 5, "elsewhere"), 1.0))
    assert section["gap"].high < 0
    assert section["second"].high > 0.4
    assert "too few for a verdict" in section.sentence
    assert "ece_second" not in [n.id for n in section.numbers]


def test_a_metric_that_is_better_when_lower_is_read_the_right_way_round():
    task = Guess(small())
    model = trained(task, rows(task, 100), steps=50)
    second = [Example(e.input, e.target + 10) for e in rows(task, 40, "elsewhere")]
    section = measured(task, model, second)
    assert section["gap"].low > 0
    assert "does worse there" in section.sentence
    assert "bootstrap" in section["gap"].interval


def test_groups_are_respected(sorter):
    task, model = sorter
    section = measured(task, model, flipped(rows(task, 300, "elsewhere"), 0.2, groups=12))
    assert section["second"].n == 12
    assert section["gap"].interval == "clustered bootstrap and wilson, combined"


def test_the_combined_interval_is_that_of_newcombe_s_paper():
    """Newcombe 1998, table II, method 10: 56/70 − 48/80 gives 0.0524 to 0.3339; 10/10 − 0/10 gives 0.6075 to 1."""
    found = difference(wilson(56, 70), wilson(48, 80))
    assert (found.low, found.high) == pytest.approx((0.0524, 0.3339), abs=5e-5)
    found = difference(wilson(10, 10), wilson(0, 10))
    assert (found.low, found.high) == pytest.approx((0.6075, 1.0), abs=5e-5)
    found = difference(wilson(9, 10), wilson(3, 10))
    assert (found.low, found.high) == pytest.approx((0.1705, 0.8090), abs=5e-5)


def test_the_combined_interval_is_near_that_of_drawing_both_samples_again():
    rng = np.random.default_rng(0)
    a, b = rng.exponential(1, 200), rng.exponential(2, 150)
    found = difference(bootstrap(b, np.mean), bootstrap(a, np.mean))
    draws = [rng.choice(b, 150).mean() - rng.choice(a, 200).mean() for _ in range(4000)]
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(draws, [0.025, 0.975])), abs=0.05)


@pytest.mark.parametrize(("p", "q", "n", "m"), [(0.9, 0.7, 100, 60), (0.98, 0.98, 40, 200), (0.5, 0.5, 30, 30)])
def test_the_combined_interval_covers_the_true_gap(p, q, n, m):
    rng = np.random.default_rng(2)
    first, second = rng.binomial(n, p, 2000), rng.binomial(m, q, 2000)
    held = [
        e.low <= q - p <= e.high
        for e in (difference(wilson(int(b), m), wilson(int(a), n)) for a, b in zip(first, second, strict=True))
    ]
    assert 0.92 <= np.mean(held) <= 0.99


def test_it_covers_with_a_handful_of_clusters_too():
    rng = np.random.default_rng(3)
    held = []
    for _ in range(1000):
        e = difference(mean_t(rng.normal(1, 1, 5)), mean_t(rng.normal(0, 2, 6)))
        held.append(e.low <= 1 <= e.high)
    assert 0.92 <= np.mean(held) <= 0.995


def test_without_an_interval_on_one_side_there_is_none():
    found = difference(Estimate(0.5, n=1), wilson(5, 10))
    assert (found.value, found.low, found.high, found.interval) == (0.0, None, None, "none")


def test_without_an_interval_there_is_no_verdict_and_none_is_said_to_hold_0():
    task = Guess(small())
    one = [Example(e.input, e.target, "the only speaker") for e in rows(task, 40, "elsewhere")]
    found = toys.measured(shift, context(task, trained(task, rows(task, 50), 5), one, second=one))
    assert found["gap"].low is None
    assert "holds 0" not in found.sentence
    assert "there is no verdict" in found.sentence


# ---- calibration and classes


def test_calibration_is_measured_on_both_sides(sorter):
    task, model = sorter
    section = measured(task, model, flipped(rows(task, 300, "elsewhere"), 0.4))
    assert section["ece_second"].value > section["ece_null_95"].value > 0
    assert section["ece_second"].value > section["ece_test"].value
    assert "and is right" in section.sentence


def test_answers_without_confidence_have_no_calibration():
    task = Guess(small())
    section = measured(task, trained(task, rows(task, 100), steps=5), rows(task, 40, "elsewhere"))
    assert section.status == "ok"
    assert not any(n.id.startswith("ece") for n in section.numbers)
    assert section.figures == ()


def test_the_class_that_fell_furthest_comes_first(sorter):
    task, model = sorter
    second = [Example(1 - e.input if e.target else e.input, e.target) for e in rows(task, 300, "elsewhere")]
    section = measured(task, model, second)
    table = section.details["classes_that_fell_furthest"]
    assert [row["class"] for row in table] == ["1", "0"]
    assert table[0]["change"]["high"] < -0.5
    assert table[0]["rows"] == sum(e.target for e in second)
    assert len(section.figures) == 1


def test_classes_that_the_second_set_does_not_have_are_named(sorter):
    task, model = sorter
    section = measured(task, model, [e for e in rows(task, 200, "elsewhere") if e.target == 0])
    assert "no row of 1 of the 2 classes: 1." in " ".join(section.details["notes"])
    assert len(section.details["classes_that_fell_furthest"]) == 1


# ---- bad second sets


def test_unknown_classes_are_named_with_their_rows_and_the_fix():
    task = Words(small())
    good = [Example(np.zeros(PARTS * WIDTH), name) for name in ("cat", "dog")]
    assert known(task, good) is good
    bad = good + [Example(np.zeros(PARTS * WIDTH), name) for name in ("lynx", "lynx", "Dog")]
    with pytest.raises(DataError) as raised:
        known(task, bad, "zoo.csv")
    said = str(raised.value)
    assert said.startswith("zoo.csv: 3 of 5 rows of the second set have 2 classes unknown to the model: ")
    assert "'lynx' (2 rows), 'Dog' (1 row)" in said
    assert "Rename the classes to ones that it knows (cat, dog), or drop their rows" in said


def test_open_answers_know_no_strangers():
    examples = [Example(np.zeros(2), 17.0)]
    assert known(Guess(small()), examples) is examples


def test_a_card_with_an_unknown_class_says_so_and_drops_nothing(sorter):
    task, model = sorter
    section = measured(task, model, [Example(np.zeros(PARTS * WIDTH), 5)])
    assert section.status == "not_applicable"
    assert "1 of 1 rows of the second set have 1 class unknown to the model: '5' (1 row)" in section.reason


def test_rows_that_are_training_rows_are_counted_and_named():
    task = Seen(small())
    train, second = rows(task, 60, "train"), rows(task, 40, "elsewhere")
    near = [Example(np.clip(e.input + 0.01, 0, 1), e.target) for e in train[:3]]
    section = measured(task, trained(task, train, steps=20), [*second, *train[:7], *near])
    assert section["copies"].value == 7
    assert section["near_copies"].value == 3
    assert section["copies"].n == 50
    assert "7 rows of the second set are each also a training row" in section.details["warnings"][0]
    assert "row 41 and row 1;" in section.details["warnings"][0]
    assert "3 rows" in section.details["warnings"][1]


def test_a_set_of_its_own_has_no_copies(sorter):
    task, _ = sorter
    found = copies(task, rows(task, 60, "train"), rows(task, 60, "elsewhere"))
    assert found.across.count == found.near.count == 0


def test_copies_are_named_by_file_and_line_where_rows_know_it(tmp_path):
    from contract.dots import Dots  # a task whose points are read from a table

    lines = [f"{i} {i % 7},{'left' if i % 2 else 'right'}" for i in range(40)]
    for name, some in (("a.csv", lines), ("b.csv", [*lines[:2], "70 1,left", "71 1,right"])):
        (tmp_path / name).write_text("\n".join(["point,label", *some]) + "\n")
    task = Dots()
    data = open_data(task, tmp_path / "a.csv")
    second = open_data(task, tmp_path / "b.csv", fit=False).unseen
    every = [*data.train, *data.validation, *data.test]
    assert copies(task, every, second).across.count == 2
    found = copies(task, data.train, second).across
    assert all(a.startswith("b.csv:") and b.startswith("a.csv:") for a, b in found.places)


def test_words_are_compared_as_well():
    task = Read(small())
    train = rows(task, 30, "train")
    assert copies(task, train, train[:4]).across.count == 4


# ---- what is not measured


def test_without_a_second_set_the_section_says_how_to_give_one(sorter):
    task, model = sorter
    section = toys.measured(shift, context(task, model, rows(task, 10)))
    assert section.status == "skipped"
    assert "sounding card RUN --shift DATA" in section.reason


def test_without_test_rows_it_does_not_apply(sorter):
    task, model = sorter
    assert toys.measured(shift, context(task, model, [], second=rows(task, 10))).status == "not_applicable"


def test_a_model_that_gives_nan_gets_a_reason_and_no_traceback():
    task = Sort(small())
    model = nn.Sequential(nn.Linear(PARTS * WIDTH, 2))
    nn.init.constant_(model[0].bias, math.nan)
    section = measured(task, model, rows(task, 40, "elsewhere"))
    assert section.status == "not_applicable"
    assert "not finite" in section.reason


def test_a_constant_model_is_measured():
    task = Sort(small())
    model = nn.Linear(PARTS * WIDTH, 2)
    nn.init.zeros_(model.weight)
    section = measured(task, model, rows(task, 40, "elsewhere"))
    assert section.status == "ok"
    assert all(math.isfinite(n.estimate.value) for n in section.numbers)


def test_the_quick_profile_draws_rows_and_says_so(sorter, monkeypatch):
    task, model = sorter
    monkeypatch.setitem(shift.PLANS, "quick", shift.Plan(50, 20))
    section = measured(task, model, rows(task, 120, "elsewhere"))
    assert section["second"].n == 50
    assert "50 of 120 rows of the second set" in " ".join(section.details["notes"])
    assert "among 20 of 60 training rows" in " ".join(section.details["notes"])


def test_the_section_is_strict_json(sorter):
    task, model = sorter
    assert json.dumps(measured(task, model, rows(task, 40, "elsewhere")).to_json(), allow_nan=False)
