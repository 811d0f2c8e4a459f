"""Hashes of positions, and random numbers made of hashes. Compiled."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sounding.games.compiled import compiled


@compiled
def mixed(word: np.uint64) -> np.uint64:
    """A number whose bits all depend on all of `word`'s: splitmix64's output for it (Steele, Lea and Flood 2014)."""
    word = word + np.uint64(0x9E3779B97F4A7C15)
    word = (word ^ (word >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    word = (word ^ (word >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return word ^ (word >> np.uint64(31))


@compiled
def below(state: NDArray[np.uint64], n: int) -> int:
    """A random number from 0 to n − 1, at most 2³²; `state` [1] is a seed, which moves on (splitmix64)."""
    state[0] += np.uint64(0x9E3779B97F4A7C15)
    return int(((mixed(state[0]) >> np.uint64(32)) * np.uint64(n)) >> np.uint64(32))
