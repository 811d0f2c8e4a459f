"""Several optimizers that step, save and come back as one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor

from sounding.training.muon import FilterMuon, MatrixMuon


class Combined:
    """What the loop uses of a `torch.optim.Optimizer`, over the parameters of all `parts`.

    `state_dict` has the form of torch's: parameters are numbered through, in the order of `param_groups`.
    """

    def __init__(self, parts: Sequence[torch.optim.Optimizer]) -> None:
        self.parts = tuple(parts)

    @property
    def param_groups(self) -> list[dict[str, Any]]:
        """The groups of all parts; changes of their numbers count."""
        return [group for part in self.parts for group in part.param_groups]

    @property
    def state(self) -> dict[Tensor, dict[str, Any]]:
        """What the parts remember of each parameter."""
        return {p: entries for part in self.parts for p, entries in part.state.items()}

    def step(self, precision: Callable[[], AbstractContextManager[Any]] = nullcontext) -> None:
        """One step of every part; those that multiply matrices (Muon) in the `precision` of the network's products."""
        for part in self.parts:
            with precision() if isinstance(part, FilterMuon | MatrixMuon) else nullcontext():
                part.step()

    def zero_grad(self) -> None:
        """Forget all gradients."""
        for group in self.param_groups:
            for parameter in group["params"]:
                parameter.grad = None

    def state_dict(self) -> dict[str, Any]:
        """State by number of the parameter, and the groups."""
        state: dict[int, Any] = {}
        groups: list[dict[str, Any]] = []
        for first, part in self._numbered():
            told = part.state_dict()
            state |= {first + number: entries for number, entries in told["state"].items()}
            groups += [
                {**group, "params": [first + number for number in group["params"]]} for group in told["param_groups"]
            ]
        return {"state": state, "param_groups": groups}

    def load_state_dict(self, told: Mapping[str, Any]) -> None:
        """Take back what `state_dict` gave. Raises ValueError for that of other groups."""
        groups = list(told["param_groups"])
        for first, part in self._numbered():
            own, groups = groups[: len(part.param_groups)], groups[len(part.param_groups) :]
            count = sum(len(group["params"]) for group in part.param_groups)
            state = {
                number - first: entries for number, entries in told["state"].items() if 0 <= number - first < count
            }
            own = [{**group, "params": [number - first for number in group["params"]]} for group in own]
            part.load_state_dict({"state": state, "param_groups": own})
        if groups:
            raise ValueError("the state holds more groups of parameters than these optimizers")

    def _numbered(self) -> list[tuple[int, torch.optim.Optimizer]]:
        """Each part after the number of its first parameter."""
        counts = [sum(len(group["params"]) for group in part.param_groups) for part in self.parts]
        return [(sum(counts[:place]), part) for place, part in enumerate(self.parts)]
