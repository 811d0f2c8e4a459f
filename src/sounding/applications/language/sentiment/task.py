"""Text classification: which of several classes a text belongs to, such as the mood of a review.

Legend of shapes: B batch, T tokens, M members, K classes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from sounding.applications.language.sentiment.answers import Answering, AnyLabels, OneClass
from sounding.applications.language.sentiment.classes import Classes
from sounding.applications.language.sentiment.contrastive import contrast
from sounding.applications.language.sentiment.linear import MOST, LinearBaseline
from sounding.applications.language.sentiment.network import (
    MODELS,
    TextClassifier,
    TransformerClassifier,
    text_classifier,
)
from sounding.applications.language.sentiment.reviews import review
from sounding.applications.language.shared.begun import single
from sounding.architectures.lora import merge, tune
from sounding.architectures.transformer import TransformerConfig
from sounding.contract.change import Change, Unchanged
from sounding.contract.metrics import Metric
from sounding.contract.postprocessing import Postprocessing
from sounding.contract.recipe import BegunRecipe
from sounding.contract.records import Example, Prediction, Record
from sounding.contract.task import Task, chunks
from sounding.errors import UsageError, did_you_mean
from sounding.modalities.category import Category
from sounding.modalities.class_folders import CLASS_FOLDERS
from sounding.modalities.labels import Labels
from sounding.modalities.text.specials import NAMES as SPECIAL
from sounding.modalities.text.spelling import SpeltText, SpeltTokens
from sounding.modalities.text.text import Text, Tokens
from sounding.postprocessing.classes import AnyLabels as AnyLabelsFromLogits
from sounding.postprocessing.classes import OneClass as OneClassFromLogits
from sounding.randomness import stream

LABELS = ("one", "several")
CONTRASTIVE = ("auto", "yes", "no")
FEW = 500
"""Training rows up to which a published encoder learns by contrast, unless the recipe says otherwise."""
VIEWS = 2
"""How often a text is encoded for it, with other units dropped out each time."""
AUTO = "ensemble"
"""The model that was the best on the validation rows of four data sets (docs/benchmarks.md)."""


@dataclass(frozen=True)
class SentimentRecipe(BegunRecipe):
    """The numbers of a text classifier."""

    sizes: ClassVar = {
        "tiny": {"vectors": 32, "units": 32, "buckets": 1000, "layers": 2, "width": 64},
        "small": {},
        "base": {"vectors": 256, "units": 256, "layers": 8, "width": 512, "heads": 8},
    }
    shaping: ClassVar = ("vectors", "units", "buckets", "layers", "width", "heads", "architecture")
    begun: ClassVar = {
        "epochs": 2.0,
        "least_steps": 40,
        "batch": 32,
        "tokens": 1024,
        "optimizer": "adamw",
        "lr": 1e-4,
        "weight_decay": 0.01,
        "select": "last",
        "validations": 2,
    }

    epochs: float = 10.0
    lr: float = 2e-3
    weight_decay: float = 0.05
    smoothing: float = 0.1
    average: float = 0.99
    labels: str = "one"  # one class for each text, or several labels: "sport|politics", or a JSON list
    balance: bool = False  # rows of rare classes weigh more in training
    validations: int = 10
    model: str = (
        "auto"  # ensemble (cnn, rnn, linear), rnn, cnn, bag or transformer; auto: ensemble, but for other weights
    )
    vectors: int = 128  # width of the word vectors of each network
    units: int = 128  # of a direction of an rnn, filters of a length of a cnn, units of a bag
    buckets: int = 20_000  # vectors that the pieces of words share by their hash; 0: words have no pieces
    layers: int = 4  # of a transformer; this and the next as in `fill`
    width: int = 256
    heads: int = 4
    contrastive: str = (
        "auto"  # yes: texts of a class are drawn together, then answered from; auto: with few rows, --from
    )
    context: int = 512  # tokens of a text that are read
    vocabulary: int = 30_000  # words that have a vector of their own, at most
    frequency: int = 1  # how often training has these at least; the others are told by their pieces
    masked: float = 0.1  # share of the words that are hidden in training
    dropout: float = 0.5  # ahead of the answer; 0.6 of it on word vectors, a fifth of it in the blocks of a transformer


class Sentiment(Task):
    """Text classification: which of several classes a text belongs to, such as the mood of a review."""

    Recipe = SentimentRecipe
    pipeline = "text-classification"
    layouts = (CLASS_FOLDERS,)
    recipe: SentimentRecipe
    input: Text
    target: Category | Labels

    def modalities(self) -> tuple[Text, Category | Labels]:
        """A text, as words or for a transformer as pieces of words, and the name of its class or those of its labels.

        Raises UsageError for a model, a number of labels or a way to learn that does not exist.
        """
        r = self.recipe
        for name, word, known in (("labels", r.labels, LABELS), ("contrastive", r.contrastive, CONTRASTIVE)):
            if word not in known:
                raise UsageError(f"{name}={word} is not known", fix=did_you_mean(word, known))
        target = Labels() if r.labels == "several" else Classes(r.balance)
        if self.model == "transformer":
            return Text("wordpiece", min(r.vocabulary, 8192), r.context, lower=True), target
        return SpeltText("words", r.vocabulary, r.context, True, r.frequency), target

    @property
    def model(self) -> str:
        """The kind of model; a transformer where the tokens are those of another run's weights, which are no words.

        Raises UsageError for one that does not exist.
        """
        kind = self.recipe.model
        if kind not in ("auto", *MODELS):
            raise UsageError(f"no model {kind!r}", fix=did_you_mean(kind, ["auto", *MODELS]))
        if kind != "auto":
            return kind
        input = getattr(self, "input", None)  # which is not there yet where the modalities are made
        return AUTO if input is None or input.kind == "words" else "transformer"

    @property
    def answering(self) -> Answering:
        """How texts are answered: with one class, or any number of labels."""
        return AnyLabels() if self.recipe.labels == "several" else OneClass()

    @property
    def contrastive(self) -> bool:
        """Whether the encoder learns to tell texts of a class from others, and what answers is fitted afterwards."""
        word, target = self.recipe.contrastive, self.target
        if word == "no" or self.model != "transformer" or self.recipe.tune == "frozen":
            return False
        if word == "yes":
            return True
        return bool(self.recipe.architecture) and isinstance(target, Classes) and target.rows <= FEW

    @property
    def metrics(self) -> Sequence[Metric]:
        """Accuracy first, or with several labels the F1 score over all decisions; the macro F1 score beside it."""
        return self.answering.metrics(self.classes)

    @property
    def classes(self) -> Sequence[str]:
        """The classes or labels, in the order of the logits."""
        return self.target.names if isinstance(self.target, Labels) else self.target.classes or []

    def build(self) -> nn.Module:
        """The networks; logits [B, M, K]."""
        r, tokens, classes = self.recipe, len(self.input.tokenizer), len(self.classes)
        if self.model == "transformer":
            model = TransformerClassifier(self._shape(), classes, r.dropout)
            tune(model.transformer, r.tune, r.rank)
            return model
        for name, word, usual in (("tune", r.tune, "full"), ("contrastive", r.contrastive, "auto")):
            if word not in (usual, "no"):
                fix = f"Leave {name} out, or begin with an encoder: --from"
                raise UsageError(f"{name}={word} is of a transformer, and the model is {self.model}", fix=fix)
        return text_classifier(
            MODELS[self.model],
            tokens,
            classes,
            vectors=r.vectors,
            units=r.units,
            buckets=r.buckets,
            dropout=r.dropout,
        )

    def _shape(self) -> TransformerConfig:
        """That of a published encoder, or of the recipe."""
        r, dropout = self.recipe, self.recipe.dropout / 5
        if r.architecture:
            return replace(single(r).config, dropout=dropout)
        tokens = len(self.input.tokenizer)
        return TransformerConfig(tokens, r.width, r.layers, r.heads, context=r.context, dropout=dropout)

    def embedding_layer(self, model: nn.Module) -> nn.Module:
        """The vectors of the tokens."""
        return model.get_submodule("transformer.embeddings.tokens" if self.model == "transformer" else "vectors")

    def augment(self, x: Tokens | SpeltTokens, rng: torch.Generator) -> tuple[Tokens | SpeltTokens, Change]:
        """Some words hidden behind a mask."""
        hidden = torch.rand(x.ids.shape, generator=rng) < self.recipe.masked
        hidden &= torch.arange(x.ids.shape[1]) < x.lengths[:, None]
        mask = self.input.tokenizer.specials.mask
        if mask is None:
            return x, Unchanged()
        if isinstance(x, SpeltTokens):
            return x.hidden(hidden, mask), Unchanged()
        return Tokens(x.ids.masked_fill(hidden, mask), x.lengths), Unchanged()

    def loss(self, model: nn.Module, x: Any, y: Tensor) -> Tensor:
        """Cross-entropy [B]: in training the mean over members with smoothed labels, else of their mean probability.

        Where an encoder learns by contrast it is its nats that are learnt from, and the answer learns beside it.
        """
        if not model.training:
            return self.answering.nats(model(x).float(), y)
        if self.contrastive:
            nats = self._contrasted(model, x, y)
        else:
            nats = self.answering.learning(model(x).float(), y, self.recipe.smoothing)
        return nats * (y @ self._weights().to(y)) if self.recipe.balance else nats

    def _contrasted(self, model: nn.Module, x: Tokens, y: Tensor) -> Tensor:
        """The nats [B] of finding the texts of the same class, and of the class itself."""
        assert isinstance(model, TransformerClassifier)
        views = Tokens(x.ids.repeat(VIEWS, 1), x.lengths.repeat(VIEWS))
        vectors, truth = model.features(views), y.repeat(VIEWS, 1)
        answer = self.answering.learning(model.answered(vectors).float(), truth, self.recipe.smoothing)
        return contrast(vectors, truth, VIEWS) + answer.view(VIEWS, -1).mean(dim=0)

    def _weights(self) -> Tensor:
        """What the loss of a row of each class weighs, 1 on average over the training rows."""
        return torch.tensor(self.target.weights) if isinstance(self.target, Classes) else torch.ones(len(self.classes))

    @torch.inference_mode()
    def predict(self, model: nn.Module, inputs: Sequence[Any]) -> list[Prediction]:
        """The most probable class of each text, or the labels that reach the threshold; the probabilities of all."""
        scores = self.answering.scores(model(self.encoded(model, inputs)).float()).cpu().numpy()
        threshold = float(model.get_buffer("threshold"))
        return [self.answering.answer(self.classes, row, threshold) for row in scores]

    def calibrate(self, model: nn.Module, validation: Sequence[Example], train: Sequence[Example]) -> bool:
        """Fit what is linear to the training rows; choose the threshold of labels on the validation rows.

        That is the linear member, and what answers from an encoder that is at rest or learnt by contrast. What lora has
        learnt becomes a part of the weights.
        """
        assert isinstance(model, TextClassifier | TransformerClassifier)
        merge(model)
        if isinstance(model, TransformerClassifier) and (self.contrastive or self.recipe.tune == "frozen"):
            some = chunks(train, self.recipe.batch)
            vectors = [model.features(self.encoded(model, [row.input for row in rows])).float() for rows in some]
            truth = self.encode_targets([row.target for rows in some for row in rows])
            model.fit(torch.cat(vectors).cpu(), truth, several=self.answering.several)
        if isinstance(model, TextClassifier) and model.vectors.counts is not None:
            order = stream("counts").permutation(len(train)).tolist()
            some = chunks([train[place] for place in order], 256)
            texts = (self.encoded(model, [example.input for example in rows]) for rows in some)
            truth = self.encode_targets([example.target for rows in some for example in rows])
            model.vectors.counts.fit(texts, truth, len(SPECIAL), several=self.answering.several)
        if isinstance(self.answering, AnyLabels) and len(validation):
            answers = [self.predict(model, [e.input for e in rows]) for rows in chunks(validation, self.recipe.batch)]
            scores = np.stack([np.asarray(answer.scores) for some in answers for answer in some])
            truths = self.encode_targets([example.target for example in validation]).numpy()
            model.threshold.fill_(self.answering.threshold(scores, truths))
        return True

    def postprocessing(self, model: nn.Module) -> Postprocessing:
        """The likeliest class, or the labels that reach the threshold; see `answers.py`."""
        names = tuple(self.classes)
        if self.answering.several:
            return AnyLabelsFromLogits(names, float(model.get_buffer("threshold")))
        return OneClassFromLogits(names)

    def agree(self, answer: Any, other: Any) -> bool:
        """Whether two texts were given the same class, or the same labels."""
        return bool(answer == other)

    def baselines(self, train: Sequence[Example], examples: Sequence[Example]) -> Mapping[str, Sequence[Record]]:
        """Logistic regression on words and strings of letters."""
        order = stream("baseline").permutation(len(train))[:MOST].tolist()
        rows = [train[place] for place in order]
        y = self.encode_targets([row.target for row in rows])
        simple = LinearBaseline([row.input for row in rows], y, several=self.answering.several)
        logits = simple.logits([example.input for example in examples])[:, None]
        nats = self.answering.nats(logits, self.encode_targets([example.target for example in examples])).tolist()
        records = []
        for example, scores, loss in zip(examples, self.answering.scores(logits).numpy(), nats, strict=True):
            said = self.answering.answer(self.classes, scores, 0.5)
            records.append(Record(said.value, example.target, said.confidence, loss, example.group, scores))
        return {"logistic regression on words and letters": records}

    def demo(self, rng: np.random.Generator, n: int) -> list[Example]:
        """Short reviews of a small grammar: what is praised or blamed, in words that say which."""
        return [review(rng, ("positive", "negative")[i % 2]) for i in range(n)]
