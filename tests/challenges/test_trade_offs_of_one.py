"""What fewer bits cost: rounded weights are known by hand, and a precision that is not usable is said to be not."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch
from torch import nn

sys.path.insert(0, str(Path(__file__).parents[1] / "challenges"))
import toys

from sounding.challenges import trade_offs
from sounding.challenges.costs.comparison import Plan
from sounding.challenges.trade_offs import int8_weights
from sounding.contract.records import Prediction
from sounding.machine.setting import Setting


@pytest.fixture(autouse=True)
def brief(monkeypatch):
    monkeypatch.setitem(trade_offs.PLANS, "standard", Plan(0, (), 0.005, 300))


def usable(monkeypatch, precision: str) -> None:
    setting = Setting(precision=precision, probe={"reason": "bf16 is 10 times slower on a small linear layer"})
    monkeypatch.setattr(trade_offs, "choose", lambda: setting)


class Half(toys.Sort):
    """The toy with answers that come back from bf16, as those of a task that trains in it do."""

    def predict(self, model, inputs):
        scores = model(self.encoded(model, inputs)).float().softmax(1).numpy(force=True)
        return [Prediction(int(row.argmax()), float(row.max()), row) for row in scores]


@pytest.fixture(scope="module")
def context():
    task = Half()
    model = toys.trained(task, toys.rows(task, 200))
    return toys.context(task, model, toys.rows(task, 120, "test"), profile="standard")


def test_weights_are_rounded_to_the_nearest_of_255_steps_of_each_channel():
    layer = nn.Linear(50, 4)
    with torch.no_grad():
        layer.weight[1] *= 100  # a channel with a scale of its own
    rounded, size = int8_weights(layer)
    step = layer.weight.abs().amax(1, keepdim=True) / 127
    assert ((rounded.weight - layer.weight).abs() <= step / 2 + 1e-6).all()
    assert torch.equal((rounded.weight / step).round().unique(dim=1).abs().amax(1), torch.full((4,), 127.0))
    assert torch.equal(rounded.bias, layer.bias)
    assert size == 200 + 4 * 4 + 4 * 4  # weights, scales, biases
    assert not torch.equal(rounded.weight, layer.weight)


def test_a_model_without_matrices_is_not_rounded():
    assert int8_weights(nn.LayerNorm(4))[1] == 0


def test_a_weight_of_zeros_stays_zero():
    layer = nn.Linear(3, 2)
    nn.init.zeros_(layer.weight)
    assert torch.equal(int8_weights(layer)[0].weight, layer.weight)


def test_where_bf16_is_slower_it_is_not_measured_and_the_reason_is_said(context, monkeypatch):
    usable(monkeypatch, "fp32")
    section = toys.measured(trade_offs, context)
    assert section.status == "ok"
    assert "bf16: not usable on this processor (bf16 is 10 times slower" in section.details["notes"][0]
    assert "deprecated" in section.details["notes"][1]
    assert {n.id for n in section.numbers} == {"int8_headline", "int8_loss", "int8_ece", "int8_bytes"}
    assert abs(section["int8_headline"].value) < 0.05
    assert 0.25 < section["int8_bytes"].value < 0.6
    assert ", at 0." in section.sentence


def test_where_bf16_is_faster_its_energy_stands_beside(context, monkeypatch):
    usable(monkeypatch, "bf16")
    section = toys.measured(trade_offs, context)
    ids = {n.id for n in section.numbers}
    assert {"bf16_headline", "bf16_ece", "bf16_energy", "int8_headline"} <= ids
    assert "int8_energy" not in ids
    assert section["bf16_energy"].value > 0
    assert abs(section["bf16_loss"].value) < 0.05
    energy = next(row for row in section.details["side_by_side"] if "energy" in row[""])
    assert energy["fp32"]["value"] > 0
    assert energy["int8 weights"] is None
    assert "with bf16 it changes by" in section.sentence


def test_bf16_is_really_computed_in_bf16(context, monkeypatch):
    usable(monkeypatch, "bf16")
    assert toys.measured(trade_offs, context)["bf16_loss"].value != 0


def test_a_task_that_cannot_answer_in_bf16_is_measured_without(monkeypatch):
    usable(monkeypatch, "bf16")
    task = toys.Sort()
    section = toys.measured(
        trade_offs, toys.context(task, task.build().eval(), toys.rows(task, 40), profile="standard")
    )
    assert "cannot be computed in it" in section.details["notes"][0]
    assert "int8_headline" in {n.id for n in section.numbers}


def test_the_model_itself_is_left_as_it_was(context, monkeypatch):
    usable(monkeypatch, "bf16")
    before = {name: tensor.clone() for name, tensor in context.model.state_dict().items()}
    toys.measured(trade_offs, context)
    assert all(torch.equal(before[name], tensor) for name, tensor in context.model.state_dict().items())


def test_the_quick_profile_and_an_empty_test_say_why_nothing_is_measured(context):
    task = toys.Sort()
    quick = toys.measured(trade_offs, toys.context(task, task.build(), toys.rows(task, 4)))
    assert (quick.status, "--standard" in quick.reason) == ("skipped", True)
    assert (
        toys.measured(trade_offs, toys.context(task, task.build(), (), profile="standard")).status == "not_applicable"
    )


def test_a_model_of_nan_gives_a_reason_and_no_crash(monkeypatch):
    usable(monkeypatch, "fp32")
    task = toys.Sort()
    model = task.build()
    with torch.no_grad():
        model[0].weight.fill_(float("nan"))
    section = toys.measured(trade_offs, toys.context(task, model.eval(), toys.rows(task, 20), profile="standard"))
    assert section.status == "not_applicable"
    assert "not finite" in section.reason


def test_five_rows_and_a_metric_that_is_no_share_give_numbers(monkeypatch):
    usable(monkeypatch, "bf16")
    task = toys.Guess()
    section = toys.measured(trade_offs, toys.context(task, task.build().eval(), toys.rows(task, 5), profile="standard"))
    assert section.status == "ok"
    assert all(n.estimate.value == n.estimate.value for n in section.numbers)
