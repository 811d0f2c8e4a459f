"""The log-mel spectrogram (`mel.py`) as the first layer of a network.

Padding behind a sound is digital silence; `heard` tells where it begins, so that a sound gives the same in a batch.

Legend of shapes: B batch, T samples, N frames, F frequencies, M bands.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from sounding.modalities.audio.mel import FLOOR, HOP, WINDOW, samples_in, transform_size, triangles


def heard(x: Float[Tensor, "B T"]) -> Int[Tensor, " B"]:
    """How many samples each sound has ahead of the digital silence that follows it; at least one."""
    places = torch.arange(1, x.shape[1] + 1, device=x.device)
    return ((x != 0) * places).amax(dim=1).clamp(min=1)


class LogMel(nn.Module):
    """Waveforms [B, T] at `rate` Hz → log-mel spectrograms [B, N, M], in fp32 whatever is around it."""

    window: Tensor
    bands: Tensor

    def __init__(self, rate: int, bands: int = 80) -> None:
        super().__init__()
        self.length, self.hop = samples_in(WINDOW, rate), samples_in(HOP, rate)
        self.size = transform_size(self.length, bands)
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
