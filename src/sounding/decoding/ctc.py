"""The text that the frames of a recording say, after a model of connectionist temporal classification (Graves et al.,
ICML 2006): each frame says a unit or BLANK, units that follow one another are one, and blanks are dropped.

    greedy     the best unit of each frame
    Prefixes   the best text, summed over all the ways in which frames may say it (Hannun et al., arXiv 1408.2873,
               algorithm 1), together with a language model
    align      which frames say each unit of a text, in the most probable way

Everything works on one recording: log-probabilities [T, C], where BLANK is class 0.

Legend of shapes: T frames, C classes, L units.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from sounding.decoding.ngrams import NGrams
from sounding.errors import UsageError

BLANK = 0
NOTHING = -math.inf
_TINY = 1e-300  # what has underflowed has a logarithm all the same


@dataclass(frozen=True)
class PrefixBeams:
    """How widely is searched, and what a language model counts.

    A text's score is log p(text | sound) + `weight` · log p(text) + `bonus` · units. Of each frame the units are tried
    whose probability is at least exp(`least`).
    """

    beams: int = 12
    weight: float = 0.0
    bonus: float = 0.0
    least: float = -6.0

    def __post_init__(self) -> None:
        """Raises UsageError for a number that means nothing."""
        if self.beams < 1:
            raise UsageError(f"beams={self.beams} is out of its range", fix="Give 1 or more")
        if not (math.isfinite(self.weight) and math.isfinite(self.bonus)):
            raise UsageError("the weight of a language model has to be a number", fix="Give 0.5, or 0 for none")


class UnitModel:
    """A language model of units: n-grams (`ngrams.py`) of texts between a beginning and an end.

    `start` and `end` are units that no text has.
    """

    def __init__(self, texts: Sequence[np.ndarray], order: int, vocabulary: int, start: int, end: int) -> None:
        self.order, self.start, self.end = order, start, end
        closed = [np.concatenate([[start], text, [end]]) for text in texts]
        self._counts = NGrams(closed, order, vocabulary)
        self._known: dict[tuple[tuple[int, ...], int], float] = {}

    def log_probability(self, history: tuple[int, ...], unit: int) -> float:
        """log p(unit | the last units of a history, which begins with `start`)."""
        key = history, unit
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = math.log(max(self._counts.probability(history, unit), 1e-12))
        return found

    def longer(self, history: tuple[int, ...], unit: int) -> tuple[int, ...]:
        """The history behind a unit: as much of it as counts."""
        return (*history, unit)[-(self.order - 1) :] if self.order > 1 else ()


class _Prefix:
    """A beginning of a text: its last unit, what comes before, what its units add to its score."""

    __slots__ = ("added", "before", "following", "history", "unit")

    def __init__(self, unit: int, before: _Prefix | None, added: float, history: tuple[int, ...]) -> None:
        self.unit, self.before, self.added, self.history = unit, before, added, history
        self.following: dict[int, _Prefix] = {}

    def ids(self) -> list[int]:
        found: list[int] = []
        prefix: _Prefix | None = self
        while prefix is not None and prefix.before is not None:
            found.append(prefix.unit)
            prefix = prefix.before
        return found[::-1]


class Prefixes:
    """Prefix beam search with a language model.

    Of each open beginning are kept the sum of the ways that end in a blank and of those that do not, as shares of the
    likeliest beginning: products take less time than sums of logarithms.
    """

    def __init__(self, beams: PrefixBeams, model: UnitModel | None = None) -> None:
        self.beams, self.model = beams, model if beams.weight else None

    def best(self, log_probs: np.ndarray) -> list[int]:
        """The units of the best text for log-probabilities [T, C]."""
        root = _Prefix(-1, None, 0.0, () if self.model is None else (self.model.start,))
        open_ = {root: [1.0, 0.0]}
        least = math.exp(self.beams.least)
        for frame in np.exp(np.asarray(log_probs, np.float64)).tolist():
            told = [(unit, p) for unit, p in enumerate(frame) if p >= least and unit != BLANK]
            open_ = self._kept(self._after(open_, frame, told))
        return max(open_, key=lambda prefix: _score(prefix, open_[prefix]) + self._ended(prefix)).ids()

    def _after(
        self, open_: dict[_Prefix, list[float]], frame: Sequence[float], told: Sequence[tuple[int, float]]
    ) -> dict[_Prefix, list[float]]:
        """The beginnings after one more frame."""
        found: dict[_Prefix, list[float]] = {}
        for prefix, (silent, saying) in open_.items():
            whole = silent + saying
            stays = saying * frame[prefix.unit] if prefix.before is not None else 0.0
            known = found.setdefault(prefix, [0.0, 0.0])
            known[0] += whole * frame[BLANK]
            known[1] += stays
            for unit, p in told:
                longer = prefix.following.get(unit) or self._longer(prefix, unit)
                came = (silent if unit == prefix.unit else whole) * p  # a unit twice needs a blank between
                if longer in found:
                    found[longer][1] += came
                else:
                    found[longer] = [0.0, came]
        return found

    def _kept(self, found: dict[_Prefix, list[float]]) -> dict[_Prefix, list[float]]:
        """The best of some beginnings, as shares of the likeliest."""
        kept = list(found)
        if len(found) > self.beams.beams:
            kept = heapq.nlargest(self.beams.beams, found, key=lambda prefix: _score(prefix, found[prefix]))
        most = max(sum(found[prefix]) for prefix in kept) or 1.0
        return {prefix: [ways / most for ways in found[prefix]] for prefix in kept}

    def _longer(self, prefix: _Prefix, unit: int) -> _Prefix:
        added, history = prefix.added + self.beams.bonus, prefix.history
        if self.model is not None:
            added += self.beams.weight * self.model.log_probability(history, unit)
            history = self.model.longer(history, unit)
        made = prefix.following[unit] = _Prefix(unit, prefix, added, history)
        return made

    def _ended(self, prefix: _Prefix) -> float:
        if self.model is None:
            return 0.0
        return self.beams.weight * self.model.log_probability(prefix.history, self.model.end)


def _score(prefix: _Prefix, ways: Sequence[float]) -> float:
    """The logarithm of all ways to say a beginning, and what its units add."""
    return math.log(ways[0] + ways[1] + _TINY) + prefix.added


def greedy(log_probs: np.ndarray) -> list[int]:
    """The best unit of each frame of log-probabilities [T, C], repeats and blanks dropped."""
    best = log_probs.argmax(axis=1)
    kept = best[np.concatenate([[True], best[1:] != best[:-1]])] if len(best) else best
    return [int(unit) for unit in kept if unit != BLANK]


def align(log_probs: np.ndarray, ids: Sequence[int]) -> list[tuple[int, int]]:
    """(first frame, last frame + 1) that say each of the units `ids`, in the most probable way (Viterbi).

    Where there are fewer frames than it takes, units share the frames evenly.
    """
    frames, states = len(log_probs), 2 * len(ids) + 1
    if not len(ids):
        return []
    if frames < len(ids) + sum(a == b for a, b in pairwise(ids)):
        edges = np.linspace(0, frames, len(ids) + 1)
        return [(int(a), max(int(a) + 1, int(b))) for a, b in pairwise(edges)]
    units = np.full(states, BLANK)
    units[1::2] = ids
    skips = np.zeros(states, bool)
    skips[3::2] = units[3::2] != units[1:-2:2]
    best = np.full(states, NOTHING)
    best[:2] = log_probs[0, units[:2]]
    came = np.zeros((frames, states), np.int8)
    for t in range(1, frames):
        ways = np.full((3, states), NOTHING)
        ways[0], ways[1, 1:] = best, best[:-1]
        ways[2, 2:] = np.where(skips[2:], best[:-2], NOTHING)
        came[t] = ways.argmax(axis=0)
        best = ways.max(axis=0) + log_probs[t, units]
    state = states - 1 if best[-1] >= best[-2] else states - 2
    path = np.empty(frames, int)
    for t in range(frames - 1, -1, -1):
        path[t] = state
        state -= came[t, state]
    return [(int(np.argmax(path == s)), frames - int(np.argmax(path[::-1] == s))) for s in range(1, states, 2)]
