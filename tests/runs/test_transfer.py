"""Weights of one model as the start of another."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from photo_folders import pictures
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor, nn

import sounding as sd
from sounding.applications.vision.classify import Classify, ClassifyRecipe
from sounding.architectures import pretrained
from sounding.architectures.backbones import backbone
from sounding.architectures.layers import Normalize
from sounding.architectures.mobilenet import NETWORKS
from sounding.errors import DataError, RunError, UsageError
from sounding.randomness import stream
from sounding.runs.folder import Run
from sounding.runs.transfer import opened, transfer


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


# ---- across applications


class Detector(nn.Module):
    """What a detector looks like: a scale, a backbone, and a large new part."""

    def __init__(self, name: str = "resnet", channels: int = 3, width: int = 8, side: int = 32, new: int = 256) -> None:
        super().__init__()
        self.scale = Normalize([0.5] * channels, [0.5] * channels)
        self.backbone = backbone(name, channels, width, side=side)
        self.neck = nn.Conv2d(self.backbone.widths[-1], new, 1)
        self.towers = nn.Sequential(nn.Conv2d(new, new, 3), nn.BatchNorm2d(new), nn.Conv2d(new, 5, 1))


def classifier(channels: int = 3, **settings: object) -> nn.Module:
    task = Classify(ClassifyRecipe(**{"network": "resnet", "width": 8, "activation": "relu", **settings}))
    state = {"channels": channels, "height": 32, "width": 32, "mean": [0.1] * channels, "std": [0.2] * channels}
    task.input.restore({"size": 32, "fill": "crop", **state})
    task.target.fit(["cat", "dog", "hen"])
    return task.build()


def of(model: nn.Module, beginning: str) -> dict[str, Tensor]:
    return {name: tensor for name, tensor in model.state_dict().items() if name.startswith(beginning)}


def test_a_classifier_becomes_the_backbone_of_a_detector():
    source, new = classifier(), Detector()
    taken = transfer(source.state_dict(), new)
    assert set(taken.weights) == {*of(new, "backbone."), "scale.mean", "scale.std"}
    assert taken.share < 0.3  # the new part is larger than the backbone: it is the share of the source that counts
    assert taken.used > 0.9
    assert {name.split(".")[0] for name in taken.left} == {"neck", "towers"}
    new.load_state_dict(taken.weights, strict=False)
    assert new.scale.mean.unique().tolist() == pytest.approx([0.1])
    x = torch.rand(2, 3, 32, 32)
    for theirs, ours in zip(source[1].eval().features(x), new.backbone.eval().features(x), strict=True):
        assert torch.equal(theirs, ours)


def test_a_detector_becomes_a_classifier():
    taken = transfer(Detector(new=16).state_dict(), classifier())
    assert taken.left == ["1.head.weight", "1.head.bias"]


def test_blocks_keep_their_places():
    """Blocks of one stage have equal shapes; none may come into the place of another."""
    source, new = classifier(depth=3), nn.ModuleDict({"net": nn.ModuleDict({"body": classifier(depth=3)})})
    taken = transfer(source.state_dict(), new)
    assert taken.share == 1
    for name, tensor in source.state_dict().items():
        assert taken.weights[f"net.body.{name}"].data_ptr() == tensor.data_ptr() or name in ("0.mean", "0.std")


@pytest.mark.parametrize("network", ["fast", "resnet"])
@pytest.mark.parametrize(("old", "new"), [(4, 8), (8, 4), (8, 16), (16, 8)])
def test_layers_of_a_shape_by_chance_are_no_start(network, old, new):
    """At twice the width one layer has the shape that another had; nothing it has learnt is of use there."""
    with pytest.raises(UsageError, match=r"only \d+ % of the new model's parameters have a counterpart"):
        transfer(classifier(network=network, width=old).state_dict(), classifier(network=network, width=new))


def test_a_narrower_network_is_refused_with_both_shares():
    with pytest.raises(
        UsageError, match=r"runs/1: only \d % of the new .* only \d+ % of the old tensors a place; .*stem"
    ):
        transfer(classifier(width=16).state_dict(), Detector(), "runs/1")


def test_a_model_with_two_places_is_refused():
    with pytest.raises(
        UsageError, match=r"fit in two places as well: 1 as (first and 1 as second|second and 1 as first)"
    ):
        transfer(of(classifier(), "1."), nn.ModuleDict({"first": backbone("resnet", 3, 8, side=32),
                                                        "second": backbone("resnet", 3, 8, side=32)}))  # fmt: skip


# ---- colour and grey


def test_a_grey_picture_does_in_a_grey_network_what_it_does_in_a_coloured_one():
    source, new = classifier(3), classifier(1)
    taken = transfer(source.state_dict(), new)
    assert taken.adapted == ["1.stem.0.weight"]
    new.load_state_dict(taken.weights)
    x = torch.rand(2, 1, 32, 32)
    assert torch.allclose(new.eval()(x), source.eval()(x.expand(-1, 3, -1, -1)), atol=1e-5)


def test_a_colour_picture_does_what_its_mean_does_in_a_grey_network():
    source, new = classifier(1), classifier(3)
    new.load_state_dict(transfer(source.state_dict(), new).weights)
    x = torch.rand(2, 3, 32, 32)
    assert torch.allclose(new.eval()(x), source.eval()(x.mean(1, keepdim=True)), atol=1e-5)


# ---- what --from names


@pytest.fixture(scope="module")
def imagenet(tmp_path_factory) -> Path:
    """Random weights of MobileNetV2, by torchvision's names."""
    torch.manual_seed(0)
    ours = NETWORKS["mobilenet_v2"](3, 10).state_dict()
    leaves = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
    places = [f"{i}.{leaf}" for i in range(4) for leaf in leaves]
    places += [f"{i}.{place}" for i in range(3) for place in places]
    names = [
        f"features.{at}.{conv}{place}" for at in range(19) for conv in ["conv." * (0 < at < 18)] for place in places
    ]
    layout = pretrained.LAYOUTS[0]
    path = tmp_path_factory.mktemp("imagenet") / "mobilenet_v2.safetensors"
    save_file({name: ours[layout.ours(name)] for name in names if layout.ours(name) in ours}, path)
    return path


