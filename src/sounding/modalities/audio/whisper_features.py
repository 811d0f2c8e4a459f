"""The spectrogram that Whisper's weights are used to (Radford et al., arXiv 2212.04356, section 2.2).

A window of 25 ms every 10 ms (Hann), the power of its Fourier transform over 400 points, summed by triangles of equal
area on Slaney's mel scale (linear up to 1 kHz, logarithmic above; Auditory Toolbox, 1998), the decimal logarithm, at
most 80 dB below the loudest point, and from there (x + 4) / 4. What is heard is always a window of a certain length,
behind a shorter sound digital silence.

It differs from `features.LogMel` in the scale, the floor, the shape of a window and in what its ends are padded with.

Legend of shapes: B batch, T samples, N frames of a window, F frequencies, M bands.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

RATE = 16_000
"""Samples a second that Whisper hears."""
SIZE, STRIDE = 400, 160
"""Samples of a window of the Fourier transform, and from one to the next."""
SECONDS = 30.0
"""What Whisper's encoder hears at a time."""
QUIETEST, RANGE = 1e-10, 8.0
"""The least power of which the logarithm is taken; how many powers of ten below the loudest nothing is told apart."""
_LINEAR, _EDGE, _STEP = 200 / 3, 1000.0, np.log(6.4) / 27
"""Hz of a mel below the edge, the edge in Hz, and the logarithm of the ratio of a mel above it."""


def mel(hertz: np.ndarray | float) -> np.ndarray:
    """Frequencies on Slaney's mel scale."""
    hertz = np.asarray(hertz, float)
    above = _EDGE / _LINEAR + np.log(np.maximum(hertz, _EDGE) / _EDGE) / _STEP
    return np.where(hertz < _EDGE, hertz / _LINEAR, above)


def hertz(mels: np.ndarray | float) -> np.ndarray:
    """Mels of Slaney's scale as frequencies."""
    mels = np.asarray(mels, float)
    above = _EDGE * np.exp(_STEP * (np.maximum(mels, _EDGE / _LINEAR) - _EDGE / _LINEAR))
    return np.where(mels < _EDGE / _LINEAR, mels * _LINEAR, above)


def triangles(bands: int) -> np.ndarray:
    """[F, M]: the weight of each of 201 frequencies in each band; a band's triangle over hertz has the area 1."""
    edges = hertz(np.linspace(mel(0.0), mel(RATE / 2), bands + 2))
    frequencies = np.linspace(0, RATE / 2, SIZE // 2 + 1)[:, None]
    rising = (frequencies - edges[None, :-2]) / np.diff(edges)[:-1]
    falling = (edges[None, 2:] - frequencies) / np.diff(edges)[1:]
    found = np.clip(np.minimum(rising, falling), 0, None) * 2 / (edges[2:] - edges[:-2])
    return found.astype(np.float32)


class WhisperLogMel(nn.Module):
    """Waveforms [B, T] at 16 kHz → spectrograms [B, N, M] of the first `seconds`, in fp32 whatever is around it."""

    window: Tensor
    bands: Tensor

    def __init__(self, bands: int = 80, seconds: float = SECONDS) -> None:
        super().__init__()
        self.frames = round(seconds * RATE / STRIDE)
        self.register_buffer("window", torch.hann_window(SIZE), persistent=False)
        self.register_buffer("bands", torch.from_numpy(triangles(bands)), persistent=False)

    def forward(self, x: Float[Tensor, "B T"]) -> Float[Tensor, "B N M"]:
        """The spectrograms. Frames that hear nothing but the silence behind all sounds are not computed."""
        with torch.autocast(x.device.type, enabled=False):
            told = self._powers(x.float()).clamp(min=QUIETEST).log10()
            told = F.pad(told, (0, 0, 0, self.frames - told.shape[1]), value=float(np.log10(QUIETEST)))
            loudest = told.amax(dim=(1, 2), keepdim=True)
            return (torch.maximum(told, loudest - RANGE) + 4) / 4

    def _powers(self, x: Float[Tensor, "B T"]) -> Float[Tensor, "B n M"]:
        """The powers of the frames that reach into the waveforms; at both ends of a window sound is mirrored."""
        whole = self.frames * STRIDE
        half = SIZE // 2
        x = x[:, :whole]
        count = min(self.frames, (x.shape[1] + half) // STRIDE + 1)
        reach = (count - 1) * STRIDE + half
        x = F.pad(x, (0, min(whole, reach) - x.shape[1]))
        x = F.pad(x[:, None], (half, max(0, reach - whole)), mode="reflect")[:, 0]
        frames = x.unfold(1, SIZE, STRIDE)[:, :count]
        power = torch.view_as_real(torch.fft.rfft(frames * self.window)).square().sum(dim=3)
        return power @ self.bands
