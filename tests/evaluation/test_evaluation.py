"""From a model to numbers with intervals, on a task small enough to check by hand."""

import math
from collections import namedtuple

import numpy as np
import pytest
import torch
from sklearn.metrics import confusion_matrix, recall_score
from torch import nn

from sounding.contract.answers import Averaged
from sounding.contract.metrics import Metric, accuracy, macro_f1, mean_loss, mean_of_counted
from sounding.contract.modality import Modality
from sounding.contract.records import Example, Prediction, Record
from sounding.contract.task import Task
from sounding.errors import DataError, TrainingError, UsageError
from sounding.evaluation.evaluation import baseline, compare, confusion, evaluate_rows, left_out, measure, same, slices
from sounding.evaluation.intervals import wilson

OPTIONS = ["high", "low", "mid"]


class Point(Modality):
    def read(self, cell, root=None):
        return np.float32(cell)

    def encode(self, values):
        return torch.tensor(np.array(values, np.float32))[:, None]


class Level(Modality):
    classes = OPTIONS

    def read(self, cell, root=None):
        return str(cell)

    def encode(self, values):
        return torch.tensor([OPTIONS.index(value) for value in values])


class Levels(Task):
    """Three levels of a number."""

    def modalities(self):
        return Point(), Level()

    @property
    def metrics(self):
        return accuracy(), macro_f1(OPTIONS), mean_loss()

    def build(self):
        return nn.Sequential(nn.Linear(1, 3), nn.Dropout(0.9))

    def loss(self, model, x, y):
        return nn.functional.cross_entropy(model(x), y, reduction="none")

    def predict(self, model, inputs):
        scores = model(self.input.encode(inputs)).softmax(1).numpy()
        return [Prediction(OPTIONS[s.argmax()], float(s.max()), s) for s in scores]

    def demo(self, rng, n):
        values = rng.random(n)
        return [Example(v, OPTIONS[int(3 * v)]) for v in values]


TASK = Levels()


def noisy(seed, n=300, right=0.8, groups=0):
    rng = np.random.default_rng(seed)
    truth = np.random.default_rng(99).choice(OPTIONS, n, p=[0.5, 0.3, 0.2])
    answers = np.where(rng.random(n) < right, truth, rng.choice(OPTIONS, n))
    names = [f"g{i % groups}" if groups else "" for i in range(n)]
    return [Record(str(a), str(t), 0.7, 0.5, g) for a, t, g in zip(answers, truth, names, strict=True)]


# ---- trials


def test_trials_evaluate_without_dropout_or_gradients_and_put_the_mode_back():
    model, rows = TASK.build().train(), TASK.demo(np.random.default_rng(0), 150)
    first, second = evaluate_rows(TASK, model, rows), evaluate_rows(TASK, model, rows)
    assert [r.loss for r in first] == [r.loss for r in second]  # dropout of 0.9 would show
    assert model.training
    assert [r.truth for r in first] == [row.target for row in rows]
    assert all(p.grad is None for p in model.parameters())
    evaluate_rows(TASK, model.eval(), rows)
    assert not model.training


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_model_whose_outputs_are_not_finite_is_an_error(bad):
    model = TASK.build()
    nn.init.constant_(model[0].bias, bad)
    with pytest.raises(TrainingError, match=r"not finite for 20 of 20 rows.*lr="):
        evaluate_rows(TASK, model, TASK.demo(np.random.default_rng(0), 20))
    assert model.training


def test_an_infinite_loss_of_a_finite_answer_is_kept():
    class Sure(Levels):
        def loss(self, model, x, y):
            return super().loss(model, x, y) + torch.tensor(math.inf)

    assert evaluate_rows(Sure(), TASK.build(), TASK.demo(np.random.default_rng(0), 3))[0].loss == math.inf


# ---- measure


def test_measure_gives_every_metric_in_order_with_its_interval():
    made = noisy(0)
    found = measure(TASK, made, resamples=400)
    assert list(found) == ["accuracy", "macro F1", "nll"]
    hits = sum(r.value == r.truth for r in made)
    assert found["accuracy"] == wilson(hits, 300)
    assert found["macro F1"].interval == "bootstrap"
    assert found["macro F1"].low < found["macro F1"].value < found["macro F1"].high


def test_metrics_that_share_a_judge_ask_it_once_of_each_record():
    asked = []

    def judge(record):
        asked.append(record)
        return record.loss

    class Two(Levels):
        @property
        def metrics(self):
            return Metric("mean", judge, np.mean, "the mean"), Metric("most", judge, np.max, "the largest")

    records = noisy(0)
    found = measure(Two(), records)
    assert found["mean"].value == pytest.approx(np.mean([r.loss for r in records]))
    assert found["most"].value == max(r.loss for r in records)
    assert len(asked) == len(records)


def test_measure_is_clustered_when_records_have_groups():
    many, few = measure(TASK, noisy(0, groups=20), resamples=400), measure(TASK, noisy(0, groups=5), resamples=400)
    assert {e.interval for e in many.values()} == {"clustered bootstrap"}
    assert {e.interval for e in few.values()} == {"t over 5 clusters"}
    assert {e.n for e in few.values()} == {5}


def test_no_records_is_an_error():
    with pytest.raises(DataError, match="no rows to measure accuracy"):
        measure(TASK, [])


# ---- baseline


