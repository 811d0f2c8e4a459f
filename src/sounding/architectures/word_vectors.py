"""Vectors of words, which words of the same letters share in part (fastText: Bojanowski et al., arXiv 1607.04606).

A word's vector is one of its own plus the mean of those of its pieces, short strings of its letters, which share a
table by their hash. So a word that training never saw, or saw once, still has a vector that means something.

Legend of shapes: B batch, T tokens, P pieces of a word at most, D width.
"""

from __future__ import annotations

from jaxtyping import Float, Int
from torch import Tensor, nn

from sounding.architectures.exporting import is_exporting


class WordVectors(nn.Module):
    """A vector for each word: its own, and with `buckets` the mean over its pieces.

    Vectors begin as normal numbers of spread `std`. The word 0 is padding, and the piece 0 is none.
    """

    def __init__(self, vocabulary: int, width: int, buckets: int = 0, std: float = 0.1) -> None:
        super().__init__()
        self.words = nn.Embedding(vocabulary, width, padding_idx=0)
        nn.init.normal_(self.words.weight, std=std)
        self.pieces = nn.EmbeddingBag(buckets + 1, width, mode="mean", padding_idx=0) if buckets else None
        if self.pieces is not None:
            nn.init.normal_(self.pieces.weight, std=std)

    def forward(self, ids: Int[Tensor, "B T"], pieces: Int[Tensor, "B T P"] | None = None) -> Float[Tensor, "B T D"]:
        """The vectors; `pieces` are hashes from 1 on, brought into the table here, and 0 where there is none."""
        found = self.words(ids)
        if self.pieces is None or pieces is None or not pieces.shape[2]:
            return found
        buckets = self.pieces.num_embeddings - 1
        places = ((pieces - 1) % buckets + 1) * (pieces > 0)
        if is_exporting():  # to ONNX, which computes a bag as a loop
            return found + mean_vectors(self.pieces.weight, places)
        return found + self.pieces(places.flatten(0, 1)).view_as(found)


def mean_vectors(table: Float[Tensor, "V D"], places: Int[Tensor, "B T P"]) -> Float[Tensor, "B T D"]:
    """The mean of the rows of `table` at places other than 0, zeros where there is none: an embedding bag, gathered."""
    known = (places > 0).to(table.dtype)[..., None]
    return (table[places] * known).sum(dim=2) / known.sum(dim=2).clamp(min=1)
