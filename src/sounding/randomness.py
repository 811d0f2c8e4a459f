"""Random streams that are functions of words: ("step", seed, 117) draws the same in any process, at any time.

Nothing in the package draws from process-wide state, so there is none to save: a training resumed at step 117 draws
what the uninterrupted one drew there.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch


def entropy(*words: object) -> int:
    """63 bits that depend on `words` alone."""
    text = "\x1f".join(str(word) for word in words)
    return int.from_bytes(hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=8).digest(), "big") >> 1


def stream(*words: object) -> np.random.Generator:
    """A numpy stream for `words`."""
    return np.random.default_rng(entropy(*words))


def generator(*words: object) -> torch.Generator:
    """A torch stream for `words`."""
    import torch  # here, because numpy's streams are drawn from where there is none

    return torch.Generator().manual_seed(entropy(*words))


def begin_layers(*words: object) -> None:
    """Begin anew, for `words`, the streams of torch's own that layers draw from: what is dropped out, say.

    torch.manual_seed does so for every kind of device there may be, which takes longer than a step of a small network.
    """
    import torch

    number = entropy(*words)
    torch.default_generator.manual_seed(number)
    if torch.cuda.is_initialized():
        torch.cuda.manual_seed_all(number)
