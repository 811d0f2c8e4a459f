"""Backbones: networks for pictures by name, whose maps at several resolutions feed detectors and masks.

Each has `features(x)`, the list of its maps, finest first; `widths`, their channels; and `strides`, the side of the
picture over theirs. Their weights have the names that the classifiers' have, so that what was learnt in classifying
finds its place.

Legend of shapes: B batch, C channels, H height, W width.
"""

from __future__ import annotations

from torch import nn

from sounding.architectures.cnn import ResNet
from sounding.architectures.mobilenet import NETWORKS
from sounding.errors import UsageError, did_you_mean

NAMES = ("resnet", *NETWORKS)


def backbone(
    name: str, channels: int, width: int = 32, depth: int = 1, *, act: str = "relu", side: int = 224, first: int = 4
) -> nn.Module:
    """The network `name` without its linear layer: `features` of x [B, C, H, W], `widths`, `strides`; four maps.

    `width`, `depth`, `first` and `act` shape the resnet; the others have one shape, so that published weights fit. The
    strides are 4, 8, 16, 32 for a `side` above 64 pixels (from `first` on for the resnet); below, 1, 2, 4, 8 for the
    resnet and 2, 4, 8, 16 for the others.
    Raises UsageError for an unknown name.
    """
    if name == "resnet":
        net = ResNet(channels, 1, width, depth, act=act, side=side, first=first)
        del net.head
        return net
    if name in NETWORKS:
        return NETWORKS[name](channels, side=side)
    raise UsageError(f"no backbone {name!r}", fix=did_you_mean(name, NAMES))
