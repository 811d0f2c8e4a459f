"""How good an agent is: whole episodes with the likeliest actions, as it learnt and in what it did not learn with.

Of the episodes as learnt it is told as well whether the agent knew what would come: at each step, the return that it
expected beside the discounted sum of the rewards that came.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sounding.architectures.actor_critic import Actor
from sounding.contract.metrics import POSITIVE, Metric, mean_of_counted
from sounding.contract.records import Record
from sounding.environments import Disturbance, Spec
from sounding.environments.agent import LONGEST, Agent, episodes
from sounding.environments.spec import FRAMES
from sounding.modalities.actions.decision import Trial

AS_LEARNT = ""
RECORDED = "recorded"
PIXELS = 2.0
"""Screens whose numbers go beyond this are of pixels; others are grids on which a thing is, or is not."""


@dataclass(frozen=True)
class Condition:
    """What makes an environment harder: what it means, and what it puts between the agent and its environment."""

    meaning: str
    disturbance: Disturbance


def conditions(spec: Spec, scale: Sequence[float] = ()) -> Mapping[str, Condition]:
    """The conditions that an environment can be put under; `scale` are the deviations of numbers that are sensed."""
    found = {
        "actions that stick": Condition(
            "each action is replaced by the one before with probability 0.25", Disturbance(sticky=0.25)
        ),
        "noise": _noise(spec, tuple(scale)),
        "delay": Condition("what is sensed is one step late", Disturbance(delay=1)),
    }
    shown = spec.observation
    if shown.kind == FRAMES and shown.high > PIXELS:
        found["brightness"] = Condition("a tenth of the range brighter", Disturbance(brightness=0.1))
    if spec.actions.noop is not None and spec.skip == 1:  # games of Atari's begin so as they are
        meaning = "an episode begins with 0 to 29 steps without an action"
        found["late starts"] = Condition(meaning, Disturbance(noop_max=30))
    return found


def _noise(spec: Spec, scale: tuple[float, ...]) -> Condition:
    shown = spec.observation
    if shown.kind != FRAMES:
        meaning = "Gaussian noise of a tenth of each number's deviation on what is sensed"
        return Condition(meaning, Disturbance(noise=0.1, scale=scale))
    if shown.high > PIXELS:
        return Condition("Gaussian noise of a tenth of the range on each pixel", Disturbance(noise=0.1))
    return Condition("one in ten cells of the grid is seen wrongly", Disturbance(noise=0.39))


def trials(
    agent: Agent,
    count: int,
    condition: str,
    disturbance: Disturbance,
    seed: int,
    gamma: float | None = None,
    longest: int = LONGEST,
) -> list[Record]:
    """One record for each of `count` episodes under a condition, all played at once.

    What was expected is told where there is a `gamma`, by which returns are discounted.
    """
    played = episodes(agent, count, seed, n=count, disturbance=disturbance, longest=longest, valued=gamma)
    group = condition or "as learnt"
    return [
        Record(
            Trial(condition, each.score, each.steps, each.expected, each.came),
            True,
            None,
            float("nan"),
            f"{group}, seed {each.seed}",
        )
        for each in played
    ]


def as_learnt(agent: Agent, games: int, seed: int, gamma: float | None = None, longest: int = LONGEST) -> list[Record]:
    """Episodes in the environment as it is, cut off after `longest` steps."""
    return trials(agent, games, AS_LEARNT, Disturbance(), seed, gamma, longest)


def all_trials(agent: Agent, model: Actor, games: int, seeds: Sequence[int], gamma: float) -> list[Record]:
    """Episodes as learnt, then half as many in each harder condition, each begun with its own of `seeds`."""
    harder = conditions(agent.spec, model.deviation.tolist())  # nothing for screens
    found = as_learnt(agent, games, seeds[0], gamma)
    for (name, condition), seed in zip(harder.items(), seeds[1:], strict=False):
        found += trials(agent, max(1, games // 2), name, condition.disturbance, seed)
    return found


def recorders(taught: Sequence[float]) -> list[Record]:
    """The records of episodes that were recorded and had these scores."""
    return [
        Record(Trial(RECORDED, score, 0), True, None, float("nan"), f"recorded, episode {number}")
        for number, score in enumerate(taught, 1)
    ]


def scores(spec: Spec, teacher: str = "") -> Sequence[Metric]:
    """The mean score in each condition, and of the `teacher` who was imitated, in words; the headline is the first.

    Behind them how far the return that was expected was from the one that came.
    """
    said = "mean sum of the rewards of an episode, likeliest actions"
    beside = f"; it imitates {teacher}" if teacher else ""
    found = [Metric("score", _judge(AS_LEARNT), mean_of_counted, said + beside)]
    if teacher:
        found.append(Metric("score of the recorder", _judge(RECORDED), mean_of_counted, f"as score, of {teacher}"))
    for name, condition in conditions(spec).items():
        found.append(Metric(f"score with {name}", _judge(name), mean_of_counted, f"as score, but {condition.meaning}"))
    came = (
        "the discounted sum of the rewards that came, cut as they were learnt from, up to a lost life "
        "(of an episode that was cut off, with what was expected then)"
    )
    bias = f"mean over the steps of an episode of the return that was expected less {came}; 0 is calibrated"
    return (
        *found,
        Metric("value bias", _bias, mean_of_counted, bias),
        Metric(
            "return that came",
            _came,
            mean_of_counted,
            f"mean over the steps of an episode of {came}: what the bias is to be seen beside",
        ),
        Metric(
            "distance of the value",
            _distance,
            mean_of_counted,
            "the bias of single episodes, without its sign",
            higher_is_better=False,
            bounds=POSITIVE,
        ),
    )


def _judge(condition: str) -> Callable[[Record], float]:
    def judge(record: Record) -> float:
        return record.value.score if record.value.condition == condition else float("nan")

    return judge


def _bias(record: Record) -> float:
    return float(record.value.expected - record.value.came)


def _came(record: Record) -> float:
    return float(record.value.came)


def _distance(record: Record) -> float:
    return abs(_bias(record))
