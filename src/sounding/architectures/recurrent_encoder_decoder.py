"""A recurrent network that reads one text and writes another, with attention (Bahdanau, Cho, Bengio, arXiv 1409.0473).

    RecurrentConfig          its shape
    RecurrentEncoderDecoder  LSTMs in both directions read; LSTMs from left to right look at what was read, and write

Bahdanau's decoder takes what it looked at for one token into the state that asks for the next, so that each token of a
training waits for the one before it. Here the lowest LSTM reads the target alone, and its states ask for all tokens at
once (Luong, Pham, Manning, arXiv 1508.04025, without their input feeding); the LSTMs above it read state and context
side by side, and so remember what was looked at (Wu et al., arXiv 1609.08144, section 3.1). Thus in training each layer
is one call of a fused LSTM over the whole target, and attention one product of matrices. Its scores are Luong's
"general" ones, whose matrix is here a product of two, those of queries and of keys.

Legend of shapes: B batch, R rows that are written, S source tokens, T target tokens, D width, L layers, V vocabulary,
P any.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from sounding.architectures.attention import Attention
from sounding.architectures.dropout import Dropout
from sounding.architectures.pooling import within
from sounding.architectures.rewriter import Pointer, Rewriter, Source
from sounding.architectures.rnn import RNN, RNNConfig
from sounding.architectures.transformer import Memory, looked_up
from sounding.errors import UsageError

State = tuple[Tensor, Tensor]
"""The hidden and cell states of the decoder's layers, each [L, R, D]."""


@dataclass(frozen=True)
class RecurrentConfig:
    """The shape of the network. A layer that reads has half of the `width` in each direction."""

    source: int  # tokens of the vocabulary that is read
    target: int  # and of the one that is written
    width: int = 256
    layers: int = 2  # that read, and that write
    heads: int = 1  # of the attention
    dropout: float = 0.0  # of what goes from layer to layer (Zaremba et al., arXiv 1409.2329)
    shared: bool = True  # source and target have the same embeddings
    copying: bool = False  # with a `Pointer`

    def __post_init__(self) -> None:
        """Raises UsageError for a shape that does not go together."""
        for name in ("source", "target", "width", "layers", "heads"):
            if getattr(self, name) < 1:
                raise UsageError(f"{name}={getattr(self, name)} is out of its range", fix="Give 1 or more")
        if self.width % 2 or self.width % self.heads:
            what = f"a width of {self.width} does not divide into 2 directions and {self.heads} heads"
            raise UsageError(what, fix="Give a width such as 256")
        if (self.shared or self.copying) and self.source != self.target:
            what = f"vocabularies of {self.source:,} and {self.target:,} tokens cannot be shared"
            raise UsageError(what, fix="Give both texts the same tokenizer, or shared=False and copying=False")


