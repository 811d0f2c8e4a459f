"""Along one input: attention whose weights are known, and a recurrence whose derivatives are known by hand."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from challenges.toys import Sort, rows, small
from torch import nn

from sounding.applications.language.generate.task import Generate
from sounding.applications.language.sentiment.task import Sentiment
from sounding.architectures.attention import Attention
from sounding.architectures.rnn import CELLS
from sounding.contract.task import built
from sounding.errors import UsageError
from sounding.inspection import reach, read_along, reading_table, save

TEXT = "The film was great and the plot was dull."


def a_sentiment(model: str):
    task = Sentiment(Sentiment.Recipe.make("tiny", {"model": model}))
    task.fit(task.demo(np.random.default_rng(0), 60))
    torch.manual_seed(0)
    return task, built(task).eval()


@pytest.fixture(scope="module")
def transformer():
    return a_sentiment("transformer")


@pytest.fixture(scope="module")
def seen(transformer):
    return read_along(*transformer, TEXT)


def test_every_layer_of_attention_has_a_map_for_each_head(transformer, seen):
    task, _ = transformer
    tokens = task.input.length(TEXT)
    assert [each.name for each in seen.attention] == [f"transformer.blocks.{k}.attention" for k in range(2)]
    assert all(each.weights.shape == (4, tokens, tokens) for each in seen.attention)
    assert all(np.allclose(each.weights.sum(axis=2), 1, atol=1e-5) for each in seen.attention)
    assert not seen.recurrence
    assert len(seen.tokens) == tokens
    assert "".join(seen.tokens).lower() == TEXT.replace(" ", "").lower()


def test_the_weights_are_those_by_which_the_layer_takes_values():
    """With values and outputs that are the identity, what comes out is the weights times what went in."""
    torch.manual_seed(0)
    layer = Attention(8, 1)
    for part in (layer.value, layer.output):
        nn.init.eye_(part.weight)
        nn.init.zeros_(part.bias)
    x = torch.randn(1, 5, 8)
    for causal in (False, True):
        weights = layer.weights(x, causal=causal)
        torch.testing.assert_close(weights[:, 0] @ x, layer(x, causal=causal))
    assert torch.equal(weights[0, 0].triu(1), torch.zeros(5, 5))


def test_a_decoder_does_not_look_ahead():
    task = Generate(Generate.Recipe.make("tiny", {}))
    task.fit(task.demo(np.random.default_rng(0), 40))
    torch.manual_seed(0)
    found = read_along(task.with_options({"length": 6}), built(task).eval(), "two wet hens:")
    weights = found.attention[0].weights
    assert np.abs(np.triu(weights, 1)).max() < 1e-6
    assert "".join(found.tokens).startswith("two wet hens:")
    assert len(found.tokens) >= weights.shape[1]


def test_the_gradient_of_a_linear_recurrence_falls_by_its_weight_at_each_step():
    """Of h' = tanh(w h + v x) near 0 the derivative of the last state with respect to x, d steps back, is v w^d."""
    cell = nn.RNN(1, 1, batch_first=True)
    with torch.no_grad():
        for name, value in (("weight_hh_l0", 0.5), ("weight_ih_l0", 2.0), ("bias_hh_l0", 0.0), ("bias_ih_l0", 0.0)):
            getattr(cell, name).fill_(value)
    found = reach(cell, torch.zeros(8, 1))
    assert found == pytest.approx(0.5 ** np.arange(7, -1, -1), rel=1e-5)


@pytest.mark.parametrize("kind", CELLS)
def test_the_gradient_is_that_of_finite_differences(kind):
    torch.manual_seed(1)
    cell, x, step = CELLS[kind](3, 4, batch_first=True).double(), torch.randn(6, 3).double(), 1e-6
    norms = []
    for place in range(6):
        slopes = []
        for number in range(3):
            moved = x.clone()
            moved[place, number] += step
            slopes.append((cell(moved[None])[0][0, -1] - cell(x[None])[0][0, -1]) / step)
        norms.append(float(torch.stack(slopes).detach().norm()))
    found = reach(cell.float(), x.float())
    assert found == pytest.approx(np.array(norms) / max(norms), rel=1e-3)


def test_each_direction_of_a_recurrent_classifier_is_seen_and_the_model_left_alone(tmp_path):
    task, model = a_sentiment("rnn")
    before = {name: value.clone() for name, value in model.state_dict().items()}
    found = read_along(task, model.train(), TEXT)
    assert len(found.recurrence) == 2
    assert not found.attention
    assert all(len(each.gradient) == task.input.length(TEXT) for each in found.recurrence)
    assert all(each.gradient.max() == 1 for each in found.recurrence)
    assert model.training
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert not any(module._forward_pre_hooks for module in model.modules())
    assert all(parameter.grad is None for parameter in model.parameters())


def test_it_is_shown_on_a_terminal_and_saved(seen, tmp_path):
    lines = reading_table(seen)
    assert sum("←" in line for line in lines) == 2 * len(seen.tokens)
    for name in ("a.svg", "a.png", "a.json"):
        save(seen, tmp_path / name)
    assert "head 4" in (tmp_path / "a.svg").read_text()
    weights = np.array(json.loads((tmp_path / "a.json").read_text())["attention"][0]["weights"])
    assert weights == pytest.approx(seen.attention[0].weights)


def test_a_model_without_either_says_so():
    task = Sort(small())
    with pytest.raises(UsageError, match="no attention and no recurrence"):
        read_along(task, task.build(), rows(task, 1)[0].input)
