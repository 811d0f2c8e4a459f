"""Small tasks whose right answers are known by hand: linear models over vectors, and over words.

Vector, Words   inputs of parts that can be pointed at; one continuous, one discrete
Sort            which of K kinds a vector is; the model is given or a small network
Guess           a number from a vector; its headline metric is better when lower
Read            which of two kinds a handful of words is, through an embedding
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from types import ModuleType
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sounding.card.sections import held_in
from sounding.challenges import interpretability
from sounding.challenges.explanations.explanation import Explain
from sounding.challenges.explanations.time_budget import Chosen
from sounding.contract.evidence import Section
from sounding.contract.inputs import Attributable, Continuous, Corruptible, Discrete, Threat
from sounding.contract.metrics import Metric, accuracy
from sounding.contract.modality import Modality
from sounding.contract.recipe import Recipe
from sounding.contract.records import Example, Prediction
from sounding.contract.task import Task
from sounding.evaluation import challenge as challenges
from sounding.evaluation.context import EvaluationContext

PARTS, WIDTH = 8, 2


class Vector(Attributable, Corruptible, Continuous):
    """PARTS × WIDTH numbers in [0, 1]; a part is WIDTH neighbours."""

    baselines = ("zero", "half")
    value_range = (0.0, 1.0)
    threats = (Threat("linf 0.05", "linf", 0.05), Threat("linf 0.2", "linf", 0.2), Threat("l2 0.2", "l2", 0.2))

    def read(self, cell: Any, root: Any = None) -> np.ndarray:
        return np.asarray(cell, np.float32)

    def encode(self, values: Sequence[np.ndarray]) -> Tensor:
        return torch.from_numpy(np.stack(values).astype(np.float32))

    def decode(self, x: Tensor) -> list[np.ndarray]:
        return list(x.numpy())

    def segments(self, value: np.ndarray) -> int:
        return len(value) // WIDTH

    def mask(self, value: np.ndarray, mask: np.ndarray, baseline: str) -> np.ndarray:
        return np.where(np.repeat(mask, WIDTH), value, {"zero": 0.0, "half": 0.5}[baseline]).astype(np.float32)

    def aggregate(self, saliency: Tensor, value: np.ndarray) -> np.ndarray:
        return saliency.reshape(-1, WIDTH).sum(1).numpy()

    @property
    def corruptions(self) -> dict[str, Any]:
        def noise(value: np.ndarray, severity: int, rng: np.random.Generator) -> np.ndarray:
            return np.clip(value + rng.normal(0, 0.1 * severity, value.shape), 0, 1).astype(np.float32)

        return {"nothing": lambda value, severity, rng: value, "noise": noise}


class Words(Attributable, Discrete):
    """A tuple of whole numbers below 10, each a word. "delete" makes it shorter."""

    baselines = ("delete", "mask")

    def read(self, cell: Any, root: Any = None) -> tuple[int, ...]:
        return tuple(cell)

    def encode(self, values: Sequence[tuple[int, ...]]) -> Tensor:
        longest = max(1, *(len(v) for v in values)) if values else 1
        return torch.tensor([[*v, *[10] * (longest - len(v))] for v in values])  # 10 is padding, 11 the mask

    def segments(self, value: tuple[int, ...]) -> int:
        return len(value)

    def mask(self, value: tuple[int, ...], mask: np.ndarray, baseline: str) -> tuple[int, ...]:
        if baseline == "delete":
            return tuple(word for word, kept in zip(value, mask, strict=True) if kept)
        return tuple(word if kept else 11 for word, kept in zip(value, mask, strict=True))

    def aggregate(self, saliency: Tensor, value: tuple[int, ...]) -> np.ndarray:
        return saliency[: len(value)].sum(-1).numpy()

    def neighbours(self, value: tuple[int, ...], rng: np.random.Generator) -> Iterator[tuple[int, ...]]:
        for i in rng.permutation(len(value)):
            yield (*value[:i], int(rng.integers(10)), *value[i + 1 :])


class Kind(Modality):
    """One of `k` whole numbers."""

    def __init__(self, k: int) -> None:
        self.classes = list(range(k))

    def read(self, cell: Any, root: Any = None) -> int:
        return int(cell)

    def encode(self, values: Sequence[int]) -> Tensor:
        return torch.tensor(values)


class Amount(Modality):
    """A number."""

    def read(self, cell: Any, root: Any = None) -> float:
        return float(cell)

    def encode(self, values: Sequence[float]) -> Tensor:
        return torch.tensor(values, dtype=torch.float32)


class Sort(Task):
    """Which of K kinds a vector is."""

    k: ClassVar[int] = 2
    temperature: ClassVar[float] = 1.0  # divides the logits of `predict` alone

    def modalities(self) -> tuple[Modality, Modality]:
        return Vector(), Kind(self.k)

    @property
    def metrics(self) -> list[Metric]:
        return [accuracy()]

    def build(self) -> nn.Module:
        return nn.Sequential(nn.Linear(PARTS * WIDTH, 32), nn.Tanh(), nn.Linear(32, self.k))

    def loss(self, model: nn.Module, x: Tensor, y: Tensor) -> Tensor:
        return F.cross_entropy(model(x), y, reduction="none")

    def predict(self, model: nn.Module, inputs: Sequence[Any]) -> list[Prediction]:
        scores = (model(self.encoded(model, inputs)) / self.temperature).softmax(1).numpy(force=True)
        return [Prediction(int(row.argmax()), float(row.max()), row) for row in scores]

    def demo(self, rng: np.random.Generator, n: int) -> list[Example]:
        return [by_part(rng, 3) for _ in range(n)]


class Guess(Task):
    """A number from a vector: support is what the model gives, so explanations of a linear model are its terms."""

    def modalities(self) -> tuple[Modality, Modality]:
        return Vector(), Amount()

    @property
    def metrics(self) -> list[Metric]:
        def error(record: Any) -> float:
            return abs(record.value - record.truth)

        mean = lambda errors: float(errors.mean())  # noqa: E731
        return [Metric("error", error, mean, "mean error", higher_is_better=False, hit=lambda r: [])]

    def build(self) -> nn.Module:
        return nn.Linear(PARTS * WIDTH, 1)

    def loss(self, model: nn.Module, x: Tensor, y: Tensor) -> Tensor:
        return (model(x)[:, 0] - y).abs()

    def log_likelihood(self, model: nn.Module, x: Tensor, y: Tensor) -> Tensor:
        return model(x)[:, 0]

    def predict(self, model: nn.Module, inputs: Sequence[Any]) -> list[Prediction]:
        return [Prediction(v) for v in model(self.encoded(model, inputs))[:, 0].tolist()]

    def demo(self, rng: np.random.Generator, n: int) -> list[Example]:
        values = rng.random((n, PARTS * WIDTH)).astype(np.float32)
        return [Example(v, float(v.sum())) for v in values]


class Bag(nn.Module):
    """The sum of one number for each word, through an embedding; the mask and padding count nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(12, 3)
        self.last = nn.Linear(3, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.embedding(x).sum(1))[:, 0]


