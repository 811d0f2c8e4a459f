"""The shape of a published net, as a word (JSON) that a recipe can hold."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from sounding.architectures.encoder_decoder import EncoderDecoder
from sounding.architectures.transformer import LanguageModel, TransformerConfig


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


def shaped(word: str) -> SingleShape | PairShape:
    """The shape that a word tells."""
    values = json.loads(word)
    values.pop("layout")
    return PairShape.from_json(values) if "encoder" in values else SingleShape.from_json(values)


def shape_of(layout: str, shape: SingleShape | PairShape) -> str:
    """The word that tells a shape, and the layout that it is from."""
    return json.dumps({"layout": layout, **shape.to_json()}, separators=(",", ":"))
