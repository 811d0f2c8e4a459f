"""Backbones: their maps, and that the published networks compute what their origins compute.

The second implementations below are written after the sources of torchvision (mobilenetv2.py) and of
efficientnet_lite_pytorch (model.py, utils.py): plain functions over the tensors of the published files, by the
published names.
"""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from published import EFFICIENTNET_LITE0, MOBILENET_V2, published
from sklearn.datasets import load_sample_image
from torch import Tensor

from sounding.architectures import pretrained
from sounding.architectures.backbones import NAMES, backbone
from sounding.architectures.mobilenet import NETWORKS
from sounding.errors import UsageError
from sounding.modalities.pictures.image_files import square

Weights = dict[str, Tensor]
PALACE = 698
"""The number of that class of ImageNet."""


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("height", "width"), [(32, 32), (65, 97)])
def test_maps_have_the_promised_channels_and_sides(name: str, height: int, width: int):
    net = backbone(name, 3, width=8, side=max(height, width)).eval()
    maps = net.features(torch.rand(2, 3, height, width))
    assert len(maps) == len(net.widths) == len(net.strides) == 4
    for found, channels, stride in zip(maps, net.widths, net.strides, strict=True):
        assert found.shape == (2, channels, math.ceil(height / stride), math.ceil(width / stride))


@pytest.mark.parametrize("name", NAMES)
def test_every_weight_of_a_backbone_is_used(name: str):
    net = backbone(name, 1, width=8, side=64)
    sum(m.square().mean() for m in net.features(torch.rand(2, 1, 64, 64))).backward()
    assert all(p.grad is not None for p in net.parameters())


@pytest.mark.parametrize("name", NETWORKS)
def test_a_backbone_has_the_names_of_the_classifier(name: str):
    whole, part = NETWORKS[name](3, 7).state_dict(), backbone(name, 3).state_dict()
    assert {n: t.shape for n, t in part.items()}.items() <= {n: t.shape for n, t in whole.items()}.items()


@pytest.mark.parametrize("name", NETWORKS)
def test_a_small_picture_is_not_halved_at_once(name: str):
    assert backbone(name, 3, side=64).strides == [2, 4, 8, 16]
    assert backbone(name, 3, side=65).strides == [4, 8, 16, 32]


def test_an_unknown_backbone_is_told_with_the_nearest():
    with pytest.raises(UsageError, match=r"no backbone 'mobilnet_v2'\. Did you mean mobilenet_v2\?"):
        backbone("mobilnet_v2", 3)


def test_parameters_are_those_of_the_papers():
    counts = {name: sum(p.numel() for p in net(3, 1000).parameters()) for name, net in NETWORKS.items()}
    assert counts == {"mobilenet_v2": 3_504_872, "efficientnet_lite0": 4_652_008}


# ---- against the origins


@pytest.mark.parametrize("side", [224, 97])
def test_mobilenet_v2_is_torchvisions(side: int):
    path = published(MOBILENET_V2)
    theirs, x = torch.load(path, weights_only=True), torch.randn(2, 3, side, side)
    expected = _torchvision(theirs, x)
    found = _ours("mobilenet_v2", path, theirs["classifier.1.weight"], theirs["classifier.1.bias"], x)
    assert expected.abs().max() > 1
    assert torch.allclose(found, expected, atol=1e-5 * expected.abs().max().item(), rtol=0)


@pytest.mark.parametrize("side", [224, 97])
def test_efficientnet_lite0_is_that_of_its_package(side: int):
    path = published(EFFICIENTNET_LITE0)
    theirs, x = torch.load(path, weights_only=True), torch.randn(2, 3, side, side)
    expected = _lite0(theirs, x)
    found = _ours("efficientnet_lite0", path, theirs["_fc.weight"], theirs["_fc.bias"], x)
    assert expected.abs().max() > 1
    assert torch.allclose(found, expected, atol=1e-5 * expected.abs().max().item(), rtol=0)


@pytest.mark.parametrize(
    ("of", "head"), [(MOBILENET_V2, "classifier.1"), (EFFICIENTNET_LITE0, "_fc")], ids=["mobilenet_v2", "lite0"]
)
def test_published_weights_know_what_is_on_a_photograph(of: str, head: str):
    """scikit-learn's photograph of the Summer Palace, among the 1,000 classes of ImageNet."""
    path = published(of)
    theirs, found = torch.load(path, weights_only=True), pretrained.read(path)
    mean, std = (torch.tensor(each).view(1, 3, 1, 1) for each in (found.mean, found.std))
    picture = square(load_sample_image("china.jpg"), 224, "crop")
    x = (torch.from_numpy(picture).permute(2, 0, 1)[None] / 255 - mean) / std
    logits = _ours(found.network, path, theirs[f"{head}.weight"], theirs[f"{head}.bias"], x)
    assert logits.argmax().item() == PALACE


