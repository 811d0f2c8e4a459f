"""minGRU: a recurrence that is linear in its states (Feng et al., "Were RNNs All We Needed?", arXiv 2410.01201).

    h_t = (1 − z_t) ⊙ h_{t−1} + z_t ⊙ c_t,    z_t = σ(W_z x_t),    c_t = W_c x_t

Gate and candidate look at the input alone, so both are one product of matrices over all steps; what is left to do one
step after the other is a single element-wise operation forwards and one backwards. One layer only sums what it reads,
each part as long as the gates keep it; depth makes the rest.

Legend of shapes: B batch, T steps, D width of what comes in, H units.
"""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn


class MinGRU(nn.Module):
    """Vectors [B, T, D] → (states [B, T, H], the last state [1, B, H]), as `nn.GRU` of one layer and direction gives.

    States are kept in fp32 or more, whatever the products are computed in: errors would add up over the steps.
    """

    def __init__(self, inputs: int, units: int, batch_first: bool = True) -> None:
        super().__init__()
        if not batch_first:
            raise ValueError("vectors come with the batch first")
        self.input_size, self.hidden_size, self.batch_first = inputs, units, True
        self.gates = nn.Linear(inputs, 2 * units)

    def forward(self, x: Float[Tensor, "B T D"]) -> tuple[Float[Tensor, "B T H"], Float[Tensor, "1 B H"]]:
        """The state after each step, and the last."""
        both = self.gates(x.transpose(0, 1))  # [T, B, 2 H]: a step lies together
        gates, candidates = both.to(torch.promote_types(both.dtype, torch.float32)).chunk(2, dim=2)
        states: Tensor = _Mixed.apply(gates.sigmoid(), candidates)
        return states.transpose(0, 1), states[-1:]


class _Mixed(torch.autograd.Function):
    """Shares z and candidates c, both [T, B, H] → states; the state ahead of the first step is 0."""

    @staticmethod
    def forward(ctx: Any, z: Tensor, c: Tensor) -> Tensor:
        """h_t = h_{t−1} + z_t (c_t − h_{t−1})."""
        states = torch.empty_like(c, memory_format=torch.contiguous_format)
        state = torch.zeros_like(c[0])
        for share, candidate, new in zip(z.unbind(), c.unbind(), states.unbind(), strict=True):
            torch.lerp(state, candidate, share, out=new)
            state = new
        ctx.save_for_backward(z, c, states)
        return states

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor]:
        """g_t = ∂L/∂h_t + (1 − z_{t+1}) g_{t+1}; then ∂L/∂z_t = g_t (c_t − h_{t−1}) and ∂L/∂c_t = g_t z_t."""
        z, c, states = ctx.saved_tensors
        (grad,) = grads
        kept, total = 1 - z, torch.empty_like(states)
        total[-1] = grad[-1]
        for t in range(len(z) - 2, -1, -1):
            torch.addcmul(grad[t], kept[t + 1], total[t + 1], out=total[t])
        before = torch.cat([torch.zeros_like(states[:1]), states[:-1]])
        return total * (c - before), total * z
