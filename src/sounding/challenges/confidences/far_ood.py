"""Inputs that no training set holds, made from any kind of input by its own words, so that no other data are needed.

Legend of shapes: n values, P parts.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from sounding.contract.inputs import Continuous, Discrete, Explainable
from sounding.contract.modality import Modality
from sounding.evaluation.evaluation import same

EDITS = 3
"""Edits for each part of a discrete input."""
MOST_EDITS = 200


def far_ood(modality: Modality, values: Sequence[Any], rng: np.random.Generator) -> dict[str, list[Any]]:
    """Name → an out-of-distribution input for each of `values`; None where one cannot be made or is the value itself.

    Continuous inputs: every number drawn from the legal range; the input's own numbers in random order. Discrete ones:
    many random small edits. Explainable ones: all segments masked, by each of the baselines.
    """
    sets: dict[str, list[Any]] = {}
    if isinstance(modality, Continuous):
        if all(map(math.isfinite, modality.value_range)):
            sets["random values"] = [_random(modality, value, rng) for value in values]
        sets["shuffled values"] = [_shuffled(modality, value, rng) for value in values]
    elif isinstance(modality, Discrete):
        sets["random edits"] = [_edited(modality, value, rng) for value in values]
    if isinstance(modality, Explainable):
        for baseline in modality.baselines:
            sets[f"blank ({baseline})"] = [_blank(modality, value, baseline) for value in values]
    changed = {
        name: [None if b is None or same(a, b) else b for a, b in zip(values, some, strict=True)]
        for name, some in sets.items()
    }
    return {name: some for name, some in changed.items() if any(value is not None for value in some)}


def blank_sets(modality: Modality) -> int:
    """How many sets of unknown inputs there are at most besides those of random values."""
    return len(modality.baselines) if isinstance(modality, Explainable) else 0


def _random(modality: Continuous, value: Any, rng: np.random.Generator) -> Any:
    low, high = modality.value_range
    x = modality.encode([value])
    return modality.decode(torch.as_tensor(rng.uniform(low, high, tuple(x.shape)), dtype=x.dtype))[0]


def _shuffled(modality: Continuous, value: Any, rng: np.random.Generator) -> Any:
    x = modality.encode([value])
    order = torch.as_tensor(rng.permutation(x.numel()))
    return modality.decode(x.flatten()[order].reshape(x.shape))[0]


def _edited(modality: Discrete, value: Any, rng: np.random.Generator) -> Any:
    """As many edits as three for each part, one after the other; fewer where nothing is left to edit."""
    segments = modality.segments(value) if isinstance(modality, Explainable) else 1
    for _ in range(min(MOST_EDITS, EDITS * segments)):
        after = next(iter(modality.neighbours(value, rng)), None)
        if after is None:
            break
        value = after
    return value


def _blank(modality: Explainable, value: Any, baseline: str) -> Any:
    parts = modality.segments(value)
    return modality.mask(value, np.zeros(parts, bool), baseline) if parts else None
