"""A toy language model: shows that free text, decoded character by character, fits the contract.

Legend of shapes: B batch, T characters, D width, V characters of the vocabulary.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from modalities import END, PAD, START, UNKNOWN, Characters
from torch import Tensor, nn
from torch.nn import functional as F

from sounding.contract.metrics import Metric
from sounding.contract.recipe import Recipe
from sounding.contract.records import Example, Prediction, Record
from sounding.contract.task import Task

CRIES = {"cow": "moo", "dog": "woof", "cat": "mew", "hen": "cluck"}
COUNTS = {"one": 1, "two": 2, "three": 3}
KINDS = ("old", "shy", "big", "wet", "red", "fat", "sad", "wee")


class Reader(nn.Module):
    """Ids [B, T] (and a state [1, B, D]) → logits of the next id [B, T, V] and states [B, T, D]."""

    def __init__(self, vocabulary: int, width: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, width)
        self.memory = nn.GRU(width, width, batch_first=True)
        self.next = nn.Linear(width, vocabulary)

    def forward(self, ids: Tensor, state: Tensor | None = None) -> tuple[Tensor, Tensor]:
        states, _ = self.memory(self.embedding(ids), state)
        return self.next(states), states


def judge(record: Record) -> np.ndarray:
    """[2]: nats and characters, the end being one of them. `Record.loss` is the sum over the answer."""
    return np.array([record.loss, len(record.truth) + 1])


def perplexity(stats: np.ndarray) -> float:
    """exp of the mean nats of a character, from [n, 2]."""
    nats, characters = stats.sum(0)
    return math.exp(nats / characters)


def judge_characters(record: Record) -> np.ndarray:
    """[2]: characters in their right place, and how many there could be."""
    right = sum(a == b for a, b in zip(record.value, record.truth, strict=False))
    return np.array([right, max(len(record.value), len(record.truth))])


@dataclass(frozen=True)
class CharRecipe(Recipe):
    """The numbers of a training of `CharLM`."""

    batch: int = 32
    lr: float = 2e-2
    average: float = 0.95
    width: int = 48
    longest: int = 24  # characters of an answer


class CharLM(Task):
    """Continue a text, character by character: the prompt is the input and its continuation the target."""

    Recipe = CharRecipe
    recipe: CharRecipe
    input: Characters
    target: Characters

    def modalities(self) -> tuple[Characters, Characters]:
        return Characters("prompt", "text"), Characters("continuation", "answer")

    def fit(self, examples: Sequence[Example]) -> None:
        """Prompts and continuations share one vocabulary."""
        self.input.fit(text for example in examples for text in (example.input, example.target))
        self.target.restore(self.input.state())

    @property
    def metrics(self) -> Sequence[Metric]:
        right = "characters of the greedy continuation that are right and in place"
        return (
            Metric("perplexity", judge, perplexity, "exp of the mean nats of a character", higher_is_better=False),
            Metric("exact characters", judge_characters, lambda s: float(s[:, 0].sum() / s[:, 1].sum()), right),
        )

    def build(self) -> nn.Module:
        return Reader(len(self.input.vocabulary) + UNKNOWN + 1, self.recipe.width)

    def embedding_layer(self, model: nn.Module) -> nn.Module:
        return model.get_submodule("embedding")

    def loss(self, model: nn.Module, x: Tensor, y: Tensor) -> Tensor:
        """-log p(continuation and its end | prompt): the sum over characters."""
        answers = [F.pad(row[1:][row[1:] > 0], (0, 1), value=END) for row in y]
        prompts = [row[row > 0] for row in x]
        ids = nn.utils.rnn.pad_sequence([torch.cat(pair) for pair in zip(prompts, answers)], batch_first=True)
        nats = F.cross_entropy(model(ids[:, :-1])[0].mT, ids[:, 1:], ignore_index=PAD, reduction="none")
        asked = torch.arange(1, ids.shape[1]) >= (x > 0).sum(1, keepdim=True)
        return (nats * asked).sum(1)

    def log_likelihood(self, model: nn.Module, x: Tensor, y: Tensor) -> Tensor:
        """Mean log-probability of a character, the end being one."""
        return -self.loss(model, x, y) / (y > 0).sum(1)

    @torch.no_grad()
    def predict(self, model: nn.Module, inputs: Sequence[Any]) -> list[Prediction]:
        """The likeliest character again and again; confidence is the probability of the whole answer."""
        x = self.input.encode(inputs)
        logits, states = model(x)
        last = (torch.arange(len(x)), (x > 0).sum(1) - 1)
        logits, state = logits[last], states[last][None]
        answer = []
        for _ in range(self.recipe.longest):
            logits[:, [PAD, START, UNKNOWN]] = -math.inf
            answer.append(logits.argmax(-1))
            logits, states = model(answer[-1][:, None], state)
            logits, state = logits[:, 0], states.transpose(0, 1).contiguous()
        texts = [self.target.text(row) for row in torch.stack(answer, 1).tolist()]
        nats = self.loss(model, x, self.encode_targets(texts))
        return [Prediction(text, math.exp(-each)) for text, each in zip(texts, nats.tolist())]

    def demo(self, rng: np.random.Generator, n: int) -> list[Example]:
        """`two sad wet hens` → ` cluck cluck`."""
        return [saying(rng) for _ in range(n)]


def saying(rng: np.random.Generator) -> Example:
    count, animal = (str(rng.choice(list(words))) for words in (COUNTS, CRIES))
    kinds, plural = " ".join(rng.choice(KINDS, 2, replace=False)), "" if count == "one" else "s"
    return Example(f"{count} {kinds} {animal}{plural}", f" {CRIES[animal]}" * COUNTS[count])
