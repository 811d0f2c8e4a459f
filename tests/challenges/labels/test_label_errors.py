"""Suspicious labels against cleanlab, on planted errors, and where there is no finite list of answers."""

from dataclasses import replace
from importlib import resources

import numpy as np
import pytest
from challenges.toys import Guess, Sort, by_part, rows, small, trained
from cleanlab.count import estimate_joint
from cleanlab.filter import find_label_issues
from cleanlab.rank import get_label_quality_scores
from scipy.stats import binomtest

from sounding.applications.vision.classify import Classify
from sounding.challenges.labels.label_errors import (
    confident_joint,
    contradicted,
    error_share,
    folds,
    out_of_fold_records,
    planted,
    precision,
    probabilities,
    ranked_issues,
)
from sounding.challenges.labels.labelling import describe, review, write
from sounding.contract.records import Example
from sounding.data import open_data
from sounding.errors import RunError, UsageError

CHEAP = {"seconds": 0.2, "steps": 60}


def noisy(seed: int, n: int, k: int, pull: float, share: float = 0.05):
    """Labels [n] of which a share is wrong, which ones, and probabilities [n, k] of a fair model."""
    rng = np.random.default_rng(seed)
    truth, logits = rng.integers(k, size=n), rng.normal(0, 1, (n, k))
    logits[np.arange(n), truth] += pull
    p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    given, wrong = truth.copy(), rng.permutation(n)[: int(share * n)]
    given[wrong] = (given[wrong] + rng.integers(1, k, size=len(wrong))) % k
    return given, wrong, p


class Many(Sort):
    k = 5


def many(given) -> tuple[Many, list[Example]]:
    return Many(small()), [Example(np.zeros(16), int(g)) for g in given]


# ---- confident learning on given probabilities


@pytest.mark.parametrize("seed", range(6))
def test_what_cleanlab_suspects_is_suspected(seed):
    given, wrong, p = noisy(seed, (200, 600, 2000)[seed % 3], (2, 3, 5, 10)[seed % 4], (2.0, 3.0, 4.0)[seed % 3])
    theirs, ours = find_label_issues(given, p, n_jobs=1), contradicted(given, p)
    assert (ours | ~theirs).all()  # a superset: counts are rounded up
    assert ours.sum() <= theirs.sum() * 1.2 + p.shape[1]
    assert ours[wrong].mean() > 0.6
    joint = confident_joint(given, p)
    assert np.abs(joint / joint.sum() - estimate_joint(given, p)).max() * len(given) < 1  # theirs is in whole rows


def test_suspects_are_scored_and_ranked_as_cleanlab_does():
    given, _, p = noisy(1, 800, 5, 3.0)
    found = ranked_issues(*many(given), p)
    assert [s.index for s in found] == sorted(np.flatnonzero(p.argmax(1) != given), key=lambda i: -_margin(given, p)[i])
    quality = get_label_quality_scores(given, p, method="self_confidence")
    assert [s.score for s in found] == pytest.approx(quality[[s.index for s in found]])
    assert all(s.given == given[s.index] and s.likely == p[s.index].argmax() for s in found)
    assert {s.index for s in found if s.counted} == set(np.flatnonzero(contradicted(given, p)))


def _margin(given, p):
    """cleanlab's normalised margin is (p(label) - p(best other) + 1) / 2."""
    return 1 - 2 * get_label_quality_scores(given, p, method="normalized_margin")


def test_the_share_of_wrong_labels_is_estimated_with_an_interval_that_holds_it():
    held = []
    for seed in range(10):
        given, wrong, p = noisy(seed, 1000, 5, 4.0)
        found = error_share(*many(given), p, resamples=200)
        assert found.low < found.value < found.high
        held.append(found.low <= len(wrong) / len(given) <= found.high)
    assert sum(held) >= 8
    clean, _, p = noisy(3, 1000, 5, 8.0, share=0.0)
    assert error_share(*many(clean), p, resamples=200).value < 0.005


