"""The nets that read one text and write another: the numbers of their trainings, and how they become nets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from sounding.architectures.encoder_decoder import EncoderDecoder
from sounding.architectures.recurrent_encoder_decoder import RecurrentConfig, RecurrentEncoderDecoder
from sounding.architectures.transformer import TransformerConfig
from sounding.contract.recipe import BegunRecipe
from sounding.errors import UsageError, did_you_mean


@dataclass(frozen=True)
class RewritingRecipe(BegunRecipe):
    """The numbers of a training of an encoder with a decoder."""

    sizes: ClassVar = {
        "tiny": {"layers": 2, "width": 64, "feed_forward": 128, "tokens": 1024, "dropout": 0.1, "average": 0.98},
        "small": {},
        "base": {"layers": 6, "width": 512, "heads": 8, "feed_forward": 2048, "tokens": 8192},
    }
    models: ClassVar = {
        "transformer": {},
        "rnn": {"layers": 2, "heads": 1, "lr": 2e-3, "clip": 1.0},  # what is recurrent AdamW trains, by this rate
    }
    shaping: ClassVar[Sequence[str]] = (
        *("model", "layers", "width", "heads", "feed_forward", "context"),
        *("shared", "copying", "tokenizer", "vocabulary"),
        "architecture",
    )
    begun: ClassVar = {
        "epochs": 3.0,
        "least_steps": 60,
        "optimizer": "adamw",
        "lr": 5e-5,
        "warmup": 0.1,
        "dropout": 0.1,
        "average": 0.0,
        "clip": 1.0,
        "copying": False,
    }

    epochs: float = 20.0
    batch: int = 32  # rows that are answered at a time; how many are learnt from in a step, `tokens` says
    tokens: int = 2048  # tokens of a step: those of the longer of the two texts, times rows
    lr: float = 3e-3
    matrix_lr: float = 0.02
    decay: str = "linear"
    weight_decay: float = 0.0
    warmup: float = 0.02
    smoothing: float = 0.1
    average: float = 0.998
    clip: float = 0.0
    select: str = "loss"
    validations: int = 10
    model: str = "transformer"  # or rnn: LSTMs with attention
    layers: int = 3  # of the encoder, and of the decoder
    width: int = 256
    heads: int = 4  # of each layer of attention; an rnn has one
    feed_forward: int = 512  # of a transformer
    dropout: float = 0.25
    context: int = 256  # tokens of a text that are read or learnt
    shared: bool = True  # both texts have one tokenizer and the same embeddings
    copying: bool = False  # tokens of what is read may be copied (arXiv 1704.04368)
    tokenizer: str = "bpe"  # or bytes, unigram, wordpiece, words, characters
    vocabulary: int = 10_000  # tokens of a tokenizer that is trained, at most; fewer for few texts

    def __post_init__(self) -> None:
        """Raises UsageError besides for a model that is not known, and for what an rnn has nothing to do with."""
        super().__post_init__()
        if self.model not in self.models:
            raise UsageError(f"no model {self.model!r}", fix=did_you_mean(self.model, self.models))
        if self.model == "transformer":
            return
        if self.architecture:
            what = f"published weights are of a Transformer, and the model is {self.model}"
            raise UsageError(what, fix="Leave model out, or --from")
        for name in ("tune", "rank"):
            if getattr(self, name) != getattr(BegunRecipe, name):
                what = f"{name}={getattr(self, name)} is of a Transformer, and the model is {self.model}"
                raise UsageError(what, fix=f"Leave {name} out, or model")


def transformer(recipe: RewritingRecipe, source: int, target: int) -> EncoderDecoder:
    """Encoder and decoder with norms ahead, sinusoidal positions, tied embeddings; logits [B, T, V].

    `source` and `target` are the tokens of the two vocabularies.
    """
    r = recipe
    shape = {
        "width": r.width,
        "layers": r.layers,
        "heads": r.heads,
        "feed_forward": r.feed_forward,
        "activation": "relu",
        "positions": "sinusoidal",
        "embedding_scale": r.width**0.5,
        "context": r.context,
        "dropout": r.dropout,
    }
    encoder = TransformerConfig(source, **shape)
    decoder = TransformerConfig(target, **shape, causal=True, memory=True)
    return EncoderDecoder(encoder, decoder, shared=r.shared, copying=r.copying)


def recurrent(recipe: RewritingRecipe, source: int, target: int) -> RecurrentEncoderDecoder:
    """LSTMs in both directions, LSTMs that write with attention, tied embeddings; logits [B, T, V]."""
    r = recipe
    config = RecurrentConfig(
        source, target, r.width, r.layers, r.heads, dropout=r.dropout, shared=r.shared, copying=r.copying
    )
    return RecurrentEncoderDecoder(config)
