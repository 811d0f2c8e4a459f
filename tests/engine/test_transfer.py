"""Weights of one model as the start of another."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from sounding.engine.transfer import transfer
from sounding.errors import UsageError


def net(outputs: int, width: int = 8) -> nn.Module:
    return nn.Sequential(nn.Linear(4, width), nn.BatchNorm1d(width), nn.ReLU(), nn.Linear(width, outputs))


def test_what_fits_is_taken_and_what_does_not_is_named():
    taken = transfer(net(3).state_dict(), net(5))
    assert set(taken.weights) == {"0.weight", "0.bias", "1.weight", "1.bias", "1.running_mean", "1.running_var",
                                  "1.num_batches_tracked"}  # fmt: skip
    assert taken.left == ["3.weight", "3.bias"]
    assert taken.share == pytest.approx((32 + 8 + 16) / (32 + 8 + 16 + 45))


def test_the_same_network_is_taken_whole():
    source, new = net(3), net(3)
    taken = transfer(source.state_dict(), new)
    assert taken.share == 1
    new.load_state_dict(taken.weights)
    assert all(torch.equal(a, b) for a, b in zip(source.parameters(), new.parameters(), strict=True))


def test_another_network_is_refused_by_name_and_shape():
    with pytest.raises(UsageError, match=r"0\.weight \[16, 4\]"):
        transfer(net(3).state_dict(), net(3, width=16), "runs/dots/1")
