"""The section on quality agrees with scikit-learn and with arithmetic, and says what a model without eyes would get."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from challenges import toys
from sklearn.metrics import accuracy_score, f1_score
from torch import Tensor, nn

from sounding.challenges import quality
from sounding.contract.evidence import Figure
from sounding.contract.metrics import Metric, accuracy, macro_f1, mean_loss
from sounding.contract.modality import Modality
from sounding.contract.records import Example, Prediction, Record
from sounding.contract.task import Task
from sounding.evaluation.context import EvaluationContext
from sounding.modalities.category import Category


class Value(Modality):
    """A number."""

    def read(self, cell: Any, root: Any = None) -> float:
        return float(cell)

    def encode(self, values: Sequence[float]) -> Tensor:
        return torch.tensor(values, dtype=torch.float32)


class Side(Task):
    """Says "low" or "high" of a number: always right about the number, and wrong about as many labels as are wrong."""

    def modalities(self) -> tuple[Modality, Modality]:
        return Value(), Category()

    @property
    def metrics(self) -> Sequence[Metric]:
        return accuracy(), macro_f1(self.target.classes)

    def build(self) -> nn.Module:
        return nn.Linear(1, 1)

    def encode_targets(self, values: Sequence[str]) -> Tensor:
        return torch.tensor([value == "high" for value in values])

    def loss(self, model: nn.Module, x: Tensor, y: Tensor) -> Tensor:
        right = (x > 0) == y
        return torch.where(right, -math.log(0.9), -math.log(0.1))

    def predict(self, model: nn.Module, inputs: Sequence[Any]) -> list[Prediction]:
        return [Prediction("high" if v > 0 else "low", 0.9, np.array([0.9, 0.1])) for v in inputs]

    def demo(self, rng: np.random.Generator, n: int) -> list[Example]:
        raise NotImplementedError


def context(n: int = 300, wrong: float = 0.15, task: type[Task] = Side, **more: Any) -> EvaluationContext:
    rng = np.random.default_rng(3)

    def rows(count: int) -> list[Example]:
        values = rng.normal(0.4, 1, count)
        flipped = rng.random(count) < wrong
        return [Example(v, "high" if (v > 0) != f else "low") for v, f in zip(values, flipped, strict=True)]

    made = task()
    train, validation, test = rows(200), rows(50), rows(n)
    made.fit(train)
    return EvaluationContext(made, made.build(), train, validation, test, **more)


def truths(s: EvaluationContext) -> tuple[list[str], list[str]]:
    return [r.truth for r in s.records], [r.value for r in s.records]


def test_metrics_agree_with_scikit_learn_and_the_headline_is_first():
    s = context()
    found = toys.measured(quality, s)
    truth, answer = truths(s)
    assert found.numbers[0].id == "accuracy"
    assert found["accuracy"].value == pytest.approx(accuracy_score(truth, answer))
    assert found["macro_f1"].value == pytest.approx(f1_score(truth, answer, average="macro"))
    assert found["loss"].value == pytest.approx(np.mean([r.loss for r in s.records]))
    for number in found.numbers:
        e = number.estimate
        assert e.low <= e.value <= e.high
        assert (e.n, number.kind, number.seed) == (300, "measured", 0)
        assert number.definition
        assert number.seconds >= 0


def test_the_baseline_is_the_commonest_answer_of_the_training_rows():
    s = context()
    found = toys.measured(quality, s)
    truth, _ = truths(s)
    commonest = max(("low", "high"), key=[e.target for e in s.train].count)
    share = truth.count(commonest) / len(truth)
    assert found["baseline"].value == pytest.approx(share)
    assert found["gain"].value == pytest.approx(found["accuracy"].value - share)
    assert found["gain"].interval == "paired bootstrap"
    assert found["gain"].low > 0
    said = f"Accuracy is {found['accuracy']} on 300 test rows; always answering ‘{commonest}’ would give {share:.3f}."
    assert found.sentence == said
    assert "notes" not in found.details, "that one run tells nothing of others stands in the section on seeds"


class Noted(Side):
    """Has a note of its own, and a metric of which no row says anything."""

    @property
    def metrics(self) -> Sequence[Metric]:
        return accuracy(), Metric("never", lambda r: [0.0], lambda found: math.nan, "nothing", needs="a wonder")

    def details(self, records: Sequence[Record]) -> dict[str, Any]:
        return {"notes": ["Three answers are empty."]}


def test_notes_of_the_task_stand_beside_those_on_metrics_that_are_left_out():
    first, second = toys.measured(quality, context(task=Noted)).details["notes"]
    assert first == "Three answers are empty."
    assert second.startswith("never is left out")


def test_a_model_that_is_no_better_than_nothing_is_said_to_be_no_better():
    found = toys.measured(quality, context(wrong=0.5))
    assert found["gain"].low < 0 < found["gain"].high
    assert "not clearly better" in found.sentence


class Compared(Side):
    """Beside a simple model that learns one number, the middle of its training rows, and one that knows the truth."""

    def baselines(self, train: Sequence[Example], examples: Sequence[Example]) -> dict[str, list[Record]]:
        middle = float(np.mean([example.input for example in train]))
        answers = ["high" if example.input > middle else "low" for example in examples]
        guessed = [Record(answer, e.target, 0.9, 0.1) for answer, e in zip(answers, examples, strict=True)]
        return {"a threshold": guessed, "an oracle": [Record(e.target, e.target, 1.0, 0.0) for e in examples]}


def test_simple_models_stand_beside_the_trained_one_with_the_paired_gain():
    s = context(task=Compared)
    found = toys.measured(quality, s)
    middle = np.mean([example.input for example in s.train])
    share = np.mean([("high" if e.input > middle else "low") == e.target for e in s.test])
    assert found["baseline_a_threshold"].value == pytest.approx(share)
    gain = found["gain_over_a_threshold"]
    assert gain.value == pytest.approx(found["accuracy"].value - share)
    assert gain.low < gain.value < gain.high
    assert f"A threshold gives {share:.3f}: the model gains {gain.value:+.3f} [{gain.low:+.3f}, " in found.sentence
    assert found["gain_over_an_oracle"].high < 0
    assert found.sentence.endswith(", which is worse.")
    assert s.baselines is s.baselines, "simple models are fitted once for a card"


class Perplexed(Side):
    """The same, judged by its loss: less is better, and it is the headline."""

    @property
    def metrics(self) -> Sequence[Metric]:
        return (replace(mean_loss(), name="loss per row"), accuracy())


def test_where_less_is_better_the_gain_is_still_above_zero():
    found = toys.measured(quality, context(task=Perplexed))
    assert found["baseline"].value > found["loss_per_row"].value
    assert found["gain"].value == pytest.approx(found["baseline"].value - found["loss_per_row"].value)
    assert "nats" in found.sentence


class Led(Side):
    """Judged by accuracy, of which a metric that leads tells what it hides."""

    @property
    def metrics(self) -> Sequence[Metric]:
        return (accuracy(), replace(accuracy(), name="sharpness", leads=True))


def test_a_metric_that_leads_is_the_first_number_and_the_first_word():
    found = toys.measured(quality, context(task=Led))
    assert [number.name for number in found.numbers[:2]] == ["sharpness", "accuracy"]
    assert found.sentence.startswith("sharpness is ")
    assert "baseline" in [number.id for number in found.numbers]


class Nll(Side):
    @property
    def metrics(self) -> Sequence[Metric]:
        return accuracy(), mean_loss()


def test_a_loss_that_is_a_metric_is_not_said_twice():
    assert [n.id for n in toys.measured(quality, context(task=Nll)).numbers] == ["accuracy", "nll", "baseline", "gain"]


def test_every_class_has_its_row_and_its_interval():
    s = context()
    rows = {row["class"]: row for row in toys.measured(quality, s).details["by_class"]}
    truth, answer = truths(s)
    for name in ("low", "high"):
        of = [a == t for a, t in zip(answer, truth, strict=True) if t == name]
        assert rows[name]["n"] == len(of)
        assert rows[name]["accuracy"]["value"] == pytest.approx(np.mean(of))
        assert rows[name]["accuracy"]["low"] < np.mean(of) < rows[name]["accuracy"]["high"]


def test_the_most_confused_pairs_are_counted():
    s = context()
    pairs = toys.measured(quality, s).details["most_often_confused"]
    wrong = [(r.truth, r.value) for r in s.records if r.truth != r.value]
    assert {(p["truth"], p["answer"]): p["rows"] for p in pairs} == {pair: wrong.count(pair) for pair in set(wrong)}
    assert pairs[0]["rows"] >= pairs[-1]["rows"]


def test_a_truth_that_no_training_row_had_is_shown():
    s = context(n=40)
    s.test = [*s.test, Example(1.0, "sideways")]
    found = toys.measured(quality, s)
    assert "sideways" in [row["class"] for row in found.details["by_class"]]
    assert any(pair["truth"] == "sideways" for pair in found.details["most_often_confused"])
    assert "sideways" in found.figures[0].svg


def test_groups_have_rows_and_make_the_interval_a_clustered_one():
    s = context()
    s.test = [replace(e, group=f"speaker {i % 12}") for i, e in enumerate(s.test)]
    found = toys.measured(quality, s)
    assert len(found.details["by_group"]) == 12
    assert found["accuracy"].n == 12
    assert "clustered" in found["accuracy"].interval
    assert "on 300 test rows" in found.sentence


def test_pictures_of_confusion_and_of_the_training():
    history = [{"step": i, "training_loss": 1 / i, "validation_loss": 1.2 / i, "accuracy": 0.5} for i in range(1, 6)]
    shown = ["quality_confusion", "quality_worst", "quality_typical", "quality_best"]
    found = toys.measured(quality, context(training={"history": history}))
    assert [f.id for f in found.figures] == [*shown, "quality_training"]
    assert [f.id for f in toys.measured(quality, context(training={"seconds": 3})).figures] == shown


class Plotting(Side):
    """A task with plots, tables and an order of its own."""

    @property
    def ranking(self) -> Metric:
        return Metric("confidence", lambda record: record.confidence, np.mean, "how sure the answer is")

    def figures(self, records: Sequence[Record]) -> Sequence[Figure]:
        return [Figure("quality_mine", f"of {len(records)}", "<svg/>")]

    def details(self, records: Sequence[Record]) -> dict[str, Any]:
        return {"mine": [{"rows": len(records)}]}


def test_a_task_brings_plots_tables_and_an_order_of_rows():
    found = toys.measured(quality, context(task=Plotting))
    figures = {f.id: f.caption for f in found.figures}
    assert figures["quality_mine"] == "of 300"
    assert "by confidence (how sure the answer is)" in figures["quality_worst"]
    assert found.details["mine"] == [{"rows": 300}]
    assert "by_class" in found.details


class Open(Side):
    """Answers that are no finite list: no classes, no confusion, and no loss of a constant answer."""

    class Any(Category):
        def fit(self, values: Any) -> None:
            self.classes = None

    def modalities(self) -> tuple[Modality, Modality]:
        return Value(), Open.Any()

    @property
    def metrics(self) -> Sequence[Metric]:
        return (accuracy(),)


def test_open_answers_have_neither_classes_nor_confusion():
    found = toys.measured(quality, context(task=Open))
    assert not any(figure.id == "quality_confusion" for figure in found.figures)
    assert not found.details
    assert "always answering" in found.sentence


class OpenLoss(Open):
    @property
    def metrics(self) -> Sequence[Metric]:
        return (mean_loss(),)


def test_where_a_constant_answer_cannot_be_judged_nothing_is_made_up():
    found = toys.measured(quality, context(task=OpenLoss))
    assert [n.id for n in found.numbers] == ["nll"]
    assert "always" not in found.sentence


def test_long_answers_are_cut_in_the_sentence():
    s = context(task=Open)
    s.train = [Example(0.0, "word " * 100)]
    assert len(toys.measured(quality, s).sentence) < 250


def test_without_test_rows_the_section_says_why_it_is_empty():
    s = context()
    s.test = []
    found = toys.measured(quality, s)
    assert (found.status, found.numbers) == ("skipped", ())
    assert "no test rows" in found.reason


def test_records_are_made_once(monkeypatch):
    s = context()
    calls: list[int] = []
    monkeypatch.setattr(Side, "evaluate_rows", lambda *a, real=Task.evaluate_rows: calls.append(1) or real(*a))
    toys.measured(quality, s)
    toys.measured(quality, s)
    assert calls == [1]
    assert isinstance(s.records[0], Record)