def test_rows_of_one_group_are_resampled_together():
    given, _, p = noisy(0, 300, 5, 3.0)
    task, examples = many(given)
    alone = error_share(task, examples, p, resamples=200)
    tied = [replace(e, group=f"g{i // 20}") for i, e in enumerate(examples)]
    grouped = error_share(task, tied, p, resamples=200)
    assert grouped.value == alone.value
    assert (grouped.n, grouped.interval) == (15, "clustered bootstrap")


def test_a_constant_model_an_absent_class_and_a_single_row_are_no_obstacle():
    task, examples = many([0, 0, 0, 1])
    p = np.full((4, 5), 0.2)
    assert ranked_issues(task, examples, p) == []
    assert 0 <= error_share(task, examples, p).value <= 1
    sure = np.eye(5)[[0, 0, 1, 1]]
    assert [(s.index, s.given, s.likely) for s in ranked_issues(task, examples, sure)] == [(2, 0, 1)]


# ---- folds and models that did not see the rows


def test_folds_are_even_spread_each_answer_and_keep_groups_together():
    answers = [0] * 50 + [1] * 10
    found = folds(answers, [""] * 60, 5, np.random.default_rng(0))
    assert np.bincount(found).tolist() == [12] * 5
    assert np.bincount(found[50:]).tolist() == [2] * 5
    groups = [f"g{i % 12}" for i in range(60)]
    tied = folds(answers, groups, 5, np.random.default_rng(0))
    assert all(len({int(f) for f, g in zip(tied, groups, strict=True) if g == name}) == 1 for name in set(groups))
    assert np.bincount(tied).min() >= 10
    assert np.bincount(folds(10, [""] * 10, 5, np.random.default_rng(0))).tolist() == [2] * 5


def _out_of_fold(task, examples, k, steps):
    """[n, K]: probabilities of all answers for each row, by models that did not see it."""
    return probabilities(task, out_of_fold_records(task, examples, k, steps))


def test_a_row_is_judged_by_models_that_did_not_learn_it():
    """Labels that are drawn cannot be known: a model that had seen them would know them by heart."""
    rng = np.random.default_rng(0)
    task = Sort(replace(small(), lr=0.05, average=0.9))
    examples = [Example(rng.random(16).astype(np.float32), int(rng.integers(2))) for _ in range(100)]
    p = _out_of_fold(task, examples, 2, 100)
    assert p.shape == (100, 2)
    assert p.sum(1) == pytest.approx(np.ones(100), abs=1e-5)
    assert 0.3 < np.mean([p[i].argmax() == e.target for i, e in enumerate(examples)]) < 0.7


def test_folds_that_cannot_be_cut_are_an_error():
    examples = [Example(np.zeros(16), i % 2, "one") for i in range(8)]
    with pytest.raises(UsageError, match="1 rows or groups cannot be cut into 5 folds"):
        _out_of_fold(Sort(small()), examples, 5, 10)
    with pytest.raises(UsageError, match="Rank rows by their loss"):
        _out_of_fold(Guess(small()), rows(Guess(), 20), 2, 5)


# ---- planted errors on real rows


@pytest.fixture(scope="module")
def digits():
    task = Classify(Classify.Recipe.make("tiny", {"network": "mlp", "lr": "0.01", "average": "0.95"}))
    with resources.as_file(resources.files("sounding") / "samples" / "digits.parquet") as path:
        data = open_data(task, path)
    examples, wrong = planted(task, list(data.train), 10)
    return task, examples, wrong, _out_of_fold(task, examples, 4, 250)


