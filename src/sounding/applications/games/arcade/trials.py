"""How good an agent is: whole episodes with the likeliest actions, as it learnt, and with what it did not learn with.

Legend of shapes: N copies.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from torch import Tensor

from sounding.applications.games.arcade.rollout import best
from sounding.architectures.actor_critic import ActorCritic
from sounding.contract.metrics import Metric, mean_of_counted
from sounding.contract.records import Record
from sounding.environments import Disturbance, Environments
from sounding.modalities.actions.decision import Episode

AS_LEARNT = ""
CONDITIONS = {
    "actions that stick": "each action is replaced by the one before with probability 0.25",
    "noise": "Gaussian noise of a tenth of each number's deviation on what is sensed",
    "delay": "what is sensed is one step late",
}
"""What makes an environment harder, with what it means."""
LONGEST = 30_000
"""Steps after which an episode is counted as it stands."""


def disturbance(condition: str, model: ActorCritic) -> Disturbance:
    """What a condition puts between the agent and its environment."""
    scale = tuple(model.deviation.tolist())  # nothing for screens
    found = {
        AS_LEARNT: Disturbance(),
        "actions that stick": Disturbance(sticky=0.25),
        "noise": Disturbance(noise=0.1, scale=scale),
        "delay": Disturbance(delay=1),
    }
    return found[condition]


def trials(
    name: str,
    look: Callable[[Any], Tensor],
    model: ActorCritic,
    episodes: int,
    condition: str,
    rng: np.random.Generator,
) -> list[Record]:
    """One record for each of `episodes` episodes, all played at once."""
    seeds = rng.integers(0, 2**31 - 1, episodes)
    score, steps = np.zeros(episodes), np.zeros(episodes, np.int64)
    going = np.ones(episodes, bool)
    with Environments(name, episodes, disturbance=disturbance(condition, model)) as environments:
        seen = environments.reset(seeds)
        for _ in range(LONGEST):
            step = environments.step(best(model(look(seen))).numpy())
            score += going * step.rewards
            steps += going
            going &= ~step.ended
            seen = step.obs
            if not going.any():
                break
    told = zip(score.tolist(), steps.tolist(), seeds.tolist(), strict=True)
    return [
        Record(Episode(condition, s, n), True, None, float("nan"), f"{condition or 'as learnt'}, seed {seed}")
        for s, n, seed in told
    ]


def scores() -> Sequence[Metric]:
    """The mean score in each condition; the headline is the first."""
    first = Metric(
        "score", _judge(AS_LEARNT), mean_of_counted, "mean sum of the rewards of an episode, likeliest actions"
    )
    others = [
        Metric(f"score with {name}", _judge(name), mean_of_counted, f"as score, but {meaning}")
        for name, meaning in CONDITIONS.items()
    ]
    return first, *others


def _judge(condition: str) -> Callable[[Record], float]:
    def judge(record: Record) -> float:
        return record.value.score if record.value.condition == condition else float("nan")

    return judge