@torch.inference_mode()
def _ours(name: str, path: Path, weight: Tensor, bias: Tensor, x: Tensor) -> Tensor:
    net = NETWORKS[name](3, 1000, side=x.shape[-1]).eval()
    net.load_state_dict({**pretrained.read(path).weights, "head.weight": weight, "head.bias": bias})
    return net(x)


def _norm(w: Weights, name: str, x: Tensor, eps: float) -> Tensor:
    running = w[f"{name}.running_mean"], w[f"{name}.running_var"]
    return F.batch_norm(x, *running, w[f"{name}.weight"], w[f"{name}.bias"], eps=eps)


def _torchvision(w: Weights, x: Tensor) -> Tensor:
    """inverted_residual_setting: expansion, channels, repeats, stride; padding (kernel - 1) // 2; ReLU6."""
    x = F.relu6(_norm(w, "features.0.1", F.conv2d(x, w["features.0.0.weight"], stride=2, padding=1), 1e-5))
    at = 0
    for t, _, n, s in ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2),
                       (6, 320, 1, 1)):  # fmt: skip
        for i in range(n):
            at += 1
            stride, y, layer = (s if i == 0 else 1), x, 0
            conv = f"features.{at}.conv"
            if t != 1:
                y = F.relu6(_norm(w, f"{conv}.0.1", F.conv2d(y, w[f"{conv}.0.0.weight"]), 1e-5))
                layer = 1
            kernel = w[f"{conv}.{layer}.0.weight"]
            y = F.conv2d(y, kernel, stride=stride, padding=1, groups=len(kernel))
            y = F.relu6(_norm(w, f"{conv}.{layer}.1", y, 1e-5))
            y = _norm(w, f"{conv}.{layer + 2}", F.conv2d(y, w[f"{conv}.{layer + 1}.weight"]), 1e-5)
            x = x + y if stride == 1 and x.shape[1] == y.shape[1] else y
    x = F.relu6(_norm(w, "features.18.1", F.conv2d(x, w["features.18.0.weight"]), 1e-5))
    x = torch.flatten(F.adaptive_avg_pool2d(x, (1, 1)), 1)
    return F.linear(x, w["classifier.1.weight"], w["classifier.1.bias"])


def _same(x: Tensor, kernel: Tensor, stride: int, groups: int = 1) -> Tensor:
    """Conv2dDynamicSamePadding."""
    (ih, iw), (kh, kw) = x.shape[-2:], kernel.shape[-2:]
    oh, ow = math.ceil(ih / stride), math.ceil(iw / stride)
    high, wide = max((oh - 1) * stride + kh - ih, 0), max((ow - 1) * stride + kw - iw, 0)
    x = F.pad(x, [wide // 2, wide - wide // 2, high // 2, high - high // 2])
    return F.conv2d(x, kernel, stride=stride, groups=groups)


def _lite0(w: Weights, x: Tensor) -> Tensor:
    """The blocks r1_k3_s11_e1_i32_o16 … of EfficientNet-B0 without squeeze-and-excitation; ReLU6; epsilon 1e-3."""
    x = F.relu6(_norm(w, "_bn0", _same(x, w["_conv_stem.weight"], 2), 1e-3))
    at = 0
    for n, s in ((1, 1), (2, 2), (2, 2), (3, 2), (3, 1), (4, 2), (1, 1)):
        for i in range(n):
            stride, y, block = (s if i == 0 else 1), x, f"_blocks.{at}"
            at += 1
            if f"{block}._expand_conv.weight" in w:
                y = F.relu6(_norm(w, f"{block}._bn0", _same(y, w[f"{block}._expand_conv.weight"], 1), 1e-3))
            kernel = w[f"{block}._depthwise_conv.weight"]
            y = F.relu6(_norm(w, f"{block}._bn1", _same(y, kernel, stride, len(kernel)), 1e-3))
            y = _norm(w, f"{block}._bn2", _same(y, w[f"{block}._project_conv.weight"], 1), 1e-3)
            x = x + y if stride == 1 and x.shape[1] == y.shape[1] else y
    x = F.relu6(_norm(w, "_bn1", _same(x, w["_conv_head.weight"], 1), 1e-3))
    return F.linear(F.adaptive_avg_pool2d(x, 1).flatten(1), w["_fc.weight"], w["_fc.bias"])