def test_ten_planted_errors_among_the_digits_are_found_as_cleanlab_finds_them(digits):
    task, examples, wrong, p = digits
    found = ranked_issues(task, examples, p)
    given = np.array([task.classes.index(e.target) for e in examples])
    theirs = find_label_issues(given, p, n_jobs=1, return_indices_ranked_by="normalized_margin").tolist()
    assert set(theirs) <= {s.index for s in found if s.counted}
    assert [s.index for s in found if s.index in theirs] == theirs
    assert set(wrong) <= {s.index for s in found}
    assert set(wrong) <= {s.index for s in found[: len(examples) * 3 // 100]}
    assert precision(found, wrong).value >= 0.6
    assert precision(found, wrong).n == 10


def test_the_share_of_wrong_digits_is_about_what_was_planted(digits):
    task, examples, wrong, p = digits
    found = error_share(task, examples, p)
    assert found.low < len(wrong) / len(examples) < found.high < 0.05


# ---- what the verb prints


def test_a_review_names_places_says_its_price_and_is_written(tmp_path):
    task = Sort(replace(small(), lr=0.03, average=0.9))
    clean = [by_part(np.random.default_rng(i), 3) for i in range(150)]
    examples, wrong = planted(task, clean, 6)
    said = []
    found = review(task, examples, CHEAP, folds=3, progress=said.append)
    assert said[0] == "looking for wrong labels trains 3 models, about 1 s"
    assert said[1] == "training 1 of 3"
    assert {d.where for d in found.rows} & {f"example {i + 1}" for i in wrong}
    number = found.number(seed=0)
    assert number.kind == "estimated"
    assert number.estimate.low <= number.estimate.value <= number.estimate.high
    text = describe(found, most=2)
    assert text.startswith(f"An estimated {100 * found.share.value:.1f} %")
    assert "→" in text.splitlines()[1]
    assert text.splitlines()[-1] == f"and {len(found.rows) - 2:,} more"
    assert write(tmp_path / "errors.csv", found) == len(found.rows)
    assert (tmp_path / "errors.csv").read_text().startswith("where,given,likely,score,margin,counted\n")


def test_rows_held_out_are_looked_at_by_the_model_that_did_not_learn_them():
    task, clean = Sort(small()), [by_part(np.random.default_rng(i), 3) for i in range(90)]
    held_out = [by_part(np.random.default_rng(i), 3) for i in range(90, 120)]
    wrong = replace(held_out[7], target=1 - held_out[7].target)
    held_out[7] = wrong
    found = review(task, clean, CHEAP, folds=2, held_out=[held_out[:5], held_out[5:]], model=trained(task, clean, 200))
    assert found.n == 120
    assert [issue.given for issue in found.rows if issue.where == "example 3"] == [wrong.target]
    alone = review(task, clean, CHEAP, folds=2)
    assert alone.n == 90


def test_without_a_finite_list_of_answers_rows_are_ranked_by_their_loss():
    task = Guess(replace(small(), lr=0.05, average=0.9))
    examples = rows(task, 60)
    examples[7] = replace(examples[7], target=examples[7].target + 20)
    found = review(task, examples, CHEAP, folds=3)
    assert (found.ranked, found.share, found.number()) == ("loss", None, None)
    assert found.rows[0].where == "example 8"
    assert found.rows[0].score < -15
    assert len(found.rows) == 60
    assert describe(found).startswith("60 rows, the largest loss first")


def test_a_review_that_costs_too_much_says_its_price():
    with pytest.raises(RunError, match="retrains the model 5 times, about 50 min"):
        review(Sort(small()), rows(Sort(), 60), {"seconds": 600.0, "steps": 1000}, seconds=60)
    with pytest.raises(RunError, match="was not recorded"):
        review(Sort(small()), rows(Sort(), 60), {})


def test_no_contradicted_label_is_no_proof_that_none_is_wrong():
    """Of 293 labels about 1 in 100 may be wrong unseen; scipy has the end."""
    given, _, p = noisy(3, 293, 5, 30.0, share=0.0)
    found = error_share(*many(given), p, resamples=200)
    oracle = binomtest(0, 293).proportion_ci(0.95, "wilson")
    assert (found.value, found.low) == (0.0, 0.0)
    assert found.high == pytest.approx(oracle.high)
    assert 0.01 < found.high < 0.014
