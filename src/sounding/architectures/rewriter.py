"""What a network that reads one text and writes another is, whatever it is made of.

    Source     an encoded text, as a decoder looks at it
    Pointer    lets the target copy tokens of the source (See et al., arXiv 1704.04368)
    Rewriter   source tokens and the target up to each place → scores of the token there

Legend of shapes: B batch, R rows that are written (B, or several for each text), S source tokens, T target tokens,
D width, V vocabulary.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from sounding.architectures.transformer import Memory

LEAST = 1e-10
"""The smallest probability of which the logarithm is taken, where tokens may be copied."""


@dataclass
class Source:
    """Encoded texts: their tokens, vectors, and the keys and values that a decoder's layers of attention look at."""

    ids: Int[Tensor, "B S"]
    encoded: Float[Tensor, "B S D"]
    memory: Memory

    def take(self, rows: Int[Tensor, " R"]) -> Source:
        """Those of these rows of the batch, in their order."""
        return Source(self.ids[rows], self.encoded[rows], self.memory.take(rows))


class _Gate(nn.Linear):
    muon = False  # one row has nothing to be made orthogonal to


class Pointer(nn.Module):
    """A share of each token's probability goes to the tokens of the source: what is rare can be copied.

    p(w) = g · p_vocabulary(w) + (1 - g) · Σ attention to the places where w stands in the source; g and the attention,
    of one head of its own, come from the decoder's vector (See et al., section 2.2, without the coverage of 2.3). The
    key of a place tells of the token before it, too: what was copied last says what to copy next, and a network that
    need not find that out learns to go on with a copy sooner (the "smeared keys" of Olsson et al., arXiv 2209.11895).
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.query, self.key = nn.Linear(width, width, bias=False), nn.Linear(width, width, bias=False)
        self.behind = nn.Linear(width, width, bias=False)  # what stands behind a token, by that token
        self.gate = _Gate(2 * width, 1)
        for layer in (self.query, self.key, self.behind, self.gate):
            nn.init.normal_(layer.weight, std=0.5 / layer.in_features**0.5)
        nn.init.ones_(self.gate.bias)  # at first most of the probability is the vocabulary's

    def forward(
        self, vectors: Float[Tensor, "B T D"], logits: Float[Tensor, "B T V"], source: Source
    ) -> Float[Tensor, "B T V"]:
        """Log-probabilities of words that are written or copied; in fp32."""
        weights, written = self._attended(vectors, source)
        places = source.ids[:, None].expand_as(weights)
        shares = (written * logits.float().softmax(dim=2)).scatter_add(2, places, (1 - written) * weights)
        return shares.clamp(min=LEAST).log()

    def told(
        self,
        vectors: Float[Tensor, "B T D"],
        logits: Float[Tensor, "B T V"],
        source: Source,
        target: Int[Tensor, "B T"],
    ) -> Float[Tensor, "B T"]:
        """What `forward` gives for the tokens of `target` alone: a training needs no others, and they cost the most."""
        weights, written = self._attended(vectors, source)
        written = written[:, :, 0]
        share = (logits.gather(2, target[:, :, None])[:, :, 0].float() - logits.float().logsumexp(dim=2)).exp()
        copied = (weights * (source.ids[:, None] == target[:, :, None])).sum(dim=2)
        return (written * share + (1 - written) * copied).clamp(min=LEAST).log()

    def _attended(self, vectors: Float[Tensor, "B T D"], source: Source) -> tuple[Tensor, Tensor]:
        """The shares of the source tokens [B, T, S], and of the vocabulary beside them [B, T, 1]."""
        weights = self.weights(vectors, source)
        context = weights.to(source.encoded.dtype) @ source.encoded
        return weights, torch.sigmoid(self.gate(torch.cat([vectors, context], dim=2)).float())

    def weights(self, vectors: Float[Tensor, "B T D"], source: Source) -> Float[Tensor, "B T S"]:
        """The share of each source token in what is copied; in fp32."""
        before = F.pad(source.encoded[:, :-1], (0, 0, 1, 0))
        query, key = self.query(vectors), self.key(source.encoded) + self.behind(before)
        scores = (query @ key.transpose(1, 2)).float() / query.shape[2] ** 0.5
        mask = source.memory.mask
        return (scores if mask is None else scores.masked_fill(~mask[:, 0], -torch.inf)).softmax(dim=2)


class Rewriter(nn.Module, ABC):
    """Source tokens → scores of each target token, given the target before it.

    With a `pointer` the scores are log-probabilities, else logits.
    """

    pointer: Pointer | None

    @abstractmethod
    def remember(self, source: Int[Tensor, "B S"], lengths: Int[Tensor, " B"] | None = None) -> Source:
        """The encoded source, which is the same for all tokens of the target."""

    @abstractmethod
    def decoded(self, target: Int[Tensor, "R T"], source: Source) -> Float[Tensor, "R T D"]:
        """The decoder's vectors, of which `scores` makes scores; rows that share a source follow one another."""

    @abstractmethod
    def logits(self, vectors: Float[Tensor, "*P D"]) -> Float[Tensor, "*P V"]:
        """How likely each token of the vocabulary is to be written, from the vectors of some positions."""

    @abstractmethod
    def alignment(
        self,
        source: Int[Tensor, "B S"],
        target: Int[Tensor, "B T"],
        lengths: Int[Tensor, " B"] | None = None,
    ) -> Float[Tensor, "B T S"]:
        """The attention to the source tokens from each place of `target`, the mean over heads.

        It is what the model looks at while it writes the next token, which need not be what it is a translation of.
        """

    @property
    @abstractmethod
    def source_tokens(self) -> nn.Embedding:
        """The vectors of the tokens that are read: who looks into this layer sees the source alone."""

    def forward(
        self,
        source: Int[Tensor, "B S"],
        target: Int[Tensor, "B T"],
        lengths: Int[Tensor, " B"] | None = None,
    ) -> Float[Tensor, "B T V"]:
        """Scores of what comes after each token of `target`; row b of `source` has `lengths[b]` tokens, then padding.

        `target` may be padded on the right: what stands there is looked at by what stands behind it alone.
        """
        return self.scores(*self.vectors(source, target, lengths))

    def vectors(
        self,
        source: Int[Tensor, "B S"],
        target: Int[Tensor, "B T"],
        lengths: Int[Tensor, " B"] | None = None,
    ) -> tuple[Float[Tensor, "B T D"], Source]:
        """The decoder's vectors, and the encoded source."""
        remembered = self.remember(source, lengths)
        return self.decoded(target, remembered), remembered

    def scores(self, vectors: Float[Tensor, "R T D"], source: Source) -> Float[Tensor, "R T V"]:
        """Logits (log-probabilities, where tokens may be copied) from the decoder's vectors.

        Rows that share a source, such as beams, follow one another.
        """
        logits = self.logits(vectors)
        if self.pointer is None:
            return logits
        texts = source.ids.shape[0]
        together = (each.reshape(texts, -1, each.shape[2]) for each in (vectors, logits))
        return self.pointer(*together, source).reshape(logits.shape)
