"""The part of an agent's task that keeps how its training went: for the progress line, the card, and what it cost."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from sounding.applications.games.arcade.course import Course, Log
from sounding.contract.evidence import Estimate, Figure
from sounding.contract.player import Experience, Player
from sounding.contract.records import Record
from sounding.contract.task import Task
from sounding.environments import Spec
from sounding.evaluation import plots


class Charted(Player):
    """What learns in an environment, and keeps the course of it."""

    course: Course | None = None

    @property
    @abstractmethod
    def spec(self) -> Spec:
        """The environment."""

    def told(self, experience: Experience, seconds: float) -> Sequence[str]:
        """The mean score of the latest episodes, and how fast it plays and learns, both together."""
        return Log.restored(experience.state, 0).told(seconds)

    def conclude(self, experience: Experience) -> None:
        """Keep the course, unless the feed told it already."""
        self.course = self.course or Course.of(Log.restored(experience.state, 0))

    def accomplished(self, records: Sequence[Record]) -> Mapping[str, float]:
        """Frames, as they go by in the environment, and points of score beyond the first episodes."""
        if self.course is None:
            return {}
        found = {"million frames": self.course.steps * self.spec.skip / 1e6}
        gained = self.metrics[0].value(records) - self.course.points[0].score if self.course.points else 0.0
        return found | ({"point of score gained since the first episodes": gained} if gained > 0 else {})

    def figures(self, records: Sequence[Record]) -> Sequence[Figure]:
        """The score against the steps of the environment."""
        if self.course is None or len(self.course.points) < 2:
            return ()
        points = self.course.points
        means = [Estimate(point.score, point.low, point.high, point.episodes) for point in points]
        caption = (
            "Score of the episodes that were played in training, with the exploring that belongs to it: their "
            "interquartile mean in each twentieth, with its 95 % bootstrap interval."
        )
        drawn = plots.curve([point.steps for point in points], {"score": means}, "steps of the environment", "score")
        return (Figure("quality_course", caption, drawn),)

    def details(self, records: Sequence[Record]) -> Mapping[str, Any]:
        """The same as a table."""
        if self.course is None:
            return {}
        return {"score_in_training": [asdict(point) for point in self.course.points]}

    def state(self) -> dict[str, Any]:
        """As of any player, and the course."""
        return super().state() | ({} if self.course is None else {"course": asdict(self.course)})

    @classmethod
    def restored(cls, state: Mapping[str, Any]) -> Task:
        """The task that gave `state`."""
        task = super().restored(state)
        if isinstance(task, Charted) and "course" in state:
            task.course = Course.from_json(state["course"])
        return task
