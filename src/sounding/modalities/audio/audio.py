"""Sound: what a microphone heard.

A value is an array [T] of float32 in [-1, 1] at the working rate, one channel. Files are opened in `audio_files.py`.
It encodes to a batch of waveforms, padded with digital silence, so that noise and attacks act on what is heard; the
spectrogram is the first layer of a model (`features.LogMel`).

Legend of shapes: B batch, T samples, N frames, P parts, M masks (of a spectrogram: bands).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sounding.contract.evidence import Clip
from sounding.contract.inputs import (
    Attributable,
    Audible,
    Continuous,
    Corruptible,
    Corruption,
    Lasting,
    Portable,
    Threat,
)
from sounding.contract.tensors import is_tensor
from sounding.drawing.rendering import Marks, Rendering
from sounding.errors import DataError, UsageError, did_you_mean
from sounding.modalities.audio import audio_files, corruptions, drawing, masking, playing
from sounding.modalities.audio.mel import HOP, samples_in
from sounding.modalities.audio.resampling import resample
from sounding.modalities.audio.voice import spoken
from sounding.wording import counted

if TYPE_CHECKING:
    from torch import Tensor


class Audio(Attributable, Corruptible, Continuous, Lasting, Audible, Portable):
    """A recording at a working rate of `rate` Hz: other rates are resampled, channels averaged.

    What is longer than `longest` seconds is not learnt from, where that is not 0.
    """

    noun = "recording"
    columns = (
        *("audio", "audio_filepath", "audio_path", "audio_file", "recording", "sound", "wav", "wav_filename", "clip"),
        *("path", "file", "filename", "file_name"),
    )
    suffixes = audio_files.SUFFIXES
    asked = "RECORDING"
    baselines = ("silence", "noise")
    value_range = (-1.0, 1.0)
    threats = (
        Threat("SNR 40 dB", "l2", 0.01, relative=True),
        Threat("SNR 30 dB", "l2", 0.0316, relative=True),
        Threat("SNR 20 dB", "l2", 0.1, relative=True),
    )

    def __init__(self, rate: int = 16_000, longest: float = 0.0) -> None:
        if not 2_000 <= rate <= 192_000:
            raise UsageError(f"a rate of {rate} Hz cannot be worked with", fix="Give 8000 or 16000")
        self.rate, self.longest = rate, longest
        self._rates: Counter[int] = Counter()
        self._channels: Counter[int] = Counter()
        self._seconds: list[float] = []
        self.said: list[str] = []
        """What a task has to say of its training rows."""

    # ---- reading

    def accepts(self, cell: Any) -> bool:
        """Whether a cell is a sound, holds the bytes of one, or names a file that ends like one."""
        if isinstance(cell, Mapping):
            if "array" in cell:
                return True
            return self.accepts(cell["bytes"] if cell.get("bytes") is not None else cell.get("path"))
        if isinstance(cell, str | Path):
            return str(cell).strip().lower().endswith(self.suffixes)
        if isinstance(cell, bytes | bytearray | memoryview):
            return audio_files.looks_like_sound(bytes(cell[:16]))
        return (isinstance(cell, np.ndarray) or is_tensor(cell)) and cell.ndim in (1, 2)

    def read(self, cell: Any, root: Path = Path()) -> np.ndarray:
        """The samples of a path (from `root`), {"bytes", "path"}, {"array", "sampling_rate"}, (samples, rate), bytes,
        or of an array, which is at the working rate.

        Raises DataError for whatever cannot be used: see `audio_files.of_cell`.
        """
        sound = audio_files.of_cell(cell, root, self.rate)
        if sound.rate != self.rate:
            self._rates[sound.rate] += 1
        if sound.channels > 1:
            self._channels[sound.channels] += 1
        found = resample(sound.samples, sound.rate, self.rate)
        return np.clip(found, -1, 1, out=found)

    def reread(self, value: np.ndarray) -> np.ndarray:
        """As it was: nothing is learnt that would change it."""
        return value

    def remark(self, value: np.ndarray) -> str:
        """What is odd about a sound that can be used all the same."""
        seconds = len(value) / self.rate
        if not spoken(value, self.rate):
            return f"silence only ({seconds:.2f} s)"
        if seconds < 0.1:
            return f"very short ({seconds:.3f} s)"
        clipped = (np.count_nonzero(value >= 0.999) + np.count_nonzero(value <= -0.999)) / len(value)
        return f"{clipped:.0%} of the samples are at full scale: it was recorded too loud" if clipped > 0.01 else ""

    def require_learnable(self, value: np.ndarray) -> None:
        """Raises DataError for a recording that is longer than `longest`."""
        if self.longest and len(value) / self.rate > self.longest:
            what = f"{self.describe(value)} are too much to learn from at a time: at most {self.longest:g} s"
            raise DataError(what, fix="Cut it into sentences, each with its text, or set longest higher")

    # ---- state

    def fit(self, values: Iterable[np.ndarray]) -> None:
        """Nothing is learnt; how long the training sounds are is noted."""
        self._seconds = [len(value) / self.rate for value in values]

    def notes(self) -> list[str]:
        """How much there is to learn from, and what was resampled and mixed."""
        said = list(self.said)
        if self._seconds:
            total, longest = sum(self._seconds), max(self._seconds)
            said.append(f"{total / 60:.1f} minutes of sound to learn from, the longest recording {longest:.1f} s")
        for rate, count in self._rates.most_common(3):
            said.append(f"brought from {rate:,} to {self.rate:,} Hz: {counted(count, 'reading')} of recordings")
        for channels, count in self._channels.most_common(3):
            said.append(f"{channels} channels were averaged to one: {counted(count, 'reading')} of recordings")
        return said

    def state(self) -> dict[str, Any]:
        """The working rate."""
        return {"rate": self.rate}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take back what `state` gave."""
        self.rate = state["rate"]

    # ---- tensors

    def length(self, value: np.ndarray) -> int:
        """Frames of 10 ms."""
        return -(-len(value) // samples_in(HOP, self.rate))

    def encode(self, values: Sequence[np.ndarray]) -> Tensor:
        """Waveforms [B, T], the shorter ones followed by digital silence."""
        import torch

        return torch.from_numpy(self.arrays(values)[0])

    def arrays(self, values: Sequence[np.ndarray]) -> tuple[np.ndarray, ...]:
        """The same without torch."""
        x = np.zeros((len(values), max(map(len, values), default=0)), np.float32)
        for row, value in zip(x, values, strict=True):
            row[: len(value)] = value
        return (x,)

    @property
    def axes(self) -> Mapping[str, tuple[str | int, ...]]:
        """The samples."""
        return {"samples": ("batch", "time")}

    @property
    def steps(self) -> Sequence[str]:
        """From a file to samples."""
        return (
            f"read the sound as float32 in -1..1, the mean of its channels, at {self.rate} samples a second",
            "a batch is padded behind each sound with zeros",
        )

    def decode(self, x: Tensor) -> list[np.ndarray]:
        """The sounds of waveforms, without the silence that follows them."""
        rows = x.detach().cpu().float().numpy()
        return [row[: max(1, len(np.trim_zeros(row, "b")))] for row in rows]

    def seconds(self, value: np.ndarray) -> float:
        """How long it is."""
        return len(value) / self.rate

    # ---- explaining

    def segments(self, value: np.ndarray) -> int:
        """P: frames of 50 ms, then eight bands of frequencies, as wide as one another on the mel scale."""
        return masking.frames(len(value), self.rate) + masking.BANDS

    def segment_name(self, value: np.ndarray, part: int) -> str:
        """ "0.35–0.40 s", or "520–880 Hz"."""
        return drawing.part_name(part, len(value), self.rate)

    def mask(self, value: np.ndarray, mask: np.ndarray, baseline: str) -> np.ndarray:
        """The sound with only the frames and bands where `mask` [P] is true; see `masking.py`."""
        return self.mask_many(value, np.asarray(mask)[None], baseline)[0]

    def mask_many(self, value: np.ndarray, masks: np.ndarray, baseline: str) -> list[np.ndarray]:
        """The sounds kept by each row of `masks` [M, P]."""
        if baseline not in self.baselines:
            raise UsageError(f"sounds have no baseline {baseline!r}", fix=did_you_mean(baseline, self.baselines))
        return masking.masked(value, masks, baseline, self.rate)

    def aggregate(self, saliency: Tensor, value: np.ndarray) -> np.ndarray:
        """The sum of the saliency [N, M] of a spectrogram over each part: [P]."""
        return masking.summed(saliency.detach().cpu().double().numpy(), len(value), self.rate)

    # ---- disturbing

    @property
    def corruptions(self) -> Mapping[str, Corruption]:
        """Noise from 40 to 0 dB, reverberation, clipping, tempo, a narrow band; see `corruptions.py`."""
        return corruptions.corruptions(self.rate)

    # ---- showing

    def describe(self, value: np.ndarray) -> str:
        """How long it is."""
        seconds = len(value) / self.rate
        if seconds >= 60:
            return f"{seconds // 60:.0f} min {seconds % 60:.0f} s of sound"
        return f"{seconds:.2f} s of sound"

    def to_json(self, value: Any) -> Any:
        """The path of a recording that is still a cell, else how long it is; never its samples."""
        if isinstance(value, np.ndarray):
            return {"seconds": round(len(value) / self.rate, 3)}
        if isinstance(value, Mapping):
            return value.get("path")
        return str(value) if isinstance(value, str | Path) else None

    def render(self, value: np.ndarray, weights: np.ndarray | None = None, answer: Marks | None = None) -> Rendering:
        """The spectrogram, over it the weights [P], under it the words of an answer."""
        return drawing.rendered(value, self.rate, self.describe(value), weights, answer)

    def clip(self, value: np.ndarray, name: str) -> Clip:
        """Its beginning as FLAC or WAV."""
        return playing.clip(value, self.rate, name)
