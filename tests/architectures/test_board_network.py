"""The network of board games: shapes at every size of board, what pooling sees, and that fusing changes nothing."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from sounding.architectures.board_network import BoardConfig, BoardNetwork, pooled
from sounding.architectures.folding import fuse_for_inference

GO = BoardConfig(5, 3, 16, "points", passes=True, territory=True)
COLUMNS = BoardConfig(3, 2, 16, "columns")


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


def awake(config: BoardConfig) -> BoardNetwork:
    """A network whose blocks do something, as they do after some training."""
    net = BoardNetwork(config)
    for layer in net.modules():
        if isinstance(layer, nn.BatchNorm2d):
            nn.init.ones_(layer.weight)
    return net.eval()


@pytest.mark.parametrize(("rows", "columns"), [(5, 5), (9, 9), (13, 13), (6, 8)])
def test_one_network_reads_boards_of_any_size(rows, columns):
    found = BoardNetwork(GO).eval()(torch.rand(2, 5, rows, columns))
    points = rows * columns
    assert [tuple(part.shape) for part in found] == [(2, points + 1), (2, 3), (2, points), (2, 1)]


def test_without_territory_there_are_no_owners_and_columns_are_moves():
    found = BoardNetwork(COLUMNS).eval()(torch.rand(4, 3, 6, 7))
    assert [tuple(part.shape) for part in found] == [(4, 7), (4, 3), (4, 0), (4, 0)]


@pytest.mark.parametrize("config", [GO, COLUMNS], ids=["go", "columns"])
def test_every_parameter_gets_a_gradient(config):
    net = awake(config).train()
    found = net(torch.rand(4, config.planes, 7, 7))
    sum(part.square().sum() for part in found).backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in net.parameters())


def test_the_first_answer_is_near_even_odds():
    outcome = BoardNetwork(GO).eval()(torch.rand(8, 5, 9, 9)).outcome.softmax(dim=1)
    assert (outcome - 1 / 3).abs().max() < 0.1


def test_a_stone_at_one_side_is_known_at_the_other():
    """Three blocks of two 3×3 convolutions and the stem see 7 points far; pooling sees the whole board."""
    net = awake(GO)
    with torch.no_grad():
        x = torch.zeros(1, 5, 19, 19)
        before = net(x).ownership.view(19, 19)
        x[0, 0, 0, 0] = 1
        after = net(x).ownership.view(19, 19)
    assert (after - before)[18, 18].abs() > 1e-6


def test_pooling_gives_mean_scaled_mean_and_maximum():
    x = torch.randn(3, 4, 5, 9).to(memory_format=torch.channels_last)
    mean, scaled, most = pooled(x).split(4, dim=1)
    torch.testing.assert_close(mean, x.mean((2, 3)))
    torch.testing.assert_close(scaled, x.mean((2, 3)) * (45**0.5 - 14) / 10)
    torch.testing.assert_close(most, x.amax((2, 3)))


@pytest.mark.parametrize("config", [GO, COLUMNS], ids=["go", "columns"])
def test_the_copy_that_answers_faster_says_the_same(config):
    net = awake(config)
    for layer in net.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.running_mean.normal_()
            layer.running_var.uniform_(0.5, 2)
    x = torch.rand(3, config.planes, 7, 7)
    with torch.no_grad():
        for slow, fast in zip(net(x), fuse_for_inference(net)(x), strict=True):
            torch.testing.assert_close(fast, slow, rtol=1e-4, atol=1e-4)
