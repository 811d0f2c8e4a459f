"""Networks that forecast: each column by itself, no step looks ahead, intervals nest."""

from __future__ import annotations

import pytest
import torch

from sounding.architectures.forecasters import MODELS, NORMS, Forecaster, ForecasterConfig
from sounding.errors import UsageError


def network(**more) -> Forecaster:
    torch.manual_seed(0)
    words = {"context": 50, "horizon": 7, "levels": 3, "width": 16, "patch": 8, "season": 5, **more}
    return Forecaster(ForecasterConfig(**words)).eval()


@pytest.mark.parametrize("model", MODELS)
def test_columns_are_foretold_one_by_one_and_intervals_nest(model):
    net, x = network(model=model), torch.randn(4, 50, 3)
    found = net(x)
    assert found.shape == (4, 7, 7, 3)
    torch.testing.assert_close(net(x[:, :, 1:2])[..., 0], found[..., 1])
    median, low, high = found[:, 0], found[:, 1:4], found[:, 4:]
    assert (low[:, 0] <= median).all()
    assert (low[:, 1:] <= low[:, :-1]).all()
    assert (high[:, 1:] >= high[:, :-1]).all()


@pytest.mark.parametrize("model", MODELS)
def test_a_level_that_was_never_seen_moves_the_forecast_along(model):
    net, x = network(model=model), torch.randn(2, 50, 1)
    torch.testing.assert_close(net(x + 30.0), net(x) + 30.0, rtol=0, atol=1e-3)


@pytest.mark.parametrize("norm", NORMS)
def test_intervals_do_not_shape_the_median(norm):
    net = network(norm=norm).train()
    net(torch.randn(3, 50, 2))[:, 1:].sum().backward()
    moved = {name for name, p in net.named_parameters() if p.grad is not None and p.grad.abs().sum() > 0}
    assert moved == {"widths.weight", "widths.bias"}


def test_a_trend_is_what_a_linear_network_can_continue():
    net = network(model="linear", context=30, horizon=5, season=1)
    optimizer = torch.optim.Adam(net.parameters(), 0.01)
    for _ in range(400):
        slope = torch.randn(32, 1, 1)
        line = slope * torch.arange(35.0)[None, :, None] / 10
        loss = (net(line[:, :30])[:, 0] - line[:, 30:]).abs().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss < 0.1


def test_words_and_numbers_that_mean_nothing_are_refused():
    with pytest.raises(UsageError, match="model=grus"):
        network(model="grus")
    with pytest.raises(UsageError, match="patch=0"):
        network(patch=0)
