"""Muon: filters take steps along orthogonalised momentum, everything else is trained by AdamW.

The gradient of a filter bank is dominated by a few directions; made orthogonal, all directions are learnt at one pace
(Jordan et al., "Muon: An optimizer for hidden layers in neural networks", 2024). In the form of airbench94 (arXiv
2404.00498, later versions) the bank also keeps its norm, since a normalisation behind it undoes any scale: so the
learning rate of a bank is the relative length of a step, whatever the layer's size or the loss's scale.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

MOMENTUM = 0.6
ROUNDS = 3
"""Rounds of Newton-Schulz iteration. Singular values need only come out within a factor of two or so of each other."""
QUINTIC = (3.4445, -4.7750, 2.0315)
"""Coefficients of x, x³ and x⁵, which lift small singular values fastest (Jordan et al.)."""


def muon_parameters(model: nn.Module) -> list[Tensor]:
    """The filter banks that Muon trains: of convolutions without a bias, which are those ahead of a normalisation.

    Depthwise ones are left out: their channels do not mix, so there is nothing to make orthogonal. So are those that
    begin at zero, which have no length to keep.
    """
    convolutions = [m for m in model.modules() if isinstance(m, nn.Conv1d | nn.Conv2d | nn.Conv3d)]
    found = [m.weight for m in convolutions if m.bias is None and m.groups == 1 and m.weight.any()]
    return [p for i, p in enumerate(found) if p.requires_grad and all(p is not other for other in found[:i])]


class Muon(torch.optim.AdamW):
    """AdamW, except for the parameter groups with `turns=True`, which Muon trains."""

    def __init__(self, groups: Iterable[dict[str, Any]]) -> None:
        super().__init__([{"turns": False, **group} for group in groups])

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        """One step of all groups; the gradients of Muon's own are used up."""
        for group in self.param_groups:
            for p in group["params"] if group["turns"] else ():
                if p.grad is not None:
                    self._turn(p, p.grad, group["lr"])
                    p.grad = None  # so that AdamW passes it by
        return super().step(closure)

    def _turn(self, p: Tensor, gradient: Tensor, lr: float) -> None:
        """A step of relative length `lr`, on the sphere of the norm that the bank began with."""
        state = self.state[p]
        if not state:  # AdamW expects a counter in every state
            state.update(step=torch.tensor(0.0), momentum_buffer=torch.zeros_like(p))
        state["step"] += 1
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
