"""Which parts of an input carry the answer that a model gave to it.

    occlusion              how much log-likelihood the answer loses when one part is taken away
    gradient               gradient × (input − empty input), summed over each part            (gradients.py)
    integrated_gradients   the same gradient, averaged over the way from empty to input       (gradients.py)
    grad_cam               the last maps of the network, weighed by their gradients              (gradcam.py)
    shapley                what a part adds, averaged over the orders in which parts may come (shapley.py)
    random_order           a coin's explanation: what every other must beat

The log-likelihood is that of the answer (`task.log_likelihood`), in nats. A positive weight speaks for the answer. The
*empty* input has all of its parts taken away; where there are several ways of doing that (baselines), explanations
average over them, because one that leans on a single way looks good when scored by the same way and poor by another.

Legend of shapes: P parts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import nn

from sounding.challenges.explanations.gradcam import grad_cam, last_map
from sounding.challenges.explanations.gradients import completeness_gap, gradient, integrated_gradients
from sounding.challenges.explanations.shapley import shapley
from sounding.challenges.passes import frozen, log_likelihoods
from sounding.contract.estimates import Estimating
from sounding.contract.inputs import Attributable, Continuous, Explainable
from sounding.contract.task import Task
from sounding.drawing.rendering import Rendering
from sounding.errors import TrainingError, UsageError, did_you_mean
from sounding.randomness import stream

__all__ = ["METHODS", "Explain", "Explanation", "completeness_gap", "explain", "methods", "occlusion", "random_order"]

Explain = Callable[[Task, nn.Module, Sequence[Any], Sequence[Any], np.random.Generator], list[np.ndarray]]
"""`explain(task, model, values, answers, rng)` → one weight [P] for each part of each value."""


# ---- one answer, for the doors


@dataclass(frozen=True, eq=False)
class Explanation:
    """Why `answer` was given to `value`: a weight [P] for each part, in nats; positive speaks for the answer.

    `log_likelihood` is what the model gives to the answer: its log-probability. (Grad-CAM's weights have no unit.)
    Where it is an explanation `of` something that is told beside the answer (`Task.estimates`), it is that number, and
    weights are in its unit.
    """

    method: str
    weights: np.ndarray
    value: Any
    answer: Any
    log_likelihood: float
    input: Explainable = field(repr=False)
    of: str = ""

    def top(self, k: int = 5) -> list[tuple[str, float]]:
        """The `k` parts that speak most for the answer, as (where, weight), the most telling first."""
        first = np.argsort(-self.weights, kind="stable")[:k]
        return [(self.input.segment_name(self.value, int(part)), float(self.weights[part])) for part in first]

    def render(self) -> Rendering:
        """The value with its weights, for a page, a file or a terminal."""
        return self.input.render(self.value, self.weights)

    def to_json(self) -> dict[str, Any]:
        """Method, log-likelihood, weights and where the largest are, as JSON can hold them."""
        return {
            "method": self.method,
            **({"of": self.of, "value": self.log_likelihood} if self.of else {"log_likelihood": self.log_likelihood}),
            "weights": [float(w) for w in self.weights],
            "top": [{"where": where, "weight": weight} for where, weight in self.top()],
        }

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        return self.render().markup()


def explain(
    task: Task, model: nn.Module, value: Any, answer: Any, method: str = "occlusion", seed: int = 0, of: str = ""
) -> Explanation:
    """Which parts of `value` carry `answer`, which is usually the model's own; `seed` draws what a method draws.

    With `of` which carry that one of the task's `estimates` instead. Raises UsageError for a method or an estimate that
    is not known or that this model does not allow, and TrainingError where the model's outputs are not finite.
    """
    task = Estimating(task, of) if of else task
    if not isinstance(task.input, Explainable):
        what = "this kind of input does not fall into segments, of which an explanation could speak"
        raise UsageError(what, fix="Predict without --explain")
    if method not in METHODS:
        raise UsageError(f"no explanation method {method!r}", fix=did_you_mean(method, METHODS))
    offered = methods(task, model, value)
    if method not in offered:
        raise UsageError(f"{named(method)} cannot explain this model: {UNFIT[method]}", fix=f"Use {', '.join(offered)}")
    (weights,) = offered[method](task, model, [value], [answer], stream("explain", seed))
    (log_likelihood,) = log_likelihoods(task, model, [(value, answer)])
    if not (np.isfinite(weights).all() and np.isfinite(log_likelihood)):
        found = "the model's outputs, or their gradients, are not finite for this input"
        raise TrainingError(found, fix="Train again with a lower learning rate, or explain by occlusion")
    return Explanation(method, weights, value, answer, float(log_likelihood), task.input, of)


# ---- by taking parts away


def occlusion(task: Task, model: nn.Module, value: Any, answer: Any, baseline: str) -> np.ndarray:
    """[P]: the log-likelihood that `answer` loses when each part alone is taken away (Zeiler and Fergus 2014)."""
    input = Explainable.of(task.input)
    kept = input.mask_many(value, ~np.eye(input.segments(value), dtype=bool), baseline)
    scores = log_likelihoods(task, model, ((v, answer) for v in (value, *kept)))
    return scores[0] - scores[1:]


def occlusions(
    task: Task, model: nn.Module, values: Sequence[Any], answers: Sequence[Any], rng: np.random.Generator
) -> list[np.ndarray]:
    """Occlusion of each value, averaged over the baselines."""
    input = Explainable.of(task.input)

    def each() -> Iterator[tuple[Any, Any]]:
        for value, answer in zip(values, answers, strict=True):
            masks = ~np.eye(input.segments(value), dtype=bool)
            yield value, answer
            for baseline in input.baselines:
                yield from ((v, answer) for v in input.mask_many(value, masks, baseline))

    counts = [input.segments(value) for value in values]
    ways = len(input.baselines)
    scores = np.split(log_likelihoods(task, model, each()), np.cumsum([1 + ways * p for p in counts])[:-1])
    return [s[0] - s[1:].reshape(ways, -1).mean(0) for s in scores]


def random_order(
    task: Task, model: nn.Module, values: Sequence[Any], answers: Sequence[Any], rng: np.random.Generator
) -> list[np.ndarray]:
    """Weights that order the parts at random."""
    input = Explainable.of(task.input)
    return [rng.permutation(input.segments(value)).astype(float) for value in values]


# ---- all of them


METHODS: dict[str, Explain] = {
    "occlusion": occlusions,
    "gradient": gradient,
    "integrated_gradients": integrated_gradients,
    "grad_cam": grad_cam,
    "shapley": shapley,
}

UNFIT = {
    "gradient": "no gradients can be taken at its input or at an embedding, and summed over segments",
    "integrated_gradients": "no gradients can be taken at its input or at an embedding, and summed over segments",
    "grad_cam": "no layer of it gives a map of several positions over the whole of a continuous input",
}
"""Why a method is not offered."""


def methods(task: Task, model: nn.Module, value: Any = None) -> dict[str, Explain]:
    """The methods that this model and its inputs allow.

    Slopes need a leaf module, or an encoded input that is continuous. Grad-CAM needs a layer with positions, which one
    forward pass of `value` (else of a demonstration row) looks for.
    """
    reached = isinstance(task.input, Continuous) or task.embedding_layer(model) is not None
    gradients = reached and isinstance(task.input, Attributable)
    fit = {"occlusion": True, "gradient": gradients, "integrated_gradients": gradients, "shapley": True}
    fit["grad_cam"] = gradients and _has_maps(task, model, value)
    return {name: explain for name, explain in METHODS.items() if fit[name]}


def _has_maps(task: Task, model: nn.Module, value: Any) -> bool:
    if not isinstance(task.input, Continuous):
        return False
    value = task.demo(stream("methods"), 1)[0].input if value is None else value
    with frozen(model), torch.inference_mode():
        (prediction,) = task.predict(model, [value])
    return last_map(task, model, value, prediction.value) is not None


def named(method: str) -> str:
    """The name of a method as it is printed."""
    return {"grad_cam": "Grad-CAM", "shapley": "Shapley values"}.get(method, method.replace("_", " "))
