"""What a network does along one input: where its attention looks, and how far back in time its gradient reaches.

    read_along      one input through a model → Reading
    AttentionMap    of one layer of attention, the share of each position that each head takes
    Reach           of one recurrent layer, how much its last state moves with each input before it

Everything is computed on the model as it answers, in fp32, and the model is left as it was.

Legend of shapes: H heads, T queries or steps, S keys, U units, D width.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from sounding.architectures.attention import Attention
from sounding.contract.inputs import Tokenized
from sounding.contract.modality import Modality
from sounding.contract.task import Task
from sounding.errors import UsageError
from sounding.machine.setting import inference


@dataclass(frozen=True)
class AttentionMap:
    """The attention of the layer `name`: `weights` [H, T, S], of which each row sums to 1."""

    name: str
    weights: np.ndarray


@dataclass(frozen=True)
class Reach:
    """How far the gradient of the recurrent layer `name` reaches: `gradient` [T], in the order in which it reads.

    It is the norm of the derivatives of the last state with respect to the input at each step (the Frobenius norm of a
    Jacobian), as a share of the largest: the last entry is of the input that was just read.
    """

    name: str
    kind: str
    gradient: np.ndarray


@dataclass(frozen=True)
class Reading:
    """What a model does along one input, whose positions are `tokens`; `answer` is what it answers."""

    tokens: tuple[str, ...]
    answer: str
    attention: tuple[AttentionMap, ...]
    recurrence: tuple[Reach, ...]

    def to_json(self) -> dict[str, Any]:
        """Everything, as JSON can hold it."""
        maps = [{"layer": each.name, "weights": each.weights.tolist()} for each in self.attention]
        reaches = [
            {"layer": each.name, "kind": each.kind, "gradient": each.gradient.tolist()} for each in self.recurrence
        ]
        return {"tokens": list(self.tokens), "answer": self.answer, "attention": maps, "recurrence": reaches}


def read_along(task: Task, model: nn.Module, value: Any, answer: Any = None) -> Reading:
    """One input and the answer to it (the model's own by default) through a model.

    Raises UsageError for a model without attention and recurrence.
    """
    if not any(isinstance(module, Attention | nn.RNNBase) for module in model.modules()):
        what = "this model has no attention and no recurrence, so there is nothing to see along an input"
        raise UsageError(what, fix="Leave --input out: inspect then looks at the layers")
    training = model.training
    model.eval()
    try:
        with inference():
            answer = task.predict(model, [value])[0].value if answer is None else answer
            with _watched(model) as (maps, inputs):
                task.loss(model, task.encoded(model, [value]), task.encoded_targets(model, [answer]))
        reaches = [Reach(name, type(cell).__name__, reach(cell, x)) for name, cell, x in inputs]
    finally:
        model.train(training)
    tokens = _tokens(task.input, value)
    if maps and len(tokens) < maps[0].weights.shape[1]:
        tokens += _tokens(task.target, answer)
    return Reading(tuple(tokens), task.target.describe(answer), tuple(maps), tuple(reaches))


def reach(cell: nn.RNNBase, x: Tensor) -> np.ndarray:
    """[T]: by how much the last state of a recurrent layer moves with its input `x` [T, D] at each step, the most is 1.

    The norm of all derivatives of a state's U units with respect to the D numbers at a step.
    """
    with torch.inference_mode(False), torch.enable_grad(), _unfused():
        given = x.detach().clone().float()[None].requires_grad_()
        state = cell(given if cell.batch_first else given.transpose(0, 1))[0]
        last = (state[0] if cell.batch_first else state[:, 0])[-1]
        squares = torch.zeros(len(x), dtype=torch.float64)
        for unit in last:
            (slope,) = torch.autograd.grad(unit, given, retain_graph=True)
            squares += slope[0].double().square().sum(dim=1)
    found = squares.sqrt().numpy()
    return found / found.max() if found.max() else found


@contextmanager
def _unfused() -> Iterator[None]:
    """A recurrence whose backward pass may be taken once for each unit, as that of the fused kernel may not."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="TF32 acceleration")  # about graphics cards, when a switch is set
        with torch.backends.mkldnn.flags(enabled=False):
            yield


@contextmanager
def _watched(model: nn.Module) -> Iterator[tuple[list[AttentionMap], list[tuple[str, nn.RNNBase, Tensor]]]]:
    """What attention looks at in a pass of one row, and what recurrent layers are given, in the order of the layers."""
    maps: list[AttentionMap] = []
    inputs: list[tuple[str, nn.RNNBase, Tensor]] = []

    def look(name: str) -> Any:
        def hook(module: Attention, given: tuple[Any, ...], words: dict[str, Any]) -> None:
            known = {key: word for key, word in words.items() if key in ("mask", "causal", "angles", "bias")}
            maps.append(AttentionMap(name, module.weights(*given, **known)[0].float().cpu().numpy()))

        return hook

    def keep(name: str) -> Any:
        def hook(module: nn.RNNBase, given: tuple[Any, ...]) -> None:
            row = given[0][0] if module.batch_first else given[0][:, 0]
            inputs.append((name, module, row))

        return hook

    handles = []
    for name, module in model.named_modules():
        if isinstance(module, Attention):
            handles.append(module.register_forward_pre_hook(look(name), with_kwargs=True))
        elif isinstance(module, nn.RNNBase):
            handles.append(module.register_forward_pre_hook(keep(name)))
    try:
        yield maps, inputs
    finally:
        for handle in handles:
            handle.remove()


def _tokens(modality: Modality, value: Any) -> list[str]:
    if isinstance(modality, Tokenized):
        return modality.token_texts(value)
    return [str(place + 1) for place in range(modality.length(value))]


def reading_table(reading: Reading, most: int = 3) -> list[str]:
    """The lines for a terminal: of each layer of attention, for each position the one that most is taken from; of each
    recurrent layer, how far its gradient reaches.
    """
    lines = [f"answer: {reading.answer}"]
    for each in reading.attention:
        mean = each.weights.mean(axis=0)
        lines.append(f"{each.name} ({len(each.weights)} heads; the mean over them)")
        for place, row in enumerate(mean):
            best = np.argsort(-row)[:most]
            looked = ", ".join(f"{_named(reading.tokens, int(k))} {row[k]:.2f}" for k in best)
            lines.append(f"  {_named(reading.tokens, place):>16} ← {looked}")
    for reached in reading.recurrence:
        marks = ", ".join(
            f"{back} back: {reached.gradient[-1 - back]:.2g}" for back in _steps_back(len(reached.gradient))
        )
        lines.append(f"{reached.name} ({reached.kind}), gradient of the last state with respect to inputs: {marks}")
    return lines


def _steps_back(steps: int) -> Sequence[int]:
    return [back for back in (0, 1, 2, 5, 10, 20, 50, 100, 200) if back < steps]


def _named(tokens: Sequence[str], place: int) -> str:
    return repr(tokens[place])[1:-1] if place < len(tokens) else str(place + 1)