class RecurrentEncoderDecoder(Rewriter):
    """Source tokens → scores of each target token; the output is tied to the target's embeddings (arXiv 1608.05859)."""

    def __init__(self, config: RecurrentConfig) -> None:
        super().__init__()
        self.config, width = config, config.width
        self.reading = nn.Embedding(config.source, width)
        self.writing = nn.Embedding(config.target, width)
        self.encoder = RNN(RNNConfig(width, width // 2, config.layers, dropout=config.dropout))
        self.bridge = nn.Linear(width // 2, 2 * config.layers * width)
        self.lowest = nn.LSTM(width, width, batch_first=True)
        self.attention = Attention(width, config.heads, bias=False, output_bias=False)
        above = (nn.LSTM(2 * width, width, batch_first=True) for _ in range(config.layers - 1))
        self.above = nn.ModuleList(above)
        self.combine = nn.Linear(2 * width, width)
        self.pointer = Pointer(width) if config.copying else None
        self.output = nn.Linear(width, config.target, bias=False)
        self.output.weight = self.writing.weight
        if config.shared:  # two layers with one matrix: who looks into the one sees the source alone
            self.reading.weight = self.writing.weight
        self.dropout = Dropout(config.dropout)
        self._start()

    def _start(self) -> None:
        """Embeddings of length 1, which `_embedded` makes longer; forget gates that start open."""
        for tokens in (self.reading, self.writing):
            nn.init.normal_(tokens.weight, std=self.config.width**-0.5)
        for cell in self.modules():
            if isinstance(cell, nn.LSTM):
                bias = cell.get_parameter("bias_hh_l0")
                nn.init.ones_(bias[cell.hidden_size : 2 * cell.hidden_size])

    @property
    def source_tokens(self) -> nn.Embedding:
        """The vectors of the tokens that are read."""
        return self.reading

    def remember(self, source: Int[Tensor, "B S"], lengths: Int[Tensor, " B"] | None = None) -> Source:
        """The annotations of the source: what both directions know at each of its tokens."""
        known = source.new_full((len(source),), source.shape[1]) if lengths is None else lengths
        encoded = self.encoder(self._embedded(self.reading, source), known)
        mask = None if lengths is None else within(lengths, source.shape[1])[:, None, None]
        return Source(source, encoded, Memory([self.attention.keys_values(encoded)], mask))

    def begin(self, source: Source) -> State:
        """The state ahead of the first target token, from what the way back knows when it has read all (A.2.2)."""
        hidden, cell = self.bridge(source.encoded[:, 0, self.config.width // 2 :]).chunk(2, dim=1)
        layers = (len(source.ids), self.config.layers, self.config.width)
        hidden, cell = (each.reshape(layers).transpose(0, 1).contiguous() for each in (hidden.tanh(), cell))
        return hidden, cell

    def advance(self, target: Int[Tensor, "R T"], source: Source, state: State) -> tuple[Float[Tensor, "R T D"], State]:
        """The vectors of more target tokens behind a state, and the state behind them.

        Rows that share a source, such as beams, follow one another.
        """
        x, last = self._lowest(target, state)
        context = looked_up(self.attention, x, source.memory.layers[0], source.memory.mask)
        states = [last]
        for layer, cell in enumerate(self.above, 1):
            h, c = (each[layer : layer + 1] for each in state)
            x, last = cell(self.dropout(torch.cat([x, context], dim=2)), (h, c))
            states.append(last)
        vectors = torch.tanh(self.combine(torch.cat([x, context], dim=2)))
        hidden, cells = (torch.cat(each) for each in zip(*states, strict=True))
        return self.dropout(vectors), (hidden, cells)

    def decoded(self, target: Int[Tensor, "R T"], source: Source) -> Float[Tensor, "R T D"]:
        """The vectors of all target tokens."""
        return self.advance(target, source, self.begin(source))[0]

    def logits(self, vectors: Float[Tensor, "*P D"]) -> Float[Tensor, "*P V"]:
        """How likely each token of the vocabulary is to be written."""
        return self.output(vectors)

    def alignment(
        self,
        source: Int[Tensor, "B S"],
        target: Int[Tensor, "B T"],
        lengths: Int[Tensor, " B"] | None = None,
    ) -> Float[Tensor, "B T S"]:
        """The attention to the source tokens from each place of `target`, the mean over heads."""
        remembered = self.remember(source, lengths)
        x, _ = self._lowest(target, self.begin(remembered))
        return self.attention.weights(x, remembered.memory.layers[0], mask=remembered.memory.mask).mean(dim=1)

    def _lowest(self, target: Int[Tensor, "R T"], state: State) -> tuple[Float[Tensor, "R T D"], State]:
        """What the lowest layer knows of the target up to each token, and its state behind the last."""
        h, c = (each[:1] for each in state)
        return self.lowest(self._embedded(self.writing, target), (h, c))

    def _embedded(self, tokens: nn.Embedding, ids: Int[Tensor, "R T"]) -> Float[Tensor, "R T D"]:
        """Vectors whose entries are about 1, as those of states are."""
        return self.dropout(tokens(ids) * self.config.width**0.5)
