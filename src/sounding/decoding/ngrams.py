"""Next tokens from counts of the tokens before them: what a language model has to beat, and what helps a transcriber.

Interpolated Kneser-Ney smoothing with one discount (Kneser and Ney 1995; Chen and Goodman 1998, section 4.1.6):

    p(w | h) = max(c(h w) - d, 0) / c(h) + d u(h) / c(h) · p(w | h')

c counts, u(h) is how many different tokens follow h, h' is h without its first token. For shorter histories c(h w) is
how many different tokens come before h w. Below the shortest all tokens are alike.

Legend of shapes: T tokens.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

import numpy as np

DISCOUNT = 0.75
"""d: what is taken from each count for what was never seen (the usual value between 0 and 1)."""

History = tuple[int, ...]


class NGrams:
    """The probabilities of next tokens after up to `order` - 1 others, by counts in `texts`, arrays of ids [T]."""

    def __init__(self, texts: Iterable[np.ndarray], order: int, vocabulary: int) -> None:
        self.order, self.vocabulary = order, vocabulary
        self._counts: list[dict[History, Counter[int]]] = [defaultdict(Counter) for _ in range(order)]
        whole = self._counts[-1]
        for text in texts:
            ids = text.tolist()
            for place in range(len(ids)):
                history = tuple(ids[max(0, place - order + 1) : place])
                if len(history) == order - 1:
                    whole[history][ids[place]] += 1
                elif history:  # the beginning of a text, for which no longer history is known
                    self._counts[len(history)][history][ids[place]] += 1
        for length in range(order - 1, 0, -1):  # different tokens before, not how often
            shorter = self._counts[length - 1]
            for history, following in self._counts[length].items():
                for token in following:
                    shorter[history[1:]][token] += 1
        self._best: dict[History, tuple[int, float]] = {}
        self._sums = [{h: sum(found.values()) for h, found in counts.items()} for counts in self._counts]

    def probability(self, history: Sequence[int], token: int) -> float:
        """p(token | the last tokens of `history`)."""
        p = 1 / self.vocabulary
        for length in range(min(self.order - 1, len(history)) + 1):
            h = tuple(history[len(history) - length :])
            following = self._counts[length].get(h)
            if following is None:
                break  # a longer history was not seen either
            total = self._sums[length][h]
            p = (max(following[token] - DISCOUNT, 0) + DISCOUNT * len(following) * p) / total
        return p

    def best(self, history: Sequence[int]) -> tuple[int, float]:
        """The most frequent token after the longest end of a history that was seen, with its probability."""
        h = tuple(history[max(0, len(history) - self.order + 1) :])
        if h not in self._best:
            seen = next((h[k:] for k in range(len(h) + 1) if self._counts[len(h) - k].get(h[k:])), None)
            if seen is None:
                return 0, 1 / self.vocabulary
            following = self._counts[len(seen)][seen]
            token = max(following, key=lambda t: (following[t], -t))
            self._best[h] = token, self.probability(h, token)
        return self._best[h]
