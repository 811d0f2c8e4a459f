"""From probabilities to words with times, of recordings of any length.

A recording longer than a window is cut where nobody speaks (`voice.cut`). What has no pause is heard in windows that
overlap: of two neighbours each tells its half of what both have heard, so that nothing is told from its very edge.

A word's confidence is the product, over its units, of the largest probability that the unit has in the vectors that say
it. It is what the sound says, whatever a language model made of it.

Legend of shapes: T vectors, C units, S samples.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from itertools import groupby
from typing import NamedTuple

import numpy as np

from sounding.contract.records import Prediction, chunks
from sounding.decoding.ctc import PrefixBeams, Prefixes, UnitModel, align, greedy
from sounding.modalities.audio.mel import HOP
from sounding.modalities.audio.transcript import Transcribed, Word
from sounding.modalities.audio.voice import APART, cut
from sounding.modalities.text.tokenizer import Tokenizer

Waves = Sequence[np.ndarray]
Search = Callable[[np.ndarray], list[int]]
"""Log-probabilities [T, C] → units."""
STEP = 4 * HOP
"""Seconds from one vector to the next."""
CHOSEN_LATER = -1.0
"""Stands for the weight of the language model until it is chosen."""
BEAMS = 12
"""Beginnings that are followed at a time, where nobody says; with Whisper's weights one."""
OVERLAP = 2.0
"""Seconds that neighbouring windows have in common."""


class Piece(NamedTuple):
    """A stretch of a recording: which one, and where it begins and ends in seconds."""

    recording: int
    start: float
    end: float


class Told(NamedTuple):
    """What was heard in a stretch that begins at `start` seconds: log-probabilities [T, C]."""

    start: float
    log_probs: np.ndarray


def said(
    heard: Callable[[Waves], list[np.ndarray]],
    search: Search,
    values: Waves,
    rate: int,
    window: float,
    tokenizer: Tokenizer,
) -> list[Prediction]:
    """What is said in recordings, of which so many seconds are `heard` at a time: log-probabilities [T, C] of each."""
    parts = pieces(values, rate, window)
    waves = [values[p.recording][int(p.start * rate) : max(1, math.ceil(p.end * rate))] for p in parts]
    told = zip(parts, heard(waves), strict=True)
    found = {number: list(some) for number, some in groupby(told, key=lambda pair: pair[0].recording)}
    return [_answer(found.get(number, []), search, len(value) / rate, tokenizer) for number, value in enumerate(values)]


def _answer(
    told: Sequence[tuple[Piece, np.ndarray]], search: Search, seconds: float, tokenizer: Tokenizer
) -> Prediction:
    """The words of all stretches of a recording."""
    found, sure = [], []
    for stretch in joined([piece for piece, _ in told], [log_probs for _, log_probs in told]):
        some, mean = words(stretch, search, tokenizer)
        found += some
        sure.append(mean)
    confidence = math.exp(min(0.0, float(np.mean(sure)))) if sure else 1.0
    return Prediction(Transcribed.of(found, seconds), confidence, np.array([word.confidence for word in found]))


def by_length(tell: Callable[[Waves], tuple[np.ndarray, np.ndarray]], waves: Waves, batch: int) -> list[np.ndarray]:
    """The log-probabilities [T, C] of each stretch; those of like length are heard together."""
    order = sorted(range(len(waves)), key=lambda k: len(waves[k]))
    found: dict[int, np.ndarray] = {}
    for some in chunks(order, batch):
        log_probs, lengths = tell([waves[k] for k in some])
        for k, row, length in zip(some, log_probs, lengths.tolist(), strict=True):
            found[k] = row[:length]
    return [found[k] for k in range(len(waves))]


def searching(beams: int, weight: float, bonus: float, language: Callable[[], UnitModel]) -> Search:
    """How units are found; greedily until the weight of the language model is chosen."""
    if beams == 1 or weight < 0:
        return greedy
    return Prefixes(PrefixBeams(beams or BEAMS, weight, bonus), language() if weight else None).best


def pieces(values: Sequence[np.ndarray], rate: int, window: float, apart: float = APART) -> list[Piece]:
    """The stretches of recordings [S] that are heard one by one: the whole of one that is no longer than a window.

    Over pauses of `apart` seconds nothing is put together.
    """
    found = []
    for number, value in enumerate(values):
        seconds = len(value) / rate
        parts = [(0.0, seconds)] if seconds <= window else cut(value, rate, window, min(OVERLAP, window / 2), apart)
        found += [Piece(number, start, end) for start, end in parts]
    return found


def joined(parts: Sequence[Piece], told: Sequence[np.ndarray]) -> list[Told]:
    """The log-probabilities of the stretches of one recording; those of stretches that overlap are put together."""
    found: list[Told] = []
    end = -math.inf
    for part, log_probs in zip(parts, told, strict=True):
        if found and part.start < end:
            last = found[-1]
            middle = (part.start + end) / 2
            kept = last.log_probs[: round((middle - last.start) / STEP)]
            rest = log_probs[round((middle - part.start) / STEP) :]
            found[-1] = Told(last.start, np.concatenate([kept, rest]))
        else:
            found.append(Told(part.start, log_probs))
        end = part.end
    return found


def words(told: Told, search: Search, tokenizer: Tokenizer) -> tuple[list[Word], float]:
    """The words of a stretch, and the mean logarithm of the probability of its units, or of there being none."""
    log_probs = told.log_probs
    ids = search(log_probs)
    if not ids:
        return [], float(log_probs[:, 0].mean()) if len(log_probs) else 0.0
    spans = align(log_probs, ids)
    peaks = [float(log_probs[a:b, unit].max()) if b > a else -7.0 for unit, (a, b) in zip(ids, spans, strict=True)]
    ends = [len(tokenizer.decode(ids[: k + 1])) for k in range(len(ids))]  # characters behind each unit
    found, text = [], tokenizer.decode(ids)
    for match in re.finditer(r"\S+", text):
        units = [k for k, end in enumerate(ends) if match.start() < end and (ends[k - 1] if k else 0) < match.end()]
        start, end = told.start + spans[units[0]][0] * STEP, told.start + spans[units[-1]][1] * STEP
        found.append(Word(match.group(), start, end, math.exp(min(0.0, sum(peaks[k] for k in units)))))
    return found, float(np.mean(peaks))
