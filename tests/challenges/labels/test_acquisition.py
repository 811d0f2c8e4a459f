"""What to label next: margins and k-center against brute force, their mixture, what is left without them, the gain."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
import torch
from challenges.toys import PARTS, WIDTH, Guess, Pair, Read, Sort, by_part, context, linear, rows, small, trained
from torch import nn

from sounding.challenges.labels import acquisition_gain
from sounding.challenges.labels.acquisition import choose, k_center, signals
from sounding.challenges.labels.labelling import describe, suggest, write
from sounding.contract.records import Example
from sounding.data import open_pool
from sounding.errors import UsageError


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def first_alone(values) -> list[Example]:
    """Vectors whose first number is one of `values`, the others 0."""
    return [Example(np.r_[v, np.zeros(PARTS * WIDTH - 1)].astype(np.float32)) for v in values]


@pytest.fixture
def line() -> tuple[Sort, nn.Module]:
    """Kind 1 when the first number is above a half, the surer the farther from it."""
    weights = np.zeros(PARTS * WIDTH)
    weights[0] = 8.0
    return Sort(small()), Pair(linear(weights, -4.0))


# ---- margin


def test_the_least_margins_come_first_and_are_what_they_say(line):
    pool = first_alone([0.0, 0.52, 0.95, 0.45, 0.1])
    choice = choose(*line, [], pool, 3, "margin", rng())
    assert choice.indices == [1, 3, 4]
    assert choice.kind == "margin"
    for index, score in zip(choice.indices, choice.scores, strict=True):
        p = torch.sigmoid(torch.tensor(8.0 * pool[index].input[0] - 4.0)).item()
        assert score == pytest.approx(abs(2 * p - 1), abs=1e-5)


def test_equal_margins_are_drawn_and_a_constant_or_broken_model_is_no_obstacle():
    class Broken(Sort):
        def predict(self, model, inputs):
            return [replace(p, scores=p.scores * np.nan) for p in super().predict(model, inputs)]

    pool = first_alone(rng().random(40))
    for task, model in ((Sort(small()), Pair(linear(np.zeros(16)))), (Broken(small()), Broken().build())):
        a, b = (choose(task, model, [], pool, 10, "margin", rng(seed)) for seed in (0, 1))
        assert len(set(a.indices)) == 10
        assert a.indices != b.indices
        assert a.scores == pytest.approx([0.0] * 10)


def test_more_than_there_are_gives_all_and_none_gives_none(line):
    assert sorted(choose(*line, [], first_alone([0.1, 0.2]), 9, "both", rng()).indices) == [0, 1]
    assert choose(*line, [], [], 9, "both", rng()).indices == []


# ---- spread


def test_k_center_takes_the_farthest_point_each_time():
    points, centres = rng(1).normal(size=(60, 3)), rng(2).normal(size=(7, 3))
    taken, far = k_center(points, centres, 12, rng())
    known = list(centres)
    for i, distance in zip(taken, far, strict=True):
        nearest = [min(np.linalg.norm(p - c) for c in known) for p in points]
        assert distance == pytest.approx(max(nearest))
        assert nearest[i] == pytest.approx(max(nearest))
        known.append(points[i])
    assert len(set(taken.tolist())) == 12


def test_k_center_is_at_most_twice_as_wide_as_the_best_choice():
    for seed in range(10):
        points = rng(seed).normal(size=(12, 2))

        def radius(chosen, points=points):
            return max(min(np.linalg.norm(p - points[i]) for i in chosen) for p in points)

        best = min(radius(chosen) for chosen in combinations(range(12), 3))
        assert radius(k_center(points, None, 3, rng(seed))[0]) <= 2 * best + 1e-9


def test_many_points_in_blocks_and_equal_points_are_all_right():
    points = np.repeat(rng().normal(size=(30, 2)), 50, axis=0)
    taken, far = k_center(points, points[:1], 29, rng())
    assert len(np.unique(points[taken], axis=0)) == 29
    assert far.min() > 0
    assert len(set(k_center(np.zeros((5, 2)), None, 5, rng())[0].tolist())) == 5


def test_features_are_the_input_of_the_last_linear_layer():
    task = Sort(small())
    model = task.build()
    said = signals(task, model, rows(task, 40))
    x = task.input.encode([e.input for e in rows(task, 40)])
    assert np.allclose(said.features, model[:2](x).detach().numpy(), atol=1e-6)
    words = Read(small())
    assert signals(words, words.build(), rows(words, 40)).features.shape == (40, 3)


def test_spread_keeps_away_from_labelled_rows_and_both_stays_among_the_torn(line):
    values = [0.5, 0.501, 0.499, 0.0, 1.0, 0.502]
    pool, labelled = first_alone(values), first_alone([0.95])
    task, model = line
    choice = choose(task, model, labelled, pool, 2, "spread", rng())
    assert [values[i] for i in choice.indices][:1] == [0.0]
    assert choice.scores == pytest.approx([0.95, 0.45], abs=1e-2)
    many = first_alone([*rng().uniform(0.45, 0.55, 40), *rng().uniform(0, 0.1, 200)])
    both = choose(task, model, labelled, many, 4, "both", rng())
    assert max(both.indices) < 40
    assert both.kind == "margin"


# ---- where something is missing


class Convolved(nn.Module):
    """No linear layer in it."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Conv1d(1, 2, PARTS * WIDTH)

    def forward(self, x):
        return self.layer(x[:, None])[..., 0]


