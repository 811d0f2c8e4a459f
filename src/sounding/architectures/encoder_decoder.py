"""The Transformer that reads one text and writes another (Vaswani et al., arXiv 1706.03762).

One encodes the source, another looks at what was encoded while it writes.

Legend of shapes: B batch, R rows that are written, S source tokens, T target tokens, D width, V vocabulary, H heads,
P any.
"""

from __future__ import annotations

from collections.abc import Sequence

from jaxtyping import Float, Int
from torch import Tensor, nn

from sounding.architectures.rewriter import Pointer, Rewriter, Source
from sounding.architectures.transformer import Block, LanguageModel, Memory, Transformer, TransformerConfig
from sounding.errors import UsageError


class EncoderDecoder(Rewriter):
    """Source tokens → scores of each target token, given the target before it.

    `shared`: source and target have the same embeddings; `tied`: so has the output. `bias` is the output's. `copying`
    adds a `Pointer`, and then the scores are log-probabilities. The decoder's config is causal and has a memory.
    """

    def __init__(
        self,
        encoder: TransformerConfig,
        decoder: TransformerConfig,
        *,
        shared: bool = True,
        tied: bool = True,
        bias: bool = False,
        copying: bool = False,
    ) -> None:
        """Raises UsageError for two configs that do not go together."""
        super().__init__()
        if not (decoder.memory and decoder.causal) or encoder.memory or encoder.causal:
            what = "the decoder has to be causal and to have a memory, the encoder neither"
            raise UsageError(what, fix="Give the decoder causal=True and memory=True")
        if encoder.width != decoder.width:
            raise UsageError(f"an encoder of width {encoder.width} does not fit a decoder of width {decoder.width}")
        if (shared or copying) and encoder.vocabulary != decoder.vocabulary:
            what = f"vocabularies of {encoder.vocabulary:,} and {decoder.vocabulary:,} tokens cannot be shared"
            raise UsageError(what, fix="Give both texts the same tokenizer, or shared=False and copying=False")
        self.encoder = Transformer(encoder)
        self.pointer = Pointer(decoder.width) if copying else None
        self.decoder = LanguageModel(decoder, tied=tied, bias=bias)
        if shared:  # two layers with one matrix: who looks into the one sees the source alone
            self.encoder.embeddings.tokens.weight = self.decoder.transformer.embeddings.tokens.weight

    @property
    def source_tokens(self) -> nn.Embedding:
        """The vectors of the tokens that are read."""
        return self.encoder.embeddings.tokens

    def remember(self, source: Int[Tensor, "B S"], lengths: Int[Tensor, " B"] | None = None) -> Source:
        """The encoded source, which is the same for all tokens of the target."""
        encoded = self.encoder(source, lengths)
        return Source(source, encoded, self.decoder.transformer.remember(encoded, lengths))

    def decoded(self, target: Int[Tensor, "R T"], source: Source) -> Float[Tensor, "R T D"]:
        """The decoder's vectors."""
        return self.decoder.transformer(target, memory=source.memory)

    def logits(self, vectors: Float[Tensor, "*P D"]) -> Float[Tensor, "*P V"]:
        """How likely each token of the vocabulary is to be written."""
        return self.decoder.scores(vectors)

    def alignment(
        self,
        source: Int[Tensor, "B S"],
        target: Int[Tensor, "B T"],
        lengths: Int[Tensor, " B"] | None = None,
        layer: int = -1,
    ) -> Float[Tensor, "B T S"]:
        """The attention to the source tokens from each place of `target`, the mean over the heads of a layer."""
        remembered = self.remember(source, lengths)
        layer = range(len(self.decoder.transformer.blocks))[layer]
        _, weights = attended(self.decoder.transformer, target, remembered.memory, [layer])
        return weights[0].mean(dim=1)


def attended(
    decoder: Transformer, target: Int[Tensor, "B T"], memory: Memory, layers: Sequence[int]
) -> tuple[Float[Tensor, "B T D"], list[Float[Tensor, "B H T S"]]]:
    """The vectors of a decoder, and from some of its layers the share of each place of its memory in what each head
    takes for each token.
    """
    blocks = [block for block in decoder.blocks if isinstance(block, Block)]
    attentions = [blocks[layer].memory_attention for layer in layers]
    seen: list[Tensor] = []
    handles = [
        attention.register_forward_pre_hook(lambda module, given: seen.append(given[0]))
        for attention in attentions
        if attention is not None
    ]
    try:
        vectors = decoder(target, memory=memory)
    finally:
        for handle in handles:
            handle.remove()
    found = zip(attentions, seen, layers, strict=True)
    return vectors, [a.weights(x, memory.layers[layer], mask=memory.mask) for a, x, layer in found if a is not None]
