"""The networks of a text classifier.

    TextClassifier         words become vectors, one network or several look at these, and each answers
    ├── Vectors            tokens → the vectors of all members, side by side: where gradients explain
    ├── Member             vectors → logits
    └── Counts (counts.py) a linear model, which needs no network
    TransformerClassifier  tokens → Transformer → logits

The members share nothing, so that their mistakes differ, and the mean of their probabilities makes fewer.

Legend of shapes: B batch, T tokens, P pieces of a token, D width, M members, K classes.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from sounding.applications.language.sentiment import logistic
from sounding.applications.language.sentiment.counts import Counts
from sounding.architectures.bag import Bag, BagConfig
from sounding.architectures.dropout import Dropout
from sounding.architectures.pooling import mean_over_tokens
from sounding.architectures.rnn import RNNConfig, TextRNN
from sounding.architectures.textcnn import TextCNN, TextCNNConfig
from sounding.architectures.transformer import Transformer, TransformerConfig
from sounding.architectures.word_vectors import WordVectors
from sounding.modalities.text.spelling import SpeltTokens
from sounding.modalities.text.text import Tokens

COUNTS = "counts"
MODELS = {
    "ensemble": ("cnn", "rnn", COUNTS),
    "transformer": (),
    "rnn": ("rnn",),
    "cnn": ("cnn",),
    "bag": ("bag",),
}
"""The members of each model."""
STRENGTH = 1.0
"""How much the losses of the rows weigh against the penalty where the vectors of an encoder are answered from."""
LEAST = 1e-6


class Vectors(nn.Module):
    """Vectors of words for several members, side by side: one output, in which gradients find all that was read.

    What a linear model's words add to the logits stands behind them.
    """

    def __init__(self, each: Sequence[WordVectors], counts: Counts | None = None) -> None:
        super().__init__()
        self.widths = [vectors.words.embedding_dim for vectors in each]
        if counts is not None:
            self.widths.append(counts.weights.shape[1])
        self.each, self.counts = nn.ModuleList(each), counts

    def forward(self, x: SpeltTokens) -> Float[Tensor, "B T D"]:
        """The vectors."""
        found = [vectors(x.ids, x.pieces) for vectors in self.each]
        return torch.cat(found if self.counts is None else [*found, self.counts(x)], dim=2)


class Member(nn.Module):
    """A network over word vectors, and the layer that answers."""

    def __init__(self, network: TextRNN | TextCNN | Bag, classes: int, vector_dropout: float, dropout: float) -> None:
        super().__init__()
        self.vector_dropout, self.network, self.dropout = Dropout(vector_dropout), network, Dropout(dropout)
        self.answer = nn.Linear(network.outputs, classes)

    def forward(self, x: Float[Tensor, "B T D"], lengths: Int[Tensor, " B"]) -> Float[Tensor, "B K"]:
        """The logits."""
        return self.answer(self.dropout(self.network(self.vector_dropout(x), lengths)))


class TextClassifier(nn.Module):
    """Several members, each with word vectors of its own. `threshold` is the least probability of a label."""

    threshold: Tensor

    def __init__(self, vectors: Vectors, members: Sequence[Member]) -> None:
        super().__init__()
        self.vectors, self.members = vectors, nn.ModuleList(members)
        self.register_buffer("threshold", torch.tensor(0.5))

    def forward(self, x: SpeltTokens) -> Float[Tensor, "B M K"]:
        """The logits of each member; a linear one answers after its fit, and takes no part in training."""
        found, counts = self.vectors(x), self.vectors.counts
        parts = found.split(self.vectors.widths, dim=2)
        answers = [member(part, x.lengths) for member, part in zip(self.members, parts, strict=False)]
        if counts is not None and not self.training and counts.fitted:
            answers.append(parts[-1].sum(dim=1) + counts.intercepts)
        return torch.stack([answer.float() for answer in answers], dim=1)


class TransformerClassifier(nn.Module):
    """A Transformer whose vectors' mean is answered from: the encoder of `fill`, say, or a published one."""

    threshold: Tensor

    def __init__(self, config: TransformerConfig, classes: int, dropout: float) -> None:
        super().__init__()
        self.transformer, self.dropout = Transformer(config), Dropout(dropout)
        self.answer = nn.Linear(config.width, classes)
        self.register_buffer("threshold", torch.tensor(0.5))

    def forward(self, x: Tokens) -> Float[Tensor, "B 1 K"]:
        """The logits of the one member."""
        return self.answered(self.features(x))

    def features(self, x: Tokens) -> Float[Tensor, "B D"]:
        """The vectors of the texts."""
        return mean_over_tokens(self.transformer(x.ids, x.lengths), x.lengths)

    def answered(self, features: Float[Tensor, "B D"]) -> Float[Tensor, "B 1 K"]:
        """The logits for vectors of texts."""
        return self.answer(self.dropout(features))[:, None]

    @torch.no_grad()
    def fit(self, features: Float[Tensor, "n D"], y: Float[Tensor, "n K"], *, several: bool = False) -> None:
        """Give the layer that answers the weights of a logistic regression, which knows no order of rows and no rate.

        Features are taken from their mean, in units of their root mean square distance from it, so that the penalty
        means the same whatever encoder they are of.
        """
        mean = features.mean(dim=0)
        scale = (features - mean).square().sum(dim=1).mean().sqrt().clamp(min=LEAST)
        x = (features - mean) / scale
        found = logistic.fitted(x, y, features.shape[1], several=several, strength=STRENGTH)
        self.answer.weight.copy_(found.weights.T / scale)
        self.answer.bias.copy_(found.intercepts - mean @ found.weights / scale)


def text_classifier(
    members: Sequence[str], vocabulary: int, classes: int, *, vectors: int, units: int, buckets: int, dropout: float
) -> TextClassifier:
    """The networks called rnn, cnn, bag and counts, each with vectors of width `vectors`."""
    networks = [name for name in members if name != COUNTS]
    each = [WordVectors(vocabulary, vectors, buckets) for _ in networks]
    counts = Counts(vocabulary, classes) if COUNTS in members else None
    made = [Member(_network(name, vectors, units), classes, 0.6 * dropout, dropout) for name in networks]
    return TextClassifier(Vectors(each, counts), made)


def _network(name: str, inputs: int, units: int) -> TextRNN | TextCNN | Bag:
    if name == "rnn":
        return TextRNN(RNNConfig(inputs, units))
    if name == "cnn":
        return TextCNN(TextCNNConfig(inputs, units))
    return Bag(BagConfig(inputs, units))
