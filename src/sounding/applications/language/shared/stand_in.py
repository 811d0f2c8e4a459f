"""A net whose scores are those of exported networks, in whose place it is measured.

Legend of shapes: B batch, S source tokens, T target tokens, D width, V vocabulary.
"""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from sounding.applications.language.shared.writing import BestText
from sounding.architectures.rewriter import Rewriter, Source
from sounding.architectures.transformer import Memory
from sounding.contract.postprocessing import Networks
from sounding.contract.tree import arrays
from sounding.contract.writing import Decoder


class StandIn(Rewriter):
    """Scores of target tokens by networks, and whatever else is asked for by the net that was exported."""

    def __init__(self, net: Rewriter, post: BestText, networks: Networks) -> None:
        super().__init__()
        self.net, self.pointer = net, None
        self._post, self._networks = post, networks

    def decoder(self, x: tuple[Tensor, Tensor], room: int) -> Decoder:
        """The networks, which write."""
        return self._post.decoder(self._networks, arrays(x), room)

    def vectors(
        self, source: Int[Tensor, "B S"], target: Int[Tensor, "B T"], lengths: Int[Tensor, " B"] | None = None
    ) -> tuple[Float[Tensor, "B T V"], Source]:
        """The scores, which `logits` gives as they are, and nothing that was encoded."""
        known = source.new_full((len(source),), source.shape[1]) if lengths is None else lengths
        scores = torch.from_numpy(self._post.scores(self._networks, arrays((source, known)), target.cpu().numpy()))
        return scores, Source(source, scores.new_zeros(*source.shape, 0), Memory([]))

    def logits(self, vectors: Float[Tensor, "*P V"]) -> Float[Tensor, "*P V"]:
        """These."""
        return vectors

    def remember(self, source: Int[Tensor, "B S"], lengths: Int[Tensor, " B"] | None = None) -> Source:
        """By the net."""
        return self.net.remember(source, lengths)

    def decoded(self, target: Int[Tensor, "R T"], source: Source) -> Float[Tensor, "R T D"]:
        """By the net."""
        return self.net.decoded(target, source)

    def alignment(
        self, source: Int[Tensor, "B S"], target: Int[Tensor, "B T"], lengths: Int[Tensor, " B"] | None = None
    ) -> Float[Tensor, "B T S"]:
        """By the net."""
        return self.net.alignment(source, target, lengths)

    @property
    def source_tokens(self) -> nn.Embedding:
        """Of the net."""
        return self.net.source_tokens
