"""The weights of the network, in whole numbers.

    768 features of each side → 256 units, squared between 0 and 1 → one number, from the output layer of its bucket

`Net` is a record of arrays, which compiled functions take as it is. The score is in centipawns: an expected score of
s corresponds to `SCALE` · log(s / (1 − s)).
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from sounding.errors import RunError
from sounding.files import write
from sounding.games.chess.nnue.features import BUCKETS, FEATURES

UNITS = 256
ONE = 255
"""What stands for 1 in the first layer."""
OUTPUT_ONE = 256
"""What stands for 1 in the weights of the output."""
PIECES = 32
SCALE = 400
"""Centipawns at which the expected score is 1 / (1 + 1/e), 73 %."""

NET = np.dtype(
    [
        ("features", np.int16, (FEATURES, UNITS)),
        ("bias", np.int16, UNITS),
        ("output", np.int16, (BUCKETS, 2 * UNITS)),
        ("output_bias", np.int32, BUCKETS),
    ],
    align=True,
)
Net = NDArray[np.void]
SHIPPED = Path(__file__).with_name("net.safetensors")


def quantised(weights: Mapping[str, NDArray[Any]]) -> Net:
    """The net [1] of float weights: features [768, 256], bias [256], output [8, 512], output_bias [8].

    Raises ValueError for weights that 16 bits cannot hold.
    """
    net = np.zeros(1, NET)
    scales = {"features": ONE, "bias": ONE, "output": OUTPUT_ONE, "output_bias": ONE * OUTPUT_ONE}
    for name, scale in scales.items():
        whole = np.rint(np.asarray(weights[name], np.float64) * scale)
        limits = np.iinfo(NET[name].base)
        if np.abs(whole).max() > limits.max:
            raise ValueError(f"the weights {name} are too large for whole numbers of {limits.bits} bits")
        net[name][0] = whole
    if np.abs(net["features"][0].astype(np.int64)).max() * PIECES + np.abs(net["bias"][0]).max() > 2**15 - 1:
        raise ValueError(f"{PIECES} pieces may add up to more than 16 bits hold: train with smaller weights")
    if np.abs(net["output"][0].astype(np.int64)).reshape(-1, UNITS).sum(axis=1).max() * ONE * ONE > 2**31 - 1:
        raise ValueError("the units of a side may add up to more than 32 bits hold: train with smaller weights")
    return net


def write_net(path: Path, net: Net, note: Mapping[str, str]) -> None:
    """Write a net as safetensors, with a note of where it comes from."""
    arrays = {name: np.ascontiguousarray(net[name][0]) for name in NET.names or ()}
    write(path, save(arrays, dict(note)))


def read_net(path: Path) -> Net:
    """The net [1] in a file. Raises RunError for a missing, damaged or foreign one."""
    try:
        arrays = load(path.read_bytes())
        net = np.zeros(1, NET)
        for name in NET.names or ():
            if arrays[name].shape != net[name][0].shape:
                raise ValueError(f"{name} is of shape {arrays[name].shape}")
            net[name][0] = arrays[name]
    except (OSError, SafetensorError, ValueError, KeyError) as error:
        raise RunError(f"this is no net ({error})", where=str(path), fix="Take it from a copy, or train it") from None
    return net


@functools.cache
def shipped() -> Net:
    """The net of the package; not to be changed."""
    net = read_net(SHIPPED)
    net.flags.writeable = False
    return net
