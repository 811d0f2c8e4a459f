"""The log-mel spectrogram: how loud each band of frequencies is, every hundredth of a second.

A window of 25 ms every 10 ms (Hann), the power of its Fourier transform, summed by triangles that are equally wide on
the mel scale (mel = 2595 log10(1 + f / 700); O'Shaughnessy 1987), and its logarithm.

Frame i is centred on the hop that it stands for, so there are ceil(T / hop) frames. Padding behind a sound is digital
silence; `heard` tells where it begins, so a sound gives the same alone and in a batch.

Legend of shapes: B batch, T samples, N frames, F frequencies, M bands.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

WINDOW, HOP = 0.025, 0.010
"""Seconds."""
FLOOR = 1e-5
"""Power that is added ahead of the logarithm: that of a band of noise 90 dB below full scale, or so."""
LOWEST = 20.0
"""Hz where the first band begins."""


def samples_in(seconds: float, rate: int) -> int:
    """So many seconds as samples."""
    return max(1, round(seconds * rate))


def heard(x: Float[Tensor, "B T"]) -> Int[Tensor, " B"]:
    """How many samples each sound has ahead of the digital silence that follows it; at least one."""
    places = torch.arange(1, x.shape[1] + 1, device=x.device)
    return ((x != 0) * places).amax(dim=1).clamp(min=1)


def mel(hertz: np.ndarray | float) -> np.ndarray:
    """Frequencies on the mel scale."""
    return 2595 * np.log10(1 + np.asarray(hertz) / 700)


def hertz(mels: np.ndarray | float) -> np.ndarray:
    """Mels as frequencies."""
    return 700 * (10 ** (np.asarray(mels) / 2595) - 1)


def triangles(bands: int, size: int, rate: int) -> np.ndarray:
    """[F, M]: the weight of each of the size / 2 + 1 frequencies in each band; the peaks are 1."""
    edges = hertz(np.linspace(mel(LOWEST), mel(rate / 2), bands + 2))
    frequencies = np.linspace(0, rate / 2, size // 2 + 1)[:, None]
    rising = (frequencies - edges[None, :-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[None, 2:] - frequencies) / (edges[2:] - edges[1:-1])
    return np.clip(np.minimum(rising, falling), 0, None).astype(np.float32)


class LogMel(nn.Module):
    """Waveforms [B, T] at `rate` Hz → log-mel spectrograms [B, N, M], in fp32 whatever is around it."""

    window: Tensor
    bands: Tensor

    def __init__(self, rate: int, bands: int = 80) -> None:
        super().__init__()
        self.length, self.hop = samples_in(WINDOW, rate), samples_in(HOP, rate)
        self.size = 1 << (max(self.length, 2 * bands) - 1).bit_length()
        self.register_buffer("window", torch.hann_window(self.length), persistent=False)
        self.register_buffer("bands", torch.from_numpy(triangles(bands, self.size, rate)), persistent=False)

    def frames(self, samples: Int[Tensor, " B"]) -> Int[Tensor, " B"]:
        """How many frames so many samples give."""
        return -(-samples // self.hop)

    def forward(self, x: Float[Tensor, "B T"]) -> Float[Tensor, "B N M"]:
        """The spectrograms."""
        with torch.autocast(x.device.type, enabled=False):
            x = x.float()
            count = -(-x.shape[1] // self.hop)
            before = (self.length - self.hop) // 2
            behind = count * self.hop + self.length - self.hop - before - x.shape[1]
            frames = F.pad(x, (before, behind)).unfold(1, self.length, self.hop)[:, :count]
            power = torch.view_as_real(torch.fft.rfft(frames * self.window, self.size)).square().sum(dim=3)
            return (power @ self.bands + FLOOR).log()
