"""Tasks that can be learnt the other way round: given an answer, find an input that it is the answer to."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

from sounding.contract.records import Example
from sounding.errors import UsageError

if TYPE_CHECKING:
    from sounding.contract.task import Task


class Invertible(ABC):
    """A task whose answers say as much as its inputs: with a text in one language, the same in another."""

    @classmethod
    def of(cls, task: Task) -> Self:
        """The task as one of these. Raises UsageError for one that is none."""
        if not isinstance(task, cls):
            what = "from the answers of this task its inputs cannot be told"
            raise UsageError(what, fix="Learn from its rows in another way")
        return task

    @abstractmethod
    def inverse(self) -> Task:
        """The fitted task that reads answers and gives inputs, the quick way, since it is to answer many."""

    @abstractmethod
    def unfit(self, input: Any, answer: Any) -> str:
        """Why an input that was made for an answer teaches nothing, as a count goes on ("3 empty"); nothing if it may.

        `input` is a value that the inverse has predicted, `answer` one that is real.
        """

    @abstractmethod
    def require_answers(self, values: Sequence[Any], rows: Sequence[Example]) -> None:
        """Raise DataError where `values`, which are meant as answers, are inputs; `rows` show what is which."""


def turned(rows: Sequence[Example]) -> list[Example]:
    """Rows whose inputs are the answers, and the other way round."""
    return [Example(row.target, row.input, row.group) for row in rows]
