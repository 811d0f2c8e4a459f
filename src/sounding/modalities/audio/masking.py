"""Parts of a sound that an explanation speaks of: frames of 50 ms, and bands of frequencies.

A part that is taken away gives way to silence, or to noise at the level of the recording's quiet parts. Frames are
changed in the samples; bands in the Fourier transform of the whole, between the frequencies `edges`.

Legend of shapes: T samples, P parts, K bands, M masks.
"""

from __future__ import annotations

import math

import numpy as np

from sounding.modalities.audio.mel import HOP, LOWEST, hertz, mel, samples_in
from sounding.modalities.audio.voice import levels
from sounding.randomness import stream

FRAME = 0.05
"""Seconds."""
BANDS = 8
TOGETHER = 64
"""Masks that are applied at a time, to need little memory."""
QUIET = 20
"""The percentile of the levels of frames that noise has."""


def frames(samples: int, rate: int) -> int:
    """How many frames a sound falls into."""
    return max(1, math.ceil(samples / samples_in(FRAME, rate)))


def edges(rate: int) -> np.ndarray:
    """[K + 1]: the frequencies in Hz between which the bands lie, as wide as one another on the mel scale."""
    inner = hertz(np.linspace(mel(LOWEST), mel(rate / 2), BANDS + 1))
    return np.concatenate([[0.0], inner[1:]])


def masked(value: np.ndarray, masks: np.ndarray, baseline: str, rate: int) -> list[np.ndarray]:
    """The sounds with only the parts where each of `masks` [M, P] is true: first the frames, then the bands."""
    masks = np.asarray(masks, bool)
    count = frames(len(value), rate)
    instead = np.zeros(len(value), np.float32) if baseline == "silence" else _noise(value, rate)
    made: list[np.ndarray] = []
    for some in np.array_split(masks, -(-len(masks) // TOGETHER)):
        inside = np.repeat(some[:, :count], samples_in(FRAME, rate), axis=1)[:, : len(value)]
        kept = np.where(inside, value, instead)
        narrow = ~some[:, count:].all(axis=1)
        if narrow.any():
            kept[narrow] = instead + _banded(kept[narrow] - instead, some[narrow, count:], rate)
        made += list(kept.clip(-1, 1))
    return [value if mask.all() else row for mask, row in zip(masks, made, strict=True)]


def _banded(samples: np.ndarray, masks: np.ndarray, rate: int) -> np.ndarray:
    """The sum of the bands of sounds [M, T] that are kept."""
    size = _fast(samples.shape[1])
    frequencies = np.fft.rfftfreq(size, 1 / rate)
    band = np.clip(np.searchsorted(edges(rate), frequencies, side="right") - 1, 0, BANDS - 1)
    import torch  # whose transforms are faster than numpy's

    spectrum = torch.fft.rfft(torch.from_numpy(samples), size) * torch.from_numpy(masks[:, band])
    return torch.fft.irfft(spectrum, size)[:, : samples.shape[1]].numpy()


def _fast(length: int) -> int:
    """The next length whose Fourier transform takes little time: a power of two, or three times one."""
    power = 1 << max(1, (length - 1).bit_length())
    return power * 3 // 4 if length <= power * 3 // 4 else power


def _noise(value: np.ndarray, rate: int) -> np.ndarray:
    """White noise as loud as the quiet frames of a sound, the same each time."""
    level = 10 ** (np.percentile(levels(value, rate), QUIET) / 20)
    noise = stream("audio", "noise", len(value)).standard_normal(len(value), np.float32)
    return np.float32(max(level, 1e-4)) * noise


def summed(saliency: np.ndarray, samples: int, rate: int) -> np.ndarray:
    """[P]: what a spectrogram's saliency [N, M] comes to in each part.

    A point lies in a frame and in a band, and gives half of itself to each: the sum stays what it was, but for frames
    of the silence behind a sound, which is no part of it.
    """
    saliency = saliency[: -(-samples // samples_in(HOP, rate))]
    per_frame, per_band = saliency.sum(axis=1) / 2, saliency.sum(axis=0) / 2
    count = frames(samples, rate)
    long = (np.arange(len(per_frame)) + 0.5) * samples_in(HOP, rate)
    frame = np.clip((long // samples_in(FRAME, rate)).astype(int), 0, count - 1)
    centres = hertz(np.linspace(mel(LOWEST), mel(rate / 2), len(per_band) + 2))[1:-1]
    band = np.clip(np.searchsorted(edges(rate), centres, side="right") - 1, 0, BANDS - 1)
    return np.concatenate(
        [np.bincount(frame, per_frame, minlength=count), np.bincount(band, per_band, minlength=BANDS)]
    )