def test_a_file_begins_a_detector_and_brings_its_scale(imagenet):
    start, new = opened(str(imagenet)), Detector("mobilenet_v2", new=1024)
    taken = transfer(start.weights, new, start.origin)
    assert {name.split(".")[0] for name in taken.left} == {"neck", "towers"}
    new.load_state_dict(taken.weights, strict=False)
    assert new.scale.mean.flatten().tolist() == pytest.approx([0.485, 0.456, 0.406])
    assert new.scale.std.flatten().tolist() == pytest.approx([0.229, 0.224, 0.225])


def test_a_file_in_grey_means_the_colours_in_its_scale(imagenet):
    new = Detector("mobilenet_v2", channels=1)
    taken = transfer(opened(str(imagenet)).weights, new)
    assert taken.adapted == ["backbone.stem.0.weight"]
    assert taken.weights["scale.mean"].item() == pytest.approx((0.485 + 0.456 + 0.406) / 3)


def test_a_training_from_a_file_takes_its_network_and_says_where_it_is_from(imagenet, tmp_path):
    photos = pictures(tmp_path / "photos", 12)
    small = {"steps": 1, "card": None, "precision": "fp32", "batch": 4}
    model = sd.train("classify", photos, start=imagenet, out=tmp_path / "run", **small)
    config = json.loads((model.dir / "config.json").read_text())
    assert config["recipe"]["network"] == "mobilenet_v2"
    assert config["transfer"]["origin"] == "torchvision's MobileNetV2, mobilenet_v2.safetensors"
    assert config["transfer"]["left_random"] == ["1.head.weight", "1.head.bias"]
    assert config["training"]["start"] == str(imagenet)
    again = opened(str(model.dir))
    assert again.origin == f"{model.dir}, which began with torchvision's MobileNetV2, mobilenet_v2.safetensors"


@pytest.mark.parametrize(
    ("word", "name", "both"),
    [
        ("network", "resnet", True),
        ("backbone", "mobilenet_v2", True),
        ("network", "fast", False),
        ("network", "auto", False),
    ],
)
def test_the_network_of_a_run_is_known_by_the_words_of_others(tmp_path, monkeypatch, word, name, both):
    monkeypatch.setattr(Run, "weights", lambda run: {})
    monkeypatch.setattr(Run, "model_config", lambda run: {"recipe": {word: name, "width": 8}})
    (tmp_path / "config.json").write_text('{"schema": 2}')
    other = {"network", "backbone"} - {word}
    expected = {word: name, "width": 8} | ({other.pop(): name} if both else {})
    assert opened(str(tmp_path)).shaping == expected


def test_another_network_than_the_file_has_is_refused(imagenet, tmp_path):
    photos = pictures(tmp_path / "photos", 12)
    with pytest.raises(UsageError, match=r"mobilenet_v2\.safetensors: only 0 % of the new model's parameters"):
        sd.train("classify", photos, start=imagenet, network="resnet", out=tmp_path / "run", steps=1, card=None)
    assert not (tmp_path / "run").exists()


@pytest.fixture(scope="module")
def things(tmp_path_factory):
    """Class folders and a table of boxes of the same coloured pictures of 24 × 24."""
    folder = tmp_path_factory.mktemp("things")
    rng, rows = stream("things"), []
    for i in range(24):
        pixels = rng.integers(0, 255, (24, 24, 3), np.uint8)
        path = folder / "photos" / "ab"[i % 2] / f"{i}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)
        box = {"bbox": [[2, 2, 12, 12]], "category": ["a"]}
        rows.append(json.dumps({"image": str(path), "objects": box}))
    (folder / "boxes.jsonl").write_text("\n".join(rows))
    return folder


def test_a_default_classifier_says_with_which_setting_a_detector_could_begin_with_it(things, tmp_path):
    small = {"size": "tiny", "steps": 1, "card": None, "precision": "fp32", "batch": 4}
    first = sd.train("classify", things / "photos", out=tmp_path / "first", **small)
    with pytest.raises(UsageError, match="can be nothing else's backbone") as refused:
        sd.train("detect", things / "boxes.jsonl", start=first.dir, out=tmp_path / "second", **small)
    (setting,) = re.findall(r"Train that model with network=(\w+),", str(refused.value))
    first = sd.train("classify", things / "photos", out=tmp_path / "anew", network=setting, **small)
    second = sd.train("detect", things / "boxes.jsonl", start=first.dir, out=tmp_path / "third", **small)
    assert second.run.config["transfer"]["used"] > 0.9


def test_settings_that_keep_weights_out_are_named(things, tmp_path):
    small = {"steps": 1, "card": None, "precision": "fp32", "batch": 4, "network": "resnet"}
    first = sd.train("classify", things / "photos", out=tmp_path / "first", width=8, **small)
    with pytest.raises(UsageError, match=r"Set what the weights are of: width=8$"):
        sd.train("classify", things / "photos", start=first.dir, out=tmp_path / "second", width=16, **small)


def test_what_is_neither_run_nor_file_is_refused(tmp_path):
    with pytest.raises(RunError, match=r"nowhere: not a run: there is no such folder"):
        opened(str(tmp_path / "nowhere"))
    with pytest.raises(DataError, match=r"nowhere\.pth: the weights cannot be read"):
        opened(str(tmp_path / "nowhere.pth"))
