"""What layers give at each site of an input: the points of a board, the tokens of a text.

Layers are the outermost modules that give a vector for each site; sequences of modules are opened. Of each the first
output of a pass counts, and what the model itself is given comes before all.

Legend of shapes: N values, S sites, D numbers of a layer at a site.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from sounding.challenges.passes import frozen
from sounding.contract.records import chunks
from sounding.contract.task import Task
from sounding.contract.tree import leaves

INPUT = "input"
LEAST = 4
"""Numbers that a layer gives at a site, at least: fewer are an answer already."""


def at_sites(task: Task, model: nn.Module, values: Sequence[Any], sites: int, most: int) -> dict[str, np.ndarray]:
    """Layer → [N, S, D], in the order in which they answer; at most `most` of them, evenly spread, besides the input.

    Empty where no layer gives anything for each of so many sites.
    """
    found = _pass(task, model, values[:2], sites, None)
    names = list(_outermost(model, [name for name in found if name != INPUT]))
    chosen = [names[i] for i in np.unique(np.linspace(0, len(names) - 1, most).round().astype(int))] if names else []
    parts = [_pass(task, model, batch, sites, {INPUT, *chosen}) for batch in chunks(values, task.recipe.batch)]
    kept = [name for name in (INPUT, *chosen) if all(name in part for part in parts)]
    return {name: np.concatenate([part[name] for part in parts]) for name in kept}


def _pass(
    task: Task, model: nn.Module, values: Sequence[Any], sites: int, names: set[str] | None
) -> Mapping[str, np.ndarray]:
    """What the named modules (None: all) give at the sites, of one pass over the values."""
    found: dict[str, np.ndarray] = {}

    def note(name: str, tensor: Any) -> None:
        seen = None if name in found else _sited(tensor, len(values), sites)
        if seen is not None and (name == INPUT or seen.shape[2] >= LEAST):
            found[name] = seen

    def note_given(given: Any) -> None:
        for tensor in leaves(given):
            note(INPUT, tensor)

    with ExitStack() as stack, frozen(model), torch.inference_mode():
        for name, module in model.named_modules():
            if name and (names is None or name in names):
                hook = module.register_forward_hook(lambda _, given, output, name=name: note(name, output))
                stack.callback(hook.remove)
        first = model.register_forward_pre_hook(lambda _, given: note_given(given))
        stack.callback(first.remove)
        task.predict(model, values)
    return found


def _sited(output: Any, n: int, sites: int) -> np.ndarray | None:
    """[N, S, D] of an output with positions, channels first (maps) or last; None for any other."""
    if not isinstance(output, Tensor) or not output.is_floating_point() or output.ndim < 3 or len(output) != n:
        return None
    if output[0, 0].numel() == sites and output.ndim > 3:
        found = output.flatten(2).transpose(1, 2)
    elif output[0, ..., 0].numel() == sites:
        found = output.flatten(1, -2)
    else:
        return None
    return found.float().cpu().numpy()


def _outermost(model: nn.Module, names: Sequence[str]) -> Iterator[str]:
    """Those of the modules that lie in no other one of them; sequences are opened."""
    modules = dict(model.named_modules())
    closed = [
        name for name in names if type(modules[name]) not in (nn.Sequential, nn.ModuleList)
    ]  # ConvNorm is one layer
    for name in closed:
        if not any(name.startswith(f"{other}.") for other in closed):
            yield name
