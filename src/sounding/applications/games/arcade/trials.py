"""How good an agent is: whole episodes with the likeliest actions, as it learnt and in what it did not learn with."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sounding.architectures.actor_critic import Actor
from sounding.contract.metrics import Metric, mean_of_counted
from sounding.contract.records import Record
from sounding.environments import Disturbance
from sounding.environments.agent import Agent, episodes
from sounding.modalities.actions.decision import Trial

AS_LEARNT = ""
RECORDED = "recorded"
CONDITIONS = {
    "actions that stick": "each action is replaced by the one before with probability 0.25",
    "noise": "Gaussian noise of a tenth of each number's deviation on what is sensed",
    "delay": "what is sensed is one step late",
}
"""What makes an environment harder, with what it means."""


def disturbance(condition: str, model: Actor) -> Disturbance:
    """What a condition puts between the agent and its environment."""
    scale = tuple(model.deviation.tolist())  # nothing for screens
    found = {
        AS_LEARNT: Disturbance(),
        "actions that stick": Disturbance(sticky=0.25),
        "noise": Disturbance(noise=0.1, scale=scale),
        "delay": Disturbance(delay=1),
    }
    return found[condition]


def trials(agent: Agent, count: int, condition: str, disturbance: Disturbance, seed: int) -> list[Record]:
    """One record for each of `count` episodes under a condition, all played at once."""
    played = episodes(agent, count, seed, n=count, disturbance=disturbance)
    group = condition or "as learnt"
    return [
        Record(Trial(condition, each.score, each.steps), True, None, float("nan"), f"{group}, seed {each.seed}")
        for each in played
    ]


def recorders(taught: Sequence[float]) -> list[Record]:
    """The records of episodes that were recorded and had these scores."""
    return [
        Record(Trial(RECORDED, score, 0), True, None, float("nan"), f"recorded, episode {number}")
        for number, score in enumerate(taught, 1)
    ]


def scores(teacher: str = "") -> Sequence[Metric]:
    """The mean score in each condition, and of the `teacher` who was imitated, in words; the headline is the first."""
    said = "mean sum of the rewards of an episode, likeliest actions"
    beside = f"; it imitates {teacher}" if teacher else ""
    first = Metric("score", _judge(AS_LEARNT), mean_of_counted, said + beside)
    if teacher:
        of_teacher = Metric("score of the recorder", _judge(RECORDED), mean_of_counted, f"as score, of {teacher}")
        return first, of_teacher, *_harder()
    return first, *_harder()


def _harder() -> list[Metric]:
    return [
        Metric(f"score with {name}", _judge(name), mean_of_counted, f"as score, but {meaning}")
        for name, meaning in CONDITIONS.items()
    ]


def _judge(condition: str) -> Callable[[Record], float]:
    def judge(record: Record) -> float:
        return record.value.score if record.value.condition == condition else float("nan")

    return judge
