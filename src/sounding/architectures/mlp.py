"""The multi-layer perceptron: linear layers with a bend between them.

Legend of shapes: B batch, I inputs, K outputs.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from jaxtyping import Float
from torch import Tensor, nn

from sounding.architectures.activations import activation
from sounding.architectures.layers import initialise


class MLP(nn.Module):
    """Linear, (normalisation,) activation, (dropout,) once for each of `widths`, then a linear layer to `outputs`.

    With no widths it is linear (logistic regression under a cross-entropy). `norm` is layer normalisation, which treats
    each example alone. Initialised after He et al. (arXiv 1502.01852). UsageError for an unknown activation.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        widths: Sequence[int] = (256, 256),
        *,
        act: str = "relu",
        dropout: float = 0.0,
        norm: bool = False,
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for fan_in, fan_out in pairwise([inputs, *widths]):
            layers.append(nn.Linear(fan_in, fan_out))
            layers.extend([nn.LayerNorm(fan_out)] if norm else [])
            layers.append(activation(act))
            layers.extend([nn.Dropout(dropout)] if dropout else [])
        self.body = nn.Sequential(*layers)
        self.head = nn.Linear([inputs, *widths][-1], outputs)
        initialise(self, act)

    def forward(self, x: Float[Tensor, "B I"]) -> Float[Tensor, "B K"]:
        """The outputs, no activation on them."""
        return self.head(self.body(x))