class Read(Task):
    """Whether some words sum to more than nothing."""

    def modalities(self) -> tuple[Modality, Modality]:
        return Words(), Kind(2)

    @property
    def metrics(self) -> list[Metric]:
        return [accuracy()]

    def build(self) -> nn.Module:
        return Bag()

    def embedding_layer(self, model: Bag) -> nn.Module:
        return model.embedding

    def loss(self, model: nn.Module, x: Tensor, y: Tensor) -> Tensor:
        return F.softplus(-model(x) * (2.0 * y - 1))

    def predict(self, model: nn.Module, inputs: Sequence[Any]) -> list[Prediction]:
        sure = model(self.encoded(model, inputs)).sigmoid().tolist()
        return [Prediction(int(p > 0.5), max(p, 1 - p), np.array([1 - p, p])) for p in sure]

    def demo(self, rng: np.random.Generator, n: int) -> list[Example]:
        words = [tuple(int(w) for w in rng.integers(0, 10, 6)) for _ in range(n)]
        return [Example(w, int(sum(w) > 27)) for w in words]


def by_part(rng: np.random.Generator, part: int) -> Example:
    """A vector whose kind is told by one part alone."""
    value = rng.random(PARTS * WIDTH).astype(np.float32)
    return Example(value, int(value[part * WIDTH : (part + 1) * WIDTH].sum() > WIDTH / 2))


def rows(task: Task, n: int, words: str = "rows") -> list[Example]:
    """`n` rows of the task's own data."""
    return task.demo(np.random.default_rng(sum(map(ord, words))), n)


def linear(weights: np.ndarray, bias: float = 0.0) -> nn.Linear:
    """A model of one output: weights · x + bias."""
    model = nn.Linear(len(weights), 1)
    with torch.no_grad():
        model.weight.copy_(torch.as_tensor(weights, dtype=torch.float32)[None])
        model.bias.fill_(bias)
    return model


class Pair(nn.Module):
    """Two logits from one: 0 and d(x), so that the margin of kind 1 is d(x)."""

    def __init__(self, one: nn.Module) -> None:
        super().__init__()
        self.one = one

    def forward(self, x: Tensor) -> Tensor:
        d = self.one(x)
        return torch.cat([torch.zeros_like(d), d], dim=1)


class Counted(nn.Module):
    """A model that counts how often it is called."""

    def __init__(self, one: nn.Module) -> None:
        super().__init__()
        self.one, self.calls = one, 0

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        return self.one(x)


class Rounded(nn.Module):
    """A model behind a rounding of its input: it has no gradient, and is no more robust for it."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: Tensor) -> Tensor:
        return self.model((x * 16).round() / 16)


def trained(task: Task, examples: Sequence[Example], steps: int = 300, seed: int = 0) -> nn.Module:
    """A model of the task after some steps on all rows at once."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = task.build()
    optimizer = torch.optim.Adam(model.parameters(), 0.02)
    x, targets = task.input.encode([e.input for e in examples]), [e.target for e in examples]
    for _ in range(steps):
        optimizer.zero_grad()
        task.loss(model, x, task.encode_targets(targets)).mean().backward()
        optimizer.step()
    return model.eval()


def context(task: Task, model: nn.Module, test: Sequence[Example], **more: Any) -> EvaluationContext:
    """A context with these test rows; other rows are of the task's own data."""
    given = {"train": rows(task, 60, "train"), "validation": rows(task, 60, "validation"), **more}
    return EvaluationContext(task, model, test=test, **given)


def measured(module: ModuleType, context: EvaluationContext, **more: Any) -> Section:
    """The section of the challenge that a file of `challenges/` holds; `more` is set on the context."""
    for name, value in more.items():
        setattr(context, name, value)
    (challenge,) = held_in(module)
    return challenges.measured(challenge, context)


def small(**settings: Any) -> Recipe:
    """A recipe of small batches, so that tests cross the borders of batches; trained by AdamW."""
    return Recipe(batch=16, optimizer="adamw", **settings)


def measure_only(monkeypatch: pytest.MonkeyPatch, **methods: Explain) -> None:
    """Let the section on explanations measure these methods, on 32 rows."""
    monkeypatch.setattr(interpretability, "fit_to_time", lambda *of: Chosen(methods, 32, 10, 0.0, []))
