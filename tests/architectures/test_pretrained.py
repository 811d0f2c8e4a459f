"""Published weights: every layout is read under our names, and what is no such file is rejected in one sentence."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import pytest
import torch
from published import EFFICIENTNET_LITE0, MOBILENET_V2, published
from safetensors.torch import save_file
from torch import Tensor

from sounding.architectures import pretrained
from sounding.architectures.mobilenet import NETWORKS
from sounding.errors import DataError


class Bomb:
    """Runs a command when it is unpickled without care."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def torchvision_names(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Our names as torchvision has them."""
    named = {}
    for name, tensor in weights.items():
        part, _, rest = name.partition(".")
        if part == "blocks":
            at, layer, rest = rest.split(".", 2)
            first = at == "0"
            order = {"expand": 0, "depthwise": 0 if first else 1, "project": 1 if first else 2}[layer]
            if layer == "project":
                sub, rest = rest.split(".", 1)
                new = f"features.{int(at) + 1}.conv.{order + int(sub)}.{rest}"
            else:
                new = f"features.{int(at) + 1}.conv.{order}.{rest}"
        else:
            new = {"stem": "features.0.", "last": "features.18.", "head": "classifier.1."}[part] + rest
        named[new] = tensor
    return named


def timm_names(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Our names as timm has them in mobilenetv2_100."""
    places = [(stage, i) for stage, n in enumerate((1, 2, 3, 4, 3, 3, 1)) for i in range(n)]
    layers = {"expand": ("conv_pw", "bn1"), "depthwise": ("conv_dw", "bn2"), "project": ("conv_pwl", "bn3")}
    firsts = {"depthwise": ("conv_dw", "bn1"), "project": ("conv_pw", "bn2")}
    named = {}
    for name, tensor in weights.items():
        words = name.split(".")
        if words[0] == "blocks":
            (stage, i), leaf = places[int(words[1])], (firsts if words[1] == "0" else layers)[words[2]][int(words[3])]
            new = f"blocks.{stage}.{i}.{leaf}.{words[4]}"
        elif words[0] == "head":
            new = f"classifier.{words[1]}"
        else:
            new = (
                f"{({'stem': ('conv_stem', 'bn1'), 'last': ('conv_head', 'bn2')}[words[0]])[int(words[1])]}.{words[2]}"
            )
        named[new] = tensor
    return named


@pytest.fixture(scope="module")
def weights() -> dict[str, Tensor]:
    torch.manual_seed(0)
    return NETWORKS["mobilenet_v2"](3, 10).state_dict()


@pytest.mark.parametrize("names", [torchvision_names, timm_names])
@pytest.mark.parametrize("suffix", ["safetensors", "pth", "wrapped.pth", "legacy.pth"])
def test_a_layout_is_known_by_its_names(weights, names, suffix, tmp_path):
    named, path = names(weights), tmp_path / f"w.{suffix}"
    if suffix == "safetensors":
        save_file(named, path)
    else:
        wrapped = {"state_dict": {f"module.{n}": t for n, t in named.items()}, "epoch": 3}
        torch.save(wrapped if suffix == "wrapped.pth" else named, path,
                   _use_new_zipfile_serialization=suffix != "legacy.pth")  # fmt: skip
    found = pretrained.read(path)
    assert found.network == "mobilenet_v2"
    assert set(found.weights) == {name for name in weights if not name.startswith("head.")}
    assert all(torch.equal(tensor, weights[name]) for name, tensor in found.weights.items())
    assert path.name in found.origin


@pytest.mark.parametrize(
    ("of", "network"), [(MOBILENET_V2, "mobilenet_v2"), (EFFICIENTNET_LITE0, "efficientnet_lite0")]
)
def test_real_files_fill_the_whole_network_but_its_head(of, network):
    found = pretrained.read(published(of))
    assert found.network == network
    missing, more = NETWORKS[network](3, 5).load_state_dict(found.weights, strict=False)
    assert missing == ["head.weight", "head.bias"]
    assert not more


def test_efficientnet_lite_scales_to_minus_one_to_one():
    found = pretrained.read(published(EFFICIENTNET_LITE0))
    scaled = (torch.tensor([0.0, 1.0]) - found.mean[0]) / found.std[0]
    assert scaled.tolist() == pytest.approx([-0.992, 1.0], abs=1e-3)


def test_half_precision_is_read_as_single(weights, tmp_path):
    save_file(
        {n: t.half() if t.is_floating_point() else t for n, t in torchvision_names(weights).items()}, tmp_path / "w.pt"
    )
    assert pretrained.read(tmp_path / "w.pt").weights["stem.0.weight"].dtype == torch.float32


def test_a_pickle_with_code_in_it_is_not_run(tmp_path):
    for protocol in (2, 5):
        (tmp_path / "w.pth").write_bytes(pickle.dumps({"state_dict": Bomb(tmp_path / "pwned")}, protocol=protocol))
        with pytest.raises(DataError, match=r"holds other things than tensors"):
            pretrained.read(tmp_path / "w.pth")
    torch.save({"features.18.0.weight": Bomb(tmp_path / "pwned")}, tmp_path / "w.pth")
    with pytest.raises(DataError, match=r"holds other things than tensors"):
        pretrained.read(tmp_path / "w.pth")
    assert not (tmp_path / "pwned").exists()


@pytest.mark.parametrize("suffix", ["safetensors", "pth"])
@pytest.mark.parametrize("left", [0, 4, 9, 500, -1000])
def test_a_cut_file_is_damaged(weights, suffix, left, tmp_path):
    path = tmp_path / f"w.{suffix}"
    save_file(torchvision_names(weights), path) if suffix == "safetensors" else torch.save(weights, path)
    path.write_bytes(path.read_bytes()[:left])
    with pytest.raises(DataError, match=r"damaged"):
        pretrained.read(path)


def test_text_is_damaged(tmp_path):
    (tmp_path / "w.pth").write_text("<html><body>404 Not Found</body></html>")
    with pytest.raises(DataError, match=r"w\.pth: the file is damaged"):
        pretrained.read(tmp_path / "w.pth")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DataError, match=r"none\.pth: the weights cannot be read \(No such file"):
        pretrained.read(tmp_path / "none.pth")


@pytest.mark.parametrize("held", [{}, [1, 2], torch.zeros(3), {"epoch": 3}])
def test_a_file_without_named_tensors_is_refused(held, tmp_path):
    torch.save(held, tmp_path / "w.pth")
    with pytest.raises(DataError, match=r"no tensors by name"):
        pretrained.read(tmp_path / "w.pth")


def test_a_foreign_network_is_refused_with_what_is_known(tmp_path):
    save_file({"layer1.0.conv1.weight": torch.zeros(64, 64, 3, 3)}, tmp_path / "resnet.safetensors")
    with pytest.raises(DataError, match=r"no network that is known here .*layer1.*Known: torchvision's MobileNetV2;"):
        pretrained.read(tmp_path / "resnet.safetensors")


def test_another_width_is_refused_by_name_and_shape(weights, tmp_path):
    other = torchvision_names(weights) | {"features.3.conv.2.weight": torch.zeros(16, 144, 1, 1)}
    save_file(other, tmp_path / "w.safetensors")
    with pytest.raises(DataError, match=r"blocks\.2\.project\.0\.weight has the shape \[16, 144, 1, 1\] and should be"):
        pretrained.read(tmp_path / "w.safetensors")
    other.pop("features.3.conv.2.weight")
    save_file(other, tmp_path / "w.safetensors")
    with pytest.raises(DataError, match=r"blocks\.2\.project\.0\.weight is missing"):
        pretrained.read(tmp_path / "w.safetensors")


def test_tensors_too_many_are_named(weights, tmp_path):
    save_file(torchvision_names(weights) | {"features.3.se.weight": torch.zeros(3)}, tmp_path / "w.safetensors")
    with pytest.raises(DataError, match=r"but for blocks\.2\.se\.weight"):
        pretrained.read(tmp_path / "w.safetensors")


def test_values_that_are_no_numbers_are_named(weights, tmp_path):
    named = {n: t.clone() for n, t in torchvision_names(weights).items()}
    named["features.5.conv.2.weight"][0, 0] = float("nan")
    save_file(named, tmp_path / "w.safetensors")
    with pytest.raises(DataError, match=r"features\.5\.conv\.2\.weight holds values that are no finite numbers"):
        pretrained.read(tmp_path / "w.safetensors")
