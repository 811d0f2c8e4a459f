"""A linear model as a member of a text classifier: each word, pair of words and piece of a word speaks for itself.

It is fitted at the end of a training, as one convex problem (logistic.py); steps of gradients find a worse one. What a
token adds to the logits is a part of its vector, so that explanations by gradients count it, too.

Legend of shapes: B batch, T tokens, P pieces of a token, Q = P + 2 features of a token, F features, K classes.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from sounding.applications.language.sentiment import logistic
from sounding.applications.language.sentiment.logistic import Sparse
from sounding.architectures.exporting import is_exporting
from sounding.modalities.text.spelling import SpeltTokens

BUCKETS = 2**16
WEIGHTS = 2**21
"""Numbers that the model has at most, about."""
MOST = 4_000_000
"""Features of texts that it is fitted to, about."""
LEAST = 1e-6


class Counts(nn.Module):
    """What each token adds to the logits [B, T, K], weighed by TF-IDF; of words and of letters the squares sum to 1.

    The features are the tokens themselves, and by their hash the pairs of tokens and the pieces. Until it is fitted the
    buffer `known` is 0.
    """

    weights: Tensor
    idf: Tensor
    intercepts: Tensor
    known: Tensor

    def __init__(self, vocabulary: int, classes: int) -> None:
        super().__init__()
        self.vocabulary = vocabulary
        self.buckets = max(64, min(BUCKETS, WEIGHTS // classes))
        features = vocabulary + 2 * self.buckets
        self.register_buffer("weights", torch.zeros(features, classes))
        self.register_buffer("idf", torch.zeros(features))
        self.register_buffer("intercepts", torch.zeros(classes))
        self.register_buffer("known", torch.zeros(()))

    @property
    def fitted(self) -> bool:
        """Whether it has learnt; of an exported network it was so, which cannot be asked while it is followed."""
        return is_exporting() or bool(self.known)

    def forward(self, x: SpeltTokens) -> Float[Tensor, "B T K"]:
        """What each token adds."""
        places = self.places(x)
        values = self.values(places)
        if is_exporting():  # to ONNX, which computes a bag as a loop
            return (self.weights[places] * values[..., None]).sum(dim=2)
        sums = F.embedding_bag(places.flatten(0, 1), self.weights, mode="sum", per_sample_weights=values.flatten(0, 1))
        return sums.view(*x.ids.shape, -1)

    def places(self, x: SpeltTokens) -> Int[Tensor, "B T Q"]:
        """The features of each token; 0, the padding, where there is none."""
        pairs = self._bucket(x.pairs[..., None], self.vocabulary)
        return torch.cat([x.ids[..., None], pairs, self._bucket(x.pieces, self.vocabulary + self.buckets)], dim=2)

    def _bucket(self, hashes: Tensor, first: int) -> Tensor:
        return (hashes % self.buckets + first) * (hashes > 0)

    def values(self, places: Int[Tensor, "B T Q"]) -> Float[Tensor, "B T Q"]:
        """The weight of each feature in its text: inverse document frequency, by the length of all."""
        idf = self.idf[places]
        return torch.cat([_normed(idf[..., :2]), _normed(idf[..., 2:])], dim=2)

    def fit(self, batches: Iterable[SpeltTokens], y: Tensor, specials: int, *, several: bool = False) -> None:
        """Learn from texts, of which `y` [n, K] are the answers; the first `specials` tokens mean nothing.

        Texts beyond the first `MOST` features are not looked at.
        """
        held = _held(self.places(x) for x in batches)
        texts = len(held.starts)
        self.idf.copy_(torch.log((1 + texts) / (1 + torch.bincount(held.places, minlength=len(self.idf)))) + 1)
        self.idf[:specials] = 0.0
        found = logistic.fitted(self._weighed(held), y[:texts], len(self.idf), several=several)
        self.weights.copy_(found.weights)
        self.intercepts.copy_(found.intercepts)
        self.known.fill_(1.0)

    def _weighed(self, held: Sparse) -> Sparse:
        """How often a feature stands in a text, as its weight: what `values` gives, summed over the text."""
        texts = len(held.starts)
        ends = torch.cat([held.starts[1:], torch.tensor([len(held.places)])])
        pieces = held.places >= self.vocabulary + self.buckets
        kind = 2 * torch.arange(texts).repeat_interleave(ends - held.starts) + pieces
        idf = self.idf.cpu()[held.places]
        squares = torch.zeros(2 * texts).index_add_(0, kind, held.values * idf.square())
        return held._replace(values=held.values * idf / squares.sqrt().clamp(min=LEAST)[kind])


def _normed(values: Tensor) -> Tensor:
    """Divided by the root of the sum of squares over a text [B, T, Q]."""
    return values / values.square().sum(dim=(1, 2), keepdim=True).sqrt().clamp(min=LEAST)


def _held(batches: Iterable[Tensor]) -> Sparse:
    """The features [B, T, Q] of texts, each text's once, with how often it stands there."""
    places, values, sizes = [], [], []
    for batch in batches:
        for row in batch.flatten(1).cpu():
            unique, times = row[row > 0].unique(return_counts=True)
            places.append(unique)
            values.append(times.float())
            sizes.append(len(unique))
        if sum(sizes) > MOST:
            break
    return Sparse(torch.cat(places), torch.cat(values), torch.tensor([0, *sizes[:-1]]).cumsum(0))
