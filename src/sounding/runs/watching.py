"""An agent that is watched, and a person who plays: episode by episode, shown, filmed and recorded.

Legend of shapes: T steps, H rows, W columns.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sounding.contract.inputs import Explainable
from sounding.contract.modality import Modality
from sounding.drawing.raster import image
from sounding.environments import Environments, Spec
from sounding.environments.chance import SEEDS
from sounding.environments.recording import Recording
from sounding.errors import UsageError
from sounding.randomness import entropy
from sounding.runs.model import Model

Choose = Callable[[np.ndarray], np.ndarray | None]
"""What is seen [1, …] → what to do [1] or [1, D]; None to stop."""

Show = Callable[[NDArray[np.uint8], str], None]
"""Show a picture [H, W, 3] with a line of words."""


@dataclass(frozen=True)
class Watched:
    """An episode that was watched, with its pictures, one for each step."""

    recording: Recording
    pictures: list[NDArray[np.uint8]]


class Explained:
    """Pictures of what an agent sees, with the weight that each part had for what it does.

    Beside it, the same with the weights for what it tells beside that: the return that it expects.
    """

    def __init__(self, model: Model, method: str = "occlusion") -> None:
        self._model, self._method = model, method
        self._input = Explainable.of(model.task.input)

    def picture(self, seen: np.ndarray) -> NDArray[np.uint8]:
        """What is seen [1, …] under the weights of its parts."""
        drawn = [
            self._input.render(seen[0], self._model.explain(seen[0], self._method, of=what).weights)
            for what in ("", *self._model.task.estimates)
        ]
        return np.concatenate([np.asarray(image(each.sheet, 1.0)) for each in drawn], axis=1)


def watch(
    environments: Environments,
    choose: Choose,
    show: Show | None,
    seed: int,
    by: str,
    seen_as: Callable[[np.ndarray], NDArray[np.uint8]],
) -> Watched | None:
    """One episode of a single copy, begun with `seed`; None where it was stopped ahead of the first step.

    `seen_as` draws what is seen, and is called in each step.
    """
    seen = environments.reset([entropy("episode", seed) % SEEDS])
    began_with = int(environments.episode_seeds[0])
    observations: list[np.ndarray] = []
    actions: list[np.ndarray] = []
    rewards: list[float] = []
    pictures: list[NDArray[np.uint8]] = []
    score, ended = 0.0, False
    while not ended:
        picture = seen_as(seen)
        if show is not None:
            show(picture, f"{environments.name}   step {len(actions):,}   score {score:g}")
        action = choose(seen)
        if action is None:
            break
        step = environments.step(action)
        pictures.append(picture)
        observations.append(seen[0])
        actions.append(np.asarray(action)[0])
        rewards.append(float(step.rewards[0]))
        score += rewards[-1]
        seen, ended = step.obs, bool(step.ended[0])
    if not actions:
        return None
    recording = Recording(
        environments.name,
        environments.settings,
        began_with,
        by,
        np.stack(observations),
        np.stack(actions),
        np.array(rewards, np.float32),
        ended,
    )
    return Watched(recording, pictures)


def rate_of(spec: Spec) -> float:
    """Steps of a second at which an episode looks as it does to a person."""
    return max(1.0, min(60.0, spec.frames_per_second / spec.skip))


def drawn_by(
    environments: Environments, task_input: Modality, say: Callable[[str], None] = lambda words: None
) -> Callable[[np.ndarray], NDArray[np.uint8]]:
    """How a step is drawn: as the environment does, else what is seen of it, by the modality `task_input`.

    Then `say` is told why: a package may be missing.
    """
    environments.reset([0])
    try:
        environments.render()
        return lambda seen: environments.render()
    except UsageError as error:
        say(f"{error.what}. What is seen is drawn instead")
        return lambda seen: np.asarray(image(task_input.render(seen[0]).sheet, 1.0))
