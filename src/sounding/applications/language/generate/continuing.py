"""How a text goes on, token after token: by a run, or by its exported network. In numpy, without torch.

Legend of shapes: B batch, T tokens, V vocabulary.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any, ClassVar

import numpy as np

from sounding.applications.language.generate.passages import Passages
from sounding.applications.language.generate.writing import Writer
from sounding.contract.modality import Modality
from sounding.contract.options import Options
from sounding.contract.postprocessing import Arrays, Network
from sounding.contract.records import Prediction
from sounding.contract.writing import Begin, Decoder, Writing
from sounding.decoding.beam import Beams, BeamSearch
from sounding.decoding.constraints import Constraints
from sounding.decoding.generation import Generation
from sounding.decoding.sampling import Sampler, Sampling
from sounding.decoding.stepped import CacheShape, SteppedDecoder


@dataclass(frozen=True)
class GenerateOptions(Options):
    """How a text is written."""

    modest: ClassVar = {"length": (0, 2048), "beams": (1, 16)}

    length: int = 200  # tokens that are written at most
    temperature: float = 0.8  # 0: always the most probable token
    top_k: int = 0  # only so many of the most probable tokens; 0: all
    top_p: float = 1.0  # only the most probable tokens that have this probability together
    min_p: float = 0.0  # only tokens with at least this share of the probability of the most probable
    repetition_penalty: float = 1.0
    no_repeat: int = 0  # no so many tokens in a row twice; 0: as often as may be
    beams: int = 1  # more: the most probable text, so many beginnings being followed at a time; nothing is drawn
    length_penalty: float = 1.0  # with beams: log-probability / tokens ^ this
    stop: str = ""  # a text that ends the answer; several are separated by |
    seed: int = 0  # another seed writes another text


@dataclass(frozen=True)
class Continuation(Writing):
    """A text goes on until a token `end` (None: there is none), a stop string, or as many tokens as asked for.

    Of a prompt the last `read` tokens are read; a text that outgrows `context` tokens forgets its beginning. `cache`
    is the shape of what the network gives back.
    """

    streams: ClassVar[bool] = True
    options: GenerateOptions
    end: int | None
    read: int
    context: int
    cache: CacheShape

    @property
    def steps(self) -> Sequence[str]:
        """Tokens in, logits out, and again."""
        o, shape = self.options, self.cache
        chosen = "the likeliest is taken" if not o.temperature else "one is drawn, by temperature, top_k, top_p, min_p"
        if o.beams != 1:
            chosen = f"a search of {o.beams} beams takes the likeliest text"
        return (
            "the network is asked with the tokens of the prompt as `input_ids`, zeros as `padding`, past_key_values "
            f"without a position: [batch, {shape.heads}, 0, {shape.width}]",
            "of several prompts the shorter ones stand at the right; `padding` says how many tokens ahead are nothing",
            f"softmax of the last of `logits` tells the next token: {chosen}",
            "the network is asked again with that token alone, and `present` of the last call as past_key_values",
            f"a text ends with the token {self.end}, or after {o.length} tokens; the tokenizer makes letters of tokens",
            f"behind {self.context} tokens the network is asked anew, with the last half of them",
        )

    # ---- by a network

    def decoder(self, network: Network, x: Arrays, room: int) -> Decoder:
        """The network, which goes on with texts."""
        return SteppedDecoder(network, self.cache, room, self.context)

    def logits(self, network: Network, ids: np.ndarray) -> np.ndarray:
        """What follows each of the tokens [B, T], by the network: [B, T, V]."""
        return network((ids, np.zeros(len(ids), np.int64), *self.cache.empty(len(ids))))[0]

    # ---- answers

    def answers(self, begin: Begin, x: Arrays, values: Sequence[Any], target: Modality) -> list[Prediction]:
        """How each text goes on; confidence is the geometric mean over its tokens."""
        assert isinstance(target, Passages)
        writers = [self._writer(target) for _ in values]
        for _ in self._written(begin, self._prompts(x, target), writers):
            pass
        return [
            Prediction(writer.text, math.exp(writer.log_probability / len(writer.ids)) if writer.ids else None)
            for writer in writers
        ]

    def pieces(self, begin: Begin, x: Arrays, value: Any, target: Modality) -> Iterator[str]:
        """How one text goes on, piece by piece as it is written."""
        assert isinstance(target, Passages)
        writer = self._writer(target)
        for _ in self._written(begin, self._prompts(x, target), [writer]):
            if piece := writer.new():
                yield piece
        if piece := writer.new(done=True):
            yield piece

    def _writer(self, target: Passages) -> Writer:
        return Writer(target.tokenizer.decode, self.options.stop.split("|"))

    def _prompts(self, x: Arrays, target: Passages) -> list[list[int]]:
        before = target.tokenizer.prefix
        rows = (row[:length].tolist() for row, length in zip(*x, strict=True))
        return [[*before, *row][-self.read :] or [self.end or 0] for row in rows]

    def _written(self, begin: Begin, prompts: Sequence[Sequence[int]], writers: Sequence[Writer]) -> Iterator[None]:
        """Gives the writers their tokens, one step after the other; the texts that beams find, all at once."""
        o = self.options
        decoder = begin(max(map(len, prompts), default=0) + o.length)
        ends = () if self.end is None else (self.end,)
        rules = Constraints(no_repeat=o.no_repeat)
        if o.beams != 1:
            search = BeamSearch(decoder, prompts, Beams(o.beams, o.length_penalty), o.length, ends, rules)
            for writer, (found, *_) in zip(writers, search.run(), strict=True):
                for id in found.ids:
                    writer.add(id, found.log_probability / len(found.ids))
            yield
            return
        known = {field.name: getattr(o, field.name) for field in fields(Sampling)}
        sampler = Sampler(Sampling(**known), [(o.seed, *prompt) for prompt in prompts], prompts)
        generation = Generation(decoder, prompts, sampler, o.length, ends, rules)
        for step in generation:
            for token in step:
                writer = writers[token.row]
                if token.id != self.end:
                    writer.add(token.id, token.log_probability)
                if writer.stopped:
                    generation.stop(token.row)
            yield
