"""The part of an agent's task that learns from recordings: behaviour cloning."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import cached_property
from typing import Any

import torch

from sounding.applications.games.arcade.cloning import RecordedEpisode, RecordedEpisodes, RecordedSteps, Teacher
from sounding.applications.games.arcade.trials import recorders, scores
from sounding.architectures.actor_critic import Actor
from sounding.contract.metrics import Metric
from sounding.contract.modality import Row
from sounding.contract.player import Player
from sounding.contract.records import Example, Record
from sounding.contract.task import Task
from sounding.environments import Spec
from sounding.modalities.actions.decision import Decision
from sounding.modalities.frames.frames import Frames
from sounding.modalities.vectors.vector import Vector
from sounding.randomness import stream


class Imitator(Player):
    """What learns in an environment by playing, or from recordings of what others did in it: then it imitates them.

    Beside the steps of held-out episodes, it is judged by episodes of its own (`set_metrics`).
    """

    document_nouns = ("episode", "step")
    input: Vector | Frames
    target: Decision
    teacher: Teacher | None = None  # who was imitated

    @property
    @abstractmethod
    def spec(self) -> Spec:
        """The environment."""

    @property
    @abstractmethod
    def gamma(self) -> float:
        """How much a reward counts a step later."""

    @cached_property
    def recorded(self) -> RecordedEpisodes:
        """Episodes of the environment, whose returns are discounted as those that are played."""
        return RecordedEpisodes(self.spec, self.gamma)

    def windows(self, documents: Sequence[RecordedEpisode]) -> RecordedSteps:
        """The steps of recorded episodes."""
        return RecordedSteps(documents, self.target, 1.0 if self.teacher is None else self.teacher.scale)

    def likelihood(self, rows: Sequence[Row]) -> tuple[float, str]:
        """Files that are recordings are meant for nothing else."""
        return 0.9, f"{len(rows):,} recordings"

    def fit(self, examples: Sequence[Example]) -> None:
        """Of recordings: learn what is sensed in them, and whose they are."""
        if self.plays:
            super().fit(examples)
            return
        found = [example.input for example in examples]
        self.input.fit(seen for episode in found for seen in episode.observations)
        self.teacher = Teacher.of(found)

    def taught(self, model: Actor) -> Actor:
        """A new model with the scales of the recordings, where it learns from any."""
        if self.teacher is not None:
            model.scale.fill_(self.teacher.scale)
            if isinstance(self.input, Vector):
                model.mean.copy_(torch.tensor(self.input.mean))
                model.deviation.copy_((torch.tensor(self.input.std).square() + 1e-8).sqrt())
        return model

    @property
    def set_metrics(self) -> Sequence[Metric]:
        """Beside recordings, the score of its own episodes, and of those that it imitates."""
        return () if self.plays else scores(self.spec, "" if self.teacher is None else str(self.teacher))

    def evaluate_set(self, model: Any, examples: Sequence[Example]) -> list[Record]:
        """Beside recordings: episodes of its own, and those that it imitates."""
        if self.plays:
            return []
        return [*self.matches(model, stream("matches")), *recorders(self.teacher.scores if self.teacher else ())]

    def state(self) -> dict[str, Any]:
        """As of any player, and who was imitated."""
        return super().state() | ({} if self.teacher is None else {"teacher": asdict(self.teacher)})

    @classmethod
    def restored(cls, state: Mapping[str, Any]) -> Task:
        """The task that gave `state`."""
        task = super().restored(state)
        if isinstance(task, Imitator) and "teacher" in state:
            task.teacher = Teacher.from_json(state["teacher"])
        return task
