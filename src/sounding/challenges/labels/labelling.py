"""What a person should look at: rows that are worth a label, and labels that may be wrong, each with its place.

suggest    unlabelled rows of a pool, the most valuable first, with the answer that the model gives now
review     labelled rows whose label models that did not see them contradict, the likeliest label issue first
describe   either of them as lines for a terminal
write      either of them as a table that other programs read
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from sounding import files
from sounding.challenges.labels import label_errors
from sounding.challenges.labels.acquisition import Strategy, choose
from sounding.challenges.labels.retraining import price, steps_within
from sounding.challenges.passes import frozen
from sounding.contract.evidence import Estimate, Number
from sounding.contract.records import Example, Prediction
from sounding.contract.task import Task, chunks
from sounding.data import Pool, picked
from sounding.errors import RunError, UsageError
from sounding.evaluation.evaluation import evaluate_rows
from sounding.randomness import stream
from sounding.training.progress import Say
from sounding.wording import percent, roughly

WEAK = 0.2
"""Where models that did not see the rows contradict a larger share of labels, they say little about any one label."""
_WIDEST = 60  # characters of a place or an answer on a line


@dataclass(frozen=True)
class Suggestion:
    """A row to label: its place, the answer of the model now (as JSON holds it, and in words), and its score."""

    where: str
    answer: Any
    score: float
    confidence: float | None
    words: str = ""


@dataclass(frozen=True)
class Suggestions:
    """Rows to label, the most valuable first. `kind` says what a score is; `note`, why it is not what was asked for."""

    rows: tuple[Suggestion, ...]
    pool: int
    strategy: Strategy
    kind: str
    note: str = ""


@dataclass(frozen=True)
class Issue:
    """A labelled row to look at: its place, its label, the likelier answer, how probable models find the label, how
    much more probable they find the other answer, and whether confident learning counts it as an error.
    """

    where: str
    given: Any
    likely: Any
    score: float
    margin: float | None
    counted: bool
    words: tuple[str, str] = ("", "")


@dataclass(frozen=True)
class Review:
    """Label issues of `n` labels, the likeliest first; and the estimated share of wrong ones, if it can be told.

    Without a finite list of answers (`ranked` is "loss") every row is ranked, by minus the loss of a model that did not
    see it.
    """

    rows: tuple[Issue, ...]
    n: int
    folds: int
    steps: int
    ranked: str
    share: Estimate | None = None
    seconds: float = 0.0

    def number(self, seed: int | None = None) -> Number | None:
        """The estimated share of wrong labels as the card prints it."""
        if self.share is None:
            return None
        definition = (
            "share of labels that confident learning (Northcutt et al. 2021) puts off the diagonal of given and true "
            f"answers, from {self.folds} models that did not see the rows ({self.steps} steps each); the interval is "
            "over rows, with the models as they are"
        )
        name = "estimated share of wrong labels"
        return Number("label_errors", name, self.share, definition, "share", "estimated", seed, self.seconds)


# ---- what to label next


def suggest(
    task: Task,
    model: nn.Module,
    labelled: Sequence[Example],
    pool: Pool,
    count: int = 50,
    strategy: str = "both",
    seed: int = 0,
    progress: Say | None = None,
) -> Suggestions:
    """The `count` rows of the pool to label next. `labelled` are those that the model was trained on; `progress` hears
    how many rows the model has looked at.

    Raises UsageError for a count below 1 and an unknown strategy.
    """
    if count < 1:
        raise UsageError(f"{count} rows cannot be chosen", fix="Ask for one row or more")
    choice = choose(task, model, labelled, pool.examples, count, strategy, stream("label next", seed), progress)
    answers = _answers(task, model, picked(pool.examples, np.array(choice.indices, np.int64)))
    rows = tuple(
        Suggestion(pool.where(i), task.target.to_json(p.value), score, p.confidence, task.target.describe(p.value))
        for i, score, p in zip(choice.indices, choice.scores, answers, strict=True)
    )
    return Suggestions(rows, len(pool), choice.strategy, choice.kind, choice.note)


def _answers(task: Task, model: nn.Module, rows: Sequence[Example]) -> list[Prediction]:
    found: list[Prediction] = []
    with frozen(model), torch.inference_mode():
        for batch in chunks(rows, task.recipe.batch):
            found += task.predict(model, [example.input for example in batch])
    return found


# ---- which labels may be wrong


def review(
    task: Task,
    rows: Sequence[Example],
    training: Mapping[str, Any],
    *,
    seconds: float = math.inf,
    folds: int = label_errors.FOLDS,
    seed: int = 0,
    progress: Say | None = None,
    held_out: Sequence[Sequence[Example]] = (),
    model: nn.Module | None = None,
) -> Review:
    """Look for wrong labels among `rows` with models trained on the other folds, as long as the run's own (`training`)
    or shorter to keep to `seconds`; and among the rows `held_out` from the training (validation, test) with the run's
    own `model`, which did not learn from them either. `progress` hears first what it costs.

    Raises RunError where a training costs too much or its cost is not known, UsageError for more folds than rows.
    """
    started = time.perf_counter()
    if task.collects:
        raise UsageError("this task makes its own examples while it trains, so there are no labels to look at")
    steps = steps_within(training, seconds, folds)
    if steps is None:
        fix = "Give more time" if training.get("seconds") else "Train again"
        raise RunError(f"looking for wrong labels {price(training, folds)}", fix=fix)
    if progress is not None:
        each = training["seconds"] * steps / training["steps"]
        progress(f"looking for wrong labels trains {folds} models, {roughly(each * folds)}")
    records = label_errors.out_of_fold_records(task, rows, folds, steps, seed, progress)
    looked = list(zip(_places(rows), records, strict=True))
    if model is not None:
        for part in held_out:
            looked += zip(_places(part), evaluate_rows(task, model, part), strict=True)
    options = task.target.classes
    if options is None or any(record.scores is None for _, record in looked):
        found, share, ranked = label_errors.ranked_by_loss([record for _, record in looked]), None, "loss"
    else:
        looked = [(place, record) for place, record in looked if record.truth in options]  # others have no probability
        given = label_errors.probabilities(task, [record for _, record in looked])
        labels = [Example(None, record.truth, record.group) for _, record in looked]
        found, ranked = label_errors.ranked_issues(task, labels, given), "margin"
        share = label_errors.error_share(task, labels, given, seed)
    issues = tuple(_issue(task, looked[issue.index][0], issue) for issue in found)
    return Review(issues, len(looked), folds, steps, ranked, share, time.perf_counter() - started)


def _places(rows: Sequence[Example]) -> list[str]:
    where = getattr(rows, "where", lambda i: f"example {i + 1}")
    return [where(i) for i in range(len(rows))]


def _issue(task: Task, place: str, issue: label_errors.LabelIssue) -> Issue:
    target = task.target
    words = (target.describe(issue.given), target.describe(issue.likely))
    margin = None if math.isnan(issue.margin) else issue.margin
    given, likely = target.to_json(issue.given), target.to_json(issue.likely)
    return Issue(place, given, likely, issue.score, margin, issue.counted, words)


# ---- as text and as files


def describe(found: Suggestions | Review, most: int = 50) -> str:
    """The findings as lines for a terminal: what they are, then at most `most` rows."""
    lines = list(_suggested(found) if isinstance(found, Suggestions) else _reviewed(found))
    head, rows = lines[0], lines[1:]
    more = [f"and {len(rows) - most:,} more"] if len(rows) > most else []
    return "\n".join([head, *rows[:most], *more])


def _suggested(found: Suggestions) -> Iterator[str]:
    how = {"both": "by margin, then spread", "random": "drawn at random"}.get(found.strategy, f"by {found.strategy}")
    note = f" ({found.note})" if found.note else ""
    score = f"; place, answer now, {found.kind}" if found.kind else "; place, answer now"
    yield f"{len(found.rows):,} of {found.pool:,} rows to label next, {how}, the most valuable first{note}{score}"
    width = max((len(_short(row.where)) for row in found.rows), default=0)
    for row in found.rows:
        said = f"  {row.score:.4f}" if found.kind else ""
        yield f"  {_short(row.where):{width}}  {_short(row.words)}{said}"


def _reviewed(found: Review) -> Iterator[str]:
    if found.share is None:
        yield f"{found.n:,} rows, the largest loss first: each is hard, rare or wrong; place, answer given, loss"
    else:
        low, high = found.share.low, found.share.high
        spread = "" if low is None or high is None else f" [{percent(low, 1)}, {percent(high, 1)}]"
        n, others, counted = found.n, len(found.rows), sum(row.counted for row in found.rows)
        yield (
            f"An estimated {percent(found.share.value, 1)}{spread} of {n:,} labels are wrong. For {others:,} rows "
            "another answer is more probable, the likeliest label issue first: place, label → answer, probability of "
            "the label "
            f"(* if counted as wrong: {counted:,})"
            + "; the models are weak, and this says little"
            * (others > WEAK * n)
        )
    width = max((len(_short(row.where)) for row in found.rows), default=0)
    for row in found.rows:
        given, likely = (_short(words) for words in row.words)
        said = (
            f"{given}  {-row.score:.4g}"
            if found.share is None
            else f"{given} → {likely}  {row.score:.4f}{' *' * row.counted}"
        )
        yield f"  {_short(row.where):{width}}  {said}"


def write(path: Path, found: Suggestions | Review) -> int:
    """The rows as .csv or .jsonl; returns how many. Raises UsageError for another ending, RunError if it cannot be."""
    rows = [{key: value for key, value in vars(row).items() if key != "words"} for row in found.rows]
    if path.suffix == ".jsonl":
        text = "".join(files.json_text(row, default=str) + "\n" for row in rows)
    elif path.suffix == ".csv":
        text = files.csv_text(rows, list(rows[0]) if rows else ["where"])
    else:
        raise UsageError(f"cannot write {path.suffix or 'a file without an ending'}", fix="Write to .csv or .jsonl")
    files.write(path, text)
    return len(rows)


def _short(text: str) -> str:
    text = " ".join(str(text).split())
    return text if len(text) <= _WIDEST else f"{text[: _WIDEST - 1]}…"
