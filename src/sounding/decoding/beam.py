"""Beam search: the most probable texts, of which several beginnings are followed at a time.

    Beams        how many, and what a length costs        (options)
    Ranker       what makes one finished text better than another
    Hypothesis   a text that was found
    BeamSearch   for a batch of prompts

At each step the `beams` best continuations of the open beginnings stay open. One that ends is finished if it is among
the `beams` best of all continuations. A search ends by the rules of transformers' `generate`, whose finds it equals.

Legend of shapes: B prompts, K beams, C candidates, V vocabulary.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

import torch
from jaxtyping import Float, Int
from torch import Tensor

from sounding.decoding.constraints import Constraints, aligned
from sounding.decoding.decoder import Decoder
from sounding.errors import UsageError, did_you_mean

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
        texts = aligned(self.prompts, logits.device)
        sums = torch.zeros(len(searches), 1, device=logits.device)  # of the one beginning that there is at first
        open_ = list(searches)
        for written in range(max(self.limits)):
            values, beam, ids = self._candidates(logits, texts, sums, written)
            going = self._advance(open_, values, beam, ids, texts, written)
            rows = [k for k, chosen in enumerate(going) if chosen is not None]
            if not rows:
                break
            kept = torch.tensor([going[k] for k in rows], device=texts.device)  # [B, K] candidates
            open_, at = [open_[k] for k in rows], torch.tensor(rows, device=texts.device)
            missing, kept = kept == MISSING, kept.clamp(min=0)
            sums = values[at].gather(1, kept).masked_fill(missing, -math.inf)
            former = (at[:, None] * (len(texts) // len(values)) + beam[at].gather(1, kept)).flatten()
            chosen = ids[at].gather(1, kept).flatten()
            if len(former) != len(texts) or bool((former != torch.arange(len(former), device=former.device)).any()):
                self.decoder.take(former)
            texts = torch.cat([texts[former], chosen[:, None]], dim=1)
            logits = self.decoder.step(chosen)
        return [search.finished for search in searches]

    def _candidates(
        self, logits: Float[Tensor, "R V"], texts: Int[Tensor, "R N"], sums: Float[Tensor, "B K"], written: int
    ) -> tuple[Float[Tensor, "B C"], Int[Tensor, "B C"], Int[Tensor, "B C"]]:
        """The best continuations of each prompt: sums of log-probabilities, numbers of beams, tokens; best first.

        There are so many that `beams` are left if as many end in each of the ways in which a text may.
        """
        wanted = self.beams * max(2, 1 + len(self.ends))
        told = logits.log_softmax(dim=1)
        if self.constraints:
            told = self.constraints.scores(told, texts, written, self.ends)
        best, ids = told.topk(min(wanted, told.shape[1]), dim=1)
        values = sums[:, :, None] + best.view(*sums.shape, -1)
        each = values.shape[2]
        values, places = values.flatten(1).topk(min(wanted, values.shape[1] * each), dim=1)
        return values, places // each, ids.view(len(sums), -1).gather(1, places)

    def _advance(
        self,
        searches: Sequence[_Search],
        values: Float[Tensor, "B C"],
        beam: Int[Tensor, "B C"],
        ids: Int[Tensor, "B C"],
        texts: Int[Tensor, "R N"],
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
        text: Int[Tensor, " N"],
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
