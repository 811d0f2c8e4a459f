"""The contract, run over every application: those of the package, and three toys that live in a file of their own.

Each is trained once on its own demonstration data; then everything that the rest of the package takes for granted is
checked: the loss, the gradients, the round trips, the ways of disturbing and explaining, and every section of the card.
A new application is tested the day its file appears. The toys are there because they are unlike: boxes, sound of
varying length, and free text.
"""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from brevity import briefly
from torch import Tensor, nn

import sounding
from sounding import catalog
from sounding.architectures.folding import fuse_for_inference
from sounding.card.card import Card, Header, sections
from sounding.card.measuring import measure
from sounding.challenges.disturbances.attacks import pgd
from sounding.challenges.explanations.explanation import completeness_gap, methods
from sounding.contract.answers import Answer, transformed
from sounding.contract.evidence import Section
from sounding.contract.inputs import Attributable, Continuous, Corruptible, Discrete, Explainable, Perturbable
from sounding.contract.records import Example, Prediction
from sounding.contract.task import Task
from sounding.contract.tree import leaves, tree_map
from sounding.data import Dataset, open_data
from sounding.evaluation import evaluation
from sounding.evaluation.context import EvaluationContext
from sounding.machine.setting import Setting
from sounding.randomness import generator, stream
from sounding.training.loop import Budget, TrainResult, fit

SECTIONS = sections()

TOYS = Path(__file__).parent / "applications" / "toys"
APPLICATIONS = [*catalog.names(), *(str(TOYS / f"{name}.py") for name in ("boxfinder", "charlm", "tones"))]
STEPS = 150
ROWS = 16  # that are looked at where a few are enough
PASSES = 250  # for the Shapley values of each
SETTING = Setting(threads=1)


@dataclass(frozen=True)
class Trained:
    """An application, its demonstration data, and what a short training made of them."""

    task: Task
    data: Dataset
    fitted: TrainResult

    @property
    def model(self) -> nn.Module:
        return self.fitted.model

    @property
    def rows(self) -> list[Example]:
        return list(self.data.test[:ROWS])


def trained_on(task: Task, data: Dataset, steps: int, seed: int = 0) -> TrainResult:
    return fit(task, data.train, data.validation, budget=Budget(steps=steps), seed=seed, setting=SETTING)


def demonstration(name: str) -> tuple[Task, Dataset]:
    application = catalog.find(name)
    task = application(application.Recipe.make("tiny", {"validations": 3}))
    return task, open_data(task, task.demo(stream("contract"), 500))


@pytest.fixture(scope="module", params=APPLICATIONS, ids=lambda name: Path(name).stem)
def trained(request) -> Trained:
    task, data = demonstration(request.param)
    return Trained(task, data, trained_on(task, data, STEPS))


@pytest.fixture(scope="module", autouse=True)
def brief():
    """Every challenge looks at less than in its quick profile: here it matters that it runs, not what it finds."""
    with briefly():
        yield


@pytest.fixture(scope="module")
def card(trained) -> Card:
    data, fitted = trained.data, trained.fitted
    training = {**fitted.cost.to_json(), "steps": fitted.steps, "examples": fitted.examples, "history": fitted.history}
    context = EvaluationContext(trained.task, trained.model, data.train, data.validation, data.test, training=training)
    context.report = data.report.to_json()
    return measure(context, Header("toy", "in memory", "demo"))


def losses(task: Task, model: nn.Module, rows: Sequence[Example], targets: Sequence[Any] | None = None) -> Tensor:
    x = task.input.encode([row.input for row in rows])
    return task.loss(model, x, task.encode_targets([row.target for row in rows] if targets is None else targets))


def log_likelihoods(trained: Trained, inputs: Sequence[Any], answers: Sequence[Any]) -> np.ndarray:
    with torch.no_grad():
        return trained.task.log_likelihood(
            trained.model, trained.task.input.encode(inputs), trained.task.encode_targets(answers)
        ).numpy()


def predictions(task: Task, model: nn.Module, rows: Sequence[Example]) -> list[Prediction]:
    with torch.no_grad():
        return task.predict(model, [row.input for row in rows])


def distance(task: Task, a: Any, b: Any) -> float:
    """How far apart two inputs are: mean absolute difference of continuous ones, else the share of tokens edited, or of
    the entries of planes.
    """
    if isinstance(task.input, Continuous):
        return float((task.input.encode([a]) - task.input.encode([b])).abs().mean())
    first, second = (next(leaves(task.input.encode([value])))[0] for value in (a, b))
    if first.ndim > 1:
        return float((first != second).float().mean())
    return 1 - SequenceMatcher(None, first.tolist(), second.tolist(), autojunk=False).ratio()


