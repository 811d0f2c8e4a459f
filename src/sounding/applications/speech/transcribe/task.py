"""Speech recognition: what is said in a recording."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from sounding.applications.speech.transcribe import answers, babble, dictation
from sounding.applications.speech.transcribe.dictation import Dictation, Manner
from sounding.applications.speech.transcribe.errors import (
    character_error_rate,
    details,
    edits,
    word_error_rate,
)
from sounding.applications.speech.transcribe.network import Recogniser, ctc
from sounding.applications.speech.transcribe.words_said import Language, WordsSaid
from sounding.architectures.checkpoints import SpeechShape, shaped
from sounding.architectures.conformer import Conformer, ConformerConfig, Subsampling
from sounding.architectures.lora import merge
from sounding.architectures.rnn import RNN, RNNConfig
from sounding.architectures.whisper import Whisper
from sounding.contract.change import Change, Unchanged
from sounding.contract.graph import Graph
from sounding.contract.metrics import Metric
from sounding.contract.modality import Row
from sounding.contract.options import Options
from sounding.contract.recipe import BegunRecipe
from sounding.contract.records import Example, Prediction, Record
from sounding.contract.task import Task, chunks, targets
from sounding.decoding.ctc import PrefixBeams, Prefixes, UnitModel
from sounding.errors import DataError, UsageError, did_you_mean
from sounding.modalities.audio.audio import Audio
from sounding.modalities.audio.augmentation import Variations, echoing, noisy
from sounding.modalities.audio.features import LogMel
from sounding.modalities.audio.layouts import CLIPS_WITH_TEXTS, COMMON_VOICE, LIBRISPEECH
from sounding.modalities.audio.spoken_tokens import SpokenTokens
from sounding.modalities.audio.transcript import Transcribed, Transcript, in_form
from sounding.modalities.audio.voice import APART, spoken
from sounding.modalities.audio.whisper_features import RATE
from sounding.modalities.audio.whisper_transcript import WhisperTranscript
from sounding.modalities.text.encodings import read_text
from sounding.modalities.text.text import Tokens

WHISPER = "whisper"
MODELS = ("conformer", "rnn", WHISPER)
WEIGHTS, BONUSES = (0.0, 0.4, 0.8, 1.2), (0.0, 0.7)
"""What is tried for the weight of the language model, and for the bonus of a unit."""
TRIED = 48
"""Validation rows that choose between them, at most."""
MOST = 5_000_000
"""Characters that a language model learns from, at most."""


@dataclass(frozen=True)
class TranscribeRecipe(BegunRecipe):
    """The numbers of a training of a recogniser."""

    sizes: ClassVar = {
        "tiny": {
            **{"rate": 8000, "bands": 24, "channels": 8, "width": 48, "layers": 1, "kernel": 7, "dropout": 0.0},
            **{"batch": 12, "lr": 5e-3, "average": 0.9, "order": 3, "speed": 0.0, "tract": 0.0},
            **{"frequency_holes": 0, "time_holes": 0},
        },
        "small": {},
        "base": {"width": 256, "layers": 12, "batch": 16},
    }
    shaping: ClassVar[Sequence[str]] = (
        *("model", "rate", "bands", "channels", "width", "layers", "heads", "kernel", "form", "units", "vocabulary"),
        *("architecture", "seconds"),
    )
    published: ClassVar = WHISPER
    begun: ClassVar = {
        **{"epochs": 3.0, "least_steps": 60, "optimizer": "adamw", "lr": 3e-5, "warmup": 0.1, "hold": 0.0},
        **{"average": 0.0, "clip": 1.0, "validations": 3, "looked_at": 100, "select": "loss", "dropout": 0.0},
        **{"speed": 0.0, "tract": 0.0},
    }

    epochs: float = 60.0
    batch: int = 8
    lr: float = 2e-3
    matrix_lr: float = 0.02
    weight_decay: float = 0.0
    warmup: float = 0.02
    hold: float = 0.5
    average: float = 0.995
    validations: int = 12
    looked_at: int = 300
    model: str = "conformer"  # or rnn: LSTM in both directions; whisper with --from alone
    rate: int = 16_000  # samples a second that are heard; 8000 for telephones
    longest: float = 30.0  # seconds: longer recordings are not learnt from
    bands: int = 80  # of the mel scale
    channels: int = 32  # of the convolutions ahead of the encoder
    width: int = 144  # of the conformer's vectors; units of each direction of the rnn
    layers: int = 4
    heads: int = 4
    kernel: int = 15  # vectors of 40 ms that a convolution looks at
    dropout: float = 0.1
    speed: float = 0.1  # recordings are heard faster or slower by up to this share
    tract: float = 0.1  # and with frequencies stretched by up to this share
    frequency_holes: int = 2  # bands that are hidden (SpecAugment)
    time_holes: int = 2  # stretches that are hidden
    noise: float = 0.0  # share of the recordings that get noise
    reverberation: float = 0.0  # share of the recordings that get an echo
    form: str = "plain"  # transcripts: small letters without punctuation; written: as they stand
    units: str = "characters"  # or bpe, unigram: pieces of words
    vocabulary: int = 256  # pieces of words, at most
    lm: str = ""  # a text file for the language model; none: the training transcripts alone
    order: int = 6  # units that the language model looks at, the next one among them
    seconds: float = 0.0  # that Whisper hears at a time; 0: as many as its weights are used to (30)

    def __post_init__(self) -> None:
        """Raises UsageError for a model that does not exist, and for numbers out of their range."""
        super().__post_init__()
        if self.model not in MODELS:
            raise UsageError(f"model={self.model} is not known", fix=did_you_mean(self.model, MODELS))
        for name in ("dropout", "noise", "reverberation", "speed", "tract"):
            if not 0 <= getattr(self, name) < 1 + (name in ("noise", "reverberation")):
                raise UsageError(f"{name}={getattr(self, name)} is out of its range", fix="Give a share such as 0.1")
        for name in ("order", "longest"):
            if getattr(self, name) < 1:
                raise UsageError(f"{name}={getattr(self, name)} is out of its range", fix="Give 1 or more")
        self._require_whole()

    def _require_whole(self) -> None:
        """Raise UsageError where weights and model do not go together."""
        if (self.model == WHISPER) == bool(self.architecture):
            if self.model == WHISPER and self.rate != RATE:
                raise UsageError(f"rate={self.rate}: Whisper hears {RATE:,} Hz", fix="Leave rate out")
            if self.seconds < 0:
                raise UsageError(f"seconds={self.seconds} is out of its range", fix="Give 30 or less, or 0")
            return
        if self.architecture:
            what = f"published weights are of Whisper, and the model is {self.model}"
            raise UsageError(what, fix="Leave model out, or --from")
        raise UsageError("model=whisper has no weights to begin with", fix="Name them: --from whisper-tiny.en")

    @property
    def speech(self) -> SpeechShape:
        """The shape of the weights that it begins with. Raises UsageError where they read."""
        shape = shaped(self.architecture)
        if not isinstance(shape, SpeechShape):
            raise UsageError(
                "these weights read, and speech is heard", fix="Begin with Whisper's: --from whisper-tiny.en"
            )
        return shape


@dataclass(frozen=True)
class TranscribeOptions(Options):
    """How a recording is transcribed."""

    modest: ClassVar = {"beams": (0, 32), "window": (1, 60)}

    beams: int = 0  # beginnings that are followed at a time; 1: always the best; 0: 12, with Whisper's weights 1
    lm_weight: float = answers.CHOSEN_LATER  # of the language model; below 0: as the validation rows chose
    bonus: float = 0.0  # for each unit, where a weight is given
    window: float = 30.0  # seconds that are heard at a time
    length_penalty: float = 1.0  # of Whisper's beams: log-probability / tokens ^ this
    language: str = ""  # Whisper: the code of what is spoken, for weights of many languages; auto: of each recording
    english: bool = False  # Whisper: written in English, whatever is spoken
    timestamps: bool = False  # Whisper: it tells when sentences begin and end, and words lie within
    digits: bool = True  # Whisper: numbers may be written in digits
    in_a_row: int = 0  # Whisper: no phrase of up to eight tokens more often than this in a row; 0: as often as may be


class Transcribe(Task):
    """Speech recognition: what is said in a recording."""

    Recipe = TranscribeRecipe
    Options = TranscribeOptions
    pipeline = "automatic-speech-recognition"
    not_exported = "what Whisper's weights hear and write is not written down"
    layouts = (COMMON_VOICE, LIBRISPEECH, CLIPS_WITH_TEXTS)
    caution = (
        "A transcript reads well also where it is wrong: names and numbers have to be heard again by somebody. "
        "Voices, accents, languages and rooms unlike those of the training are transcribed badly. "
        "Record and transcribe people only where they agreed to it."
    )
    recipe: TranscribeRecipe
    options: TranscribeOptions
    input: Audio
    target: Transcript

    _texts: Sequence[str] = ()
    _language: UnitModel | None = None
    _spoken: SpokenTokens | None = None

    def modalities(self) -> tuple[Audio, Transcript]:
        """A recording, and what is said in it."""
        r = self.recipe
        if self.whispers:
            return Audio(r.rate, min(r.longest, self._hears)), WhisperTranscript(r.form)
        return Audio(r.rate, r.longest), Transcript(r.form, r.units, r.vocabulary)

    @property
    def whispers(self) -> bool:
        """Whether the weights are Whisper's."""
        return self.recipe.model == WHISPER

    @property
    def metrics(self) -> Sequence[Metric]:
        """Errors in words first, then in characters."""
        return word_error_rate(), character_error_rate()

    @property
    def ranking(self) -> Metric:
        """The word error rate of one row."""
        return word_error_rate()

    def details(self, records: Sequence[Record]) -> Mapping[str, Any]:
        """Which words were taken for which."""
        return details(records)

    def likelihood(self, rows: Sequence[Row]) -> tuple[float, str]:
        """Recordings with texts are hardly anything else."""
        return 0.9, "recordings with a text each"

    # ---- texts

    def fit(self, examples: Sequence[Example]) -> None:
        """Learn the units, and keep the texts that the language model counts."""
        super().fit(examples)
        self.input.said = [self.target.learnt]
        if self.whispers:
            self._prompt()
            return
        texts = [*(self._given() if self.recipe.lm else ()), *map(str, targets(examples))]
        sizes = np.cumsum([len(text) for text in texts])
        self._texts, self._language = texts[: int((sizes <= MOST).sum())], None

    def _given(self) -> list[str]:
        """The lines of the text file that was named, in the form of transcripts. Raises DataError where it has none."""
        path = Path(self.recipe.lm)
        if not path.is_file():
            raise DataError("there is no such text file", where=self.recipe.lm, fix="Correct lm, or leave it out")
        lines = [in_form(line, self.recipe.form) for line in read_text(path, path.name).splitlines()]
        if not any(lines):
            raise DataError("the text file holds no words", where=self.recipe.lm, fix="Correct lm, or leave it out")
        return [line for line in lines if line]

    def state(self) -> dict[str, Any]:
        """Besides what every task keeps, the texts of the language model."""
        return {**super().state(), "texts": list(self._texts)}

    @classmethod
    def restored(cls, state: Mapping[str, Any]) -> Task:
        """The task that gave `state`."""
        task = super().restored(state)
        assert isinstance(task, Transcribe)
        task._texts = list(state.get("texts") or ())
        return task

    @property
    def language(self) -> UnitModel:
        """The language model: counted when it is first asked."""
        if self._language is None:
            tokenizer = self.target.tokenizer
            self._language = Language(tuple(self._texts), self.recipe.order).counted(tokenizer)
        return self._language

    # ---- the net

    def build(self) -> nn.Module:
        """A recogniser; `Heard` for waveforms."""
        r = self.recipe
        holes = {"bands": r.frequency_holes, "times": r.time_holes}
        variations = Variations(speed=r.speed, tract=r.tract, **holes)
        if self.whispers:
            return dictation.listening(r.speech, self._hears, r.dropout, variations, r.tune, r.rank)
        encoder: nn.Module
        if r.model == "rnn":
            shape = RNNConfig(r.width, r.width, r.layers, dropout=r.dropout)
            encoder, outputs = RNN(shape), shape.outputs
        else:
            config = ConformerConfig(r.width, r.layers, r.heads, kernel=r.kernel, dropout=r.dropout)
            encoder, outputs = Conformer(config), r.width
        subsampling = Subsampling(r.bands, r.channels, r.width)
        net = Recogniser(LogMel(r.rate, r.bands), variations, subsampling, encoder, outputs, r.longest)
        return net.head(r.dropout, len(self.target.tokenizer))

    def embedding_layer(self, model: nn.Module) -> nn.Module:
        """Gradients explain the spectrogram."""
        return model.get_submodule("front.spectrogram" if self.whispers else "spectrogram")

    def augment(self, x: Tensor, rng: torch.Generator) -> tuple[Tensor, Change]:
        """Noise and echoes; spectrograms are varied by the net itself."""
        if self.recipe.reverberation:
            x = echoing(x, rng, self.input.rate, self.recipe.reverberation)
        if self.recipe.noise:
            x = noisy(x, rng, self.recipe.noise)
        return x, Unchanged()

    def loss(self, model: nn.Module, x: Tensor, y: Tokens) -> Tensor:
        """Mean nats of a unit [B]: minus log p(transcript), for each of its units."""
        if self.whispers:
            assert isinstance(model, Whisper)
            prompt = len(self._prompt())
            return dictation.nats(model, x, y, prompt).sum(dim=1) / (y.lengths - prompt)
        return ctc(model(x), y) / y.lengths.clamp(min=1)

    # ---- Whisper

    @property
    def _hears(self) -> float:
        """Seconds that the encoder hears at a time. Raises UsageError for more than it has positions for."""
        most, asked = dictation.window(self.recipe.speech), self.recipe.seconds
        if asked > most:
            raise UsageError(f"seconds={asked:g}: these weights hear {most:g} at a time", fix=f"Give {most:g} or less")
        return asked or most

    @property
    def window(self) -> float:
        """Seconds that are heard at a time, at most."""
        return min(self.options.window, self._hears) if self.whispers else self.options.window

    @property
    def _tokens(self) -> SpokenTokens:
        """What Whisper writes: made once for each tokenizer."""
        tokenizer = self.target.tokenizer
        if self._spoken is None or self._spoken.tokenizer is not tokenizer:
            self._spoken = SpokenTokens(tokenizer, self.recipe.speech.writing.multilingual)
        return self._spoken

    def _prompt(self) -> list[int]:
        """What stands ahead of transcripts that are learnt. Raises UsageError where their language is not named."""
        return self._tokens.prompt(self.options.language, self.options.english)

    def encode_targets(self, values: Sequence[Any]) -> Tokens:
        """The units of transcripts; Whisper's between what stands ahead of them and behind."""
        if isinstance(self.target, WhisperTranscript):
            return self.target.between(values, self._prompt(), self.recipe.speech.writing.end)
        return self.target.encode(values)

    def _dictated(self, model: nn.Module, inputs: Sequence[Any]) -> list[Prediction]:
        """What is said in each recording, as Whisper's weights write it; nothing where nobody speaks."""
        assert isinstance(model, Whisper)
        o, rate = self.options, self.input.rate
        how = {name: getattr(o, name) for name in ("length_penalty", "language", "english", "digits", "in_a_row")}
        manner = Manner(o.beams or 1, timed=o.timestamps, form=self.recipe.form, **how)
        writes = Dictation(model, self.recipe.speech, self._tokens, manner)
        voices = [spoken(value, rate) for value in inputs]
        voiced = [value if voice else value[:0] for value, voice in zip(inputs, voices, strict=True)]
        parts = [part for part in answers.pieces(voiced, rate, self.window, math.inf) if part.end > part.start]
        found: list[list[tuple[float, float, dictation.Noted]]] = [[] for _ in inputs]
        for some in chunks(parts, self.recipe.batch):
            waves = [inputs[p.recording][int(p.start * rate) : max(1, math.ceil(p.end * rate))] for p in some]
            noted = writes.noted(self.encoded(model, waves), [p.end - p.start for p in some])
            for part, each in zip(some, noted, strict=True):
                found[part.recording].append((part.start, part.end, each))
        return [self._written(*each) for each in zip(inputs, found, voices, strict=True)]

    def _written(
        self,
        value: np.ndarray,
        parts: Sequence[tuple[float, float, dictation.Noted]],
        voice: Sequence[tuple[float, float]],
    ) -> Prediction:
        """The words of all windows of a recording, of which none was said before anybody spoke, or after."""
        words = dictation.joined(parts)
        if words:
            words = dictation.within_voice(words, voice[0][0], voice[-1][1])
        sure = math.exp(min(0.0, float(np.mean([noted.sure for _, _, noted in parts])))) if parts else 1.0
        text = Transcribed.of(words, len(value) / self.input.rate)
        return Prediction(text, sure, np.array([word.confidence for word in words]))

    # ---- answers

    @torch.inference_mode()
    def predict(self, model: nn.Module, inputs: Sequence[Any]) -> list[Prediction]:
        """What is said in each recording, as the options say."""
        if self.whispers:
            return self._dictated(model, inputs)
        o, tokenizer = self.options, self.target.tokenizer
        heard = partial(self._heard, model)
        return answers.said(heard, self._search(model), inputs, self.input.rate, o.window, tokenizer)

    def _heard(self, model: nn.Module, waves: Sequence[np.ndarray]) -> list[np.ndarray]:
        """The log-probabilities [T, C] of each stretch."""

        def told(some: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
            log_probs, lengths = model(self.encoded(model, some))
            return log_probs.float().cpu().numpy(), lengths.cpu().numpy()

        return answers.by_length(told, waves, self.recipe.batch)

    def _weights(self, model: nn.Module) -> tuple[float, float]:
        """How much the language model counts, and the bonus of a unit; below 0 until that is chosen."""
        o = self.options
        if o.lm_weight >= 0:
            return o.lm_weight, o.bonus
        weight, bonus = model.get_buffer("decoding").tolist()
        return weight, bonus

    def _search(self, model: nn.Module) -> answers.Search:
        """Log-probabilities [T, C] → units."""
        return answers.searching(self.options.beams, *self._weights(model), lambda: self.language)

    # ---- exported

    def postprocessing(self, model: nn.Module) -> WordsSaid | None:
        """The words that a network hears, and the search among them; nothing for Whisper's weights.

        Raises UsageError where more is heard at a time than one pass of the network was made for.
        """
        r, o = self.recipe, self.options
        if self.whispers:
            return None
        if o.window > r.longest:
            what = f"window={o.window:g}: the network hears {r.longest:g} s in a pass, and is not exported in parts"
            raise UsageError(what, fix=f"Give window={r.longest:g} or less")
        weight, bonus = self._weights(model)
        asked = weight > 0 and o.beams != 1
        language = Language(tuple(self._texts) if asked else (), r.order)
        return WordsSaid(self.input.rate, r.bands, o.window, r.batch, o.beams, weight, bonus, language)

    def graphs(self, model: nn.Module) -> Mapping[str, Graph]:
        """From spectrograms to log-probabilities."""
        assert isinstance(model, Recogniser)
        return {"model": model.graph(self.recipe.bands)}

    # ---- what validation rows choose

    def calibrate(self, model: nn.Module, validation: Sequence[Example], train: Sequence[Example]) -> bool:
        """Choose how much the language model counts: the fewest wrong words of validation rows, then characters.

        With Whisper's weights there is none; what lora has learnt becomes a part of them.
        """
        if self.whispers:
            return merge(model)
        rows = validation[:: math.ceil(len(validation) / TRIED)] if len(validation) else ()
        rows = [row for row in rows if len(row.input) <= self.options.window * self.input.rate]
        best = (0.5, 0.0)
        if rows:
            heard = self._heard(model, [row.input for row in rows])
            tried = [(weight, bonus) for weight in WEIGHTS for bonus in (BONUSES if weight else (0.0,))]
            best = min(tried, key=lambda pair: self._wrong(heard, rows, *pair))
        model.get_buffer("decoding").copy_(torch.tensor(best))
        return True

    def _wrong(
        self, heard: Sequence[np.ndarray], rows: Sequence[Example], weight: float, bonus: float
    ) -> tuple[int, int]:
        """Wrong words and characters of some rows."""
        search = Prefixes(PrefixBeams(self.options.beams or answers.BEAMS, weight, bonus), self.language).best
        texts = [self.target.tokenizer.decode(search(log_probs)) for log_probs in heard]
        pairs = [(text, str(row.target)) for text, row in zip(texts, rows, strict=True)]
        return sum(edits(a.split(), b.split()) for a, b in pairs), sum(edits(a, b) for a, b in pairs)

    def note(self, input: np.ndarray) -> str:
        """That nobody speaks in a recording, or that it was cut."""
        if not spoken(input, self.input.rate):
            return "nobody speaks in it"
        apart = math.inf if self.whispers else APART
        parts = answers.pieces([input], self.input.rate, self.window, apart)
        return f"it was heard in {len(parts):,} stretches" if len(parts) > 1 else ""

    def demo(self, rng: np.random.Generator, n: int) -> list[Example]:
        """Words of an invented language, each letter of which is a sound."""
        found = []
        for _ in range(n):
            wave, said, speaker = babble.sentence(rng, self.recipe.rate)
            found.append(Example(wave, said, f"speaker {speaker}"))
        return found
