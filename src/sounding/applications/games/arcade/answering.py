"""From what a network says of observations to what is done, and what is expected of it. In numpy, without torch.

Legend of shapes: B batch, A actions, D numbers of a continuous action.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sounding.contract.modality import Modality
from sounding.contract.postprocessing import Arrays, OnePass
from sounding.contract.records import Prediction
from sounding.modalities.actions.decision import Decision
from sounding.postprocessing.functions import softmax


@dataclass(frozen=True)
class LikeliestAction(OnePass):
    """The likeliest action from logits [B, A], or the mean of continuous ones [B, D], and the value [B].

    `scale` is the unit of the value, in rewards.
    """

    scale: float
    discrete: bool

    @property
    def steps(self) -> Sequence[str]:
        """The largest, or the mean; the expected return."""
        chosen = (
            "the action is the one of the largest `policy`; softmax of `policy` tells how likely each is"
            if self.discrete
            else "the action is `policy`, cut off at the least and the largest that the environment takes"
        )
        return chosen, f"`value` times {self.scale:.6g} is the discounted return that is expected"

    def answers(self, outputs: Arrays, x: Arrays, values: Sequence[Any], target: Modality) -> list[Prediction]:
        """The action on each observation, the shares of discrete ones, and the return that is expected."""
        assert isinstance(target, Decision)
        policy, value = outputs
        done = policy.argmax(axis=1) if self.discrete else policy
        found = target.taught(done, value * self.scale, self.scale)
        if not self.discrete:
            return [Prediction(each) for each in found]
        return [Prediction(each, float(row.max()), row) for each, row in zip(found, softmax(policy), strict=True)]
