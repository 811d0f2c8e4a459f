"""How Whisper's weights hear and write: windows of a spectrogram → tokens → words with times and probabilities.

A window is followed by silence until it is as long as the encoder's. When a word was said, the heads of attention say
that look where it is; how sure it is, the probabilities that its tokens have given what was heard and written before.

Legend of shapes: B batch, S samples, N frames, M bands, L tokens, V vocabulary.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sounding.architectures.checkpoints import SpeechShape
from sounding.architectures.lora import tune
from sounding.architectures.pooling import within
from sounding.architectures.rewriter import Source
from sounding.architectures.whisper import Whisper
from sounding.decoding.attention_times import token_starts
from sounding.decoding.beam import Beams, BeamSearch
from sounding.decoding.constraints import Constraints
from sounding.decoding.source_decoder import SourceDecoder
from sounding.decoding.timestamps import timed
from sounding.modalities.audio.augmentation import Variations, Varied
from sounding.modalities.audio.features import heard
from sounding.modalities.audio.spoken_tokens import DETECTED, STEP, SpokenTokens, Stretch
from sounding.modalities.audio.transcript import Word, in_form
from sounding.modalities.audio.whisper_features import RATE, STRIDE, WhisperLogMel
from sounding.modalities.text.text import Tokens


class Front(nn.Module):
    """Waveforms [B, S] → spectrograms [B, N, M] of a window, varied in training."""

    def __init__(self, bands: int, seconds: float, variations: Variations) -> None:
        super().__init__()
        self.spectrogram, self.varied = WhisperLogMel(bands, seconds), Varied(variations)

    def forward(self, x: Tensor) -> Tensor:
        """The spectrograms; what stands behind a sound stays silence, however it is stretched."""
        found = self.spectrogram(x)
        if not self.training:
            return found
        frames, silence = found.shape[1], found.amin(dim=(1, 2), keepdim=True)
        found, lengths = self.varied(found, (-(-heard(x) // STRIDE)).clamp(max=frames))
        found = torch.where(within(lengths, found.shape[1])[..., None], found, silence)[:, :frames]
        missing = silence.expand(-1, frames - found.shape[1], found.shape[2])
        return torch.cat([found, missing], dim=1)


def listening(
    shape: SpeechShape, seconds: float, dropout: float, variations: Variations, how: str, rank: int
) -> Whisper:
    """A net for waveforms. `how` says what of it is trained: all, low-rank matrices, or with "frozen" the decoder."""
    net = shape.model(dropout=dropout)
    net.front = Front(shape.bands, seconds, variations)
    tune(net.encoder, how, rank)
    if how != "frozen":
        tune(net.decoder.transformer, how, rank)
    net.encoder.positions.requires_grad_(False)
    return net


def window(shape: SpeechShape) -> float:
    """Seconds that an encoder has positions for."""
    return 2 * shape.encoder.context * STRIDE / RATE


def nats(model: Whisper, x: Tensor, y: Tokens, prompt: int) -> Tensor:
    """-log p of each token behind `prompt` ones [B, L - 1]; 0 where there is none."""
    asked = y.ids[:, 1:]
    places = torch.arange(asked.shape[1], device=asked.device)
    inside = (places < (y.lengths - 1)[:, None]) & (places >= prompt - 1)
    vectors = model.decoded(y.ids[:, :-1], model.remember(x))
    told = F.cross_entropy(model.scores(vectors[inside]).float(), asked[inside], reduction="none")
    return torch.zeros(asked.shape, device=asked.device).masked_scatter(inside, told)


class Noted(NamedTuple):
    """The words of a window, whose times count from its beginning, and the mean log-probability of a token."""

    words: list[Word]
    sure: float


@dataclass(frozen=True)
class Manner:
    """How a text is written."""

    beams: int = 1
    length_penalty: float = 1.0
    language: str = ""
    english: bool = False
    timed: bool = False
    digits: bool = True
    in_a_row: int = 0
    form: str = "plain"


class Dictation:
    """Writes down what a model hears, in some manner."""

    def __init__(self, model: Whisper, shape: SpeechShape, tokens: SpokenTokens, manner: Manner) -> None:
        self.model, self.shape, self.tokens, self.manner = model, shape, tokens, manner

    @torch.inference_mode()
    def noted(self, x: Tensor, seconds: Sequence[float]) -> list[Noted]:
        """What is said in waveforms [B, S], which are so long."""
        source = self.model.source(self.model(x))
        m = self.manner
        languages = self._detected(source) if m.language == DETECTED and self.tokens.multilingual else None
        spoken = languages or [m.language] * len(x)
        prompts = [self.tokens.prompt(language, m.english, m.timed) for language in spoken]
        ids = self._searched(source, prompts)
        texts = [self.tokens.text_ids(each) for each in ids]
        plain = [self.tokens.prompt(language, m.english) for language in spoken]
        told = self._told(source, plain, texts, seconds)
        return [self._noted(*each) for each in zip(ids, texts, *told, seconds, strict=True)]

    def _detected(self, source: Source) -> list[str]:
        """The language that each recording is in: the most probable token behind the first."""
        decoder = SourceDecoder(self.model, source, None, 1)
        logits = decoder.start([[self.shape.writing.start]] * len(source.ids))
        codes = list(self.tokens.languages)
        found = logits[:, [self.tokens.languages[code] for code in codes]].argmax(axis=1)
        return [codes[k] for k in found.tolist()]

    def _searched(self, source: Source, prompts: Sequence[Sequence[int]]) -> list[tuple[int, ...]]:
        """The tokens of the best text for each, without those of its prompt and its end."""
        m, writing = self.manner, self.shape.writing
        never = (*writing.never, *(() if m.digits else self.tokens.digits))
        rules = Constraints(in_a_row=m.in_a_row, never=never, not_first=writing.not_first)
        if m.timed:
            rules = timed(rules, self.tokens.times, writing.latest_first)
        room = self.shape.context
        decoder = SourceDecoder(self.model, source, None, room)
        limits = [room - len(prompt) for prompt in prompts]
        search = BeamSearch(decoder, prompts, Beams(m.beams, m.length_penalty), limits, (writing.end,), rules)
        return [found[0].ids for found in search.run()]

    def _told(
        self, source: Source, prompts: Sequence[Sequence[int]], texts: Sequence[Sequence[int]], seconds: Sequence[float]
    ) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """The log-probability of each token and of the end [L + 1], and the second in which each begins [L + 1].

        Both are those of texts that do not tell their times.
        """
        end = self.shape.writing.end
        rows = [[*prompt, *text][: self.shape.context - 1] for prompt, text in zip(prompts, texts, strict=True)]
        target = torch.full((len(rows), max(map(len, rows))), end, device=source.encoded.device)
        for row, ids in zip(target, rows, strict=True):
            row[: len(ids)] = torch.tensor(ids)
        vectors, weights = self.model.looked(target, source, self.shape.writing.heads)
        sure, starts = [], []
        for k, (prompt, ids) in enumerate(zip(prompts, rows, strict=True)):
            first = len(prompt) - 1
            with torch.autocast(target.device.type, enabled=False):  # to convert the scores' weights takes longer
                logits = self.model.scores(vectors[k, first : len(ids)].float())
            asked = torch.tensor([*ids[len(prompt) :], end], device=logits.device)
            sure.append(logits.log_softmax(dim=1).gather(1, asked[:, None])[:, 0].cpu().numpy())
            places = max(1, min(weights.shape[3], math.ceil(seconds[k] / STEP)))
            starts.append(token_starts(weights[k, :, first : len(ids), :places].float().cpu().numpy()) * STEP)
        return sure, starts

    def _noted(
        self, ids: Sequence[int], text: Sequence[int], sure: np.ndarray, starts: np.ndarray, seconds: float
    ) -> Noted:
        """The words of a text by the times of its tokens; where it tells times itself, they lie within these."""
        stretches = self.tokens.stretches(ids) if self.manner.timed else [Stretch(0.0, None, tuple(text))]
        words: list[Word] = []
        done = 0
        for stretch in stretches:
            upto = min(done + len(stretch.ids), len(sure) - 1)
            begin, end = stretch.start, seconds if stretch.end is None else min(seconds, stretch.end)
            times = np.clip(starts[done : upto + 1], begin, max(begin, end))
            if self.manner.timed:
                times[[0, -1]] = begin, max(begin, end)
            words += words_of(stretch.ids[: upto - done], sure[done:upto], times, self.tokens, self.manner.form)
            done = upto
        return Noted(words, float(sure.mean()))


def words_of(ids: Sequence[int], sure: np.ndarray, times: np.ndarray, tokens: SpokenTokens, form: str) -> list[Word]:
    """The words of tokens with log-probabilities [L], each of which begins at the second in `times` [L + 1].

    What `form` makes two words of shares their time by letters, and their confidence.
    """
    ends = [len(tokens.text(ids[: k + 1])) for k in range(len(ids))]  # characters behind each token
    text, found = tokens.text(ids), []
    place = 0
    for raw in text.split():
        start = text.index(raw, place)
        place = start + len(raw)
        own = [k for k, end in enumerate(ends) if start < end and (ends[k - 1] if k else 0) < place]
        parts = in_form(raw, form).split()
        if not own or not parts:
            continue
        speaking = [k for k in own if in_form(tokens.text([ids[k]]), form)] or own
        confidence = math.exp(min(0.0, float(sure[speaking].sum())))
        begin, end = float(times[own[0]]), float(times[own[-1] + 1])
        edges = np.cumsum([0, *map(len, parts)]) / sum(map(len, parts)) * (end - begin) + begin
        found += [Word(part, float(edges[k]), float(edges[k + 1]), confidence) for k, part in enumerate(parts)]
    return found


def joined(parts: Sequence[tuple[float, float, Noted]]) -> list[Word]:
    """The words of windows (start, end, what was noted) of one recording, by its seconds.

    Of two windows that overlap, each tells the words whose middle lies in its half.
    """
    found: list[Word] = []
    for number, (start, end, noted) in enumerate(parts):
        least = _middle(parts[number - 1][1], start) if number else -math.inf
        most = _middle(end, parts[number + 1][0]) if number + 1 < len(parts) else math.inf
        for word in noted.words:
            moved = word._replace(start=word.start + start, end=word.end + start)
            if least <= (moved.start + moved.end) / 2 < most:
                found.append(moved)
    return found


def within_voice(words: Sequence[Word], begin: float, end: float) -> list[Word]:
    """The words, none of which lies outside of the voice: attention gives all time before the first word to it."""
    return [word._replace(start=min(max(word.start, begin), end), end=min(max(word.end, begin), end)) for word in words]


def _middle(end: float, start: float) -> float:
    """Where one window gives way to the next; anywhere between them where they do not overlap."""
    return (end + start) / 2
