"""Which token comes next: the most probable one, or one that is drawn from what is left of the distribution.

Legend of shapes: B rows of the batch, V vocabulary.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sounding.errors import UsageError
from sounding.postprocessing.functions import largest, softmax
from sounding.randomness import stream


@dataclass(frozen=True)
class Sampling:
    """What is drawn from. Applied in this order: repetition penalty, temperature, top-k, top-p, min-p."""

    temperature: float = 1.0  # logits are divided by it; 0: the most probable token, always
    top_k: int = 0  # only so many of the most probable tokens; 0: all
    top_p: float = 1.0  # only the fewest tokens that have this much probability together (arXiv 1904.09751)
    min_p: float = 0.0  # only tokens at least so probable as this share of the most probable (arXiv 2407.01082)
    repetition_penalty: float = 1.0  # how much less a token that was there already may score (arXiv 1909.05858)

    def __post_init__(self) -> None:
        """Raises UsageError for a number that means nothing."""
        bounds = {
            "temperature": (0, math.inf),
            "top_k": (0, math.inf),
            "top_p": (0, 1),
            "min_p": (0, 1),
            "repetition_penalty": (0, math.inf),
        }
        for name, (least, most) in bounds.items():
            value = getattr(self, name)
            excluded = name in ("top_p", "repetition_penalty") and value == 0
            if not least <= value <= most or excluded:
                raise UsageError(f"{name}={value} is out of its range", fix=f"{least} to {most}")

    @property
    def remembers(self) -> bool:
        """Whether it matters which tokens were there already."""
        return self.repetition_penalty != 1

    def scores(self, logits: np.ndarray, seen: np.ndarray | None = None) -> np.ndarray:
        """The logits [B, V] of what is drawn from; -inf for what is left out. The most probable token always stays.

        `seen` [B, V] is true for the tokens that were there already.
        """
        if self.remembers and seen is not None:
            worse = np.where(logits > 0, logits / self.repetition_penalty, logits * self.repetition_penalty)
            logits = np.where(seen, worse, logits)
        if self.temperature not in (0, 1):
            logits = logits / self.temperature
        if 0 < self.top_k < logits.shape[1]:
            least = largest(logits, self.top_k)[0][:, -1:]
            logits = np.where(logits < least, -np.inf, logits)
        if self.top_p < 1:
            logits = self._nucleus(logits)
        if self.min_p > 0:
            least = logits.max(axis=1, keepdims=True) + math.log(self.min_p)
            logits = np.where(logits < least, -np.inf, logits)
        return logits

    def _nucleus(self, logits: np.ndarray) -> np.ndarray:
        order = np.argsort(-logits, axis=1)
        shares = softmax(np.take_along_axis(logits, order, axis=1))
        before = shares.cumsum(axis=1) - shares
        left_out = np.zeros(logits.shape, bool)
        np.put_along_axis(left_out, order, before >= self.top_p, axis=1)
        return np.where(left_out, -np.inf, logits)


class Sampler:
    """Draws the next token of each text from a random stream of its own, so that it does not depend on its neighbours.

    `streams` names the stream of each text: the same seed and prompt give the same text in any batch.
    """

    def __init__(self, sampling: Sampling, streams: Sequence[object], prompts: Sequence[Sequence[int]]) -> None:
        self.sampling = sampling
        self._streams = [stream("sample", words) for words in streams]
        self._prompts = prompts
        self._seen: np.ndarray | None = None

    def choose(self, logits: np.ndarray) -> np.ndarray:
        """The next token [B] of each text that is still written, from logits [B, V]."""
        if self._seen is None and self.sampling.remembers:
            self._seen = np.zeros(logits.shape, bool)
            for row, prompt in enumerate(self._prompts):
                self._seen[row, prompt] = True
        scores = self.sampling.scores(logits, self._seen)
        chosen = self._drawn(scores) if self.sampling.temperature else scores.argmax(axis=1)
        if self._seen is not None:
            self._seen[np.arange(len(chosen)), chosen] = True
        return chosen

    def _drawn(self, scores: np.ndarray) -> np.ndarray:
        """The token of each row at which the sum of the probabilities before it and its own exceeds a random number."""
        sums = softmax(scores).cumsum(axis=1, dtype=np.float64)
        drawn = np.array([[stream.random()] for stream in self._streams])
        return (sums <= drawn * sums[:, -1:]).sum(axis=1)

    def take(self, rows: np.ndarray) -> None:
        """Go on with these rows [R]."""
        self._streams = [self._streams[row] for row in rows.tolist()]
        self._seen = None if self._seen is None else self._seen[rows]
