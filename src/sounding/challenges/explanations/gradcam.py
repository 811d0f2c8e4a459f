"""Grad-CAM: what the last maps of a network say, weighed by how much the answer wants each (Selvaraju et al. 2017).

The last module whose output still has positions is found by looking, not by name: hooks on every module note what comes
out during one `task.log_likelihood`. It is a tensor [B, C, h, w] with more than one position, made after the first
module that has weights of its own (standardised pixels are no features), and not the model's own output (a map of
answers). A model or an input without such a layer has no Grad-CAM, and none is offered.

Each channel is weighed by the mean of its gradient over the positions; the weighed sum of the channels, laid over the
input by bilinear interpolation, is pooled over each part. The paper then drops what is negative. Here the sign stays,
as in the other methods: a negative weight speaks against the answer, and `np.maximum(weights, 0)` is the paper's map.

A task may call its model more than once for one log-likelihood (the mean over a picture and its mirror image). Maps of
later calls lie in coordinates that nobody here knows, so only the first call of the layer is explained: the gradient is
that of the whole log-likelihood, the other calls standing still.

Inputs are explained in batches of one size each, so that one call of the layer holds the maps of all of a batch. A
model that looks at a large input window by window has no map of the whole, and no Grad-CAM of that input.

Legend of shapes: B batch, C channels, h w sides of a map, H W sides of the input, P parts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sounding.challenges.explanations.gradients import gradient_of
from sounding.challenges.passes import frozen, unpadded
from sounding.contract.inputs import Attributable, Continuous
from sounding.contract.task import Task
from sounding.errors import UsageError


def grad_cam(
    task: Task, model: nn.Module, values: Sequence[Any], answers: Sequence[Any], rng: np.random.Generator
) -> list[np.ndarray]:
    """Grad-CAM with its sign, at the layer that `last_map` finds. Raises UsageError where there is none.

    The sum over parts is the sum over the positions of the map, whatever the size of the input.
    """
    if not len(values):
        return []
    layer = last_map(task, model, values[0], answers[0])
    if layer is None:
        raise UsageError("this model has no layer whose output still has positions", fix="Explain by occlusion")
    input = Attributable.of(task.input)

    def maps(batch: Sequence[int]) -> list[np.ndarray]:
        inputs, answered = [values[i] for i in batch], [answers[i] for i in batch]
        with frozen(model):
            x = task.encoded(model, inputs)
            saliency = _saliency(task, model, layer, x, answered).cpu()
        return [np.asarray(input.aggregate(s, v), float) for s, v in zip(saliency, inputs, strict=True)]

    return unpadded(task, values, maps)


def _saliency(task: Task, model: nn.Module, layer: nn.Module, x: Tensor, answers: Sequence[Any]) -> Tensor:
    """[B, C, H, W], shaped as the input: the map over its positions, shared out evenly among its channels."""
    with _given(model) as given, _cut_loose(layer) as seen, torch.enable_grad():
        log_likelihood = task.log_likelihood(model, x, task.encoded_targets(model, answers))
    if not _whole(given, x):
        raise UsageError("the model looks at this input in windows, one after the other", fix="Explain by occlusion")
    if not seen:  # another answer may take another way through the model
        return torch.zeros_like(x)
    maps = seen[0]
    channels = gradient_of(log_likelihood, maps).mean((2, 3), keepdim=True)
    cam = (channels * maps.detach()).sum(1, keepdim=True).float()
    area = cam[0, 0].numel() / x[0, 0].numel()  # interpolating adds positions, and should not add weight
    cam = F.interpolate(cam, size=x.shape[2:], mode="bilinear", align_corners=False) * area
    return (cam / x.shape[1]).expand(x.shape)


@contextmanager
def _cut_loose(layer: nn.Module) -> Iterator[list[Tensor]]:
    """The first output of `layer`, cut loose from what made it so that gradients can be taken; empty if not run."""
    seen: list[Tensor] = []

    def cut(module: nn.Module, args: Any, output: Tensor) -> Tensor:
        if seen:
            return output
        seen.append(output.detach().requires_grad_(True))
        return seen[0].clone()  # a later step may work in place, which a leaf does not allow

    handle = layer.register_forward_hook(cut)
    try:
        yield seen
    finally:
        handle.remove()


# ---- which layer


def last_map(task: Task, model: nn.Module, value: Any, answer: Any) -> nn.Module | None:
    """The module to explain at, for the log-likelihood of `answer` to `value`; None where there is none.

    The last whose map has positions and carries all of the log-likelihood; where maps of several scales are looked at
    side by side, that is the last before they part.
    """
    if not isinstance(task.input, Continuous) or task.embedding_layer(model) is not None:
        return None
    with frozen(model):
        with torch.no_grad(), _given(model) as given:
            x = task.encoded(model, [value])
            if not _has_positions(x):
                return None
            outputs = _outputs(task, model, x, [answer])
        if not _whole(given, x):
            return None
        maps = _maps(model, outputs)
        carrying = (module for module in reversed(maps) if _carries_all(task, model, module, x, answer))
        return next(carrying, maps[-1] if maps else None)


def _maps(model: nn.Module, outputs: Mapping[nn.Module, Any]) -> list[nn.Module]:
    """The modules that gave a learnt map with positions, in the order in which they were done."""
    own, found, learnt = list(_tensors(outputs.get(model))), [], False
    for module, output in outputs.items():
        learnt = learnt or any(True for _ in module.parameters(recurse=False))
        if learnt and module is not model and _has_positions(output) and not any(output is t for t in own):
            found.append(module)
    return found


def _carries_all(task: Task, model: nn.Module, layer: nn.Module, x: Tensor, answer: Any) -> bool:
    """Whether the input has no other way to the log-likelihood than through `layer`, however often that is called."""
    point = x.detach().requires_grad_(True)
    handle = layer.register_forward_hook(lambda module, args, output: output.detach())
    try:
        with torch.enable_grad():
            log_likelihood = task.log_likelihood(model, point, task.encoded_targets(model, [answer]))
    finally:
        handle.remove()
    return not gradient_of(log_likelihood, point).any()


def _outputs(task: Task, model: nn.Module, x: Tensor, answers: Sequence[Any]) -> dict[nn.Module, Any]:
    """What each module gave when it was first called, in the order in which they were done."""
    outputs: dict[nn.Module, Any] = {}

    def note(module: nn.Module, args: Any, output: Any) -> None:
        outputs.setdefault(module, output)

    with ExitStack() as stack:
        for module in model.modules():
            stack.callback(module.register_forward_hook(note).remove)
        task.log_likelihood(model, x, task.encoded_targets(model, answers))
    return outputs


@contextmanager
def _given(model: nn.Module) -> Iterator[list[Any]]:
    """What the model itself is given, call by call."""
    given: list[Any] = []
    handle = model.register_forward_pre_hook(lambda module, args: given.append(args[0] if args else None))
    try:
        yield given
    finally:
        handle.remove()


def _whole(given: Sequence[Any], x: Tensor) -> bool:
    """Whether the model's first call sees all of the encoded inputs `x`; a map of a window lies elsewhere."""
    return not given or not isinstance(given[0], Tensor) or given[0].shape == x.shape


def _has_positions(x: Any) -> bool:
    """Whether this is a floating tensor [1, C, h, w] of more than one position."""
    return isinstance(x, Tensor) and x.is_floating_point() and x.dim() == 4 and len(x) == 1 and x[0, 0].numel() > 1


def _tensors(output: Any) -> Iterator[Tensor]:
    """The tensors in what a model gave, be it one, several, or named."""
    if isinstance(output, Tensor):
        yield output
    elif isinstance(output, Mapping):
        for value in output.values():
            yield from _tensors(value)
    elif isinstance(output, list | tuple):
        for value in output:
            yield from _tensors(value)
