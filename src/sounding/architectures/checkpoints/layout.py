"""How a published layout names the parts of a net."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sounding.architectures.transformer import TransformerConfig
from sounding.errors import DataError, did_you_mean

Config = Mapping[str, Any]
Names = Sequence[tuple[str, str]]
NUMBERS = ("n", "m")
"""What stands in names for the number of a block: of an encoder or a decoder alone, of a decoder with an encoder."""

ACTIVATIONS = {
    "gelu": "gelu",
    "gelu_new": "gelu_tanh",
    "gelu_pytorch_tanh": "gelu_tanh",
    "relu": "relu",
    "silu": "silu",
    "swish": "silu",
}
"""Hugging Face's names of activations, and ours."""


@dataclass(frozen=True)
class Layout:
    """How a `model_type` names things: `trunk` and `head` are (theirs, ours); the head gives scores.

    {n} or {m} stands for the number of a block (`NUMBERS`). `shape` makes our config of theirs, or our two; `prefix`
    may stand before all names of the trunk. `fused` names matrices that hold several of ours, side by side,
    `transposed` what lies on its side, `alone` tensors of one part only, which are a bias for us. `scales` are ends of
    our names, and what theirs is multiplied by to be ours.
    """

    prefix: str
    trunk: Names
    head: Names
    shape: Callable[[Config], TransformerConfig] | Callable[[Config], tuple[TransformerConfig, TransformerConfig]]
    fused: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    transposed: Sequence[str] = ()
    alone: Mapping[str, str] = field(default_factory=dict)
    scales: Callable[[Config], Mapping[str, float]] = lambda c: {}


def inside(theirs: str, ours: str, parts: Iterable[tuple[str, str]]) -> Names:
    """Names of parts, (theirs, ours), with the names of what they are parts of ahead."""
    return [(f"{theirs}.{their}", f"{ours}.{our}") for their, our in parts]


def each(names: Sequence[tuple[str, ...]], layers: Mapping[str, int]) -> list[tuple[str, ...]]:
    """The names with the number of each block, of which there are `layers`."""
    found = []
    for row in names:
        number = next((number for number in layers if f"{{{number}}}" in row[0]), "")
        for place in range(layers[number]) if number else range(1):
            found.append(tuple(name.replace(f"{{{number}}}", str(place)) for name in row))
    return found


def scale_of(name: str, scales: Mapping[str, float]) -> float:
    """What their tensor is multiplied by to be ours of this name."""
    return next((scale for end, scale in scales.items() if name.endswith(end)), 1.0)


def activation(name: str) -> str:
    """Our name of an activation. Raises DataError for one that is not known."""
    if name not in ACTIVATIONS:
        raise DataError(f"the activation {name!r} is not known", fix=did_you_mean(name, ACTIVATIONS))
    return ACTIVATIONS[name]
