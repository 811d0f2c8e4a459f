"""A task whose answers are as likely as a number that its model tells beside them is large: what explains the one then
explains the other.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from sounding.contract.task import Task
from sounding.contract.task_wrapper import TaskWrapper
from sounding.errors import UsageError, did_you_mean


class Estimating(TaskWrapper):
    """`log_likelihood` is the estimate called `name` of the task wrapped, whatever the answer is."""

    def __init__(self, wrapped: Task, name: str) -> None:
        """Raises UsageError for an estimate that the task does not tell."""
        if name not in wrapped.estimates:
            fix = did_you_mean(name, tuple(wrapped.estimates)) if wrapped.estimates else "Explain the answer"
            raise UsageError(f"{type(wrapped).__name__} tells no {name!r} beside its answers", fix=fix)
        super().__init__(wrapped)
        self._estimate = wrapped.estimates[name]

    def log_likelihood(self, model: nn.Module, x: Any, y: Any) -> Tensor:
        """The estimate [B]."""
        return self._estimate(model, x)
