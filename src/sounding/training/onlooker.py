"""Who looks on while a model is trained: hears what a reporter hears, and sees the model between two steps.

Onlooker    a reporter that also looks at the model of each training, by a journal
Journals    several journals that are told of the same steps
"""

from __future__ import annotations

from collections.abc import Sequence

from sounding.contract.batch import Batch
from sounding.contract.records import Example
from sounding.contract.task import Task
from sounding.training.feed import Feed
from sounding.training.loop import Journal
from sounding.training.progress import Reporter
from sounding.training.train_state import TrainState


class Onlooker(Reporter):
    """A reporter that is shown the model as well. A subclass writes `journal`, and what it wants to hear of."""

    def journal(self, task: Task, validation: Sequence[Example], feed: Feed) -> Journal:
        """What is told of every step of a training that begins now. It changes nothing of it."""
        raise NotImplementedError


class Journals:
    """Several journals that are told of the same steps."""

    def __init__(self, *journals: Journal) -> None:
        self._journals = journals

    def stepped(self, state: TrainState, batch: Batch) -> None:
        """Tell each."""
        for journal in self._journals:
            journal.stepped(state, batch)
