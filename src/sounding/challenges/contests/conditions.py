"""What is left under conditions that a model was not trained for: longer random openings, other rules (komi).

Each condition is a match against the strongest fixed opponent, from openings of its own that both sides begin once, and
the positions of these games in which the model is to move: are the points that it expects those that it gets?

Legend of shapes: N positions.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from sounding.arena.matches import Match, play_match
from sounding.arena.openings import openings
from sounding.challenges.contests.affordable import openings_within
from sounding.contract.contest import Contest
from sounding.contract.evidence import Estimate, Number
from sounding.contract.metrics import CORRELATION, SHARE, mean
from sounding.errors import UsageError
from sounding.evaluation.challenge import Findings, NotMeasured, Unasked
from sounding.evaluation.context import EvaluationContext
from sounding.evaluation.independent import difference
from sounding.evaluation.intervals import bootstrap
from sounding.wording import listed

TIMES = (2, 4)
"""How many times the random moves of a usual opening."""
USUAL = "as trained"


@dataclass(frozen=True)
class Condition:
    """A game by these rules, after so many random moves."""

    name: str
    game: Any
    plies: int

    @property
    def id(self) -> str:
        """Its name as part of a number's."""
        return re.sub(r"\W+", "_", self.name.replace("−", "minus ").replace("+", "plus ")).strip("_")


@dataclass(frozen=True)
class Result:
    """What came of a condition: points a game; expected less real points, and their squared distance."""

    condition: Condition
    score: Estimate
    bias: Estimate
    error: Estimate


def conditions(contest: Contest) -> Iterator[Condition]:
    """The usual one first."""
    yield Condition(USUAL, contest.game, contest.opening)
    usual = max(contest.learnt_opening, contest.opening)
    for times in TIMES:
        yield Condition(f"openings of {times * usual} random moves", contest.game, times * usual)
    for name, game in contest.variants.items():
        yield Condition(name, game, contest.opening)


def elsewhere(context: EvaluationContext, contest: Contest, pairs: int, seconds: float) -> Findings:
    """The score and the value under each condition beside the usual one, as far as the time allows."""
    pairs = openings_within(contest, pairs, seconds, matches=len(list(conditions(contest))))
    if not pairs:
        raise NotMeasured(Unasked(f"games of this model take more than the {seconds:.0f} s that this profile has"))
    end, found, left = time.perf_counter() + seconds, list[Result](), list[str]()
    for condition in conditions(contest):
        if len(found) > 1 and time.perf_counter() > end:
            left.append(condition.name)
            continue
        try:
            found.append(_result(context, contest, condition, pairs))
        except UsageError:  # there are not so many openings
            left.append(condition.name)
    usual, opponent = found[0], contest.opponents[0].name
    numbers = tuple(number for result in found for number in _numbers(result, usual, opponent, pairs, context.seed))
    table = [
        {
            "condition": result.condition.name,
            "score": result.score.cell,
            "expected less real points": result.bias.cell,
            "value error": result.error.cell,
        }
        for result in found
    ]
    details: dict[str, Any] = {"conditions": table} | ({"conditions not played": left} if left else {})
    return Findings(_sentence(found, opponent), numbers, details=details)


def _result(context: EvaluationContext, contest: Contest, condition: Condition, pairs: int) -> Result:
    rng = context.rng(f"condition {condition.plies}")  # the same openings by other rules
    begins = openings(condition.game, pairs, condition.plies, rng)
    mine, other = contest.mover(contest.simulations, False), contest.opponents[0]
    with torch.inference_mode():
        match = play_match(condition.game, mine, other, begins, rng, at_a_time=256)
        positions, points, numbers = _met(condition.game, match, begins)
        _, expected = contest.judge(positions)
    groups = [f"opening {number}" for number in numbers]
    off, seed = expected - points, context.seed
    return Result(
        condition,
        bootstrap(match.pairs.mean(axis=1), mean, None, seed, bounds=SHARE),
        bootstrap(off, mean, groups, seed, bounds=CORRELATION),
        bootstrap(off**2, mean, groups, seed, bounds=SHARE),
    )


def _met(game: Any, match: Match, begins: np.ndarray) -> tuple[np.ndarray, np.ndarray, Sequence[int]]:
    """The positions [N] of a match in which the one was to move, the points that it got, and the opening of each."""
    found, points, numbers = [], [], []
    for played in match.games:
        position = begins[played.opening : played.opening + 1].copy()
        for action in played.actions:
            if (game.to_play(position)[0] == 0) == played.first:
                found.append(position.copy())
                points.append(played.points)
                numbers.append(played.opening)
            game.play(position, [action])
    return np.concatenate(found), np.array(points), numbers


def _numbers(result: Result, usual: Result, opponent: str, pairs: int, seed: int) -> Iterator[Number]:
    id, name = result.condition.id, result.condition.name
    plies = result.condition.plies
    what = f"{name}: points a game against {opponent}; {pairs} openings of {plies} random moves, both sides"
    yield Number(f"score_{id}", f"score, {name}", result.score, what, seed=seed)
    if result is not usual:
        gap = difference(result.score, usual.score)
        yield Number(f"gap_{id}", f"gap in score, {name}", gap, f"the same minus that {USUAL}", seed=seed)
    definition = "expected less real points of the positions of these games in which it is to move; above 0 it hopes"
    yield Number(f"bias_{id}", f"expected less real points, {name}", result.bias, definition, seed=seed)
    definition = "mean squared distance of expected and real points of these positions (Brier)"
    yield Number(f"value_error_{id}", f"value error, {name}", result.error, definition, seed=seed)


def _sentence(found: Sequence[Result], opponent: str) -> str:
    usual, others = found[0], found[1:]
    said = [f"{r.condition.name} {r.score} (expected less real points {r.bias.value:+.2f})" for r in others]
    start = f"Against {opponent} the score is {usual.score} {USUAL} (expected less real points {usual.bias.value:+.2f})"
    return f"{start}; {listed(said, len(said), '; ')}." if said else f"{start}."
