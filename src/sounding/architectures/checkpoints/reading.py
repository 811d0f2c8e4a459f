"""Reading the weights of a published net."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from sounding.architectures.checkpoints import pair, single, t5, whisper
from sounding.architectures.checkpoints.files import config_in, generation_in, tensors_in
from sounding.architectures.checkpoints.layout import NUMBERS, Config, Layout, each, scale_of
from sounding.architectures.checkpoints.shape import Shape
from sounding.architectures.encoder_decoder import EncoderDecoder
from sounding.architectures.transformer import LanguageModel, TransformerConfig
from sounding.architectures.whisper import Whisper
from sounding.errors import DataError

NAMED = 5
"""Tensors that do not fit are named, at most."""


@dataclass(frozen=True)
class Checkpoint:
    """Weights by our names (of a `LanguageModel`, an `EncoderDecoder` or a `Whisper`), and the shape of their net.

    `scores`: whether there are scores of words; else those of the net are random. `origin` says where they are from.
    """

    shape: Shape
    weights: dict[str, Tensor]
    layout: str
    scores: bool
    origin: str

    def model(self) -> LanguageModel | EncoderDecoder | Whisper:
        """The net with these weights."""
        model = self.shape.model()
        model.load_state_dict(self.weights, strict=False)
        return model


def read(folder: Path) -> Checkpoint:
    """The weights in a folder of config.json and safetensors, of one file or of several.

    Raises DataError for a missing or damaged file, a model_type that is not known, tensors that the config does not
    promise (named one by one), and pickles.
    """
    where, config = folder / "config.json", config_in(folder)
    kind = config["model_type"]
    of: Shape
    try:
        layout = layout_of(config)
        shape = layout.shape(config)
        found = _ours(tensors_in(folder), layout, _layers(shape), layout.scales(config))
        if isinstance(shape, TransformerConfig):
            of, scores = single.assembled(kind, config, shape, found)
        elif kind == whisper.KIND:
            of, scores = whisper.assembled(config, generation_in(folder), shape, found), True
        else:
            of, scores = pair.assembled(kind, config, generation_in(folder), shape, found), True
    except KeyError as error:
        raise DataError(f"the config does not say {error}", where=str(where), fix="Download it again") from None
    except DataError as error:
        raise error if error.where else error.at(str(where)) from None
    _check(of, found, scores, str(folder))
    return Checkpoint(of, found, kind, scores, f"{folder} ({kind})")


def layout_of(config: Config) -> Layout:
    """The layout of a config. Raises DataError for one that is not known."""
    kind = config["model_type"]
    if kind in t5.KINDS:
        return t5.layout(config)
    layouts = {**single.LAYOUTS, **pair.LAYOUTS, whisper.KIND: whisper.LAYOUT}
    if kind not in layouts:
        fix = f"Name one of {', '.join((*layouts, *t5.KINDS))}"
        raise DataError(f"no architecture {kind!r} is known", fix=fix)
    return layouts[kind]


def _layers(shape: TransformerConfig | tuple[TransformerConfig, TransformerConfig]) -> dict[str, int]:
    """How many blocks there are of each number in a layout's names."""
    sides = (shape,) if isinstance(shape, TransformerConfig) else shape
    return {number: side.layers for number, side in zip(NUMBERS, sides, strict=False)}


def _ours(
    found: Mapping[str, Tensor], layout: Layout, layers: Mapping[str, int], scales: Mapping[str, float]
) -> dict[str, Tensor]:
    """The tensors under our names; those that have none are left out."""
    names = {row[0]: row[1] for row in each((*layout.trunk, *layout.head), layers)}
    fused = {theirs: ours for theirs, *ours in each([(theirs, *ours) for theirs, ours in layout.fused.items()], layers)}
    weights: dict[str, Tensor] = {}
    for name, tensor in found.items():
        if name in layout.alone:
            weights[layout.alone[name]] = tensor.float().flatten()
            continue
        part, _, kind = name.removeprefix(layout.prefix).rpartition(".")
        kind = {"gamma": "weight", "beta": "bias"}.get(kind, kind)  # as old checkpoints of TensorFlow have it
        if kind not in ("weight", "bias"):
            continue
        tensor = tensor.float()
        if kind == "weight" and any(part.endswith(each) for each in layout.transposed):
            tensor = tensor.T.contiguous()
        if part in fused:
            weights |= {f"{ours}.{kind}": some for ours, some in zip(fused[part], tensor.chunk(len(fused[part])))}
        elif part in names:
            weights[f"{names[part]}.{kind}"] = tensor
    return {name: tensor * scale_of(name, scales) if scales else tensor for name, tensor in weights.items()}


def _check(shape: Shape, weights: Mapping[str, Tensor], scores: bool, where: str) -> None:
    """Raise DataError unless the weights are those that a net of this shape has."""
    with torch.device("meta"):
        own = shape.model().state_dict()
    wrong = []
    for name, tensor in own.items():
        given = weights.get(name)
        if not scores and name.startswith("output."):
            continue
        if given is None or given.shape != tensor.shape:
            found = "is missing" if given is None else f"has the shape {list(given.shape)}"
            wrong.append(f"{name} {found}, and the config promises {list(tensor.shape)}")
        elif not given.isfinite().all():
            raise DataError(f"{name} holds values that are no finite numbers", where=where, fix="Download it again")
    if wrong:
        more = f"; and {len(wrong) - NAMED} more" if len(wrong) > NAMED else ""
        raise DataError("; ".join(wrong[:NAMED]) + more, where=where, fix="Take config and weights of one model")