def assert_valid(task: Task, x: Any) -> None:
    assert all(torch.isfinite(leaf).all() for leaf in leaves(x))
    if isinstance(task.input, Continuous):
        low, high = task.input.value_range
        assert low <= x.min()
        assert x.max() <= high


# ---- the file


def test_says_what_it_is_for(trained):
    assert catalog.summary(type(trained.task))


# ---- loss and gradients


@torch.no_grad()
def test_loss_is_one_finite_number_an_example_and_padding_does_not_change_it(trained):
    together = losses(trained.task, trained.model, trained.rows)
    alone = torch.cat([losses(trained.task, trained.model, [row]) for row in trained.rows])
    assert together.shape == (len(trained.rows),)
    assert torch.isfinite(together).all()
    torch.testing.assert_close(alone, together, rtol=1e-4, atol=1e-4)


def test_predictions_do_not_depend_on_the_batch(trained):
    together = predictions(trained.task, trained.model, trained.rows)
    for row, p in zip(trained.rows, together, strict=True):
        (alone,) = predictions(trained.task, trained.model, [row])
        assert_alike(trained.task, p, alone)


def assert_alike(task: Task, a: Prediction, b: Prediction) -> None:
    if a.confidence is None:
        assert b.confidence is None
    else:
        assert 0 <= a.confidence <= 1
        assert a.confidence == pytest.approx(b.confidence, abs=1e-4)
    assert type(a.value) is type(b.value)
    assert json.dumps(_rounded(task.target.to_json(a.value))) == json.dumps(_rounded(task.target.to_json(b.value)))


def _rounded(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_rounded(item) for item in value]
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    return round(value, 2) + 0.0 if isinstance(value, float) else value


