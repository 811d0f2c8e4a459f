"""What a training promises, on a task that takes a second."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from contract.dots import Dots, Numbers
from torch import nn

from sounding.contract.records import Example
from sounding.contract.task import built
from sounding.contract.task_wrapper import TaskWrapper
from sounding.errors import TrainingError
from sounding.evaluation.evaluation import evaluate_rows
from sounding.machine.setting import Setting
from sounding.randomness import stream
from sounding.training import loop, validation
from sounding.training.adamw import AdamW
from sounding.training.checkpointer import Checkpointer
from sounding.training.loop import Budget, fit
from sounding.training.optimization import Average, clip_gradients, learning_rate
from sounding.training.progress import Reporter
from sounding.training.train_state import TrainState

SETTING = Setting(threads=1)


class Listener(Reporter):
    def __init__(self) -> None:
        self.rows, self.messages, self.standings = [], [], []

    def stepped(self, standing):
        self.standings.append(standing)

    def validated(self, row):
        self.rows.append(row)

    def say(self, message):
        self.messages.append(message)


def rows(n: int, purpose: str) -> list[Example]:
    return Dots().demo(stream(purpose), n)


def trained(recipe: Numbers | None = None, budget: Budget | None = None, **options):
    task = Dots(recipe)
    task.fit(rows(300, "train"))
    options.setdefault("validation", rows(100, "validation"))
    validation = options.pop("validation")
    return fit(task, rows(300, "train"), validation, budget=budget or Budget(steps=200), setting=SETTING, **options)


def weights(fitted) -> torch.Tensor:
    return torch.cat([p.flatten() for p in fitted.model.parameters()])


def test_it_learns():
    listener = Listener()
    fitted = trained(reporter=listener)
    assert listener.rows[-1]["accuracy"] > 0.9
    assert listener.standings[-1].loss < listener.standings[0].loss / 2
    assert len(fitted.history) == Numbers().validations
    assert fitted.cost.cpu_seconds > 0


def test_an_application_may_call_numpy_on_what_is_computed_in_bf16():
    task = Dots()  # its `predict` does
    task.fit(rows(50, "train"))
    records = evaluate_rows(task, built(task).eval(), rows(20, "test"), Setting(precision="bf16"))
    assert len(records) == 20
    assert np.isfinite([record.loss for record in records]).all()


def test_outputs_of_every_shape_are_widened():
    class Many(nn.Module):
        def forward(self, x):
            return {"a": x.bfloat16(), "b": [x.half(), x.long()]}, x.double()

    task = Dots()
    task.build = Many
    (one, two), whole = built(task)(torch.ones(2))[0].values(), built(task)(torch.ones(2))[1]
    assert [one.dtype, two[0].dtype, two[1].dtype, whole.dtype] == [
        torch.float32,
        torch.float32,
        torch.int64,
        torch.float64,
    ]


def test_the_seed_decides_everything_and_the_process_nothing():
    torch.manual_seed(1)
    a = weights(trained(seed=4))
    torch.manual_seed(2)
    np.random.seed(2)
    assert torch.equal(a, weights(trained(seed=4)))
    assert not torch.equal(a, weights(trained(seed=5)))


@pytest.mark.parametrize(
    ("budget", "steps"), [(Budget(steps=37), 37), (Budget(epochs=2), 2 * (300 // 16)), (Budget(epochs=0.5), 9)]
)
def test_a_budget_of_steps_or_epochs_is_kept(budget, steps):
    assert trained(budget=budget).steps == steps


class Ticking:
    """A clock of which each look takes 20 ms: no load of the machine changes what fits into a time."""

    now = 0.0

    def monotonic(self) -> float:
        self.now += 0.02
        return self.now


def test_a_budget_of_seconds_is_kept(monkeypatch):
    monkeypatch.setattr(loop, "time", Ticking())
    fitted = trained(budget=Budget(seconds=1.5))
    assert fitted.steps in (75, 76)
    assert fitted.history[-1]["learning_rate"] < 0.01 * Numbers().lr, "the schedule did not come to its end"


def test_accumulating_gradients_changes_only_the_rounding():
    # Without dropout and batch statistics, a batch in four slices gives the gradient of the batch.
    class Plain(Dots):
        def build(self):
            return torch.nn.Linear(4, 2)

    def run(accumulate: int) -> torch.Tensor:
        task = Plain(Numbers(accumulate=accumulate))
        task.fit(rows(300, "train"))
        return weights(fit(task, rows(300, "train"), rows(50, "v"), budget=Budget(steps=50), setting=SETTING))

    assert torch.allclose(run(1), run(4), atol=1e-5)


def test_the_best_on_validation_is_what_comes_back():
    class Remembering(Checkpointer):
        kept = ()

        def keep_best(self, state):
            super().keep_best(state)
            self.kept = (*self.kept, state.counters.best)

    checkpointer = Remembering()
    fitted = trained(checkpointer=checkpointer)
    seen = [row["accuracy"] for row in fitted.history]
    assert checkpointer.kept[-1] == max(seen)
    assert all(torch.equal(t, checkpointer.best()[name]) for name, t in fitted.model.state_dict().items())


def test_between_equally_accurate_weights_those_of_lower_loss_are_kept():
    far = [Example(e.input * 4, e.target) for e in rows(100, "validation")]  # so easy that accuracy is soon 1
    fitted = trained(validation=far)
    best = max(row["accuracy"] for row in fitted.history)
    equals = [row["validation_loss"] for row in fitted.history if row["accuracy"] == best]
    task = Dots()
    task.fit(rows(300, "train"))
    records = evaluate_rows(task, fitted.model, far)
    assert len(equals) > 3
    assert np.mean([r.loss for r in records]) == pytest.approx(min(equals), rel=1e-5)


class Severe(Dots):
    """Dots whose training is told that every answer is wrong."""

    def validate(self, model, examples):
        return [replace(record, truth=None) for record in self.evaluate(model, examples)]


@pytest.mark.parametrize("wrap", [lambda task: task, TaskWrapper])
def test_a_training_is_steered_by_the_records_that_the_task_validates(wrap):
    task = Severe(Numbers(validations=2))
    task.fit(rows(300, "train"))
    fitted = fit(wrap(task), rows(300, "train"), rows(100, "validation"), budget=Budget(steps=40), setting=SETTING)
    assert [row["accuracy"] for row in fitted.history] == [0.0, 0.0]


def test_it_stops_early_when_validation_no_longer_improves():
    fitted = trained(Numbers(patience=3, validations=200), budget=Budget(steps=2000))
    assert fitted.steps < 2000
    best = max(row["accuracy"] for row in fitted.history)
    assert max(row["accuracy"] for row in fitted.history[-3:]) <= best


def test_without_validation_rows_the_last_weights_are_the_best():
    fitted = trained(validation=[])
    assert math.isnan(fitted.history[-1]["accuracy"])
    assert fitted.steps == 200


def test_divergence_goes_back_and_says_so():
    listener = Listener()
    fitted = trained(Numbers(optimizer="sgd", lr=1e3, clip=0.0), reporter=listener)
    assert listener.messages
    assert "went back to step" in listener.messages[0]
    assert torch.isfinite(weights(fitted)).all()
    assert fitted.history[-1]["accuracy"] > 0.8


def test_a_loss_that_is_never_finite_ends_with_an_error():
    class Broken(Dots):
        def loss(self, model, x, y):
            return super().loss(model, x, y) * math.nan

    task = Broken()
    task.fit(rows(300, "train"))
    with pytest.raises(TrainingError, match=r"diverged .* not finite.*--set lr="):
        fit(task, rows(300, "train"), rows(50, "v"), budget=Budget(steps=50), setting=SETTING)


def test_the_learning_rate_rises_and_falls():
    recipe = replace(Numbers(), lr=1.0, warmup=0.25)
    rates = [learning_rate(recipe, p) for p in np.linspace(0, 1, 41)]
    assert rates.index(max(rates)) == 10
    assert rates[0] < 0.01
    assert rates[-1] < 1e-9
    assert all(a > b for a, b in pairwise(rates[10:]))


def test_the_average_is_the_exponential_average():
    model = torch.nn.Linear(1, 1, bias=False)
    average, expected = Average(model, 0.9), model.weight.item()
    for step, value in enumerate([1.0, 5.0, 2.0]):
        model.weight.data.fill_(value)
        average.update(step)
        decay = min(0.9, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * value
    assert average.model.weight.item() == pytest.approx(expected)


def test_without_a_decay_the_average_is_the_model_itself():
    model = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    average = Average(model, 0.0)
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    model(torch.randn(8, 2)).square().sum().backward()
    optimizer.step()
    average.update(0)
    assert not average.model.training
    assert not any(p.requires_grad for p in average.model.parameters())
    for name, tensor in average.model.state_dict().items():
        assert torch.equal(tensor, model.state_dict()[name])
    x = torch.randn(3, 2)
    assert torch.equal(average.model(x), model.eval()(x))


@pytest.mark.parametrize("most", [0.5, 1e6])
def test_gradients_are_clipped_as_torch_does(most):
    mine, theirs = (nn.Linear(5, 3) for _ in range(2))
    theirs.load_state_dict(mine.state_dict())
    x = torch.randn(4, 5)
    for layer in (mine, theirs):
        layer(x).square().sum().backward()
    frozen = nn.Linear(2, 2)
    norm = clip_gradients([*frozen.parameters(), *mine.parameters()], most)
    assert norm == pytest.approx(float(nn.utils.clip_grad_norm_(theirs.parameters(), most)))
    torch.testing.assert_close(mine.weight.grad, theirs.weight.grad)
    assert clip_gradients(list(frozen.parameters()), most) == 0.0


def test_adamw_is_torchs_to_the_bit_also_where_some_have_no_gradient_and_after_it_came_back():
    mine, theirs = (nn.ModuleList([nn.Linear(3, 3), nn.Linear(3, 2)]) for _ in range(2))
    theirs.load_state_dict(mine.state_dict())

    def groups(model):
        return [{"params": list(model[0].parameters()), "weight_decay": 0.1}, {"params": list(model[1].parameters())}]

    one, other = AdamW(groups(mine)), torch.optim.AdamW(groups(theirs), fused=True)
    for step in range(6):
        x = torch.randn(4, 3, generator=torch.Generator().manual_seed(step))
        for model, taker in ((mine, one), (theirs, other)):
            taker.param_groups[0]["lr"] = 1e-2 / (1 + step)
            hidden = model[0](x)
            (hidden if step == 2 else model[1](hidden)).square().sum().backward()  # then the head has no gradient
            taker.step()
            taker.zero_grad()
        if step == 3:
            again = AdamW(groups(mine))
            again.load_state_dict(one.state_dict())
            one = again
    for p, q in zip(mine.parameters(), theirs.parameters(), strict=True):
        assert torch.equal(p, q)


def test_until_stops_at_the_first_validation_that_is_good_enough():
    fitted = trained(budget=Budget(steps=400, until=0.85))
    scores = [row["accuracy"] for row in fitted.history]
    assert fitted.reached
    assert fitted.steps < 400
    assert scores[-1] >= 0.85
    assert all(score < 0.85 for score in scores[:-1])


def test_until_that_is_out_of_reach_is_said_not_to_be_reached():
    fitted = trained(budget=Budget(steps=60, until=1.5))
    assert fitted.steps == 60
    assert not fitted.reached


def test_a_training_may_begin_with_given_weights():
    first = trained().model.state_dict()
    short = Budget(steps=1)
    task = Dots()
    task.fit(rows(40, "weights"))
    model = task.build()
    model.load_state_dict(first)
    begun, fresh = trained(Numbers(lr=1e-9), short, model=model), trained(Numbers(lr=1e-9), short)
    name = "0.weight"
    assert torch.allclose(begun.model.state_dict()[name], first[name], atol=1e-6)
    assert not torch.allclose(fresh.model.state_dict()[name], first[name], atol=1e-2)


def test_a_trial_passes_through_the_net_once_for_loss_and_answer():
    task, some = Dots(), rows(40, "trials")
    task.fit(some)
    model, calls = task.build(), []
    model[0].register_forward_hook(lambda *_: calls.append(1))
    records = evaluate_rows(task, model, some)
    assert len(calls) == math.ceil(40 / task.recipe.batch)
    with torch.no_grad():
        model.eval()
        confidences = [p.confidence for p in task.predict(model, [e.input for e in some])]
    assert [r.confidence for r in records] == pytest.approx(confidences)


@pytest.mark.parametrize(("cost", "answered"), [(0.0, 200), (1.0, 50)])
def test_a_search_on_validation_rows_takes_a_small_part_of_the_training(monkeypatch, cost, answered):
    """Answers that cost `cost` seconds each, by a clock that knows of nothing else, after half a second of training."""
    clock, asked = [0.0], []
    predict = Dots.predict

    def searching(self, model, inputs):
        clock[0] += cost * len(inputs)
        asked.append(len(inputs))
        return predict(self, model, inputs)

    monkeypatch.setattr(Dots, "predict", searching)
    monkeypatch.setattr(validation.time, "monotonic", lambda: clock[0])
    task = Dots(Numbers(select="loss"))
    task.fit(rows(60, "train"))
    state = TrainState(task, 0, SETTING, task.build())
    state.counters.progress, state.counters.seconds = 1.0, 0.5
    value, loss = validation.validation_scores(state, rows(200, "validation"), asked=False)
    assert sum(asked) == answered
    assert 0 <= value <= 1
    assert math.isfinite(loss)
