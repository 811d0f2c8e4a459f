"""Text generation: how a text goes on.

A decoder (GPT) learns each next token of documents, which need no answers: a file, a folder, a column of text. It then
continues prompts. Its rows are windows of the documents: `given` the first half, how does the window go on?

Legend of shapes: B batch, T tokens, V vocabulary.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sounding.applications.language.generate.continuing import Continuation, GenerateOptions
from sounding.applications.language.generate.passages import Passages
from sounding.applications.language.shared.begun import begun
from sounding.applications.language.shared.sayings import sayings
from sounding.applications.language.shared.token_metrics import bits_per_byte, perplexity, token_accuracy
from sounding.architectures.lora import merge
from sounding.architectures.transformer import LanguageModel, TransformerConfig
from sounding.contract.graph import Graph
from sounding.contract.metrics import Metric
from sounding.contract.recipe import BegunRecipe
from sounding.contract.records import Example, Prediction, Record
from sounding.contract.task import Learning, Task, chunks
from sounding.contract.writing import Decoder
from sounding.data.windows import PackedWindows
from sounding.decoding.language_model import LanguageModelDecoder
from sounding.decoding.ngrams import NGrams
from sounding.decoding.step_graphs import cache_shape, step_graph
from sounding.modalities.text.text import Tokens
from sounding.randomness import stream

LETTERS, PIECES = 6, 3
"""Tokens in a row that the baseline counts: letters, or pieces of words."""
MOST = 1_000_000
"""Training tokens, at most, that the baseline counts."""


@dataclass(frozen=True)
class GenerateRecipe(BegunRecipe):
    """The numbers of a training of a language model."""

    sizes: ClassVar = {
        "tiny": {"layers": 2, "width": 64, "context": 64, "batch": 16},
        "small": {},
        "base": {"layers": 8, "width": 512, "heads": 8, "context": 512, "batch": 16},
    }
    shaping: ClassVar = ("layers", "width", "heads", "context", "architecture", "tokenizer", "vocabulary")

    epochs: float = 10.0
    batch: int = 8  # windows a step
    lr: float = 3e-3
    matrix_lr: float = 0.02
    weight_decay: float = 0.0
    warmup: float = 0.02
    decay: str = "linear"
    clip: float = 0.0
    select: str = "loss"
    validations: int = 6
    looked_at: int = 120
    layers: int = 6
    width: int = 256
    heads: int = 4
    context: int = 256  # tokens that the model sees
    dropout: float = 0.1
    tokenizer: str = "auto"  # characters, bytes, bpe, unigram, wordpiece or words; auto: characters, or bpe for much
    vocabulary: int = 8192  # tokens of a tokenizer that is trained


class Generate(Task):
    """Text generation: how a text goes on."""

    Recipe = GenerateRecipe
    Options = GenerateOptions
    learns = Learning.DOCUMENTS
    pipeline = "text-generation"
    caution = (
        "What is written is likely, and need not be true. A model repeats what stood in its training texts, "
        "private things among them."
    )
    recipe: GenerateRecipe
    options: GenerateOptions
    input: Passages
    target: Passages

    def modalities(self) -> tuple[Passages, Passages]:
        """Texts of one kind: what is given, and how it goes on."""
        r = self.recipe
        passages = Passages(r.tokenizer, r.vocabulary, r.context)
        return passages, passages

    @property
    def metrics(self) -> Sequence[Metric]:
        """Bits per byte first; it can be compared between models of different tokens."""
        definition = "share of tokens that are the most probable one after the true text before them"
        return bits_per_byte(), perplexity(), token_accuracy("next-token accuracy", definition)

    @property
    def end(self) -> int | None:
        """The token between documents, which also ends an answer; None for a tokenizer that has none."""
        return self.input.tokenizer.specials.end

    def windows(self, documents: Sequence[Any]) -> Sequence[Example]:
        """Windows of `context` + 1 tokens, so that each token is told once; documents are kept apart by an end."""
        ids = [self.input.ids(document).astype(np.int32) for document in documents]
        total = sum(len(each) + (self.end is not None) for each in ids)
        return PackedWindows(ids, max(2, min(self.recipe.context + 1, total)), self.end, self._example, overlap=1)

    def _example(self, window: np.ndarray, group: str) -> Example:
        given = max(1, len(window) // 2)
        before, after = (self.input.passage(part.astype(np.int64)) for part in (window[:given], window[given:]))
        return Example(before, after, group)

    def length(self, example: Example) -> int:
        """The tokens of a window."""
        return self.input.length(example.input) + self.input.length(example.target)

    def build(self) -> nn.Module:
        """A causal Transformer with rotary positions, normalised queries, squared ReLU; logits [B, T, V]."""
        return begun(self._network, self.recipe, self.recipe.dropout)

    def _network(self) -> LanguageModel:
        r = self.recipe
        config = TransformerConfig(
            vocabulary=len(self.input.tokenizer),
            width=r.width,
            layers=r.layers,
            heads=r.heads,
            activation="squared_relu",
            causal=True,
            context=r.context,
            bias=False,
            normalised_queries=True,
            dropout=r.dropout,
        )
        return LanguageModel(config)

    def calibrate(self, model: nn.Module, validation: Sequence[Example], train: Sequence[Example]) -> bool:
        """What lora has learnt becomes a part of the weights."""
        return merge(model)

    def embedding_layer(self, model: nn.Module) -> nn.Module:
        """The vectors of the tokens."""
        return model.get_submodule("transformer.embeddings.tokens")

    def loss(self, model: nn.Module, x: Tokens, y: Tokens) -> Tensor:
        """Mean nats of a token [B]: in training of the whole window, else of what follows the text that is given."""
        nats, asked = self._nats(model, x, y, whole=model.training)
        return (nats * asked).sum(dim=1) / asked.sum(dim=1).clamp(min=1)

    def _nats(self, model: nn.Module, x: Tokens, y: Tokens, *, whole: bool) -> tuple[Tensor, Tensor]:
        """The nats of each token after the first [B, T - 1], and which of them are asked for."""
        ids, asked = _joined(x, y, whole=whole)
        logits = model(ids[:, :-1]).float()
        return F.cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten(), reduction="none").view_as(asked), asked

    def evaluate(self, model: nn.Module, examples: Sequence[Example]) -> list[Record]:
        """A record for each window, all of whose tokens are told from those before."""
        return [record for batch in chunks(examples, self.recipe.batch) for record in self._told(model, batch, True)]

    def evaluate_rows(self, model: nn.Module, examples: Sequence[Example]) -> list[Record]:
        """A record for each row: how what follows is told from what is given. Nothing is written for it."""
        return [record for batch in chunks(examples, self.recipe.batch) for record in self._told(model, batch, False)]

    @torch.inference_mode()
    def _told(self, model: nn.Module, examples: Sequence[Example], whole: bool) -> list[Record]:
        x = self.encoded(model, [example.input for example in examples])
        y = self.encoded_targets(model, [example.target for example in examples])
        ids, asked = _joined(x, y, whole=whole)
        logits = model(ids[:, :-1]).float()
        scores = logits.log_softmax(dim=2)
        nats = -scores.gather(2, ids[:, 1:, None])[..., 0]
        best, likeliest = scores.max(dim=2)
        records = []
        for row, example in enumerate(examples):
            at = asked[row].cpu().numpy()
            told, true = (tensor[row].cpu().numpy()[at] for tensor in (likeliest, ids[:, 1:]))
            probabilities = best[row].exp().cpu().numpy()[at]
            loss = float(nats[row].cpu().numpy()[at].mean()) if at.any() else math.nan
            value, truth = self.input.passage(told), self.input.passage(true)
            confidence = float(probabilities.mean()) if at.any() else None
            records.append(Record(value, truth, confidence, loss, example.group, probabilities))
        return records

    def baselines(self, train: Sequence[Example], examples: Sequence[Example]) -> Mapping[str, Sequence[Record]]:
        """Counts of tokens in a row; of longer rows where a token is a character or a byte."""
        order = LETTERS if self.input.kind in ("characters", "bytes") else PIECES
        windows = [train[place] for place in stream("baseline").permutation(len(train))[: MOST // self.recipe.context]]
        simple = NGrams(map(_window, windows), order, len(self.input.tokenizer))
        return {f"a Kneser-Ney {order}-gram model": [self._counted(simple, example) for example in examples]}

    def _counted(self, simple: NGrams, example: Example) -> Record:
        ids = _window(example).tolist()
        places = range(1, len(ids))
        nats = [-math.log(simple.probability(ids[max(0, k - simple.order) : k], ids[k])) for k in places]
        told = [simple.best(ids[max(0, k - simple.order) : k]) for k in places]
        value, truth = (self.input.passage(np.array(some)) for some in ([token for token, _ in told], ids[1:]))
        probabilities = np.array([p for _, p in told])
        return Record(value, truth, float(probabilities.mean()), float(np.mean(nats)), example.group, probabilities)

    def predict(self, model: nn.Module, inputs: Sequence[Any]) -> list[Prediction]:
        """How each text goes on, as the options say; confidence is the geometric mean over its tokens."""
        x = self.input.arrays(inputs)
        return self.postprocessing(model).answers(partial(self.decoder, model, x), x, inputs, self.target)

    def note(self, input: str) -> str:
        """That a prompt is longer than what the model sees."""
        length, most = len(self.input.ids(input)), self.recipe.context
        return f"the prompt has {length:,} tokens, of which the last {most:,} are read" if length > most else ""

    def stream(self, model: nn.Module, input: Any) -> Iterator[str]:
        """How one text goes on, piece by piece as it is written."""
        x = self.input.arrays([input])
        return self.postprocessing(model).pieces(partial(self.decoder, model, x), x, input, self.target)

    # ---- exported

    def postprocessing(self, model: nn.Module) -> Continuation:
        """How a text goes on, token after token."""
        assert isinstance(model, LanguageModel)
        config = model.transformer.config
        return Continuation(self.options, self.end, self.recipe.context, config.context, cache_shape(config))

    def graphs(self, model: nn.Module) -> Mapping[str, Graph]:
        """The step from some tokens to the next."""
        assert isinstance(model, LanguageModel)
        return {"model": step_graph(model)}

    def decoder(self, model: nn.Module, x: Any, room: int) -> Decoder:
        """The model, which goes on with texts of at most `room` tokens."""
        assert isinstance(model, LanguageModel)
        return LanguageModelDecoder(model, room)

    def standing_in(self, model: nn.Module, outputs: Callable[[Any], Any]) -> nn.Module:
        """A copy of `model` whose logits [B, T, V] are those of exported networks."""
        post = self.postprocessing(model)

        def forward(x: tuple[Tensor, ...]) -> Tensor:
            return torch.from_numpy(post.logits(outputs, x[0].cpu().numpy()))

        return super().standing_in(model, forward)

    def demo(self, rng: np.random.Generator, n: int) -> list[Example]:
        """Small documents of sentences that a tiny grammar makes."""
        return [Example(text) for text in sayings(rng, n)]


def _window(example: Example) -> np.ndarray:
    """All tokens of a window."""
    return np.concatenate([example.input.ids, example.target.ids])


def _joined(x: Tokens, y: Tokens, *, whole: bool) -> tuple[Tensor, Tensor]:
    """Each text with what follows it [B, T], and which tokens after the first are asked for [B, T - 1]."""
    before, after = x.lengths[:, None], y.lengths[:, None]
    ids = F.pad(x.ids, (0, y.ids.shape[1]))
    places = before + torch.arange(y.ids.shape[1], device=ids.device)
    ids = ids.scatter(1, places, y.ids)
    at = torch.arange(1, ids.shape[1], device=ids.device)
    return ids, (at < before + after) & (at >= (1 if whole else before))
