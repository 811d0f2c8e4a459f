"""Challenges that take the place of the real ones: they say what a test tells them to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sounding.card.sections import found
from sounding.evaluation.challenge import Challenge, Findings
from sounding.evaluation.context import EvaluationContext

Answer = Callable[[str, EvaluationContext], Findings]


class StandIn(Challenge[None]):
    """One of the card's challenges by its id, title and place."""

    rows = False

    def __init__(self, real: Challenge[Any], answer: Answer) -> None:
        self.id, self.title, self.order, self.answer = real.id, real.title, real.order, answer

    def measure(self, context: EvaluationContext) -> Findings:
        return self.answer(self.id, context)


MEASURED = {challenge.id: challenge.title for challenge in found()}


def stand_ins(answer: Answer) -> tuple[StandIn, ...]:
    """One for every challenge, in the order of the card."""
    return tuple(StandIn(real, answer) for real in found())
