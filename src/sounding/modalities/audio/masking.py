"""Parts of a sound that an explanation speaks of: frames of 50 ms, and bands of frequencies.

A part that is taken away gives way to silence, or to noise at the level of the recording's quiet parts. Frames are
changed in the samples; bands in the Fourier transform of the whole, between the frequencies `edges`.

Legend of shapes: T samples, P parts, K bands.
"""

from __future__ import annotations

import math

import numpy as np

from sounding.modalities.audio.features import HOP, LOWEST, hertz, mel, samples_in
from sounding.modalities.audio.voice import levels
from sounding.randomness import stream

FRAME = 0.05
"""Seconds."""
BANDS = 8
QUIET = 20
"""The percentile of the levels of frames that noise has."""


def frames(samples: int, rate: int) -> int:
    """How many frames a sound falls into."""
    return max(1, math.ceil(samples / samples_in(FRAME, rate)))


def edges(rate: int) -> np.ndarray:
    """[K + 1]: the frequencies in Hz between which the bands lie, as wide as one another on the mel scale."""
    inner = hertz(np.linspace(mel(LOWEST), mel(rate / 2), BANDS + 1))
    return np.concatenate([[0.0], inner[1:]])


def masked(value: np.ndarray, mask: np.ndarray, baseline: str, rate: int) -> np.ndarray:
    """The sound with only the parts where `mask` [P] is true: first the frames, then the bands."""
    mask = np.asarray(mask, bool)
    if mask.all():
        return value
    count = frames(len(value), rate)
    instead = np.zeros(len(value)) if baseline == "silence" else _noise(value, rate)
    inside = np.repeat(mask[:count], samples_in(FRAME, rate))[: len(value)]
    kept = np.where(inside, value, instead)
    if not mask[count:].all():
        kept = instead + _banded(kept - instead, mask[count:], rate)
    return kept.clip(-1, 1).astype(np.float32)


def _banded(samples: np.ndarray, mask: np.ndarray, rate: int) -> np.ndarray:
    """The sum of the bands of a sound that are kept."""
    spectrum = np.fft.rfft(samples)
    frequencies = np.fft.rfftfreq(len(samples), 1 / rate)
    band = np.clip(np.searchsorted(edges(rate), frequencies, side="right") - 1, 0, BANDS - 1)
    return np.fft.irfft(spectrum * mask[band], len(samples))


def _noise(value: np.ndarray, rate: int) -> np.ndarray:
    """White noise as loud as the quiet frames of a sound, the same each time."""
    level = 10 ** (np.percentile(levels(value, rate), QUIET) / 20)
    return max(level, 1e-4) * stream("audio", "noise", len(value)).standard_normal(len(value))


def summed(saliency: np.ndarray, samples: int, rate: int) -> np.ndarray:
    """[P]: what a spectrogram's saliency [N, M] comes to in each part.

    A point lies in a frame and in a band, and gives half of itself to each: the sum stays what it was.
    """
    per_frame, per_band = saliency.sum(axis=1) / 2, saliency.sum(axis=0) / 2
    count = frames(samples, rate)
    long = (np.arange(len(per_frame)) + 0.5) * samples_in(HOP, rate)
    frame = np.clip((long // samples_in(FRAME, rate)).astype(int), 0, count - 1)
    centres = hertz(np.linspace(mel(LOWEST), mel(rate / 2), len(per_band) + 2))[1:-1]
    band = np.clip(np.searchsorted(edges(rate), centres, side="right") - 1, 0, BANDS - 1)
    return np.concatenate(
        [np.bincount(frame, per_frame, minlength=count), np.bincount(band, per_band, minlength=BANDS)]
    )
