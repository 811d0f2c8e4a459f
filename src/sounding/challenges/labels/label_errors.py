"""Labels that look wrong: confident learning (Northcutt, Jiang & Chuang 2021, arXiv 1911.00068).

out_of_fold_records   what models say of rows that they did not learn from
ranked_issues         the rows whose label those models contradict, the likeliest first
error_share           the estimated share of wrong labels, with its interval
ranked_by_loss        where answers are no finite list: the rows that models which did not see them fit worst

A model is sure of an answer when its probability reaches the mean that rows labelled so are given. Rows that are
surely another answer than their label are counted: that estimates how many labels are wrong. A label issue is every row
for which another answer is more probable than its label, those by the largest margin first; `counted` are the rows that
confident learning itself would take out. An issue is a row to look at, not an error.

Legend of shapes: n rows, K options.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from sounding.challenges.labels.retraining import Retrainings, retrained
from sounding.contract.evidence import Estimate
from sounding.contract.metrics import SHARE
from sounding.contract.records import Example, Record
from sounding.contract.task import Task, targets
from sounding.data import picked
from sounding.errors import UsageError
from sounding.evaluation.bounded import score_interval
from sounding.evaluation.evaluation import evaluate_rows
from sounding.evaluation.intervals import bootstrap, wilson
from sounding.randomness import stream
from sounding.training.progress import Say

FOLDS = 5
SLACK = 1e-6
"""A probability this far below a threshold still reaches it: sums of floats are not exact."""
_WORK = 2e8  # entries that the bootstrap may go over: fewer resamples for large tables, never below 200


@dataclass(frozen=True)
class LabelIssue:
    """A row to look at: its index, its label, and the answer that is likelier.

    `score` is the probability of its label by models that did not see it ("self-confidence"), `margin` how much more
    probable the likelier answer is, and `counted` whether confident learning takes it for an error. Without
    probabilities `score` is minus the loss in nats and `margin` NaN.
    """

    index: int
    given: Any
    likely: Any
    score: float
    margin: float
    counted: bool = False


# ---- models that did not see the rows


def folds(answers: Sequence[Hashable] | int, groups: Sequence[str], k: int, rng: np.random.Generator) -> np.ndarray:
    """[n]: the fold of each row. Rows of one group share one; else each answer is spread evenly. A number: n rows.

    With groups, the largest are placed first, each into the fold with the fewest rows.
    """
    n = answers if isinstance(answers, int) else len(answers)
    found = np.empty(n, np.int64)
    if any(groups):
        rows: dict[object, list[int]] = {}
        for i, group in enumerate(groups):
            rows.setdefault(group or (i,), []).append(i)
        full = np.zeros(k, int)
        for members in sorted((list(rows.values())[i] for i in rng.permutation(len(rows))), key=len, reverse=True):
            found[members] = emptiest = int(full.argmin())
            full[emptiest] += len(members)
        return found
    order = rng.permutation(n)
    if not isinstance(answers, int):
        places = {answer: place for place, answer in enumerate(dict.fromkeys(answers))}
        order = order[np.argsort([places[answers[i]] for i in order], kind="stable")]
    found[order] = np.arange(n) % k
    return found


def out_of_fold_records(
    task: Task, rows: Sequence[Example], k: int, steps: int, seed: int = 0, progress: Say | None = None
) -> list[Record]:
    """One record for each row, by a model that was trained for `steps` on the other folds.

    Raises UsageError for fewer than 2 folds, or fewer rows or groups than folds; TrainingError when a training fails.
    """
    groups = [example.group for example in rows]
    units = len({group or (i,) for i, group in enumerate(groups)})
    if not 2 <= k <= units:
        what = f"{units} rows or groups cannot be cut into {k} folds"
        raise UsageError(what, fix=f"Take between 2 and {units} folds" if units > 1 else "Give more rows")
    answers = len(rows) if task.target.classes is None else list(targets(rows))
    fold, work = folds(answers, groups, k, stream("folds", seed)), Retrainings(k, progress)
    found: list[Record | None] = [None] * len(rows)
    for number in range(k):
        inside, outside = np.flatnonzero(fold == number), np.flatnonzero(fold != number)

        def judged(outside: np.ndarray = outside, inside: np.ndarray = inside, number: int = number) -> list[Record]:
            model = retrained(task, picked(rows, outside), steps, seed * 1000 + number, work.reporter)
            return evaluate_rows(task, model, picked(rows, inside))

        for i, record in zip(inside.tolist(), work.ran(judged), strict=True):
            found[i] = record
    return found  # type: ignore[return-value]  # every row is in a fold


def probabilities(task: Task, records: Sequence[Record]) -> np.ndarray:
    """[n, K]: the scores of records. Raises UsageError where they are not one for each option."""
    options = task.target.classes
    if options is None or any(r.scores is None or len(r.scores) != len(options) for r in records):
        raise UsageError(
            "the answers of this task are no finite list with probabilities", fix="Rank rows by their loss"
        )
    return np.array([r.scores for r in records], np.float64).reshape(len(records), len(options))


# ---- confident learning


def ranked_issues(task: Task, rows: Sequence[Example], probabilities: np.ndarray) -> list[LabelIssue]:
    """The rows for which `probabilities` [n, K] out of fold favour another answer, the largest margin first."""
    options, given = list(task.target.classes or ()), _given(task, rows)
    own, counted = probabilities[np.arange(len(given)), given], contradicted(given, probabilities)
    margins = probabilities.max(1) - own
    found = []
    for i in np.flatnonzero(margins > SLACK).tolist():
        likely = options[int(probabilities[i].argmax())]
        found.append(LabelIssue(i, options[given[i]], likely, float(own[i]), float(margins[i]), bool(counted[i])))
    return sorted(found, key=lambda issue: (-issue.margin, issue.index))


def error_share(
    task: Task, rows: Sequence[Example], probabilities: np.ndarray, seed: int = 0, resamples: int = 1000
) -> Estimate:
    """The estimated share of wrong labels: what lies off the diagonal of the joint of given and true answers.

    The interval is a bootstrap over rows (or groups) with the models as they are, and over rows at least Wilson's of
    such a share: where none of n labels is contradicted, about 4 / n may be wrong all the same. It does not hold
    that other models would say otherwise. It is an estimate in another sense, too: a weak model contradicts right
    labels.
    """
    table = np.concatenate([_given(task, rows)[:, None], probabilities], axis=1)
    groups = [example.group for example in rows]
    resamples = int(np.clip(_WORK / max(1, table.size), 200, resamples))

    def share(drawn: np.ndarray) -> float:
        joint = confident_joint(drawn[:, 0].astype(np.int64), drawn[:, 1:])
        return float(1 - joint.trace() / joint.sum())

    found = bootstrap(table, share, groups if any(groups) else None, seed, resamples, bounds=SHARE)
    if any(groups):
        return found
    least, most = score_interval(found.value, found.n, found.level)
    low, high = (found.value if end is None else end for end in (found.low, found.high))
    method = "wilson" if found.low is None else f"{found.interval}, at least wilson"
    return replace(found, low=min(low, least), high=max(high, most), interval=method)


def contradicted(given: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """[n] bool: which labels `given` [n] (places among the options) are counted as wrong ("prune by noise rate").

    Of the rows labelled i, as many as the joint says are truly j are taken, those with the largest p(j) - p(i). A label
    that is also the most probable answer is never counted.
    """
    counts = np.ceil(confident_joint(given, probabilities) - SLACK).astype(np.int64)  # rather one row more to look at
    found = np.zeros(len(given), bool)
    for i in np.unique(given):
        mine = np.flatnonzero(given == i)
        if len(mine) < 2:
            continue  # a label's only row: nothing says what it should look like
        for j in np.flatnonzero(counts[i]):
            if j != i:
                margin = probabilities[mine, j] - probabilities[mine, i]
                found[mine[np.argsort(-margin, kind="stable")[: counts[i, j]]]] = True
    best = probabilities.max(1) > probabilities[np.arange(len(given)), given] + SLACK
    return found & best


def confident_joint(given: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """[K, K]: about how many rows are labelled i and truly j; its rows sum to the times that each label is given."""
    n, k = probabilities.shape
    times = np.bincount(given, minlength=k)
    own = np.bincount(given, probabilities[np.arange(n), given], minlength=k)
    thresholds = np.where(times > 0, own / np.maximum(times, 1), np.inf)
    sure = probabilities >= thresholds - SLACK
    truly = np.where(sure, probabilities, -1.0).argmax(1)  # of several that it is sure of, the most probable
    told = sure.any(1)
    joint = np.bincount(given[told] * k + truly[told], minlength=k * k).reshape(k, k).astype(float)
    np.fill_diagonal(joint, np.maximum(joint.diagonal(), 1))
    return joint / joint.sum(1, keepdims=True) * times[:, None]


def _given(task: Task, rows: Sequence[Example]) -> np.ndarray:
    places = {option: place for place, option in enumerate(task.target.classes or ())}
    return np.array([places[answer] for answer in targets(rows)], np.int64)


# ---- where there is no finite list of answers, and whether any of it works


def ranked_by_loss(records: Sequence[Record]) -> list[LabelIssue]:
    """Every row, that with the largest loss out of fold first: hard, rare or wrong, which only a person can tell."""
    found = [LabelIssue(i, r.truth, r.value, -float(r.loss), float("nan")) for i, r in enumerate(records)]
    return sorted(found, key=lambda issue: (issue.score, issue.index))


def planted(task: Task, rows: Sequence[Example], count: int, seed: int = 0) -> tuple[list[Example], list[int]]:
    """The rows with `count` labels changed to others that occur, and which ones: to see whether they are found."""
    answers = [example.target for example in rows]
    others, rng = list(Counter(answers)), stream("planted", seed)
    if len(others) < 2:
        raise UsageError("labels can only be changed where there are two or more", fix="Give rows of several answers")
    chosen = sorted(rng.permutation(len(rows))[:count].tolist())
    changed = list(rows)
    for i in chosen:
        wrong = [answer for answer in others if answer != answers[i]]
        changed[i] = replace(changed[i], target=wrong[int(rng.integers(len(wrong)))])
    return changed, chosen


def precision(found: Sequence[LabelIssue], planted: Sequence[int], k: int | None = None) -> Estimate:
    """Of the first `k` ranked issues (as many as were planted) the share that was; real errors count against it."""
    k = min(len(planted) if k is None else k, len(found))
    first = {issue.index for issue in found[:k]}
    return wilson(len(first & set(planted)), k)
