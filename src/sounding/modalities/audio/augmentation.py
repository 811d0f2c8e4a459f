"""What varies a training batch, so that the model learns what does not matter.

Waveforms     noise and reverberation, of a share of the sounds
Spectrograms  `Varied`: speed, the length of the vocal tract, and holes in time and in frequency (SpecAugment)

Speed and vocal tract are a stretch of the spectrogram along its two axes: together they are what playing a recording
faster does (Ko et al., Interspeech 2015; Jaitly and Hinton 2013), and take no resampling.

Legend of shapes: B batch, T samples, N frames, M bands.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from sounding.modalities.audio.features import heard

LOUDEST_NOISE, FAINTEST_NOISE = 5.0, 30.0
"""Decibels between speech and the noise that is added."""
ECHO = (0.1, 0.6)
"""Seconds in which the sound of a hall falls by 60 dB."""


def noisy(x: Float[Tensor, "B T"], rng: torch.Generator, share: float) -> Float[Tensor, "B T"]:
    """White noise over a share of the sounds, as far as each goes; what is beyond full scale is cut."""
    chosen = torch.rand(len(x), 1, generator=rng) < share
    snr = FAINTEST_NOISE + (LOUDEST_NOISE - FAINTEST_NOISE) * torch.rand(len(x), 1, generator=rng)
    inside = torch.arange(x.shape[1]) < heard(x)[:, None]
    power = x.square().sum(dim=1, keepdim=True) / inside.sum(dim=1, keepdim=True)
    noise = torch.randn(x.shape, generator=rng) * (power * 10 ** (-snr / 10)).sqrt()
    return (x + noise * inside * chosen).clamp(-1, 1)


def echoing(x: Float[Tensor, "B T"], rng: torch.Generator, rate: int, share: float) -> Float[Tensor, "B T"]:
    """A share of the sounds in halls, as loud as before, as far as each goes."""
    chosen = torch.rand(len(x), 1, generator=rng) < share
    decay = ECHO[0] + (ECHO[1] - ECHO[0]) * torch.rand(len(x), 1, generator=rng)
    times = torch.arange(int(ECHO[1] * rate)) / rate
    echo = torch.randn(len(x), len(times), generator=rng) * 10 ** (-3 * times / decay)
    echo = echo * ((rate * decay).sqrt() / 40 / echo.norm(dim=1, keepdim=True))
    echo[:, 0] = 1.0
    size = x.shape[1] + len(times)
    wet = torch.fft.irfft(torch.fft.rfft(x, size) * torch.fft.rfft(echo, size), size)[:, : x.shape[1]]
    wet = wet * (torch.arange(x.shape[1]) < heard(x)[:, None])
    wet = wet * (x.norm(dim=1, keepdim=True) / wet.norm(dim=1, keepdim=True).clamp(min=1e-9))
    return torch.where(chosen, wet.clamp(-1, 1), x)


@dataclass(frozen=True)
class Variations:
    """How strongly spectrograms are varied in training; 0 leaves a variation out."""

    speed: float = 0.1  # how much faster or slower, at most, as a share
    tract: float = 0.1  # by how much frequencies are stretched, at most: vocal tracts of other lengths (VTLP)
    bands: int = 2  # holes in frequency
    widest: float = 0.2  # share of the bands that a hole is wide, at most
    times: int = 2  # holes in time
    longest: float = 0.05  # share of the frames that a hole is long, at most


class Varied(nn.Module):
    """Spectrograms [B, N, M] of which the first `lengths` frames count, varied in training: SpecAugment (Park et al.,
    arXiv 1904.08779) and stretches along both axes. Holes hold the mean of what was there.
    """

    def __init__(self, variations: Variations) -> None:
        super().__init__()
        self.variations = variations

    def forward(
        self, x: Float[Tensor, "B N M"], lengths: Int[Tensor, " B"]
    ) -> tuple[Float[Tensor, "B n M"], Int[Tensor, " B"]]:
        """The spectrograms and their lengths, which follow the speed."""
        v = self.variations
        if not self.training:
            return x, lengths
        if v.speed or v.tract:
            x, lengths = _stretched(x, lengths, v)
        holes = _holes(len(x), x.shape[2], v.bands, v.widest * x.shape[2], x.device)[:, None, :]
        if v.times:
            ends = lengths[:, None].float()
            holes = holes | _holes(len(x), x.shape[1], v.times, v.longest * ends, x.device, ends)[:, :, None]
        within = (torch.arange(x.shape[1], device=x.device) < lengths[:, None])[..., None]
        mean = (x * within).sum(dim=1, keepdim=True) / lengths[:, None, None].clamp(min=1)
        return torch.where(holes & within, mean, x), lengths


def _stretched(
    x: Float[Tensor, "B N M"], lengths: Int[Tensor, " B"], v: Variations
) -> tuple[Float[Tensor, "B n M"], Int[Tensor, " B"]]:
    """Each spectrogram at a speed and with a vocal tract of its own, by linear interpolation."""
    speed = 1 + v.speed * (2 * torch.rand(len(x), device=x.device) - 1)
    tract = 1 + v.tract * (2 * torch.rand(len(x), device=x.device) - 1)
    new = (lengths / speed).ceil().long().clamp(min=1)
    frames, bands = torch.arange(int(new.max()), device=x.device), torch.arange(x.shape[2], device=x.device)
    down = frames * speed[:, None]  # [B, n] where in the old spectrogram
    down = torch.minimum(down, (lengths[:, None] - 1).float().clamp(min=0))
    across = (bands * tract[:, None]).clamp(max=x.shape[2] - 1)
    at = [2 * place / max(1, size - 1) - 1 for place, size in ((across, x.shape[2]), (down, x.shape[1]))]
    shape = (len(x), len(frames), len(bands))
    grid = torch.stack([at[0][:, None, :].expand(shape), at[1][:, :, None].expand(shape)], dim=3)
    return F.grid_sample(x[:, None].float(), grid.float(), align_corners=True, padding_mode="border")[:, 0], new


def _holes(
    rows: int, size: int, count: int, widest: float | Tensor, device: torch.device, ends: float | Tensor | None = None
) -> Tensor:
    """[rows, size]: where holes are, `count` in each row, each as wide as `widest` at most, all ahead of `ends`."""
    if not count:
        return torch.zeros(rows, size, dtype=torch.bool, device=device)
    width = torch.rand(rows, count, device=device) * widest
    start = torch.rand(rows, count, device=device) * ((size if ends is None else ends) - width)
    places = torch.arange(size, device=device)[None, None]
    return ((places >= start[..., None]) & (places < (start + width)[..., None])).any(dim=1)
