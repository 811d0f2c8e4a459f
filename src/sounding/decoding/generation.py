"""Token after token, for a batch of prompts, until each text is done.

Legend of shapes: B rows of the batch, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from sounding.contract.writing import Decoder
from sounding.decoding.constraints import Constraints, aligned
from sounding.decoding.sampling import Sampler
from sounding.postprocessing.functions import log_softmax


@dataclass(frozen=True)
class Written:
    """One token more: of which prompt, its id, and the log-probability that the model gave it before sampling."""

    row: int
    id: int
    log_probability: float


class Generation:
    """Goes on with `prompts`, at most `limit` tokens each. Iterating gives what each step wrote, for the rows alive.

    A text ends with a token of `ends`, which is given as the last, or when `stop` is told. Rows that are done take no
    more time.
    """

    def __init__(
        self,
        decoder: Decoder,
        prompts: Sequence[Sequence[int]],
        sampler: Sampler,
        limit: int,
        ends: Collection[int] = (),
        constraints: Constraints | None = None,
    ) -> None:
        self.constraints = constraints or Constraints()
        self.decoder, self.prompts, self.sampler, self.limit, self.ends = decoder, prompts, sampler, limit, ends
        self._stopped: set[int] = set()

    def stop(self, row: int) -> None:
        """The text of this prompt is done."""
        self._stopped.add(row)

    def __iter__(self) -> Iterator[list[Written]]:
        if not self.prompts or self.limit < 1:
            return
        alive = list(range(len(self.prompts)))
        logits = self.decoder.start(self.prompts)
        texts = aligned(self.prompts)
        for number in range(self.limit):
            allowed = self.constraints.scores(logits, texts, number, self.ends) if self.constraints else logits
            chosen = self.sampler.choose(allowed)
            told = log_softmax(logits)[np.arange(len(chosen)), chosen]
            ids = chosen.tolist()
            yield [Written(*each) for each in zip(alive, ids, told.tolist(), strict=True)]
            going = [
                place
                for place, (row, id) in enumerate(zip(alive, ids, strict=True))
                if id not in self.ends and row not in self._stopped
            ]
            if not going or number == self.limit - 1:
                return
            if len(going) < len(alive):
                rows = np.array(going)
                self.decoder.take(rows)
                self.sampler.take(rows)
                chosen, texts, alive = chosen[rows], texts[rows], [alive[place] for place in going]
            if self.constraints:
                texts = np.concatenate([texts, chosen[:, None]], axis=1)
            logits = self.decoder.step(chosen)
