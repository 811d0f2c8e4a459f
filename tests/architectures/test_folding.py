"""Folding: the same answers, fewer modules, and nothing changed in the model that was given."""

import pytest
import torch
from torch import nn

from sounding.architectures.backbones import NAMES, backbone
from sounding.architectures.cnn import FastNet
from sounding.architectures.folding import folded


def lived(model):
    """A model whose normalisations have statistics, gains and shifts of their own."""
    rng = torch.Generator().manual_seed(0)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            for tensor, low in ((module.running_mean, -0.3), (module.running_var, 0.5), (module.weight, -1.0)):
                if tensor is not None:  # some bring no gain of their own
                    tensor.data.copy_(low + torch.rand(tensor.shape, generator=rng))
    return model.eval()


@pytest.mark.parametrize("name", NAMES)
def test_a_folded_backbone_gives_the_same_maps(name):
    model = lived(backbone(name, 3, 8, side=96))
    before = {key: tensor.clone() for key, tensor in model.state_dict().items()}
    fast = folded(model)
    x = torch.rand(2, 3, 96, 64)
    with torch.inference_mode():
        for map, other in zip(model.features(x), fast.features(x), strict=True):
            torch.testing.assert_close(other, map, rtol=1e-4, atol=1e-4 * map.abs().max().item())
    assert not any(isinstance(module, nn.BatchNorm2d) for module in fast.modules())
    assert all(torch.equal(before[key], tensor) for key, tensor in model.state_dict().items())


def test_what_lies_between_keeps_a_normalisation_where_it_is():
    model = lived(FastNet(3, 4, (8, 8), act="relu"))
    x, fast = torch.rand(2, 3, 16, 16), folded(model)
    with torch.inference_mode():
        torch.testing.assert_close(fast(x), model(x), rtol=1e-4, atol=1e-5)
    kept = sum(isinstance(module, nn.BatchNorm2d) for module in fast.modules())
    assert kept == 3  # after the two poolings, and that of the fixed first layer


def test_a_normalisation_by_the_batch_itself_is_left_alone():
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2, track_running_stats=False)).eval()
    x = torch.rand(4, 1, 8, 8)
    torch.testing.assert_close(folded(model)(x), model(x))


def test_a_rectifier_works_in_place_only_where_nobody_else_reads_the_map():
    act = nn.ReLU()
    model = lived(nn.Sequential(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), act, nn.Conv2d(3, 3, 1), nn.ReLU()))
    fast, x = folded(model), torch.randn(2, 2, 8, 8)
    before = x.clone()
    torch.testing.assert_close(fast(x), model(x), rtol=1e-5, atol=1e-5)
    assert torch.equal(x, before)
    assert [module.inplace for module in fast.modules() if isinstance(module, nn.ReLU)] == [True, False]
    assert not act.inplace
    shared = lived(nn.Sequential(nn.ReLU(), nn.BatchNorm2d(2), nn.ReLU()))  # the input is the user's
    torch.testing.assert_close(folded(shared)(x), shared(x))
    assert torch.equal(x, before)
