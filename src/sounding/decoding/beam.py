"""Beam search: the most probable texts, of which several beginnings are followed at a time.

    Beams        how many, and what a length costs        (options)
    Ranker       what makes one finished text better than another
    Hypothesis   a text that was found
    BeamSearch   for a batch of prompts

At each step the `beams` best continuations of the open beginnings stay open. One that ends is finished if it is among
the `beams` best of all continuations. A search ends by the rules of transformers' `generate`, whose finds it equals.

Legend of shapes: B prompts, K beams, R texts (beams of all prompts), N tokens, C candidates, V vocabulary.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

import numpy as np

from sounding.contract.writing import Decoder
from sounding.decoding.constraints import Constraints, aligned
from sounding.errors import UsageError, did_you_mean
from sounding.postprocessing.functions import largest, log_softmax

STOPS = ("first", "likely", "certain")
MISSING = -1
"""Stands for a candidate where there are fewer than beams."""


@dataclass(frozen=True)
class Beams:
    """How widely is searched.

    `stop`: a search is done with `beams` finished texts ("first"); when besides the best open beginning is no better
    than the worst of these for its length ("likely"); when it could be no better at any length ("certain", which may
    take all steps).
    """

    beams: int = 5
    length_penalty: float = 1.0
    stop: str = "likely"

    def __post_init__(self) -> None:
        """Raises UsageError for a number or a word that means nothing."""
        if self.beams < 1:
            raise UsageError(f"beams={self.beams} is out of its range", fix="Give 1 or more")
        if not math.isfinite(self.length_penalty):
            raise UsageError(f"length_penalty={self.length_penalty} is out of its range", fix="Give 0, 1 or 1.4")
        if self.stop not in STOPS:
            raise UsageError(f"stop={self.stop} is not known", fix=did_you_mean(self.stop, STOPS))


@dataclass(frozen=True)
class Ranker:
    """log-probability / tokens ^ penalty, the end being a token, too: 0 prefers short texts, more than 1 long ones.

    This is transformers' length penalty. That of GNMT (arXiv 1609.08144, section 7) takes (5 + tokens) / 6 for tokens.
    """

    length_penalty: float = 1.0

    def score(self, log_probability: float, tokens: int) -> float:
        """How good a text of so many tokens is."""
        return log_probability / max(tokens, 1) ** self.length_penalty


@dataclass(frozen=True)
class Hypothesis:
    """A text that was found: its tokens without the one that ends it, their log-probability with it, its score."""

    ids: tuple[int, ...]
    log_probability: float
    score: float
    ended: bool

    @property
    def tokens(self) -> int:
        """How many tokens were written, the end among them."""
        return len(self.ids) + self.ended


@dataclass
class _Search:
    """What is known of one prompt."""

    limit: int
    finished: list[Hypothesis] = field(default_factory=list)


class BeamSearch:
    """Goes on with `prompts`, at most `limit` tokens each (or so many of each); a token of `ends` ends a text.

    One beam is a greedy search, which ends with the first end. Prompts that are done take no more time.
    """

    def __init__(
        self,
        decoder: Decoder,
        prompts: Sequence[Sequence[int]],
        beams: Beams,
        limit: int | Sequence[int],
        ends: Collection[int] = (),
        constraints: Constraints | None = None,
    ) -> None:
        self.decoder, self.prompts, self.ends = decoder, prompts, frozenset(ends)
        self.limits = [limit] * len(prompts) if isinstance(limit, int) else list(limit)
        self.beams, self.constraints = beams.beams, constraints or Constraints()
        self.stop = "first" if beams.beams == 1 else beams.stop
        self.ranker = Ranker(beams.length_penalty)

    def run(self) -> list[list[Hypothesis]]:
        """The texts that were found for each prompt, at most as many as beams, the best first."""
        if min(self.limits, default=1) < 1:
            raise UsageError(f"a limit of {min(self.limits)} tokens leaves nothing to write", fix="Give 1 or more")
        searches = [_Search(limit) for limit in self.limits]
        if not searches:
            return []
        logits = self.decoder.start(self.prompts)
        texts = aligned(self.prompts)
        sums = np.zeros((len(searches), 1), np.float32)  # of the one beginning that there is at first
        open_ = list(searches)
        for written in range(max(self.limits)):
            values, beam, ids = self._candidates(logits, texts, sums, written)
            going = self._advance(open_, values, beam, ids, texts, written)
            rows = [k for k, chosen in enumerate(going) if chosen is not None]
            if not rows:
                break
            kept = np.array([going[k] for k in rows])  # [B, K] candidates
            open_, at = [open_[k] for k in rows], np.array(rows)
            missing, kept = kept == MISSING, kept.clip(min=0)
            sums = np.where(missing, -np.inf, np.take_along_axis(values[at], kept, axis=1))
            former = at[:, None] * (len(texts) // len(values)) + np.take_along_axis(beam[at], kept, axis=1)
            former, chosen = former.ravel(), np.take_along_axis(ids[at], kept, axis=1).ravel()
            if len(former) != len(texts) or (former != np.arange(len(former))).any():
                self.decoder.take(former)
            texts = np.concatenate([texts[former], chosen[:, None]], axis=1)
            logits = self.decoder.step(chosen)
        return [search.finished for search in searches]

    def _candidates(
        self, logits: np.ndarray, texts: np.ndarray, sums: np.ndarray, written: int
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The best continuations of each prompt: sums of log-probabilities, numbers of beams, tokens; best first.

        From logits [R, V], texts [R, N] and the sums [B, K] of these, three times [B, C]: there are so many that
        `beams` are left if as many end in each of the ways in which a text may.
        """
        wanted = self.beams * max(2, 1 + len(self.ends))
        told = log_softmax(logits)
        if self.constraints:
            told = self.constraints.scores(told, texts, written, self.ends)
        best, ids = largest(told, min(wanted, told.shape[1]))
        each = best.shape[1]
        values = (sums[:, :, None] + best.reshape(*sums.shape, each)).reshape(len(sums), -1)
        values, places = largest(values, min(wanted, values.shape[1]))
        return values, places // each, np.take_along_axis(ids.reshape(len(sums), -1), places, axis=1)

    def _advance(
        self,
        searches: Sequence[_Search],
        values: np.ndarray,
        beam: np.ndarray,
        ids: np.ndarray,
        texts: np.ndarray,
        written: int,
    ) -> list[list[int] | None]:
        """Finish what ends; which K candidates of each prompt go on, None where its search is done."""
        going: list[list[int] | None] = []
        each = len(texts) // len(values)
        for k, (search, scores, tokens) in enumerate(zip(searches, values.tolist(), ids.tolist(), strict=True)):
            on: list[int] = []
            last = written == search.limit - 1
            for place, (score, token) in enumerate(zip(scores, tokens, strict=True)):
                ended = token in self.ends
                if score == -math.inf:
                    break
                if (ended or last) and place < self.beams:
                    row = k * each + int(beam[k, place])
                    self._finish(search, texts[row], written, () if ended else (token,), score, ended)
                elif not ended and len(on) < self.beams:
                    on.append(place)
            done = last or not on or self._done(search, scores[on[0]], written + 1)
            going.append(None if done else on + [MISSING] * (self.beams - len(on)))
        return going

    def _finish(
        self,
        search: _Search,
        text: np.ndarray,
        written: int,
        more: tuple[int, ...],
        log_probability: float,
        ended: bool,
    ) -> None:
        """Keep the text of a beam, of which the last `written` tokens and `more` are no prompt."""
        ids = (*text[len(text) - written :].tolist(), *more)
        score = self.ranker.score(log_probability, len(ids) + ended)
        found = Hypothesis(ids, log_probability, score, ended)
        search.finished = sorted([*search.finished, found], key=lambda one: -one.score)[: self.beams]

    def _done(self, search: _Search, best: float, tokens: int) -> bool:
        """Whether no better text is to be found, where the best open beginning has `best` after so many tokens."""
        if len(search.finished) < self.beams:
            return False
        if self.stop == "first":
            return True
        certain = self.stop == "certain" and self.ranker.length_penalty > 0
        return self.ranker.score(best, search.limit if certain else tokens) <= search.finished[-1].score
