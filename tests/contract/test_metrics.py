"""Metrics against scikit-learn and torchmetrics."""

import numpy as np
import pytest
import torch
from sklearn.metrics import f1_score, log_loss, top_k_accuracy_score
from torchmetrics.functional.classification import multiclass_f1_score

from sounding.contract.metrics import accuracy, macro_f1, mean_loss, top_k
from sounding.contract.records import Record
from sounding.errors import UsageError

OPTIONS = ["ant", "bee", "cat", "dog", "eel"]


def records(truth, predicted, scores=None):
    scores = [None] * len(truth) if scores is None else scores
    return [Record(p, t, 0.5, 1.0, scores=s) for t, p, s in zip(truth, predicted, scores, strict=True)]


@pytest.mark.parametrize("seed", range(5))
def test_macro_f1_matches_scikit_learn_and_torchmetrics(seed):
    rng = np.random.default_rng(seed)
    truth, predicted = rng.choice(OPTIONS, 300), rng.choice(OPTIONS, 300)
    predicted = np.where(rng.random(300) < 0.6, truth, predicted)
    found = macro_f1(OPTIONS).value(records(truth, predicted))
    assert found == pytest.approx(f1_score(truth, predicted, average="macro"))
    index = {option: i for i, option in enumerate(OPTIONS)}
    p, t = (torch.tensor([index[x] for x in side]) for side in (predicted, truth))
    assert found == pytest.approx(float(multiclass_f1_score(p, t, len(OPTIONS))))


def test_macro_f1_counts_only_classes_of_the_truth():
    truth, predicted = ["ant", "ant", "bee", "bee"], ["ant", "cat", "bee", "bee"]
    expected = f1_score(truth, predicted, labels=["ant", "bee"], average="macro")
    assert macro_f1(OPTIONS).value(records(truth, predicted)) == pytest.approx(expected)


def test_macro_f1_counts_an_unknown_truth_as_a_class_that_is_always_missed():
    truth, predicted = ["ant", "bee", "yak"], ["ant", "bee", "bee"]
    expected = f1_score(truth, predicted, labels=["ant", "bee", "yak"], average="macro", zero_division=0)
    assert macro_f1(OPTIONS).value(records(truth, predicted)) == pytest.approx(expected)


def test_accuracy_judges_each_record():
    found = accuracy()
    assert found.statistics(records(["ant", "bee"], ["ant", "cat"])).tolist() == [1, 0]
    assert found.proportion
    assert found.higher_is_better


@pytest.mark.parametrize("k", [1, 2, 3])
def test_top_k_matches_scikit_learn(k):
    rng = np.random.default_rng(k)
    truth, scores = rng.choice(OPTIONS, 200), rng.dirichlet(np.ones(5), 200)
    found = top_k(k, OPTIONS).value(records(truth, truth, scores))
    assert found == pytest.approx(top_k_accuracy_score(truth, scores, k=k, labels=OPTIONS))


def test_top_k_does_not_flatter_a_model_that_scores_all_alike():
    truth = OPTIONS * 4
    assert top_k(2, OPTIONS).value(records(truth, truth, np.full((20, 5), 0.2))) == pytest.approx(2 / 5)


def test_top_k_without_scores_is_an_error():
    with pytest.raises(UsageError, match="top-2"):
        top_k(2, OPTIONS).value(records(["ant"], ["ant"]))


def test_mean_loss_is_in_nats():
    rng = np.random.default_rng(0)
    truth, scores = rng.integers(5, size=100), rng.dirichlet(np.ones(5), 100)
    made = [Record(0, t, 0.5, -np.log(s[t])) for t, s in zip(truth, scores, strict=True)]
    assert mean_loss().value(made) == pytest.approx(log_loss(truth, scores, labels=range(5)))
    assert (mean_loss().unit, mean_loss().higher_is_better) == ("nats", False)
