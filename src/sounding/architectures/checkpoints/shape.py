"""The shape of a published net, as a word (JSON) that a recipe can hold."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from sounding.architectures.encoder_decoder import EncoderDecoder
from sounding.architectures.transformer import LanguageModel, TransformerConfig
from sounding.architectures.whisper import Whisper


@dataclass(frozen=True)
class SingleShape:
    """An encoder or a decoder: its config and what gives its scores, as a `LanguageModel` takes them."""

    config: TransformerConfig
    tied: bool
    transform: bool  # whether a layer stands ahead of the scores of words (BERT's head)
    bias: bool

    @property
    def context(self) -> int:
        """The positions that there are."""
        return self.config.context

    @property
    def layers(self) -> Mapping[str, int]:
        """How many blocks there are of each number in a layout's names."""
        return {"n": self.config.layers}

    def model(self, **changes: Any) -> LanguageModel:
        """A new net; `changes` are of its config (dropout)."""
        config = replace(self.config, **changes)
        return LanguageModel(config, tied=self.tied, transform=self.transform, bias=self.bias)

    def to_json(self) -> dict[str, Any]:
        """As JSON can hold it."""
        scores = {"tied": self.tied, "transform": self.transform, "bias": self.bias}
        return {"scores": scores, "config": asdict(self.config)}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> SingleShape:
        """The shape that gave `values`."""
        return cls(TransformerConfig(**values["config"]), **values["scores"])


@dataclass(frozen=True)
class Writing:
    """How the decoder of a pair begins and ends a text."""

    start: int  # the token ahead of every text, which is not a part of it
    first: int | None  # the token that every text begins with (mBART's language), where there is one
    end: int  # the token that ends a text
    never: tuple[int, ...] = ()  # tokens that are not written, though the net gives them a score (Marian's padding)


@dataclass(frozen=True)
class PairShape:
    """An encoder and a decoder that looks at it, as an `EncoderDecoder` takes them."""

    encoder: TransformerConfig
    decoder: TransformerConfig
    shared: bool  # both have the same embeddings of tokens
    tied: bool  # and the scores are products with those of the decoder
    writing: Writing
    bias: bool = True  # of the scores

    @property
    def context(self) -> int:
        """The positions that there are for a text."""
        return min(self.encoder.context, self.decoder.context)

    @property
    def layers(self) -> Mapping[str, int]:
        """How many blocks there are of each number in a layout's names."""
        return {"n": self.encoder.layers, "m": self.decoder.layers}

    def model(self, **changes: Any) -> EncoderDecoder:
        """A new net; `changes` are of both configs (dropout)."""
        encoder, decoder = replace(self.encoder, **changes), replace(self.decoder, **changes)
        return EncoderDecoder(encoder, decoder, shared=self.shared, tied=self.tied, bias=self.bias)

    def to_json(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> PairShape:
        """The shape that gave `values`."""
        told = values["writing"]
        writing = Writing(**{**told, "never": tuple(told["never"])})
        sides = {name: TransformerConfig(**values[name]) for name in ("encoder", "decoder")}
        return cls(**{**values, **sides, "writing": writing})


@dataclass(frozen=True)
class Dictating:
    """How the decoder of what is heard writes it down; languages and times are for its tokenizer to tell."""

    start: int  # the token ahead of every text
    end: int  # the token that ends a text
    never: tuple[int, ...] = ()  # tokens that are not written, such as those of notes and brackets
    not_first: tuple[int, ...] = ()  # tokens that no text begins with
    heads: tuple[tuple[int, int], ...] = ()  # (layer, head) of the attention that looks where a word is said
    latest_first: int | None = None  # steps of 20 ms after which no text may begin, where it tells times
    multilingual: bool = False  # whether a text begins with the language that is spoken


@dataclass(frozen=True)
class SpeechShape:
    """An encoder of spectrograms with so many bands, and a decoder that looks at it, as `Whisper` takes them."""

    encoder: TransformerConfig
    decoder: TransformerConfig
    bands: int
    tied: bool
    writing: Dictating

    @property
    def context(self) -> int:
        """The positions that there are for a text."""
        return self.decoder.context

    @property
    def layers(self) -> Mapping[str, int]:
        """How many blocks there are of each number in a layout's names."""
        return {"n": self.encoder.layers, "m": self.decoder.layers}

    def model(self, **changes: Any) -> Whisper:
        """A new net; `changes` are of both configs (dropout)."""
        encoder, decoder = replace(self.encoder, **changes), replace(self.decoder, **changes)
        return Whisper(encoder, decoder, self.bands, tied=self.tied)

    def to_json(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> SpeechShape:
        """The shape that gave `values`."""
        told = dict(values["writing"])
        told |= {name: tuple(told[name]) for name in ("never", "not_first")}
        writing = Dictating(**{**told, "heads": tuple((layer, head) for layer, head in told["heads"])})
        sides = {name: TransformerConfig(**values[name]) for name in ("encoder", "decoder")}
        return cls(**{**values, **sides, "writing": writing})


Shape = SingleShape | PairShape | SpeechShape


def shaped(word: str) -> Shape:
    """The shape that a word tells."""
    values = json.loads(word)
    values.pop("layout")
    if "bands" in values:
        return SpeechShape.from_json(values)
    return PairShape.from_json(values) if "encoder" in values else SingleShape.from_json(values)


def shape_of(layout: str, shape: Shape) -> str:
    """The word that tells a shape, and the layout that it is from."""
    return json.dumps({"layout": layout, **shape.to_json()}, separators=(",", ":"))
