"""Masked words: which word is missing (BERT: Devlin et al., arXiv 1810.04805).

An encoder learns to tell tokens that are hidden from it, from texts that need no answers. What it learns so helps a
classifier of texts with few labels: `sounding train sentiment reviews.csv --from runs/fill/1`.

Legend of shapes: B batch, T tokens, V vocabulary.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sounding.applications.language.fill.blanks import Blanks, Missing
from sounding.applications.language.shared.begun import begun
from sounding.applications.language.shared.sayings import sayings
from sounding.applications.language.shared.token_metrics import perplexity, token_accuracy
from sounding.architectures.lora import merge
from sounding.architectures.transformer import LanguageModel, TransformerConfig
from sounding.contract.metrics import Metric
from sounding.contract.recipe import BegunRecipe
from sounding.contract.records import Example, Prediction, Record
from sounding.contract.task import Learning, Task, chunks
from sounding.contract.tree import arrays
from sounding.modalities.text.passage import Passage
from sounding.modalities.text.text import Tokens
from sounding.postprocessing.tokens import MissingTokens, masks
from sounding.randomness import stream


@dataclass(frozen=True)
class FillRecipe(BegunRecipe):
    """The numbers of a training of a masked language model."""

    sizes: ClassVar = {
        "tiny": {"layers": 2, "width": 64, "tokens": 1024, "dropout": 0.0},
        "small": {},
        "base": {"layers": 8, "width": 512, "heads": 8},
    }
    shaping: ClassVar = ("layers", "width", "heads", "context", "architecture")

    epochs: float = 20.0
    tokens: int = 4096  # positions a step
    lr: float = 2e-3
    weight_decay: float = 0.01
    warmup: float = 0.05
    select: str = "loss"
    layers: int = 4
    width: int = 256
    heads: int = 4
    context: int = 128  # tokens that the model sees at once; longer texts are cut into stretches
    dropout: float = 0.1
    masked: float = 0.2  # share of the tokens that are to be told (arXiv 2202.08005 tries up to half)
    tokenizer: str = "wordpiece"
    vocabulary: int = 8192
    lower: bool = False  # whether case is ignored


class Fill(Task):
    """Masked words: which word is missing."""

    Recipe = FillRecipe
    learns = Learning.DOCUMENTS
    pipeline = "fill-mask"
    recipe: FillRecipe
    input: Blanks
    target: Missing

    def modalities(self) -> tuple[Blanks, Missing]:
        """A text in which tokens are missing, and the tokens."""
        r = self.recipe
        words = (r.tokenizer, r.vocabulary, 0, r.lower)
        return Blanks(*words), Missing(*words)

    def fit(self, examples: Sequence[Example]) -> None:
        """What is missing is of the same tokens."""
        self.input.fit(example.input for example in examples)
        self.target.use(self.input.tokenizer)

    @property
    def metrics(self) -> Sequence[Metric]:
        """The share of masked tokens that are told first."""
        definition = "share of masked tokens that are the most probable one at their place"
        return token_accuracy("masked-token accuracy", definition), perplexity()

    @property
    def mask(self) -> int:
        """The id of the mask."""
        return self.input.tokenizer.specials.mask or 0

    def windows(self, documents: Sequence[Any]) -> Sequence[Example]:
        """Stretches of each document that the model sees at once, with a share of their tokens masked."""
        tokenizer = self.input.tokenizer
        found, room = [], max(1, self.recipe.context - len(tokenizer.prefix) - len(tokenizer.suffix))
        for number, document in enumerate(documents):
            ids = self.input.tokenizer.ids(document)
            parts = -(-len(ids) // room)
            for part in np.array_split(ids, max(1, parts)):
                if len(part) > 1:
                    found.append(self._example(part, str(number) if parts > 1 and len(documents) > 1 else ""))
        return found

    def _example(self, ids: np.ndarray, group: str) -> Example:
        """A stretch with the same masks whenever it is read; at least one."""
        rng = stream("mask", ids.tolist())
        hidden = rng.random(len(ids)) < self.recipe.masked
        hidden[rng.integers(len(ids))] = True
        before, after = self.input.tokenizer.prefix, self.input.tokenizer.suffix
        given = np.concatenate([before, np.where(hidden, self.mask, ids), after]).astype(np.int64)
        return Example(Passage.of(self.input.tokenizer.decode(given), given), self.target.passage(ids[hidden]), group)

    def build(self) -> nn.Module:
        """An encoder with rotary positions; logits [B, T, V]."""
        return begun(self._network, self.recipe, self.recipe.dropout)

    def _network(self) -> LanguageModel:
        r = self.recipe
        config = TransformerConfig(
            vocabulary=len(self.input.tokenizer),
            width=r.width,
            layers=r.layers,
            heads=r.heads,
            context=r.context,
            dropout=r.dropout,
        )
        return LanguageModel(config, tied=True, bias=True)

    def calibrate(self, model: nn.Module, validation: Sequence[Example], train: Sequence[Example]) -> bool:
        """What lora has learnt becomes a part of the weights."""
        return merge(model)

    def embedding_layer(self, model: nn.Module) -> nn.Module:
        """The vectors of the tokens."""
        return model.get_submodule("transformer.embeddings.tokens")

    def loss(self, model: nn.Module, x: Tokens, y: Tokens) -> Tensor:
        """Mean nats of a missing token [B]; in training others are missing each time."""
        ids, truth, asked = self._hidden_anew(x, y) if model.training else self._asked(x, y)
        row, place = asked.nonzero(as_tuple=True)
        logits = self._logits(model, Tokens(ids, x.lengths), row, place)
        nats = F.cross_entropy(logits, truth[row, place], reduction="none")
        total = torch.zeros(len(ids), device=ids.device).index_add(0, row, nats)
        return total / asked.sum(dim=1).clamp(min=1)

    @staticmethod
    def _logits(model: nn.Module, x: Tokens, row: Tensor, place: Tensor) -> Tensor:
        """Logits [n, V] of the tokens at some places: scores of a vocabulary cost more than all else."""
        assert isinstance(model, LanguageModel)
        return model.at(x.ids, x.lengths, row, place).float()

    def _asked(self, x: Tokens, y: Tokens) -> tuple[Tensor, Tensor, Tensor]:
        """The ids as given, the true ones at masks, and which are asked for: the k-th mask is the k-th missing one."""
        within = torch.arange(x.ids.shape[1], device=x.ids.device) < x.lengths[:, None]
        masks = (x.ids == self.mask) & within
        rank = masks.cumsum(dim=1) - 1
        asked = masks & (rank < y.lengths[:, None])
        truth = y.ids.gather(1, rank.clamp(0, y.ids.shape[1] - 1))
        return x.ids, torch.where(asked, truth, x.ids), asked

    def _hidden_anew(self, x: Tokens, y: Tokens) -> tuple[Tensor, Tensor, Tensor]:
        """The whole text with other tokens hidden: eight in ten masked, one in ten another token, one left as it is."""
        _, whole, _ = self._asked(x, y)
        within = torch.arange(x.ids.shape[1], device=x.ids.device) < x.lengths[:, None]
        ends = torch.tensor([*self.input.tokenizer.prefix, *self.input.tokenizer.suffix], device=whole.device)
        drawn = torch.rand(whole.shape, device=whole.device)
        drawn.masked_fill_(~within | torch.isin(whole, ends), 2.0)
        drawn.scatter_(1, drawn.argmin(dim=1, keepdim=True), 0.0)  # one at least
        hidden = drawn < self.recipe.masked
        way = torch.rand(whole.shape, device=whole.device)
        other = torch.randint(0, len(self.input.tokenizer), whole.shape, device=whole.device)
        ids = torch.where(hidden & (way < 0.8), self.mask, whole)
        ids = torch.where(hidden & (way >= 0.9), other, ids)
        return ids, whole, hidden

    @torch.inference_mode()
    def evaluate_rows(self, model: nn.Module, examples: Sequence[Example]) -> list[Record]:
        """A record for each row: each token that is missing, and the one that was told."""
        return [record for batch in chunks(examples, self.recipe.batch) for record in self._told(model, batch)]

    def _told(self, model: nn.Module, examples: Sequence[Example]) -> list[Record]:
        x = self.encoded(model, [example.input for example in examples])
        y = self.encoded_targets(model, [example.target for example in examples])
        ids, truth, asked = self._asked(x, y)
        row, place = asked.nonzero(as_tuple=True)
        scores = self._logits(model, Tokens(ids, x.lengths), row, place).log_softmax(dim=1)
        true = truth[row, place]
        nats = -scores.gather(1, true[:, None])[:, 0]
        best, likeliest = scores.max(dim=1)
        records = []
        for number, example in enumerate(examples):
            mine = row == number
            probabilities = best[mine].exp().cpu().numpy()
            value, right = (self.target.passage(some[mine].cpu().numpy()) for some in (likeliest, true))
            loss = float(nats[mine].mean()) if mine.any() else math.nan
            confidence = float(probabilities.mean()) if mine.any() else None
            records.append(Record(value, right, confidence, loss, example.group, probabilities))
        return records

    @torch.inference_mode()
    def predict(self, model: nn.Module, inputs: Sequence[Any]) -> list[Prediction]:
        """The most probable token for each mask; the probability, and those of all tokens, are of the first mask.

        Raises DataError for a text without a mask.
        """
        for value in inputs:
            self.input.require_mask(value)
        x = self.encoded(model, inputs)
        row, place = masks(arrays(x), self.mask)
        logits = self._logits(model, x, *(torch.from_numpy(each).to(x.ids.device) for each in (row, place)))
        return self.postprocessing(model).of_masks(logits.cpu().numpy(), row, len(inputs), self.target)

    def outputs(self, model: nn.Module, x: Tokens) -> Tensor:
        """Logits [B, T, V]."""
        return model(x.ids, x.lengths)

    def standing_in(self, model: nn.Module, outputs: Callable[[Any], Any]) -> nn.Module:
        """Also where it is asked for some places alone."""
        twin = super().standing_in(model, outputs)
        twin.__dict__["at"] = lambda ids, lengths, row, place: outputs((ids, lengths))[row, place]
        return twin

    def postprocessing(self, model: nn.Module) -> MissingTokens:
        """The likeliest word at each mask."""
        return MissingTokens(self.mask, tuple(sorted(self.input.tokenizer.specials.ids)))

    def demo(self, rng: np.random.Generator, n: int) -> list[Example]:
        """Small documents of sentences that a tiny grammar makes."""
        return [Example(text) for text in sayings(rng, n)]
