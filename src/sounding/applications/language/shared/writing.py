"""How a text is written for another one: a search with beams, by a run or by its exported networks. Without torch.

Legend of shapes: B batch, S tokens that are read.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from sounding.applications.language.shared.rewritten import Read, Rewritten
from sounding.contract.modality import Modality
from sounding.contract.options import Options
from sounding.contract.postprocessing import Arrays, Network, Networks
from sounding.contract.records import Prediction
from sounding.contract.writing import Begin, Decoder, Writing
from sounding.decoding.beam import Beams, BeamSearch, Hypothesis
from sounding.decoding.constraints import Constraints
from sounding.decoding.stepped import CacheShape, SourceSteppedDecoder
from sounding.errors import UsageError


@dataclass(frozen=True)
class RewritingOptions(Options):
    """How a text is written."""

    modest: ClassVar = {"beams": (1, 16), "length": (0, 1024), "shortest": (0, 1024)}

    beams: int = 5  # beginnings that are followed at a time; 1: always the most probable token
    length_penalty: float = 1.0  # log-probability / tokens ^ this: more than 1 likes longer texts, 0 shorter ones
    length: int = 0  # tokens that are written at most; 0: what the task takes for the text that is read
    shortest: int = 0  # tokens that are written at least; 0: what the task takes
    no_repeat: int = 0  # no so many tokens in a row twice; 0: as often as may be
    in_a_row: int = 4  # nothing more often than this one behind the other: else some answers never end; 0: as often
    beginning: str = ""  # what the text begins with
    alignment: bool = False  # say what was looked at for each word: a map, where the answer is drawn


@dataclass(frozen=True)
class Limits:
    """How long a text is: at most `each` tokens for each that is read, and `more`; at least `shortest`."""

    shortest: int
    each: int
    more: int


@dataclass(frozen=True)
class BestText(Writing):
    """The best text that a search with beams finds, of tokens that are none of `never`.

    `context` and `cache` are of the network that writes; with `copying` it is given what is read as tokens, too.
    """

    options: RewritingOptions
    limits: Limits
    never: tuple[int, ...]
    context: int
    cache: CacheShape
    copying: bool

    @property
    def steps(self) -> Sequence[str]:
        """The encoder once, the decoder for each token."""
        o, shape = self.options, self.cache
        scores = "logarithms of probabilities" if self.copying else "logits"
        return (
            "the encoder is asked once; what it gives is given to the decoder with each token",
            "the decoder is asked with what begins a text (state.json: target) as `input_ids`, and past_key_values "
            f"without a position: [batch, {shape.heads}, 0, {shape.width}]; several rows of a text follow one another",
            f"the last of `logits`, {scores}, tell the next token, with which it is asked again; `present` of the last "
            "call are past_key_values then",
            f"{o.beams} beginnings are followed; log-probability / tokens ^ {o.length_penalty:g} tells the best text",
            "a text ends with the token behind texts (state.json: target); the tokenizer makes letters of tokens",
        )

    # ---- by networks

    def decoder(self, network: Network, x: Arrays, room: int) -> Decoder:
        """The networks, which write. Raises UsageError where more is asked for than they tell."""
        assert isinstance(network, Networks)
        if self.options.alignment:
            raise UsageError("an exported model does not say what was looked at", fix="Ask the run for its alignment")
        return SourceSteppedDecoder(network, x, self.cache, room, self.context, copying=self.copying)

    def scores(self, networks: Networks, x: Arrays, ids: np.ndarray) -> np.ndarray:
        """What follows each of the tokens [B, T] of the text that is written for each that is read: [B, T, V]."""
        decoder = SourceSteppedDecoder(networks, x, self.cache, ids.shape[1], self.context, copying=self.copying)
        return decoder.told(ids)

    # ---- answers

    def answers(self, begin: Begin, x: Arrays, values: Sequence[Any], target: Modality) -> list[Prediction]:
        """What is written for each text; confidence is the geometric mean over its tokens."""
        assert isinstance(target, Read)
        if not len(values):
            return []
        o, beginning = self.options, self.options.beginning
        prompt = [*target.ahead, *(target.tokenizer.ids(beginning).tolist() if beginning else [])]
        limits = [o.length or self.limits.each * length + self.limits.more for length in x[1].tolist()]
        rules = Constraints(o.shortest or self.limits.shortest, o.no_repeat, o.in_a_row, self.never)
        beams = Beams(o.beams, o.length_penalty)
        decoder = begin(len(prompt) + max(limits))
        found = BeamSearch(decoder, [prompt] * len(values), beams, limits, (target.end,), rules).run()
        return [self._answer(best, str(value), target) for (best, *_), value in zip(found, values, strict=True)]

    def _answer(self, found: Hypothesis, source: str, target: Read) -> Prediction:
        sure = math.exp(found.log_probability / max(1, found.tokens))
        return Prediction(self._text(found, source, target), sure)

    def _text(self, found: Hypothesis, source: str, target: Read) -> Rewritten:
        begun = self.options.beginning
        text = target.tokenizer.decode(found.ids).strip()
        return Rewritten.of(f"{begun} {text}".strip() if begun else text, source, found.ended)
