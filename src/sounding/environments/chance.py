"""Draws that are functions of (seed, counter), for many copies at a time.

So there is no state to be saved: an episode that is played again with its seed meets the same chances.
"""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

SEEDS = 2**31
"""Seeds are numbers from 0 to below this: what all environments take."""


def mixed(seeds: NDArray[np.int64], counters: NDArray[np.int64]) -> NDArray[np.uint64]:
    """64 bits for each pair: SplitMix64 (Steele, Lea, Flood 2014) of the counters, in the stream of the seed."""
    with np.errstate(over="ignore"):
        return _finalised(_finalised(seeds.astype(np.uint64)) + (counters.astype(np.uint64) + _ONE) * _GAMMA)


def uniform(seeds: NDArray[np.int64], counters: NDArray[np.int64]) -> NDArray[np.float64]:
    """A number in [0, 1) for each pair."""
    return (mixed(seeds, counters) >> np.uint64(11)).astype(np.float64) * 2.0**-53


def episode_seeds(seeds: NDArray[np.int64], episodes: NDArray[np.int64]) -> NDArray[np.int64]:
    """The seed of an episode: of the first one that of its copy, of later ones what follows from it."""
    later = (mixed(seeds, episodes) >> np.uint64(33)).astype(np.int64)
    return np.where(episodes == 0, seeds, later)


_ONE = np.uint64(1)
_GAMMA = np.uint64(0x9E3779B97F4A7C15)


def _finalised(z: NDArray[np.uint64]) -> NDArray[np.uint64]:
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def fingerprint(row: np.ndarray) -> int:
    """64 bits that tell an observation from others."""
    return int.from_bytes(hashlib.blake2b(np.ascontiguousarray(row).tobytes(), digest_size=8).digest(), "little")