def test_without_a_linear_layer_rows_are_taken_by_margin_and_it_is_said():
    task = Sort(small())
    choice = choose(task, Convolved(), [], rows(task, 30), 5, "both", rng())
    assert choice.strategy == "margin"
    assert "no linear layer" in choice.note
    assert choice.scores == sorted(choice.scores)


def test_without_a_confidence_rows_are_spread_and_it_is_said():
    task = Guess(small())
    choice = choose(task, task.build(), rows(task, 9, "other"), rows(task, 30), 5, "margin", rng())
    assert choice.strategy == "spread"
    assert "no confidence" in choice.note


def test_without_scores_the_least_confidence_comes_first():
    class Sure(Guess):
        def predict(self, model, inputs):
            return [replace(p, confidence=float(v[0])) for p, v in zip(super().predict(model, inputs), inputs)]

    choice = choose(Sure(small()), linear(np.ones(16)), [], first_alone([0.9, 0.2, 0.4]), 2, "margin", rng())
    assert choice.indices == [1, 2]
    assert choice.kind == "confidence"


def test_an_unknown_strategy_is_named(line):
    with pytest.raises(UsageError, match="Did you mean margin"):
        choose(*line, [], [], 1, "margins", rng())


# ---- what the verb prints


def test_suggestions_know_their_places_and_can_be_read_and_written(line, tmp_path):
    task, model = line
    pool = open_pool(task, first_alone([0.0, 0.52, 0.9, 0.45, 0.1]))
    found = suggest(task, model, [], pool, 2, "margin")
    assert [(s.where, s.answer) for s in found.rows] == [("example 2", 1), ("example 4", 0)]
    said = describe(found)
    assert said.splitlines()[0].startswith("2 of 5 rows to label next, by margin")
    assert "example 2" in said.splitlines()[1]
    assert write(tmp_path / "next.csv", found) == 2
    lines = (tmp_path / "next.csv").read_text().splitlines()
    assert lines[0] == "where,answer,score,confidence"
    assert lines[1].startswith("example 2,1,0.07")
    assert write(tmp_path / "next.jsonl", found) == 2
    with pytest.raises(UsageError, match=r"cannot write \.txt"):
        write(tmp_path / "next.txt", found)
    with pytest.raises(UsageError, match="0 rows cannot be chosen"):
        suggest(task, model, [], pool, 0)


# ---- what choosing gains

PLAN = acquisition_gain.Plan(3, 2, ("margin",), 300, 60.0, 200)
CHEAP = {"seconds": 0.2, "steps": 40}


@pytest.fixture(scope="module")
def bench():
    task = Sort(replace(small(), lr=0.02))
    train = [by_part(rng(i), 3) for i in range(300)]
    return context(task, trained(task, train, 50), rows(task, 200, "test"), train=train, training=CHEAP)


def test_the_gain_is_paired_stated_and_kept(bench):
    said, kept = [], {}
    found = acquisition_gain.gain(replace(bench, scores=kept, say=said.append), PLAN)
    assert found.status == "ok"
    assert found.details["sizes"] == [20, 40, 80]
    scores = found.details["scores"]
    assert [a[0] for a in scores["margin"]] == [b[0] for b in scores["random"]]  # the same beginning
    x = np.log2([20, 40, 80])
    areas = {k: [np.trapezoid(s, x) / (x[-1] - x[0]) for s in v] for k, v in scores.items()}
    gain = found["gain_margin"]
    assert gain.value == pytest.approx(np.mean(areas["margin"]) - np.mean(areas["random"]))
    assert gain.interval == "t over 3 pools"
    assert gain.low < gain.value < gain.high
    assert said[0] == "measuring what choosing labels gains retrains the model 15 times, about 3 s"
    assert said[1] == "training 1 of 15"
    assert said[-1].startswith("training 15 of 15, step ")
    again = []
    assert acquisition_gain.gain(replace(bench, scores=kept, say=again.append), PLAN).details == found.details
    assert len(again) == 1  # nothing was trained


def test_a_loss_is_said_to_be_a_loss_also_where_less_is_better(bench, monkeypatch):
    def tried(context, plan, pool, sizes, arms, steps, work):
        worse = 0.1 + 0.01 * pool if context.task.metrics[0].higher_is_better else -0.1 - 0.01 * pool
        return {arm: [0.5, 0.6 - worse * (arm == "margin"), 0.7 - worse * (arm == "margin")] for arm in arms}

    monkeypatch.setattr(acquisition_gain, "_tried", tried)
    found = acquisition_gain.gain(bench, PLAN)
    assert found["gain_margin"].value == pytest.approx(-0.11 * 0.75)
    assert found["gain_margin"].high < 0
    assert "(worse)" in found.sentence

    class Sure(Guess):
        def predict(self, model, inputs):
            return [replace(p, confidence=0.5) for p in super().predict(model, inputs)]

    task = Sure(small())
    lower = context(task, task.build(), rows(task, 50), train=rows(task, 300, "train"), training=CHEAP)
    assert acquisition_gain.gain(lower, PLAN)["gain_margin"].value == pytest.approx(-0.11 * 0.75)


def test_what_cannot_be_simulated_says_why(bench):
    few = context(Sort(small()), Sort().build(), rows(Sort(), 20), training=CHEAP)
    assert "too few to choose from" in acquisition_gain.gain(few).reason
    costly = replace(bench, training={"seconds": 900.0, "steps": 40})
    found = acquisition_gain.gain(costly, PLAN)
    assert found.status == "skipped"
    assert "retrains the model 15 times, about 3 h 45 min" in found.reason

    class Plays(Sort):
        def collect(self, model, examples, rng):
            return examples

    assert "makes its own examples" in acquisition_gain.gain(replace(bench, task=Plays(small()))).reason
