"""A toy transcriber: shows that sound of varying length and sequences of words fit the contract.

Legend of shapes: B batch, T samples, N frames, F frequencies, C classes (0 blank, 1 unknown word, then the words).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from modalities import RATE, Sound, Words
from torch import Tensor, nn
from torch.nn import functional as F

from sounding.contract.metrics import Metric
from sounding.contract.recipe import Recipe
from sounding.contract.records import Example, Prediction, Record
from sounding.contract.task import Task

WINDOW, HOP = 128, 64  # samples in a frame, and from one frame to the next
IMPOSSIBLE = -50.0  # nats of hearing a word in digital silence: finite, so that no loss is infinite
PITCHES = {"low": 300.0, "mid": 700.0, "high": 1300.0}  # Hz


class Ear(nn.Module):
    """Sound [B, T] → log-probabilities [B, N, C]. Frames of digital silence say nothing, so padding is not heard."""

    window: Tensor

    def __init__(self, width: int, classes: int) -> None:
        super().__init__()
        self.first = nn.Conv1d(WINDOW // 2 + 1, width, 3, padding=1)
        self.second = nn.Conv1d(width, width, 3, padding=1)
        self.classes = nn.Linear(width, classes)
        self.register_buffer("window", torch.hann_window(WINDOW), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        frames = F.pad(x, (0, WINDOW - HOP + -x.shape[1] % HOP)).unfold(1, WINDOW, HOP)
        heard = (frames != 0).any(-1)[:, None]
        h = torch.fft.rfft(frames * self.window).abs().log1p().mT
        for layer in (self.first, self.second):
            h = layer(h).relu() * heard
        blank = F.one_hot(torch.tensor(0), self.classes.out_features)
        return torch.where(heard.mT, self.classes(h.mT).log_softmax(-1), (1 - blank) * IMPOSSIBLE)


def edits(said: Sequence[str], meant: Sequence[str]) -> int:
    """The least number of insertions, deletions and substitutions (Levenshtein)."""
    row = list(range(len(meant) + 1))
    for i, word in enumerate(said, 1):
        last, row[0] = row[0], i
        for j, other in enumerate(meant, 1):
            last, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, last + (word != other))
    return row[-1]


def judge(record: Record) -> np.ndarray:
    """[2]: edits and words."""
    meant = record.truth.split()
    return np.array([edits(record.value.split(), meant), len(meant)])


def error_rate(stats: np.ndarray) -> float:
    """Edits per word of the truth, from [n, 2]."""
    wrong, words = stats.sum(0)
    return float(wrong / max(words, 1))


@dataclass(frozen=True)
class ToneRecipe(Recipe):
    """The numbers of a training of `Tones`."""

    batch: int = 32
    lr: float = 1e-2
    average: float = 0.95
    width: int = 32  # channels


class Tones(Task):
    """Transcribe a sequence of tones (low, mid, high) into words, aligned by CTC (Graves et al. 2006)."""

    Recipe = ToneRecipe
    recipe: ToneRecipe
    target: Words

    def modalities(self) -> tuple[Sound, Words]:
        return Sound(), Words()

    @property
    def metrics(self) -> Sequence[Metric]:
        return (Metric("word error rate", judge, error_rate, "edits per true word", higher_is_better=False),)

    def build(self) -> nn.Module:
        return Ear(self.recipe.width, len(self.target.words) + 2)

    def loss(self, model: nn.Module, x: Tensor, y: tuple[Tensor, Tensor]) -> Tensor:
        """-log p(words | sound), summed over all alignments."""
        words, lengths = y
        # Silence says nothing, so room for every word can be added at the end: no loss is infinite.
        heard = model(F.pad(x, (0, 2 * HOP * words.shape[1]))).transpose(0, 1)
        frames = torch.full((len(x),), len(heard))
        return F.ctc_loss(heard, words, frames, lengths, reduction="none")

    def log_likelihood(self, model: nn.Module, x: Tensor, y: tuple[Tensor, Tensor]) -> Tensor:
        """Mean log-probability of a word."""
        return -self.loss(model, x, y) / y[1].clamp(min=1)

    @torch.no_grad()
    def predict(self, model: nn.Module, inputs: Sequence[Any]) -> list[Prediction]:
        """The best class of each frame, repeats and blanks dropped; confidence is the probability of the whole."""
        x = self.input.encode(inputs)
        best = [row.unique_consecutive().tolist() for row in model(x).argmax(-1)]
        names = ["", "", *self.target.words]
        said = [" ".join(names[k] for k in row if k > 1) for row in best]
        nats = self.loss(model, x, self.encode_targets(said)).tolist()
        return [Prediction(text, math.exp(-each)) for text, each in zip(said, nats)]

    def demo(self, rng: np.random.Generator, n: int) -> list[Example]:
        """One to four tones with noise and pauses between them."""
        return [tune(rng) for _ in range(n)]


def tune(rng: np.random.Generator) -> Example:
    words = rng.choice(list(PITCHES), rng.integers(1, 5)).tolist()
    tones = []
    for word in words:
        seconds = np.arange(rng.integers(300, 500)) / RATE
        tones += [np.sin(2 * np.pi * PITCHES[word] * rng.normal(1, 0.05) * seconds) * np.hanning(len(seconds))]
        tones += [np.zeros(rng.integers(50, 200))]
    wave = np.concatenate(tones)
    wave = rng.uniform(0.3, 0.8) * wave + 0.03 * rng.standard_normal(len(wave))
    return Example(wave.clip(-1, 1).astype(np.float32), " ".join(words))
