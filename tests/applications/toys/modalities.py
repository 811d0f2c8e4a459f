"""The small modalities of the toy applications: boxes, a sound, words, and text read letter by letter.

Legend of shapes: B batch, K kinds of box, S cells along a side, T samples or characters, L words.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from sounding.contract.answers import Transformed
from sounding.contract.change import Change, refusal
from sounding.contract.inputs import Attributable, Continuous, Corruptible, Corruption, Discrete, Divisible, Threat
from sounding.contract.modality import Modality
from sounding.errors import DataError
from sounding.modalities.pictures.changes import Moved
from sounding.randomness import stream

Box = tuple[float, float, float, float, str]  # left, top, width, height in [0, 1], and the name
CELLS = 12  # along each side of the map of centres
RATE, PART = 4000, 200  # samples a second; samples in a part of 50 ms
MASK = "▢"
PAD, START, END, UNKNOWN = range(4)  # the mask reads as UNKNOWN: a character that is there but tells nothing


class Boxes(Transformed):
    """Named boxes: a tuple of (x, y, w, h, name), the top left corner and the size as shares of the picture."""

    columns = ("boxes", "objects")
    names: Sequence[str] = ()

    def read(self, cell: Any, root: Path = Path()) -> tuple[Box, ...]:
        try:
            words = [part.split() for part in str(cell).split(";") if part.strip()]
            return tuple((float(x), float(y), float(w), float(h), name) for name, x, y, w, h in words)
        except ValueError as error:
            raise DataError(f"{cell!r} does not list boxes", fix="Write them as `name x y w h; …`") from error

    def fit(self, values: Iterable[Any]) -> None:
        self.names = sorted({box[4] for boxes in values for box in boxes})

    def encode(self, values: Sequence[Any]) -> Tensor:
        """Planes [B, K + 4, S, S]: a hill with its top, 1, where a kind has a centre; there, its offset and size."""
        planes = torch.zeros(len(values), len(self.names) + 4, CELLS, CELLS)
        down, across = torch.meshgrid(torch.arange(CELLS), torch.arange(CELLS), indexing="ij")
        for plane, boxes in zip(planes, values, strict=True):
            for x, y, w, h, name in boxes:
                cx, cy = (x + w / 2) * CELLS, (y + h / 2) * CELLS
                j, i = (min(max(int(c), 0), CELLS - 1) for c in (cx, cy))
                hill = torch.exp(-((down - i) ** 2 + (across - j) ** 2) / 2)
                kind = self.names.index(name)
                plane[kind] = torch.maximum(plane[kind], hill)
                plane[-4:, i, j] = torch.tensor([x + w / 2 - j / CELLS, y + h / 2 - i / CELLS, w, h])
        return planes

    def transform_targets(self, values: Sequence[Any], change: Change) -> list[Any]:
        """An upright affine change moves the corners to where the sampled pixels went."""
        if not isinstance(change, Moved):
            raise refusal(self, change)
        return [tuple(moved(box, a) for box in boxes) for boxes, a in zip(values, change.affine.tolist(), strict=True)]

    def state(self) -> dict[str, Any]:
        return {"names": list(self.names)}

    def restore(self, state: Mapping[str, Any]) -> None:
        self.names = state["names"]


def moved(box: Box, affine: list[list[float]]) -> Box:
    """The box whose corners [-1, 1] were sampled from those of `box`."""
    (a, _, tx), (_, d, ty) = affine
    xs = sorted(((2 * x - 1 - tx) / a + 1) / 2 for x in (box[0], box[0] + box[2]))
    ys = sorted(((2 * y - 1 - ty) / d + 1) / 2 for y in (box[1], box[1] + box[3]))
    return xs[0], ys[0], xs[1] - xs[0], ys[1] - ys[0], box[4]


def overlap(a: Box, b: Box) -> float:
    """Intersection over union of two boxes; 0 when their names differ."""
    w = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    h = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    both = max(w, 0) * max(h, 0)
    return both / (a[2] * a[3] + b[2] * b[3] - both) if both and a[4] == b[4] else 0.0


class Sound(Attributable, Corruptible, Continuous):
    """A waveform: float32 [T] in [-1, 1]. Batches are padded with digital silence."""

    columns = ("sound", "audio")
    baselines = ("silence", "matched noise")
    value_range = (-1.0, 1.0)
    threats = (Threat("30 dB", "l2", 0.0316, relative=True), Threat("20 dB", "l2", 0.1, relative=True))

    def read(self, cell: Any, root: Path = Path()) -> np.ndarray:
        wave = np.asarray(cell, np.float32)
        if wave.ndim != 1 or not wave.size or not np.abs(wave).max() <= 1:
            raise DataError("the sound is not a list of samples", fix="Give numbers between -1 and 1")
        return wave

    def encode(self, values: Sequence[Any]) -> Tensor:
        """Samples [B, T]."""
        return nn.utils.rnn.pad_sequence([torch.from_numpy(v) for v in values], batch_first=True)

    def decode(self, x: Tensor) -> list[Any]:
        return [np.trim_zeros(row, "b") for row in x.detach().numpy()]

    def segments(self, value: Any) -> int:
        return math.ceil(len(value) / PART)

    def mask(self, value: Any, mask: np.ndarray, baseline: str) -> Any:
        """Parts of 50 ms give way to silence, or to white noise as loud as the whole."""
        noise = stream("tones", "noise").standard_normal(len(value)) * value.std() * (baseline == "matched noise")
        return np.where(np.repeat(mask, PART)[: len(value)], value, noise).clip(-1, 1).astype(np.float32)

    def aggregate(self, saliency: Tensor, value: Any) -> np.ndarray:
        starts = np.arange(0, len(value), PART)
        return np.add.reduceat(saliency.detach().numpy()[: len(value)], starts)

    @property
    def corruptions(self) -> Mapping[str, Corruption]:
        return {"white noise": white_noise, "quiet": quiet, "clipping": clipping, "band limit": band_limit}

    def describe(self, value: Any) -> str:
        return f"{len(value) / RATE:.2f} s of sound"

    def to_json(self, value: Any) -> Any:
        return value.tolist()


def white_noise(wave: Any, severity: int, rng: np.random.Generator) -> Any:
    """Noise at a signal-to-noise ratio of 20, 15, 10, 5 or 0 dB."""
    level = wave.std() * 10 ** (-(25 - 5 * severity) / 20)
    return (wave + level * rng.standard_normal(len(wave))).clip(-1, 1).astype(np.float32)


def quiet(wave: Any, severity: int, rng: np.random.Generator) -> Any:
    """6 dB fainter for each step."""
    return wave * np.float32(0.5**severity)


def clipping(wave: Any, severity: int, rng: np.random.Generator) -> Any:
    """All above a share of the peak is cut off."""
    limit = np.abs(wave).max() * (1 - 0.19 * severity)
    return wave.clip(-limit, limit)


def band_limit(wave: Any, severity: int, rng: np.random.Generator) -> Any:
    """Nothing is left above 1800, 1600, 1400, 1200 or 1000 Hz."""
    spectrum = np.fft.rfft(wave)
    spectrum[np.fft.rfftfreq(len(wave), 1 / RATE) > 2000 - 200 * severity] = 0
    return np.fft.irfft(spectrum, len(wave)).clip(-1, 1).astype(np.float32)


class Words(Modality):
    """Words with spaces between them."""

    columns = ("words", "text", "transcript")
    words: Sequence[str] = ()

    def read(self, cell: Any, root: Path = Path()) -> str:
        return " ".join(str(cell).split())

    def fit(self, values: Iterable[Any]) -> None:
        self.words = sorted({word for value in values for word in value.split()})

    def encode(self, values: Sequence[Any]) -> tuple[Tensor, Tensor]:
        """Classes [B, L] padded with blanks, and the lengths [B]; words that training never saw are class 1."""
        ids = {word: i + 2 for i, word in enumerate(self.words)}
        rows = [torch.tensor([ids.get(word, 1) for word in v.split()], dtype=torch.long) for v in values]
        return nn.utils.rnn.pad_sequence(rows, batch_first=True), torch.tensor([len(row) for row in rows])

    def state(self) -> dict[str, Any]:
        return {"words": list(self.words)}

    def restore(self, state: Mapping[str, Any]) -> None:
        self.words = state["words"]


class Characters(Attributable, Corruptible, Discrete, Divisible):
    """Text as characters: the value is the string itself, and a part is one character of it."""

    baselines = ("delete", "mask")

    def __init__(self, *columns: str) -> None:
        self.columns = columns
        self.vocabulary = ""

    def read(self, cell: Any, root: Path = Path()) -> str:
        if not isinstance(cell, str):
            raise DataError(f"{cell!r} is not text", fix="Put a string in each cell")
        return cell

    def fit(self, values: Iterable[Any]) -> None:
        self.vocabulary = "".join(sorted({letter for value in values for letter in value}))

    def encode(self, values: Sequence[Any]) -> Tensor:
        """Ids [B, T + 1]: START, the characters, and padding."""
        ids = {letter: i for i, letter in enumerate(self.vocabulary, UNKNOWN + 1)}
        rows = [torch.tensor([START, *(ids.get(letter, UNKNOWN) for letter in value)]) for value in values]
        return nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=PAD)

    def divide(self, value: str, shares: Sequence[float]) -> list[str]:
        cuts = [0, *(round(len(value) * share) for share in np.cumsum(shares))]
        return [value[start:end] for start, end in pairwise(cuts)]

    def text(self, ids: Iterable[int]) -> str:
        """The string of ids up to END."""
        letters = []
        for i in ids:
            if i == END:
                break
            letters.append(self.vocabulary[i - UNKNOWN - 1] if i > UNKNOWN else MASK)
        return "".join(letters)

    def segments(self, value: Any) -> int:
        return len(value)

    def mask(self, value: Any, mask: np.ndarray, baseline: str) -> Any:
        gap = MASK if baseline == "mask" else ""
        return "".join(letter if kept else gap for letter, kept in zip(value, mask, strict=True))

    def aggregate(self, saliency: Tensor, value: Any) -> np.ndarray:
        """Positions at the embedding are START, the prompt, and then the answer, which is no part of the prompt."""
        return saliency.flatten(1).sum(1)[1 : len(value) + 1].detach().numpy()

    @property
    def corruptions(self) -> Mapping[str, Corruption]:
        return {"swapped letters": swapped, "lost letters": lost}

    def neighbours(self, value: Any, rng: np.random.Generator) -> Iterator[Any]:
        """Every swap of two unlike characters that stand side by side, in random order."""
        for i in rng.permutation(max(len(value) - 1, 0)):
            if value[i] != value[i + 1]:
                yield value[:i] + value[i + 1] + value[i] + value[i + 2 :]

    def state(self) -> dict[str, Any]:
        return {"vocabulary": self.vocabulary}

    def restore(self, state: Mapping[str, Any]) -> None:
        self.vocabulary = state["vocabulary"]


def swapped(text: Any, severity: int, rng: np.random.Generator) -> Any:
    """As many swaps of neighbouring letters as the severity says."""
    for i in rng.integers(0, max(len(text) - 1, 1), severity):
        text = text[:i] + text[i : i + 2][::-1] + text[i + 2 :]
    return text


def lost(text: Any, severity: int, rng: np.random.Generator) -> Any:
    """A letter in 25 is lost for each step."""
    return "".join(letter for letter in text if rng.random() > 0.04 * severity)
