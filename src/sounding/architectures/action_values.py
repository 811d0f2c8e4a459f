"""What each action is worth: of numbers a perceptron, of screens an eye, with layers that are normalised.

With LayerNorm after each layer values are learnt without a network to aim at beside the one that learns (Gallici et
al. 2024, arXiv 2407.04811). `dueling`: the worth of what is seen, and beside it what each action adds (Wang et al.
2016, arXiv 1511.06581).

Legend of shapes: B batch, I numbers sensed, C channels of H rows and W columns, A actions.
"""

from __future__ import annotations

from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor, nn

from sounding.architectures.actor_critic import Acting, Actor, eye, in_full


class ActionValues(Actor):
    """Observations [B, I], or screens [B, C, H, W] in 0…1 → Acting, whose `policy` [B, A] is the worth of each action.

    `value` is that of the best; both are in units of `scale`.
    """

    def __init__(
        self,
        shape: Sequence[int],
        actions: int,
        width: int,
        model: str = "",
        normed: bool = True,
        dueling: bool = False,
    ) -> None:
        """`shape` is (I,) or (C, H, W); `model` one of `actor_critic.networks(shape)`, the first by default."""
        numbers = shape[0] if len(shape) == 1 else 0
        super().__init__(numbers)
        self.eye = _layers(numbers, width, normed) if numbers else eye(shape, width, model, normed)
        self.gains = nn.Linear(width, actions)
        self.worth = nn.Linear(width, 1) if dueling else None
        for head in (self.gains, self.worth):
            if head is not None:
                nn.init.orthogonal_(head.weight, 0.01)
                nn.init.zeros_(head.bias)

    def forward(self, x: Float[Tensor, "B ..."]) -> Acting:
        """What each action is worth."""
        if x.ndim > 2:
            return self._valued(self.eye(x))
        with in_full(x):
            return self._valued(self.eye(self.normalised(x)))

    def _valued(self, seen: Tensor) -> Acting:
        with in_full(seen):
            seen = seen.float()
            values = self.gains(seen)
            if self.worth is not None:
                values = self.worth(seen) + values - values.mean(dim=1, keepdim=True)
            return Acting(values, None, values.amax(dim=1))


def _layers(numbers: int, width: int, normed: bool) -> nn.Sequential:
    """Two hidden layers."""
    layers: list[nn.Module] = []
    for inputs in (numbers, width):
        layers += [nn.Linear(inputs, width), *([nn.LayerNorm(width)] if normed else []), nn.ReLU()]
    return nn.Sequential(*layers)
