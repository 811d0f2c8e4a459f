"""Muon: which weights take orthogonalised steps, and the form of it that filters ahead of a normalisation take.

The gradient of a matrix is dominated by a few directions; made orthogonal, all directions are learnt at one pace
(Jordan et al., "Muon: An optimizer for hidden layers in neural networks", 2024). Two forms of it are used:

- The matrices of hidden linear layers are trained by `MatrixMuon`. Its steps are scaled to the size of AdamW's (Liu et
  al., arXiv 2502.16982), so that they go by the same learning rate and weight decay, or have a rate of their own.
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
MATRIX_MOMENTUM, MATRIX_ROUNDS = 0.95, 5
TOGETHER = 3
"""Rounds in a row on the square of a matrix: more would blow up what bfloat16 rounds away of its small values."""
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
    """The matrices that `MatrixMuon` trains: of linear layers, but for the last, which makes the answer.

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


class MatrixMuon(torch.optim.Optimizer):
    """Steps along the orthogonalised momentum of matrices [D, C], with Nesterov's look ahead.

    A step is `lr` · √max(1, D / C) long in the spectral norm (Jordan et al.); with `as_adamw` each of its entries is
    about 0.2 · `lr`, as those of AdamW's steps are (arXiv 2502.16982). Matrices shrink by `lr` · `weight_decay`, as
    with AdamW. Those of one shape are made orthogonal in one batch.
    """

    def __init__(self, params: Any, lr: float = 0.02, weight_decay: float = 0.0, as_adamw: bool = False) -> None:
        super().__init__(params, {"lr": lr, "weight_decay": weight_decay, "as_adamw": as_adamw})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]  # there is no loss to compute again
        """One step of every matrix that has a gradient."""
        for group in self.param_groups:
            alike: dict[torch.Size, list[Tensor]] = {}
            for p in group["params"]:
                if p.grad is not None:
                    alike.setdefault(p.shape, []).append(p)
            for matrices in alike.values():
                self._move(matrices, group["lr"], group["weight_decay"], group["as_adamw"])

    def _move(self, matrices: list[Tensor], lr: float, weight_decay: float, as_adamw: bool) -> None:
        """One step of matrices of one shape."""
        gradients = [p.grad for p in matrices if p.grad is not None]
        momenta = [self._momentum(p) for p in matrices]
        torch._foreach_lerp_(momenta, gradients, 1 - MATRIX_MOMENTUM)
        ahead = torch._foreach_lerp(gradients, momenta, MATRIX_MOMENTUM)
        directions = orthogonalised(torch.stack([matrix.to(_digits(matrix)) for matrix in ahead]), MATRIX_ROUNDS)
        rows, columns = matrices[0].shape
        length = 0.2 * max(rows, columns) ** 0.5 if as_adamw else max(1.0, rows / columns) ** 0.5
        if weight_decay:
            torch._foreach_mul_(matrices, 1 - lr * weight_decay)
        for matrix, direction in zip(matrices, directions, strict=True):
            matrix.add_(direction, alpha=-lr * length)

    def _momentum(self, p: Tensor) -> Tensor:
        state = self.state[p]
        if not state:
            state["momentum_buffer"] = torch.zeros_like(p)
        return state["momentum_buffer"]


def _digits(matrix: Tensor) -> torch.dtype:
    """What products of it are computed in: autocast's type where it is on, so that it is converted once."""
    kind = matrix.device.type
    return torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else matrix.dtype


def orthogonalised(matrices: Tensor, rounds: int = ROUNDS) -> Tensor:
    """Matrices [*, D, C] with about the same singular vectors and like singular values (Newton-Schulz)."""
    tall = matrices.shape[-2] > matrices.shape[-1]
    x = matrices.mT if tall else matrices
    x = x / torch.linalg.matrix_norm(x, keepdim=True).clamp(min=1e-30)
    while rounds > 0:
        x = _newton_schulz(x, min(rounds, TOGETHER))
        rounds -= TOGETHER
    return x.mT if tall else x


def _newton_schulz(x: Tensor, rounds: int) -> Tensor:
    """Rounds of x → a x + b x xᵀ x + c (x xᵀ)² x on wide matrices [*, D, C].

    They work on the small square, [*, D, D], and only the product of all rounds is applied to the matrix itself.
    """
    a, b, c = QUINTIC
    square = x @ x.mT
    product = None
    for left in reversed(range(rounds)):
        factor = b * square + c * (square @ square)
        factor.diagonal(dim1=-2, dim2=-1).add_(a)
        product = factor if product is None else factor @ product
        if left:
            square = factor @ square @ factor
    return x if product is None else product @ x
