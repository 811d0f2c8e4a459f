"""Weights learnt on ImageNet, out of the files in which others publish them, under the names that our networks use.

    layout of the file                                      network
    torchvision's MobileNetV2                               mobilenet_v2
    timm's mobilenetv2_100                                  mobilenet_v2
    EfficientNet-Lite0 as in efficientnet_lite_pytorch      efficientnet_lite0

The layout is recognised by the names of the tensors, and every tensor has to have the shape that our network expects.
The linear layer over the 1,000 classes is left out. No code in a file is run: a pickle is opened with torch's
restricted reader, which takes tensors and nothing else (`torch.load(weights_only=True)`).
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from sounding.architectures.mobilenet import NETWORKS
from sounding.errors import DataError

SUFFIXES = (".pth", ".pt", ".safetensors", ".bin")
"""How files of weights are called."""

IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
"""Mean and standard deviation of each channel by which torchvision and timm scale pictures in [0, 1]."""
EVEN = ((127 / 255,) * 3, (128 / 255,) * 3)
"""Those of EfficientNet-Lite: 127 and 128 on the scale of 0 to 255."""


@dataclass(frozen=True)
class Pretrained:
    """Weights by our names, the network that they are of, where they are from, and how their pictures were scaled."""

    weights: dict[str, Tensor]
    network: str
    origin: str
    mean: tuple[float, ...]
    std: tuple[float, ...]


@dataclass(frozen=True)
class Layout:
    """A way to name a network's tensors: what it is called, a name that tells it, and how names become ours.

    `head` is how the names of the classifier begin, which is left out.
    """

    title: str
    network: str
    mark: str
    head: str
    ours: Callable[[str], str]
    scale: tuple[tuple[float, ...], tuple[float, ...]]


def read(path: str | Path) -> Pretrained:
    """The weights in a .pth, .pt or .safetensors file.

    Raises DataError for a file that is missing, damaged, of an unknown layout, or holds anything but tensors.
    """
    path = Path(path)
    found = _plain(_tensors(path), str(path))
    layout = next((each for each in LAYOUTS if each.mark in found), None)
    if layout is None:
        what = f"these are weights of no network that is known here (the first is {next(iter(found))!r})"
        raise DataError(what, where=str(path), fix=f"Known: {'; '.join(each.title for each in LAYOUTS)}")
    weights = {layout.ours(name): tensor for name, tensor in found.items() if not name.startswith(layout.head)}
    _check(weights, layout, str(path))
    return Pretrained(weights, layout.network, f"{layout.title}, {path.name}", *layout.scale)


# ---- files


def _tensors(path: Path) -> Any:
    """What is in the file; its beginning tells of which kind it is, and not its name."""
    fix = "Take it from a copy, or download it again"
    try:
        with path.open("rb") as file:
            safe = file.read(9)[8:] == b"{"  # a length in eight bytes, then JSON
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of pickles of a kind that torch does not write itself
            return load_file(path) if safe else torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        what = f"the weights cannot be read ({error.strerror or error})"
        raise DataError(what, where=str(path), fix="Name a file that exists") from None
    except SafetensorError as error:
        raise DataError(f"the weights file is damaged ({error})", where=str(path), fix=fix) from None
    except Exception:  # what a damaged pickle raises in torch's reader is anybody's guess
        what = "the file is damaged, or holds other things than tensors, which are not opened since they may run code"
        raise DataError(what, where=str(path), fix=fix) from None


def _plain(found: Any, where: str) -> dict[str, Tensor]:
    """The tensors by name, out of the wrappers that checkpoints come in."""
    for key in ("state_dict", "model"):
        if isinstance(found, Mapping) and isinstance(found.get(key), Mapping):
            found = found[key]
    named = found.items() if isinstance(found, Mapping) else ()
    tensors = {str(name).removeprefix("module."): tensor for name, tensor in named if isinstance(tensor, Tensor)}
    if not tensors:
        raise DataError("there are no tensors by name in the file", where=where, fix="Save a state_dict")
    for name, tensor in tensors.items():
        if not tensor.isfinite().all():
            raise DataError(f"{name} holds values that are no finite numbers", where=where, fix="Take it from a copy")
    return {name: t.float() if t.is_floating_point() else t for name, t in tensors.items()}


def _check(weights: Mapping[str, Tensor], layout: Layout, where: str) -> None:
    """Raises DataError unless `weights` are exactly what the backbone and the last convolution have."""
    with torch.random.fork_rng(devices=[]):
        own = NETWORKS[layout.network](3, 1).state_dict()
    for name, tensor in own.items():
        if name.startswith("head.") or name.endswith("num_batches_tracked"):
            continue
        shape = list(weights[name].shape) if name in weights else None
        if shape != list(tensor.shape):
            found = f"has the shape {shape}" if shape else "is missing"
            what = f"the names are those of {layout.title}, but {name} {found} and should be {list(tensor.shape)}"
            raise DataError(what, where=where, fix="Only the network of width 1 for colour pictures can be read")
    more = [name for name in weights if name not in own]
    if more:
        raise DataError(f"the names are those of {layout.title}, but for {more[0]}", where=where)


# ---- names


def _renamed(name: str, rules: Sequence[tuple[str, str]]) -> str:
    """The name after the first rule (a pattern and what stands for it) that fits its beginning."""
    for pattern, ours in rules:
        new, times = re.subn(f"^{pattern}(?=\\.)", ours, name)
        if times:
            return new
    return name


def _torchvision(name: str) -> str:
    """features.0 is the stem, 1 to 17 the blocks, 18 the last convolution."""
    match = re.match(r"features\.(\d+)\.(?:conv\.)?(.*)", name)
    if not match:
        return name
    at, rest = int(match[1]), match[2]
    if at in (0, 18):
        return f"{'last' if at else 'stem'}.{rest}"
    parts = ("depthwise", "project") if at == 1 else ("expand", "depthwise", "project")
    rules = [(str(i), part) for i, part in enumerate(parts[:-1])]
    rules += [(str(len(parts) - 1), "project.0"), (str(len(parts)), "project.1")]  # these two lie one level higher
    return f"blocks.{at - 1}.{_renamed(rest, rules)}"


_LITE = (
    ("_conv_stem", "stem.0"),
    ("_bn0", "stem.1"),
    (r"_blocks\.(\d+)\._expand_conv", r"blocks.\1.expand.0"),
    (r"_blocks\.(\d+)\._bn0", r"blocks.\1.expand.1"),
    (r"_blocks\.(\d+)\._depthwise_conv", r"blocks.\1.depthwise.0"),
    (r"_blocks\.(\d+)\._bn1", r"blocks.\1.depthwise.1"),
    (r"_blocks\.(\d+)\._project_conv", r"blocks.\1.project.0"),
    (r"_blocks\.(\d+)\._bn2", r"blocks.\1.project.1"),
    ("_conv_head", "last.0"),
    ("_bn1", "last.1"),
)

_TIMM = (
    ("conv_stem", "stem.0"),
    ("bn1", "stem.1"),
    (r"blocks\.0\.conv_dw", "blocks.0.depthwise.0"),  # the first block widens nothing, so that its names are shifted
    (r"blocks\.0\.bn1", "blocks.0.depthwise.1"),
    (r"blocks\.0\.conv_pw", "blocks.0.project.0"),
    (r"blocks\.0\.bn2", "blocks.0.project.1"),
    (r"blocks\.(\d+)\.conv_pwl", r"blocks.\1.project.0"),
    (r"blocks\.(\d+)\.conv_pw", r"blocks.\1.expand.0"),
    (r"blocks\.(\d+)\.conv_dw", r"blocks.\1.depthwise.0"),
    (r"blocks\.(\d+)\.bn1", r"blocks.\1.expand.1"),
    (r"blocks\.(\d+)\.bn2", r"blocks.\1.depthwise.1"),
    (r"blocks\.(\d+)\.bn3", r"blocks.\1.project.1"),
    ("conv_head", "last.0"),
    ("bn2", "last.1"),
)

_FIRST = (0, 1, 3, 6, 10, 13, 16)
"""The block that each stage of MobileNetV2 begins with."""


def _timm(name: str) -> str:
    """blocks.STAGE.BLOCK, where ours count through."""
    match = re.match(r"blocks\.([0-6])\.(\d+)\.(.*)", name)
    return _renamed(f"blocks.{_FIRST[int(match[1])] + int(match[2])}.{match[3]}" if match else name, _TIMM)


LAYOUTS = (
    Layout("torchvision's MobileNetV2", "mobilenet_v2", "features.18.0.weight", "classifier.", _torchvision, IMAGENET),
    Layout("timm's mobilenetv2_100", "mobilenet_v2", "blocks.6.0.conv_pwl.weight", "classifier.", _timm, IMAGENET),
    Layout(
        "EfficientNet-Lite0 of efficientnet_lite_pytorch",
        "efficientnet_lite0",
        "_conv_stem.weight",
        "_fc.",
        lambda name: _renamed(name, _LITE),
        EVEN,
    ),
)
