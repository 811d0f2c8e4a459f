"""What is said, by an exported network: the spectrogram, the network, the search. In numpy, without torch.

Legend of shapes: B batch, S samples, N frames, M bands, T vectors, C units.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property, partial
from typing import Any

import numpy as np

from sounding.applications.speech.transcribe import answers
from sounding.applications.speech.transcribe.answers import Waves
from sounding.contract.modality import Modality
from sounding.contract.postprocessing import Arrays, Network, Postprocessing
from sounding.contract.records import Prediction
from sounding.decoding.ctc import UnitModel
from sounding.modalities.audio.mel import FLOOR, HOP, LOWEST, WINDOW, frames_heard, log_mel
from sounding.modalities.audio.transcript import Transcript
from sounding.modalities.text.specials import END, START
from sounding.modalities.text.tokenizer import Tokenizer


@dataclass(frozen=True)
class Language:
    """What a language model counts: so many units in a row of `texts`."""

    texts: tuple[str, ...]
    order: int

    def counted(self, tokenizer: Tokenizer) -> UnitModel:
        """The model."""
        return UnitModel(tokenizer.batch(self.texts), self.order, len(tokenizer), START, END)


@dataclass(frozen=True)
class WordsSaid(Postprocessing):
    """The words of recordings at `rate` Hz, of which `window` seconds are heard at a time, `batch` stretches together.

    `beams` beginnings are followed, and a language model counts by `weight`, with a `bonus` for each unit.
    """

    rate: int
    bands: int
    window: float
    batch: int
    beams: int
    weight: float
    bonus: float
    language: Language

    @property
    def steps(self) -> Sequence[str]:
        """Spectrogram, network, search."""
        beams = self.beams or answers.BEAMS
        found = "the likeliest unit of each vector" if beams == 1 or self.weight < 0 else f"a search of {beams} beams"
        return (
            f"`spectrogram`: windows of {WINDOW:g} s (Hann), one every {HOP:g} s and centred on it, the power of their "
            f"Fourier transform, {self.bands} triangles as wide as one another on the mel scale from {LOWEST:g} Hz up, "
            f"plus {FLOOR:g}, the logarithm; `lengths` are frames",
            "the network gives log-probabilities of units, four frames to a vector, and how many vectors count",
            f"unit 0 is none; of the others {found}, units that follow one another being one (CTC)",
            f"a language model of {self.language.order} units in a row, by the transcripts of state.json, counts "
            f"{max(0.0, self.weight):g}, and each unit {self.bonus:g}",
            f"recordings longer than {self.window:g} s are cut where nobody speaks",
        )

    @property
    def settings(self) -> Mapping[str, Any]:
        """All but the transcripts."""
        return {each.name: getattr(self, each.name) for each in fields(self) if each.name != "language"}

    def outputs(self, network: Network, x: Arrays) -> Arrays:
        """Log-probabilities [B, T, C] and lengths [B] for waveforms [B, S]."""
        (waves,) = x
        return network((log_mel(waves, self.rate, self.bands), frames_heard(waves, self.rate)))

    def predictions(self, network: Network, x: Arrays, values: Sequence[Any], target: Modality) -> list[Prediction]:
        """What is said in each recording."""
        assert isinstance(target, Transcript)
        heard = partial(answers.by_length, partial(self._told, network), batch=self.batch)
        search = answers.searching(self.beams, self.weight, self.bonus, lambda: self._counted(target.tokenizer))
        return answers.said(heard, search, values, self.rate, self.window, target.tokenizer)

    def _told(self, network: Network, waves: Waves) -> tuple[np.ndarray, np.ndarray]:
        padded = np.zeros((len(waves), max(map(len, waves))), np.float32)
        for row, wave in zip(padded, waves, strict=True):
            row[: len(wave)] = wave
        log_probs, lengths = self.outputs(network, (padded,))
        return log_probs, lengths

    def _counted(self, tokenizer: Tokenizer) -> UnitModel:
        """The language model: counted when it is first asked."""
        known = self._models
        if not known:
            known.append(self.language.counted(tokenizer))
        return known[0]

    @cached_property
    def _models(self) -> list[UnitModel]:
        return []
