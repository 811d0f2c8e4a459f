"""Trees of tensors: what a modality encodes to. A tensor, or tuples, named tuples, lists and dictionaries of trees.

All tensors of an encoded input or target have B as their first axis; anything else in a tree is passed on as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor


def tree_map(f: Callable[[Tensor], Any], tree: Any) -> Any:
    """The tree with `f` of every tensor in its place."""
    if isinstance(tree, Tensor):
        return f(tree)
    if isinstance(tree, tuple) and hasattr(tree, "_fields"):
        return type(tree)(*(tree_map(f, branch) for branch in tree))
    if isinstance(tree, tuple | list):
        return type(tree)(tree_map(f, branch) for branch in tree)
    if isinstance(tree, dict):
        return {name: tree_map(f, branch) for name, branch in tree.items()}
    return tree


def leaves(tree: Any) -> Iterator[Tensor]:
    """The tensors of a tree, in order."""
    if isinstance(tree, Tensor):
        yield tree
    elif isinstance(tree, tuple | list):
        for branch in tree:
            yield from leaves(branch)
    elif isinstance(tree, dict):
        for branch in tree.values():
            yield from leaves(branch)


def to_device(tree: Any, device: torch.device | str) -> Any:
    """The tree with its tensors on `device`."""
    return tree_map(lambda tensor: tensor.to(device), tree)


def take(tree: Any, rows: Tensor) -> Any:
    """The examples at `rows` (indices into the first axis) of every tensor."""
    return tree_map(lambda tensor: tensor[rows.to(tensor.device)], tree)


def stretch(tree: Any, begin: int, size: int) -> Any:
    """So many examples from `begin` on of every tensor: views, which lie in the same memory."""
    return tree_map(lambda tensor: tensor.narrow(0, begin, size), tree)


def arrays(tree: Any) -> tuple[np.ndarray, ...]:
    """The tensors of a tree, in order, as arrays; those of fewer bits become float32."""
    found = (leaf.detach().cpu() for leaf in leaves(tree))
    return tuple((leaf.float() if leaf.is_floating_point() else leaf).numpy() for leaf in found)
