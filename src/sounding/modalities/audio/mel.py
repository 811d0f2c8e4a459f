"""The log-mel spectrogram in numpy: how loud each band of frequencies is, every hundredth of a second.

A window of 25 ms every 10 ms (Hann), the power of its Fourier transform, summed by triangles that are equally wide on
the mel scale (mel = 2595 log10(1 + f / 700); O'Shaughnessy 1987), and its logarithm.

Frame i is centred on the hop that it stands for, so there are ceil(T / hop) frames. The same as a layer of a network,
through which gradients go, is `features.LogMel`.

Legend of shapes: B batch, T samples, N frames, F frequencies, M bands.
"""

from __future__ import annotations

import numpy as np

WINDOW, HOP = 0.025, 0.010
"""Seconds."""
FLOOR = 1e-5
"""Power that is added ahead of the logarithm: that of a band of noise 90 dB below full scale, or so."""
LOWEST = 20.0
"""Hz where the first band begins."""


def samples_in(seconds: float, rate: int) -> int:
    """So many seconds as samples."""
    return max(1, round(seconds * rate))


def mel(hertz: np.ndarray | float) -> np.ndarray:
    """Frequencies on the mel scale."""
    return 2595 * np.log10(1 + np.asarray(hertz) / 700)


def hertz(mels: np.ndarray | float) -> np.ndarray:
    """Mels as frequencies."""
    return 700 * (10 ** (np.asarray(mels) / 2595) - 1)


def transform_size(length: int, bands: int) -> int:
    """Samples of the Fourier transform of windows of `length`: a power of two, with more frequencies than bands."""
    return 1 << (max(length, 2 * bands) - 1).bit_length()


def triangles(bands: int, size: int, rate: int) -> np.ndarray:
    """[F, M]: the weight of each of the size / 2 + 1 frequencies in each band; the peaks are 1."""
    edges = hertz(np.linspace(mel(LOWEST), mel(rate / 2), bands + 2))
    frequencies = np.linspace(0, rate / 2, size // 2 + 1)[:, None]
    rising = (frequencies - edges[None, :-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[None, 2:] - frequencies) / (edges[2:] - edges[1:-1])
    return np.clip(np.minimum(rising, falling), 0, None).astype(np.float32)


def log_mel(x: np.ndarray, rate: int, bands: int) -> np.ndarray:
    """Waveforms [B, T] at `rate` Hz as spectrograms [B, N, M], float32."""
    length, hop = samples_in(WINDOW, rate), samples_in(HOP, rate)
    size, count, before = transform_size(length, bands), -(-x.shape[1] // hop), (length - hop) // 2
    behind = count * hop + length - hop - before - x.shape[1]
    padded = np.pad(x.astype(np.float32), ((0, 0), (before, behind)))
    frames = np.lib.stride_tricks.sliding_window_view(padded, length, axis=1)[:, ::hop][:, :count]
    window = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(length) / length)).astype(np.float32)
    found = np.fft.rfft(frames * window, size)
    power = (found.real**2 + found.imag**2).astype(np.float32)
    spectrograms: np.ndarray = np.log(power @ triangles(bands, size, rate) + np.float32(FLOOR))
    return spectrograms


def frames_heard(x: np.ndarray, rate: int) -> np.ndarray:
    """How many frames of waveforms [B, T] lie ahead of the digital silence that follows them [B]; at least one."""
    samples = ((x != 0) * np.arange(1, x.shape[1] + 1)).max(axis=1, initial=1)
    return -(-samples // samples_in(HOP, rate))
