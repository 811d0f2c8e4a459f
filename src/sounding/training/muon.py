"""Muon: which weights take orthogonalised steps, and the form of it that filters ahead of a normalisation take.

The gradient of a matrix is dominated by a few directions; made orthogonal, all directions are learnt at one pace
(Jordan et al., "Muon: An optimizer for hidden layers in neural networks", 2024). Two forms of it are used:

- The matrices of hidden linear layers are trained by `torch.optim.Muon`, whose steps are scaled to the size of AdamW's
  (Liu et al., arXiv 2502.16982), so that they go by the same learning rate and weight decay.
- Filter banks of convolutions ahead of a normalisation are trained by `FilterMuon`, the form of airbench94 (arXiv
  2404.00498, later versions): they keep their norm, since the normalisation undoes any scale, and the learning rate is
  the relative length of a step, whatever the layer's size or the loss's scale.

A module says with `muon = False` that it, and what is in it, is not to be trained so: a second output layer, say.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import torch
from torch import Tensor, nn

MOMENTUM = 0.6
ROUNDS = 3
"""Rounds of Newton-Schulz iteration. Singular values need only come out within a factor of two or so of each other."""
QUINTIC = (3.4445, -4.7750, 2.0315)
"""Coefficients of x, x³ and x⁵, which lift small singular values fastest (Jordan et al.)."""


def filter_parameters(model: nn.Module) -> list[nn.Parameter]:
    """The filter banks that `FilterMuon` trains: of convolutions without a bias, those ahead of a normalisation.

    Depthwise ones are left out: their channels do not mix, so there is nothing to make orthogonal. So are those that
    begin at zero, which have no length to keep.
    """
    convolutions = _unmarked(model, nn.Conv1d, nn.Conv2d, nn.Conv3d)
    return _trained(layer for layer in convolutions if layer.bias is None and layer.groups == 1 and layer.weight.any())


def matrix_parameters(model: nn.Module) -> list[nn.Parameter]:
    """The matrices that `torch.optim.Muon` trains: of linear layers, but for the last, which makes the answer.

    Matrices that are an embedding's, too, are left out (tied weights).
    """
    embedded = [module.weight for module in model.modules() if isinstance(module, nn.Embedding | nn.EmbeddingBag)]
    layers = [module for module in model.modules() if isinstance(module, nn.Linear)]
    others = [*embedded, *(layer.weight for layer in layers[-1:])]
    return [p for p in _trained(_unmarked(model, nn.Linear)) if all(p is not other for other in others)]


def _unmarked(model: nn.Module, *kinds: type[nn.Module]) -> Iterator[Any]:
    """The modules of these kinds, each once, but for those that are marked, or in one that is."""
    marked = [module for module in model.modules() if not getattr(module, "muon", True)]
    left_out = {id(inner) for module in marked for inner in module.modules()}
    return (module for module in model.modules() if isinstance(module, kinds) and id(module) not in left_out)


def _trained(layers: Iterable[Any]) -> list[nn.Parameter]:
    """The weights of some layers, each once; without frozen ones, and those that a parametrization computes."""
    weights = {id(layer.weight): layer.weight for layer in layers}
    return [w for w in weights.values() if isinstance(w, nn.Parameter) and w.requires_grad]


class FilterMuon(torch.optim.Optimizer):
    """Steps of relative length `lr` along orthogonalised momentum, on the sphere of the norm that a bank began with."""

    def __init__(self, params: Any, lr: float = 0.05) -> None:
        super().__init__(params, {"lr": lr})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]  # there is no loss to compute again
        """One step of every bank that has a gradient."""
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    self._turn(p, p.grad, group["lr"])

    def _turn(self, p: Tensor, gradient: Tensor, lr: float) -> None:
        state = self.state[p]
        if not state:
            state["momentum_buffer"] = torch.zeros_like(p)
        momentum = state["momentum_buffer"].mul_(MOMENTUM).add_(gradient)
        direction = orthogonalised(torch.add(gradient, momentum, alpha=MOMENTUM).flatten(1)).view_as(p)
        norm, length = p.norm(), direction.norm()
        if length > 0:
            p.sub_(direction * (lr * norm / length))
            p.mul_(norm / p.norm())


def orthogonalised(matrix: Tensor, rounds: int = ROUNDS) -> Tensor:
    """A matrix [D, C] with about the same singular vectors and singular values near one another, by Newton-Schulz.

    The rounds work on the small square of the matrix, [D, D], and only their product is applied to the matrix itself.
    """
    a, b, c = QUINTIC
    wide = matrix.T if matrix.shape[0] > matrix.shape[1] else matrix
    x = wide / wide.norm().clamp(min=1e-30)
    square = x @ x.T
    product = torch.eye(len(x), dtype=x.dtype, device=x.device)
    for _ in range(rounds):
        factor = b * square + c * square @ square
        factor.diagonal().add_(a)
        product = factor @ product
        square = factor @ square @ factor
    x = product @ x
    return x.T if matrix.shape[0] > matrix.shape[1] else x
