"""What a move costs and what the games cost that were learnt from; how strength grew with them. A part of `energy`.

Strength along the training is that of the matches which the training plays as it goes on: Elo against its strongest
fixed opponent, who stands at 0, so that runs of one game with one opponent can be set side by side.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count

import numpy as np
import torch

from sounding.arena.elo import elo_of
from sounding.challenges.costs.windows import WINDOW_SECONDS, Window, joules_each, scaled
from sounding.contract.contest import Contest
from sounding.contract.evidence import COUNTED, Bound, Estimate, Figure, Number
from sounding.contract.player import PlayRecipe
from sounding.evaluation import plots
from sounding.evaluation.challenge import Findings
from sounding.evaluation.context import EvaluationContext
from sounding.evaluation.independent import difference
from sounding.evaluation.intervals import wilson
from sounding.machine.metering.cost import Cost
from sounding.machine.metering.meter import Meter
from sounding.randomness import stream

WINDOWS = 5
TIMES = (0, 1, 4)
"""How many times the simulations of a usual match; 0: the network alone."""
PER_KWH = 3.6e6


@dataclass(frozen=True)
class Stage:
    """A point of the training: how many games and joules went before, and how strong it was then."""

    games: int
    joules: float
    elo: Estimate


def of_a_game(context: EvaluationContext, contest: Contest, cost: Cost | None) -> Findings:
    """Joules of a move by its simulations, of a game that was learnt from; Elo against games and energy."""
    numbers = list(_of_moves(context, contest))
    if cost is None or not contest.games:
        return Findings("", tuple(numbers))
    recipe = context.task.recipe
    assert isinstance(recipe, PlayRecipe)
    stages = list(_stages(context, contest, cost, recipe.round_steps))
    games = _games(int(context.training.get("steps") or 0), contest, recipe.round_steps)
    numbers += _of_games(games, cost)
    numbers += _growth(stages, contest.opponents[0].name)
    figures = (_figure(stages, contest.opponents[0].name),) if len(stages) > 1 else ()
    each = cost.joules.value / games if games else math.nan
    return Findings(
        f" {games:,} games were learnt from, at {each:.3g} J each." if games else "", tuple(numbers), figures
    )


def _of_moves(context: EvaluationContext, contest: Contest) -> Iterator[Number]:
    rows = context.sample(32, "moves")
    positions = np.array([row.input for row in rows], contest.game.dtype) if rows else contest.game.start(1)
    for simulations in sorted({times * contest.simulations for times in TIMES}):
        found = list(_windows(contest, simulations, positions, WINDOW_SECONDS[context.profile]))
        how = f"{simulations} simulations" if simulations else "the network alone"
        definition = f"energy of choosing one move in one game, {how}; positions of held-out games"
        kind, each = found[0].cost.kind, joules_each(found, context.seed)
        yield Number(f"joules_per_move_{simulations}", f"energy of a move, {how}", each, definition, "J", kind)


def _windows(contest: Contest, simulations: int, positions: np.ndarray, seconds: float) -> Iterator[Window]:
    mover, rng, turn = contest.mover(simulations, False), stream("moves"), count()
    with torch.inference_mode():
        mover.moves(contest.game, positions[:1], rng)  # a first call is slower
        for _ in range(WINDOWS):
            calls: list[float] = []
            with Meter() as meter:
                while not calls or sum(calls) < seconds:
                    place, started = next(turn) % len(positions), time.perf_counter()
                    mover.moves(contest.game, positions[place : place + 1], rng)
                    calls.append(time.perf_counter() - started)
            yield Window(len(calls), meter.cost, np.array(calls))


def _games(steps: int, contest: Contest, round_steps: int) -> int:
    """Games of the rounds that so many steps learnt from."""
    return -(-steps // round_steps) * contest.games


def _of_games(games: int, cost: Cost) -> Iterator[Number]:
    if not games:
        return
    yield Number(
        "training_games",
        "games of self-play",
        Estimate(float(games), n=games, interval=COUNTED),
        "games of the rounds that were learnt from",
    )
    definition = "energy of training divided by its games: playing and learning together"
    each = scaled(cost.joules, 1 / games)
    yield Number("joules_per_training_game", "energy of a training game", each, definition, "J", cost.kind)


def _stages(context: EvaluationContext, contest: Contest, cost: Cost, round_steps: int) -> Iterator[Stage]:
    """What the history of the training has of its matches."""
    name = context.task.metrics[0].name
    for row in context.training.get("history") or ():
        share = row.get(name)
        if isinstance(share, float) and math.isfinite(share) and contest.match_games:
            joules = cost.joules.value * min(1.0, row["seconds"] / cost.seconds) if cost.seconds else 0.0
            yield Stage(_games(int(row["step"]), contest, round_steps), joules, _elo(share, contest.match_games))


def _elo(share: float, games: int) -> Estimate:
    """Elo of a share of the points with Wilson's interval; of all or nothing a bound."""
    found = wilson(share * games, games)
    assert found.low is not None
    assert found.high is not None
    low, high = elo_of(found.low), elo_of(found.high)
    if share in (0.0, 1.0):
        end, bound = (high, Bound.UPPER) if share == 0 else (low, Bound.LOWER)
        return Estimate(end, n=games, interval=found.interval, bound=bound)
    return Estimate(elo_of(share), low, high, games, found.level, found.interval)


def _growth(stages: Sequence[Stage], opponent: str) -> Iterator[Number]:
    """Elo at the end, and what of it a kilowatt-hour brought since the first matches."""
    if not stages:
        return
    first, last = stages[0], stages[-1]
    definition = f"Elo in the last matches of the training, against {opponent}, who stands at 0"
    bounded = last.elo.bound is not Bound.NONE
    yield Number(
        "elo",
        f"Elo against {opponent}",
        last.elo,
        definition,
        "Elo",
        "bound" if bounded else "measured",
        bound=last.elo.bound,
    )
    kilowatt_hours = (last.joules - first.joules) / PER_KWH
    if kilowatt_hours <= 0 or bounded or first.elo.bound is not Bound.NONE:
        return
    gained = scaled(difference(last.elo, first.elo), 1 / kilowatt_hours)
    definition = (
        f"Elo gained from the first matches of the training to the last, divided by the energy between them "
        f"({last.joules - first.joules:.3g} J); how sure these joules are is not in the interval"
    )
    yield Number("elo_per_kwh", "Elo gained per kWh", gained, definition, "Elo/kWh", "estimated")


def _figure(stages: Sequence[Stage], opponent: str) -> Figure:
    ends = [_closed(stage.elo) for stage in stages]
    caption = (
        f"Elo against {opponent}, who stands at 0, by the games that were learnt from before; the last of them took "
        f"{stages[-1].joules:.3g} J."
    )
    drawn = plots.curve([stage.games for stage in stages], {"Elo": ends}, "games", "Elo", log_x=True)
    return Figure("energy_elo", caption, drawn)


def _closed(elo: Estimate) -> Estimate:
    """An end that is not known is the value itself, so that a curve goes on through a bound."""
    low = elo.value if elo.low is None else elo.low
    high = elo.value if elo.high is None else elo.high
    return replace(elo, low=low, high=high)
