"""Which token comes next: the most probable one, or one that is drawn from what is left of the distribution.

Legend of shapes: B rows of the batch, V vocabulary.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from sounding.errors import UsageError
from sounding.randomness import generator


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

    def scores(self, logits: Float[Tensor, "B V"], seen: Bool[Tensor, "B V"] | None = None) -> Float[Tensor, "B V"]:
        """The logits of what is drawn from; -inf for what is left out. The most probable token always stays."""
        if self.remembers and seen is not None:
            worse = torch.where(logits > 0, logits / self.repetition_penalty, logits * self.repetition_penalty)
            logits = torch.where(seen, worse, logits)
        if self.temperature not in (0, 1):
            logits = logits / self.temperature
        if 0 < self.top_k < logits.shape[1]:
            least = logits.topk(self.top_k, dim=1).values[:, -1:]
            logits = logits.masked_fill(logits < least, -math.inf)
        if self.top_p < 1:
            logits = self._nucleus(logits)
        if self.min_p > 0:
            least = logits.amax(dim=1, keepdim=True) + math.log(self.min_p)
            logits = logits.masked_fill(logits < least, -math.inf)
        return logits

    def _nucleus(self, logits: Float[Tensor, "B V"]) -> Float[Tensor, "B V"]:
        ordered, order = logits.sort(dim=1, descending=True)
        shares = ordered.softmax(dim=1)
        before = shares.cumsum(dim=1) - shares
        left_out = torch.zeros_like(logits, dtype=torch.bool).scatter_(1, order, before >= self.top_p)
        return logits.masked_fill(left_out, -math.inf)


class Sampler:
    """Draws the next token of each text from a random stream of its own, so that it does not depend on its neighbours.

    `streams` names the stream of each text: the same seed and prompt give the same text in any batch.
    """

    def __init__(self, sampling: Sampling, streams: Sequence[object], prompts: Sequence[Sequence[int]]) -> None:
        self.sampling = sampling
        self._streams = [generator("sample", stream) for stream in streams]
        self._prompts = prompts
        self._seen: Tensor | None = None

    def choose(self, logits: Float[Tensor, "B V"]) -> Int[Tensor, " B"]:
        """The next token of each text that is still written."""
        device, logits = logits.device, logits.cpu()
        if self._seen is None and self.sampling.remembers:
            self._seen = torch.zeros(logits.shape, dtype=torch.bool)
            for row, prompt in enumerate(self._prompts):
                self._seen[row, torch.as_tensor(prompt, dtype=torch.int64)] = True
        scores = self.sampling.scores(logits, self._seen)
        chosen = self._drawn(scores) if self.sampling.temperature else scores.argmax(dim=1)
        if self._seen is not None:
            self._seen[torch.arange(len(chosen)), chosen] = True
        return chosen.to(device)

    def _drawn(self, scores: Float[Tensor, "B V"]) -> Int[Tensor, " B"]:
        """The token of each row at which the sum of the probabilities before it and its own exceeds a random number."""
        sums = scores.softmax(dim=1).cumsum(dim=1, dtype=torch.float64)
        drawn = torch.stack([torch.rand(1, generator=stream) for stream in self._streams])
        return torch.searchsorted(sums, drawn * sums[:, -1:], right=True)[:, 0]

    def take(self, rows: Int[Tensor, " R"]) -> None:
        """Go on with these rows."""
        self._streams = [self._streams[row] for row in rows.tolist()]
        self._seen = None if self._seen is None else self._seen[rows.cpu()]