def test_baseline_answers_the_majority_with_its_share():
    made = noisy(0)
    train = ["low"] * 60 + ["high"] * 30 + ["mid"] * 10
    found = baseline(TASK, train, made)
    assert {r.value for r in found} == {"low"}
    assert {r.confidence for r in found} == {0.6}
    assert found[0].scores.tolist() == [0.3, 0.6, 0.1]
    assert found[0].loss == pytest.approx(-math.log({"high": 31, "low": 61, "mid": 11}[found[0].truth] / 103))
    assert [r.truth for r in found] == [r.truth for r in made]
    assert accuracy().value(found) == np.mean([r.truth == "low" for r in made])


class Planes(Averaged):
    """A plane of numbers."""

    def read(self, cell, root=None):
        return np.asarray(cell)

    def encode(self, values):
        return torch.from_numpy(np.stack(values))

    def constant_baseline(self, values):
        return np.median(values, 0)


def test_baseline_of_answers_that_cannot_be_counted_has_neither_confidence_nor_loss():
    class Masks(Levels):
        def modalities(self):
            point, _ = super().modalities()
            return point, Planes()

    truths = [np.eye(2), np.ones((2, 2)), np.eye(2)]
    [found, *_] = baseline(Masks(), truths, [Record(t, t, 0.9, 0.1) for t in truths])
    assert found.value.tolist() == [[1, 0], [0, 1]]
    assert found.confidence is None
    assert math.isnan(found.loss)


# ---- compare


def test_compare_is_the_difference_of_the_two_values():
    a, b = noisy(0, right=0.9), noisy(1, right=0.6)
    found = compare(TASK, a, b, resamples=400)
    for metric in TASK.metrics:
        assert found[metric.name].value == pytest.approx(metric.value(a) - metric.value(b))
    assert found["accuracy"].low > 0
    assert found["accuracy"].interval == "paired bootstrap"


def test_compare_with_itself_is_zero():
    a = noisy(0, groups=20)
    assert {(e.value, e.low, e.high) for e in compare(TASK, a, list(a), resamples=100).values()} == {(0, 0, 0)}


class Rare(Levels):
    """With a metric that counts the rows of one level alone."""

    @property
    def metrics(self):
        high = Metric(
            "recall of high", recalled, mean_of_counted, "share found", proportion=True, needs="the truth high"
        )
        return accuracy(), high


def recalled(record):
    return record.value == record.truth if record.truth == "high" else math.nan


def test_an_estimate_and_a_change_count_the_rows_that_a_metric_does_not_pass_over():
    a, b = noisy(0, right=0.9), noisy(1, right=0.6)
    high = sum(record.truth == "high" for record in a)
    assert 0 < high < len(a)
    assert measure(Rare(), a, resamples=50)["recall of high"].n == high
    found = compare(Rare(), a, b, resamples=50)
    assert (found["accuracy"].n, found["recall of high"].n) == (len(a), high)


def test_compare_leaves_out_what_the_rows_say_nothing_of():
    """As a metric of large boxes where there is none."""
    a, b = ([r for r in noisy(seed) if r.truth != "high"] for seed in (0, 0))
    found = compare(Rare(), a, b, resamples=50)
    assert list(found) == ["accuracy"]
    assert left_out(Rare().metrics, found) == {"recall of high": "no row has the truth high"}


def test_compare_refuses_other_rows():
    a = noisy(0)
    with pytest.raises(UsageError, match="300 and 299"):
        compare(TASK, a, a[:-1])
    with pytest.raises(UsageError, match="record 2 differs"):
        compare(TASK, a, a[::-1])


def test_same_compares_what_truths_are_made_of():
    box = namedtuple("box", "corners label")
    mask = np.array([[0, 1], [1, 1]])
    assert same((box(mask, "cat"),), (box(mask.copy(), "cat"),))
    assert not same((box(mask, "cat"),), (box(1 - mask, "cat"),))
    assert same({"a": torch.ones(2)}, {"a": torch.ones(2)})
    assert same(np.array([1, math.nan]), np.array([1, math.nan]))
    assert same(math.nan, float("nan"))
    assert same(1, 1.0)
    assert not same("1", 1)
    assert not same(mask, mask[0])


# ---- slices and confusion


def test_slices_by_class_are_recalls_and_mark_few_rows():
    made = noisy(0, n=100, groups=4)
    truth, answers = [r.truth for r in made], [r.value for r in made]
    rows = slices(TASK, made)
    classes = [row for row in rows if row["by"] == "class"]
    assert [row["name"] for row in classes] == OPTIONS
    assert [row["value"] for row in classes] == pytest.approx(
        recall_score(truth, answers, labels=OPTIONS, average=None)
    )
    assert [row["n"] for row in classes] == [truth.count(option) for option in OPTIONS]
    assert [row["few"] for row in classes] == [truth.count(option) < 30 for option in OPTIONS]
    assert all(row["interval"] == "wilson" for row in rows)
    assert [(row["name"], row["n"]) for row in rows if row["by"] == "group"] == [(f"g{i}", 25) for i in range(4)]


def test_confusion_matches_scikit_learn():
    made = noisy(0)
    expected = confusion_matrix([r.truth for r in made], [r.value for r in made], labels=OPTIONS)
    assert np.array_equal(confusion(made, OPTIONS), expected)
    with pytest.raises(UsageError, match="'low' is not among"):
        confusion(made, ["high", "mid"])
