"""The network of `transcribe`: waveforms → log-probabilities of units, four hundredths of a second at a time.

    Heard        what it gives
    Recogniser   log-mel spectrogram, variations in training, subsampling, an encoder, a linear layer
    ctc          how likely a transcript is: minus the logarithm of the sum over all ways to say it (Graves et al. 2006)

Legend of shapes: B batch, S samples, N frames, M bands, T vectors, C units, L units of a transcript.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sounding.applications.speech.transcribe.answers import CHOSEN_LATER, STEP
from sounding.architectures.conformer import Subsampling
from sounding.architectures.dropout import Dropout
from sounding.architectures.pooling import within
from sounding.contract.graph import Axes, Graph
from sounding.modalities.audio.augmentation import Variations, Varied
from sounding.modalities.audio.features import LogMel, heard
from sounding.modalities.text.text import Tokens

SPREAD = 3.0
"""What normalised spectrograms are divided by: the usual spread of a band around its mean, in nats."""
OVERLAP = 50
"""Vectors that neighbouring windows have in common: 2 seconds."""


class Heard(NamedTuple):
    """Log-probabilities [B, T, C] of the units, of which unit 0 is no unit, and how many T count in each row [B]."""

    log_probs: Tensor
    lengths: Tensor


class Recogniser(nn.Module):
    """Waveforms [B, S], the shorter ones followed by digital silence → `Heard`.

    `encoder(vectors [B, T, D], lengths [B])` gives vectors of width `outputs`. Outside training, waveforms longer than
    `longest` seconds, as none was that it learnt from, are heard in windows that overlap: so memory does not grow
    with the square of their length, as attention does.
    """

    decoding: Tensor

    def __init__(
        self,
        spectrogram: LogMel,
        variations: Variations,
        subsampling: Subsampling,
        encoder: nn.Module,
        outputs: int,
        longest: float,
    ) -> None:
        super().__init__()
        self.spectrogram, self.varied = spectrogram, Varied(variations)
        self.subsampling, self.encoder = subsampling, encoder
        self.register_buffer("decoding", torch.tensor([CHOSEN_LATER, 0.0]))
        """The weight of the language model and the bonus of a unit, which validation rows choose."""
        self.outputs = outputs
        self.longest = round(longest / STEP)
        """Vectors of a window."""

    def head(self, dropout: float, units: int) -> Recogniser:
        """The same with the layers that tell the units, last."""
        self.dropout, self.units = Dropout(dropout), nn.Linear(self.outputs, units)
        return self

    def forward(self, x: Tensor) -> Heard:
        """What is heard."""
        samples = heard(x)
        if self.training or x.shape[1] <= (self.longest + 1) * 4 * self.spectrogram.hop:
            return self._heard(x, samples)
        return self._in_windows(x, samples)

    def graph(self, bands: int) -> Graph:
        """The network behind the spectrogram, as it is written down."""
        spectrogram, lengths = torch.zeros(2, 37, bands), torch.tensor([37, 29])
        inputs: dict[str, Axes] = {"spectrogram": ("batch", "frames", bands), "lengths": ("batch",)}
        outputs: dict[str, Axes] = {"log_probs": ("batch", "vectors", self.units.out_features), "vectors": ("batch",)}
        return Graph(_Told(self), (spectrogram, lengths), inputs, outputs)

    def _in_windows(self, x: Tensor, samples: Tensor) -> Heard:
        """What is heard in windows; of two neighbours each tells its half of what both have heard."""
        step = 4 * self.spectrogram.hop  # samples of a vector
        shared = min(OVERLAP, self.longest // 2) // 2 * 2
        window, ahead = self.longest * step, (self.longest - shared) * step
        parts, start = [], 0
        while True:
            last = start + window >= x.shape[1]
            part = self._heard(x[:, start : start + window], (samples - start).clamp(1, window)).log_probs
            first = shared // 2 if start else 0
            parts.append(part[:, first:] if last else part[:, first : self.longest - shared // 2])
            if last:
                break
            start += ahead
        lengths = -(-self.spectrogram.frames(samples) // 4)
        return Heard(torch.cat(parts, dim=1), lengths)

    def _heard(self, x: Tensor, samples: Tensor) -> Heard:
        """What is heard in waveforms of which so many samples [B] count."""
        return self.told(*self.varied(self.spectrogram(x), self.spectrogram.frames(samples)))

    def told(self, spectrogram: Tensor, lengths: Tensor) -> Heard:
        """What is heard in spectrograms [B, N, M], of which so many frames [B] count."""
        vectors, lengths = self.subsampling(normalised(spectrogram, lengths), lengths)
        vectors = self.encoder(self.dropout(vectors), lengths)
        return Heard(self.units(self.dropout(vectors)).float().log_softmax(dim=2), lengths)


class _Told(nn.Module):
    def __init__(self, network: Recogniser) -> None:
        super().__init__()
        self.network = network

    def forward(self, *tensors: Tensor) -> tuple[Tensor, ...]:
        return tuple(self.network.told(*tensors))


def normalised(x: Tensor, lengths: Tensor) -> Tensor:
    """Spectrograms [B, N, M] less the mean of each band: what microphone and loudness add is gone; padding is 0."""
    inside = within(lengths, x.shape[1])[..., None]
    mean = (x * inside).sum(dim=1, keepdim=True) / lengths.clamp(min=1)[:, None, None]
    return (x - mean) / SPREAD * inside


def ctc(found: Heard, y: Tokens) -> Tensor:
    """-log p(transcript | sound) in nats [B].

    Where a recording is too short for its transcript, vectors that say all units alike are added at its end: no
    transcript is impossible.
    """
    log_probs, lengths = found
    inside = torch.arange(y.ids.shape[1], device=y.ids.device) < y.lengths[:, None]
    twice = ((y.ids[:, 1:] == y.ids[:, :-1]) & inside[:, 1:]).sum(dim=1)  # between them a blank has to be said
    frames = torch.maximum(lengths, (y.lengths + twice).clamp(min=1))
    missing = max(0, int(frames.max()) - log_probs.shape[1])
    log_probs = F.pad(log_probs, (0, 0, 0, missing))
    known = within(lengths, log_probs.shape[1])[..., None]
    log_probs = torch.where(known, log_probs, -math.log(log_probs.shape[2]))
    return F.ctc_loss(log_probs.transpose(0, 1), y.ids, frames, y.lengths, reduction="none")
