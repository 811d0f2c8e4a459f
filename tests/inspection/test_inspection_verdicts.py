"""Nets that are known to be ill get the right verdict, and those that learn get none."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from sick import Sequence, broken, dead, growing, net, pictures, saturated, train, vanishing
from torch import nn

from sounding import catalog
from sounding.architectures.activations import ACTIVATIONS
from sounding.architectures.mlp import MLP
from sounding.inspection import inspect, table
from sounding.inspection.verdicts import times
from sounding.machine.setting import Setting
from sounding.randomness import stream
from sounding.training.train_state import TrainState

TOYS = Path(__file__).parents[1] / "applications" / "toys"


def verdicts(inspection):
    return [finding.ailment for finding in inspection.findings]


# ---- ill


def test_thirty_sigmoids_vanish():
    seen = inspect(*net(vanishing))
    assert seen.verdict == "vanishing"
    finding = seen.findings[0]
    assert finding.layers[0] == "body.0"
    assert "head" not in finding.layers
    assert "from head (Linear) back to body.0 (Linear)" in finding.found
    assert "relu or gelu" in finding.fix


def test_a_relu_that_never_fires_is_dead_and_named():
    seen = inspect(*net(dead))
    assert seen.verdict == "dead"
    assert seen.findings[0].layers[0] == "body.3"
    assert "100 % of the units of body.3 (ReLU)" in seen.findings[0].found
    assert any(line.endswith("dead") and "body.3" in line for line in table(seen))
    assert not any(line.endswith("dead") and "body.1" in line for line in table(seen))


def test_a_tanh_at_its_ends_is_saturated_and_named():
    seen = inspect(*net(saturated))
    assert seen.verdict == "saturated"
    assert seen.findings[0].layers == ("body.3",)


def test_gradients_that_grow_explode():
    task, model, rows = net(growing)
    seen = inspect(task, model, rows)
    assert seen.verdict == "exploding"
    assert any("gradients grow" in finding.found for finding in seen.findings)
    assert any("activations spread" in finding.found for finding in seen.findings)


@pytest.mark.parametrize(
    ("act", "optimizer", "layers"), [("relu", "adamw", 4), ("tanh", "adamw", 4), ("relu", "muon", 3)]
)
def test_a_thousand_times_the_learning_rate_explodes_at_the_first_step_and_after_some(act, optimizer, layers):
    """Muon's steps are a fifth of AdamW's first, so that the first layer, of few inputs and large weights, bears it."""
    task, model, rows = net(lambda: MLP(4, 2, [64] * 3, act=act), lr=3.0, optimizer=optimizer)
    seen = inspect(task, model, rows)
    assert seen.verdict == "exploding"
    assert "one step" in seen.findings[0].found
    assert len(seen.findings[0].layers) == layers
    better = float(seen.findings[0].fix.split("lr=")[1])
    assert 1e-4 < better < 3e-2
    state = TrainState(task, 0, Setting())
    train(state, rows, 20)
    after = inspect(task, state.model, rows)
    assert after.verdict != "healthy"
    if act == "relu":
        assert after.verdict == "exploding"
        assert "activations" in after.findings[0].found


def test_weights_that_are_not_numbers_name_the_first_layer():
    seen = inspect(*net(broken))
    assert seen.verdict == "not finite"
    assert verdicts(seen) == ["not finite"]
    assert seen.findings[0].layers[0] == "body.2"
    assert "the weights of body.2 (Linear) are not finite" in seen.findings[0].found


def test_an_input_that_overflows_names_the_first_output():
    task, model, rows = net(lambda: MLP(4, 2, [8]))
    model.body[0].weight.data *= 1e38
    seen = inspect(task, model, rows)
    assert seen.verdict == "not finite"
    assert "the outputs of body.0" in seen.findings[0].found


def test_a_loss_that_fails_on_nan_still_gives_a_verdict():
    class Strict(nn.Module):
        def __init__(self):
            super().__init__()
            self.only = nn.Linear(4, 2)

        def forward(self, x):
            y = self.only(x)
            if not y.isfinite().all():
                raise ValueError("not finite")
            return y

    task, model, rows = net(Strict)
    model.only.weight.data[0, 0] = float("nan")
    assert inspect(task, model, rows).verdict == "not finite"
    model.only.weight.data[0, 0] = 0.0
    assert inspect(task, model, rows).verdict == "healthy"


# ---- well


@pytest.mark.parametrize("act", [name for name in ACTIVATIONS if name != "squared_relu"])  # it squares any deviation
def test_every_activation_is_healthy_at_moderate_depth(act):
    for task, model, rows in (
        net(lambda: MLP(4, 2, [64] * 4, act=act)),
        pictures(network="mlp", depth=5, activation=act),
    ):
        seen = inspect(task, model, rows)
        assert seen.verdict == "healthy", seen.sentence
    state = TrainState(task, 0, Setting())
    train(state, rows, 10)
    assert inspect(task, state.model, rows).verdict == "healthy"


@pytest.mark.parametrize("network", ["resnet", "fast"])
def test_convolutional_nets_are_healthy_at_the_start_and_later(network):
    task, model, rows = pictures(network=network)
    seen = inspect(task, model, rows)
    assert seen.verdict == "healthy", seen.sentence
    state = TrainState(task, 0, Setting())
    train(state, rows, 10)
    seen = inspect(task, state.model, rows)
    assert seen.verdict == "healthy", seen.sentence


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU])
def test_recurrent_nets_are_healthy_at_the_start_and_later(kind):
    task, model, rows = net(lambda: Sequence(kind), lr=1e-2)
    assert inspect(task, model, rows).verdict == "healthy"
    state = TrainState(task, 0, Setting())
    train(state, rows, 150)
    assert inspect(task, state.model, rows).verdict == "healthy"


@pytest.mark.parametrize("name", ["boxfinder", "charlm", "tones"])
def test_toys_of_all_kinds_are_healthy_at_the_start_and_later(name):
    application = catalog.find(str(TOYS / f"{name}.py"))
    task = application()
    rows = task.demo(stream("rows"), 96)
    task.fit(rows)
    state = TrainState(task, 0, Setting())
    for steps in (0, 20, 40):
        train(state, rows, steps)
        seen = inspect(task, state.model, rows)
        assert seen.verdict == "healthy", seen.sentence


def test_a_sure_last_sigmoid_is_not_called_saturated():
    class Sure(nn.Module):
        def __init__(self):
            super().__init__()
            self.body, self.last = nn.Linear(4, 2), nn.Sigmoid()
            self.body.weight.data *= 100

        def forward(self, x):
            return self.last(self.body(x)).log()

    task, model, rows = net(Sure)
    model.body.bias.data[:] = 3.0
    seen = inspect(task, model, rows)
    assert next(each for each in seen.layers if each.name == "last").saturated > 0.5
    assert "saturated" not in verdicts(seen)


def test_branches_that_have_yet_to_open_are_not_vanishing():
    """The last gain of a residual branch begins at 0: no gradient gets into it at first, and that is well."""
    task, model, rows = pictures(network="resnet")
    seen = inspect(task, model, rows)
    closed = [each for each in seen.layers if each.gradient == 0]
    assert closed
    assert seen.verdict == "healthy"


def test_a_large_input_is_not_an_explosion():
    task, model, rows = net(lambda: nn.Sequential(nn.LayerNorm(4), nn.Linear(4, 2)))
    big = [type(r)(r.input * 1e5, r.target) for r in rows]
    assert inspect(task, model, big).verdict == "healthy"
    torch.manual_seed(0)


@pytest.mark.parametrize(("value", "words"), [(3.21, "3.2"), (250, "250"), (4.1e12, "4·10¹²"), (1e9, "10⁹")])
def test_factors_in_words(value, words):
    assert times(value) == words
