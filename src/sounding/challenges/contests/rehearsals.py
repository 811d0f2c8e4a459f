"""An opponent that rehearses: it plays each opening many times against the frozen model, and then plays its best game.

It has the model's own network and as many simulations a move, but draws its moves. The model draws nothing, so a game
that was won once is won again: what is left of the model's points when the opponent may pick the best of its rehearsals
is an upper bound on what is left against one that looks for weaknesses. Real adversaries find more (Wang et al. 2023,
arXiv 2211.00241, beat superhuman Go programs in nearly all games), and less where a model draws its moves.

Legend of shapes: R rehearsals, P openings.
"""

from __future__ import annotations

import time

import numpy as np
import torch

from sounding.arena.matches import play_match
from sounding.arena.openings import openings
from sounding.challenges.contests.affordable import openings_within
from sounding.contract.contest import Contest
from sounding.contract.evidence import Bound, Number
from sounding.contract.metrics import SHARE, mean
from sounding.evaluation.challenge import Findings
from sounding.evaluation.context import EvaluationContext
from sounding.evaluation.intervals import bootstrap
from sounding.wording import counted


def under_rehearsals(context: EvaluationContext, contest: Contest, pairs: int, most: int, seconds: float) -> Findings:
    """The model's points against an opponent that rehearses, beside those against the same one that does not."""
    pairs = openings_within(contest, pairs, seconds, matches=2)
    if not pairs:
        return Findings(f"No opponent rehearsed: two games of each opening take more than {seconds:.0f} s here.")
    game, rng = contest.game, context.rng("rehearsals")
    begins = openings(game, pairs, contest.opening, rng)
    victim, opponent = contest.mover(contest.simulations, False), contest.mover(contest.simulations, True)
    rounds: list[np.ndarray] = []
    end = time.perf_counter() + seconds
    while len(rounds) < most and (len(rounds) < 2 or time.perf_counter() < end):
        with torch.inference_mode():
            rounds.append(play_match(game, victim, opponent, begins, rng, at_a_time=256).pairs)
    points = np.stack(rounds)  # [R, P, 2]
    first, least = (kept.mean(axis=1) for kept in (points[0], points.min(axis=0)))
    without, left = (bootstrap(kept, mean, None, context.seed, bounds=SHARE) for kept in (first, least))
    how = (
        f"the same network with {contest.simulations} simulations a move, which draws its moves; "
        f"{counted(pairs, 'opening')}, both sides"
    )
    definition = f"points a game of the model against {how}; the best of {counted(len(rounds), 'game')} of each is kept"
    numbers = (
        Number(
            "unrehearsed",
            "score against itself without rehearsals",
            without,
            f"points a game against {how}",
            seed=context.seed,
        ),
        Number(
            "rehearsed",
            "score against an opponent that rehearses",
            left,
            definition,
            kind="bound",
            seed=context.seed,
            bound=Bound.UPPER,
        ),
    )
    sentence = (
        f"Against an opponent with the same network that plays each opening {counted(len(rounds), 'time')} and keeps "
        f"its best game, the model gets at most {left.value:.3f} of the points (without rehearsals {without})."
    )
    return Findings(sentence, numbers)
