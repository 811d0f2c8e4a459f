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
from typing import NamedTuple

import numpy as np

from sounding.applications.speech.transcribe.network import STEP
from sounding.decoding.ctc import align
from sounding.modalities.audio.transcript import Word
from sounding.modalities.audio.voice import APART, cut
from sounding.modalities.text.tokenizer import Tokenizer

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


def words(told: Told, search: Callable[[np.ndarray], list[int]], tokenizer: Tokenizer) -> tuple[list[Word], float]:
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
