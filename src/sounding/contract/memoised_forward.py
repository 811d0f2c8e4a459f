"""A model that does not compute again what it has just said.

A trial asks for the loss of the truth and for the answer, an election for the loss of every option: many questions
about one input, and one forward pass.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

REMEMBERED = 4
"""Calls that are kept: a loss may look at an input, and at its mirror image."""


@contextmanager
def memoised_forward(model: nn.Module) -> Iterator[None]:
    """Inside, `model(x)` of a tensor seen just before is looked up, so that K losses of one input cost one pass.

    Tensors count as the same when their values are. One that was changed in place since is not taken for what it was,
    and an answer without a gradient not for one with; calls with more than one tensor, and answers that are no tensor,
    go through as they are.
    """
    passing: Callable[..., Any] = model.forward
    own = model.__dict__.get("forward")
    kept: list[tuple[Tensor, int, Tensor, int]] = []

    def forward(*args: Any, **named: Any) -> Any:
        if named or len(args) != 1 or not isinstance(args[0], Tensor):
            return passing(*args, **named)
        for x, version, answer, of_answer in kept:
            if _version(x) == version and _version(answer) == of_answer and _equal(x, args[0]):
                return answer.clone() if answer.is_inference() else answer
        answer = passing(*args)
        if isinstance(answer, Tensor):
            # Changes in place of inference tensors cannot be seen, so what is kept of these is a copy.
            x, said = (thing.clone() if thing.is_inference() else thing for thing in (args[0], answer))
            kept.append((x, _version(x), said, _version(said)))
            del kept[:-REMEMBERED]
        return answer

    model.__dict__["forward"] = forward
    try:
        yield
    finally:
        del model.__dict__["forward"]
        if own is not None:
            model.__dict__["forward"] = own


def _version(thing: Tensor) -> int:
    return 0 if thing.is_inference() else thing._version


def _equal(a: Tensor, b: Tensor) -> bool:
    kind = a.shape == b.shape and a.dtype == b.dtype and a.requires_grad == b.requires_grad
    return a is b or (kind and torch.equal(a, b))