def test_every_parameter_gets_a_gradient(trained):
    model = copy.deepcopy(trained.model).train().requires_grad_(True)
    losses(trained.task, model, list(trained.data.train[:64])).mean().backward()
    idle = [n for n, p in model.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert not idle


def test_eight_examples_can_be_learnt_by_heart(trained):
    task = type(trained.task)(replace(trained.task.recipe, batch=8, average=0.0))
    eight = list(trained.data.train[:8])
    task.fit(trained.data.train)
    torch.manual_seed(0)
    untrained = task.build().eval()
    learnt = fit(task, eight, [], budget=Budget(steps=STEPS), setting=SETTING).model
    with torch.no_grad():
        assert losses(task, learnt, eight).mean() < losses(task, untrained, eight).mean() / 3


def test_the_same_seed_gives_the_same_weights_bit_for_bit(trained):
    few = replace(trained.data, validation=trained.data.validation[:ROWS])
    first, second, other = (trained_on(trained.task, few, 3, seed).model.state_dict() for seed in (1, 1, 2))
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not all(torch.equal(first[name], other[name]) for name in first)


# ---- a prediction is a label that the model wrote


@torch.no_grad()
def test_predictions_can_be_fed_back_as_targets_and_suit_their_own_inputs(trained):
    inputs = [row.input for row in trained.rows]
    answers = [p.value for p in predictions(trained.task, trained.model, trained.rows)]
    found = losses(trained.task, trained.model, trained.rows, answers)
    assert found.shape == (len(inputs),)
    assert torch.isfinite(found).all()
    own, others = (
        log_likelihoods(trained, inputs, answers),
        log_likelihoods(trained, inputs, [*answers[1:], answers[0]]),
    )
    assert np.isfinite(own).all()
    assert own.mean() > others.mean()


def test_answers_can_be_shown_and_written(trained):
    target = trained.task.target
    for p in predictions(trained.task, trained.model, trained.rows[:4]):
        assert isinstance(target.describe(p.value), str)
        assert json.dumps(target.to_json(p.value))
        if isinstance(target, Answer):
            assert json.dumps(target.answers(p.value, p.confidence, p.scores))
            assert all(callable(make) for make in target.fields(p.value, p.scores).values())
        if target.classes is not None:
            assert p.value in target.classes
            assert p.scores is not None
            assert p.scores.shape == (len(target.classes),)


def test_a_task_that_was_written_down_and_read_again_predicts_the_same(trained):
    again = type(trained.task).restored(json.loads(json.dumps(trained.task.state())))
    model = again.build().eval().requires_grad_(False)  # kernels are chosen by it, and round differently
    model.load_state_dict(trained.model.state_dict())
    before, after = (predictions(t, m, trained.rows) for t, m in ((trained.task, trained.model), (again, model)))
    for a, b in zip(before, after, strict=True):
        assert evaluation.same(a, b)


def test_the_copy_that_answers_faster_answers_the_same(trained):
    fast = fuse_for_inference(trained.model)
    before, after = (predictions(trained.task, model, trained.rows) for model in (trained.model, fast))
    for a, b in zip(before, after, strict=True):
        assert_alike(trained.task, a, b)


# ---- the input: explained, disturbed, augmented


def test_keeping_all_parts_changes_nothing_and_keeping_none_destroys_the_answer(trained):
    task, rows = trained.task, trained.rows
    if not isinstance(task.input, Explainable):
        pytest.skip("this input falls into no segments")
    answers = [p.value for p in predictions(task, trained.model, rows)]
    values = [row.input for row in rows]
    counts = [task.input.segments(value) for value in values]
    assert len(set(task.input.baselines)) >= 2
    assert min(counts) >= 2
    for baseline in task.input.baselines:
        kept = [task.input.mask(v, np.ones(p, bool), baseline) for v, p in zip(values, counts, strict=True)]
        gone = [task.input.mask(v, np.zeros(p, bool), baseline) for v, p in zip(values, counts, strict=True)]
        assert all(evaluation.same(a, b) for a, b in zip(values, kept, strict=True))
        assert_valid(task, task.input.encode(gone))
        assert log_likelihoods(trained, gone, answers).mean() < log_likelihoods(trained, values, answers).mean()


def test_corruptions_grow_with_severity_and_stay_valid(trained):
    task, rows = trained.task, trained.rows
    if not isinstance(task.input, Corruptible):
        pytest.skip("this input knows no corruptions")
    moved = {}
    for name, corrupt in task.input.corruptions.items():
        moved[name] = []
        for severity in range(1, 6):
            found = [replace(r, input=corrupt(r.input, severity, stream("contract", i))) for i, r in enumerate(rows)]
            assert_valid(task, task.input.encode([row.input for row in found]))
            with torch.no_grad():
                assert torch.isfinite(losses(task, trained.model, found)).all()
            moved[name].append(np.mean([distance(task, a.input, b.input) for a, b in zip(rows, found)]))
    assert moved
    assert all(far[0] > 0 for far in moved.values())
    assert np.mean([far[-1] > far[0] for far in moved.values()]) > 0.8  # a few may saturate on small inputs
    assert (np.diff(np.mean(list(moved.values()), axis=0)) > 0).all()


def test_corruptions_draw_only_from_the_stream_they_are_given(trained):
    value, input = trained.rows[0].input, trained.task.input
    if not isinstance(input, Corruptible):
        pytest.skip("this input knows no corruptions")
    for corrupt in input.corruptions.values():
        first, second = (corrupt(value, 3, stream("contract", "twice")) for _ in range(2))
        assert evaluation.same(first, second)


def test_changes_of_known_effect_stay_valid_and_draw_only_from_their_stream(trained):
    task, rows = trained.task, trained.rows
    if not isinstance(task.input, Perturbable):
        pytest.skip("this input knows no changes of known effect")
    train = list(trained.data.train)
    changes = task.input.invariances([row.input for row in train], [row.target for row in train])
    assert changes
    for change in changes.values():
        first, second = ([change(row.input, stream("contract", i)) for i, row in enumerate(rows)] for _ in range(2))
        assert all(evaluation.same(a, b) for a, b in zip(first, second, strict=True))
        found = [(row.input, other) for row, other in zip(rows, first, strict=True) if other is not None]
        assert all(not evaluation.same(value, other) and task.input.difference(value, other) for value, other in found)
        if found:
            assert_valid(task, task.input.encode([other for _, other in found]))
    more = task.input.extended(rows[0].input, rows[1].input)
    assert task.input.length(more) >= task.input.length(rows[0].input)
    for behaviour in task.behaviours(train).values():
        first, second = ([behaviour.change(row, stream("contract", i)) for i, row in enumerate(rows)] for _ in range(2))
        for row, one, other in zip(rows, first, second, strict=True):
            assert (one is None) == (other is None)
            if one is not None:
                assert evaluation.same(one.value, other.value)
                assert not evaluation.same(one.value, row.input)
                assert isinstance(one.fault(row.target, row.target), str)


def test_continuous_inputs_come_back_from_their_tensors_and_discrete_ones_have_neighbours(trained):
    task = trained.task
    if isinstance(task.input, Continuous):
        assert task.input.threats
        x = task.input.encode([row.input for row in trained.rows])
        assert_valid(task, x)
        torch.testing.assert_close(task.input.encode(task.input.decode(x)), x, rtol=0, atol=1e-6)
    if isinstance(task.input, Discrete):
        value = trained.rows[0].input
        near = list(task.input.neighbours(value, stream("contract")))
        assert near
        assert all(0 < distance(task, value, other) < 0.5 for other in near)


def test_augmented_batches_are_valid_and_their_targets_follow(trained):
    task, rows = trained.task, list(trained.data.train[:ROWS])
    x = task.input.encode([row.input for row in rows])
    seen = tree_map(Tensor.clone, x)
    changed, change = task.augment(x, generator("contract"))
    again, _ = task.augment(x, generator("contract"))
    targets = transformed(task.target, [row.target for row in rows], change)
    with torch.no_grad():
        plain = losses(task, trained.model, rows)
        followed = task.loss(trained.model, changed, task.encode_targets(targets))
        strangers = task.loss(trained.model, changed, task.encode_targets([*targets[1:], targets[0]]))
    assert all(torch.equal(a, b) for a, b in zip(leaves(x), leaves(seen), strict=True))
    assert all(torch.equal(a, b) for a, b in zip(leaves(changed), leaves(again), strict=True))
    for before, after in zip(leaves(x), leaves(changed), strict=True):
        assert (before.shape, before.dtype) == (after.shape, after.dtype)
    assert_valid(task, changed)
    assert followed.shape == (len(rows),)
    assert torch.isfinite(followed).all()
    assert followed.mean() - plain.mean() < (strangers.mean() - plain.mean()) / 3


def test_attacks_change_an_input_only_where_it_is(trained):
    """An attacked input is as long as it was: padding, which is in the batch and not in the input, is left alone."""
    task, rows = trained.task, trained.rows
    if not isinstance(task.input, Continuous):
        pytest.skip("attacks edit discrete inputs one by one")
    shapes = [task.input.encode([row.input]).shape for row in rows]
    values, truths = [row.input for row in rows], [row.target for row in rows]
    found = pgd(task, trained.model, values, truths, task.input.threats[0], steps=3)
    assert [task.input.encode([value]).shape for value in found.values] == shapes


def test_explanations_find_the_parts_that_matter(trained):
    """What weighs most costs most when it is taken away, and integrated gradients add up to what all parts bring."""
    task, model, rows = trained.task, trained.model, trained.rows
    if not isinstance(task.input, Explainable):
        pytest.skip("this input falls into no segments")
    values = [row.input for row in rows]
    answers = [p.value for p in predictions(task, model, rows)]
    offered = methods(task, model)
    reached = isinstance(task.input, Continuous) or task.embedding_layer(model) is not None
    gradients = reached and isinstance(task.input, Attributable)
    slopes = {"gradient", "integrated_gradients"} if gradients else set()
    assert set(offered) - {"grad_cam"} == {"occlusion", "shapley"} | slopes
    for name, explain in offered.items():
        if name == "shapley":
            explain = partial(explain, passes=PASSES)
        maps = explain(task, model, values, answers, stream("contract"))
        assert [m.shape for m in maps] == [(task.input.segments(value),) for value in values]
        assert all(np.isfinite(m).all() and np.abs(m).max() > 0 for m in maps)
        if name == "integrated_gradients":
            assert np.median(completeness_gap(task, model, values, answers, maps)) < 0.1
        if name not in ("gradient", "grad_cam"):  # a slope alone promises nothing of the kind
            most, least = (
                _without(trained, values, answers, [pick(m) for m in maps]) for pick in (np.argmax, np.argmin)
            )
            assert most < least, name


def _without(trained: Trained, values: Sequence[Any], answers: Sequence[Any], parts: Sequence[int]) -> float:
    """Mean support that is left without one part of each value, over all baselines."""
    task, left = trained.task, []
    for baseline in task.input.baselines:
        masks = [np.arange(task.input.segments(v)) != part for v, part in zip(values, parts, strict=True)]
        kept = [task.input.mask(v, mask, baseline) for v, mask in zip(values, masks, strict=True)]
        left.append(log_likelihoods(trained, kept, answers).mean())
    return float(np.mean(left))


# ---- what training gives


def test_training_beats_the_trivial_baseline_and_an_untrained_model(trained):
    task, test = trained.task, trained.data.test
    records = evaluation.evaluate_rows(task, trained.model, test)
    typical = evaluation.baseline(task, [row.target for row in trained.data.train], records)
    torch.manual_seed(1)
    untrained = evaluation.evaluate_rows(task, task.build(), test)
    compared = 0
    for metric in task.row_metrics:
        sign = 1 if metric.higher_is_better else -1
        rivals = [metric.value(typical), metric.value(untrained)]
        compared += math.isfinite(rivals[0])
        assert all(sign * metric.value(records) > sign * rival for rival in rivals if math.isfinite(rival)), metric.name
    assert compared


def test_metrics_have_intervals(trained):
    records = evaluation.evaluate_rows(trained.task, trained.model, trained.data.test)
    found = evaluation.measure(trained.task, records, resamples=200, metrics=trained.task.row_metrics)
    headline, *others = trained.task.row_metrics
    telling = [metric.name for metric in others if math.isfinite(metric.value(records))]
    assert list(found) == [headline.name, *telling]
    for metric in (headline, *(other for other in others if other.name in telling)):
        estimate = found[metric.name]
        assert estimate.low <= estimate.value <= estimate.high
        stats = metric.statistics(records)  # a proportion is of the rows that it counts, anything else of all groups
        groups = {record.group or str(number) for number, record in enumerate(records)}
        alone = metric.proportion and not any(record.group for record in records)
        assert estimate.n == (np.isfinite(stats).sum() if alone else len(groups))


# ---- the card


@pytest.mark.parametrize("id", SECTIONS)
def test_each_section_is_measured_or_says_why_not(card, id):
    section = card[id]
    assert section.title == SECTIONS[id]
    assert not section.failed, section.reason
    if section.status == "ok":
        assert section.sentence
        assert section.numbers
        assert_honest(section)
    else:
        assert section.reason


def assert_honest(section: Section) -> None:
    for number in section.numbers:
        estimate = number.estimate
        assert number.definition, number.id
        assert math.isfinite(estimate.value), number.id
        if estimate.low is not None and estimate.high is not None:
            assert estimate.low <= estimate.value <= estimate.high, number.id
            assert estimate.interval != "none", number.id
    ids = [number.id for number in section.numbers]
    assert len(set(ids)) == len(ids)


def test_what_applies_to_every_model_with_a_demonstration_is_measured(trained, card):
    measured = [section.id for section in card if section.status == "ok"]
    always = {"use", "data", "quality", "interpretability", "robustness", "energy", "method"}
    assert always <= set(measured)
    assert ("calibration" in measured) == (trained.task.row_metrics[0].hit is not None)
    assert card.exit_status == 0


def test_the_first_number_of_quality_is_the_headline(trained, card):
    assert card.headline.name == leading(trained)


def leading(trained) -> str:
    """What a card tells first: the first metric that leads, as error rates at the threshold in use do, or the first."""
    metrics = trained.task.metrics
    return next((metric.name for metric in metrics if metric.leads), metrics[0].name)


def test_attacks_and_corruptions_are_both_in_the_section_on_robustness(card):
    numbers = card["robustness"].numbers
    assert any(number.kind == "bound" and number.id.startswith("attack") for number in numbers)
    assert any(number.kind == "measured" for number in numbers)


def test_the_card_can_be_written_and_read(trained, card, tmp_path):
    card.save(tmp_path)
    written = json.loads((tmp_path / "card.json").read_text())
    assert [section["id"] for section in written["sections"]] == list(SECTIONS)
    assert written["sections"][2]["numbers"][0]["name"] == leading(trained)
    assert Card.load(tmp_path).to_json()["sections"] == card.to_json()["sections"] == written["sections"]
    assert card.html().lstrip().lower().startswith("<!doctype html")
    assert card.headline.name.casefold() in card.markdown().casefold()


# ---- the public door


@pytest.mark.parametrize("name", [name for name in APPLICATIONS if catalog.is_path(name)], ids=lambda n: Path(n).stem)
def test_an_application_in_a_file_goes_through_the_public_door(name, tmp_path):
    trained = sounding.train(name, "demo", steps=20, size="tiny", out=tmp_path / "run", card=None, validations=1)
    model = sounding.load(trained.dir)
    inputs = [row.input for row in model.dataset().test[:2]]
    for before, after in zip(trained(inputs), model(inputs), strict=True):
        assert_alike(model.task, before.prediction, after.prediction)
    assert list(model.evaluate()) == [metric.name for metric in model.task.metrics]
    card = model.card("quick")
    assert [section.id for section in card] == list(SECTIONS)
    assert (model.dir / "card.html").stat().st_size > 0
    assert len((model.dir / "predictions.jsonl").read_text().splitlines()) == len(model.dataset().test)
