"""How strong a training by self-play becomes, and when, said before it starts.

How many games there are to a strength is known from former runs (`Curve`); how fast games are played and learnt from is
measured on this machine, within a few seconds, with the very network and search (`Pace`). The two together foretell the
time. What former runs did not reach is not foretold.

Legend of shapes: N positions.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from sounding.applications.games.shared.curves import Curve
from sounding.applications.games.shared.self_play import opened
from sounding.contract.batch import Batch
from sounding.contract.task import built
from sounding.machine.setting import Setting, inference
from sounding.randomness import stream
from sounding.training.rounds import players_of
from sounding.training.train_state import TrainState
from sounding.wording import roughly

if TYPE_CHECKING:
    from sounding.applications.games.shared.board_game import BoardGame


@dataclass(frozen=True)
class Pace:
    """Seconds that a round takes on this machine: played plainly, played with the network, and learnt from.

    `players` processes play while this one learns; with 0 it does both in turn.
    """

    plainly: float
    playing: float
    learning: float
    players: int = 0

    def seconds(self, rounds: float, plain: int) -> float:
        """How long so many rounds take, of which the first `plain` are played without the network."""
        first = min(rounds, plain + self.players)
        return first * self._round(self.plainly) + (rounds - first) * self._round(self.playing)

    def rounds(self, seconds: float, plain: int) -> float:
        """How many rounds there are in so many seconds."""
        first = self.seconds(plain + self.players, plain)
        if seconds <= first:
            return seconds / max(self._round(self.plainly), 1e-9)
        return plain + self.players + (seconds - first) / max(self._round(self.playing), 1e-9)

    def _round(self, playing: float) -> float:
        return max(self.learning, playing / self.players) if self.players else self.learning + playing


def foretold(task: BoardGame, curve: Curve, setting: Setting, seconds: float | None, until: float | None) -> str:
    """What a person is told before it starts: how strong after the time that is given, and when so strong as wanted."""
    recipe = task.recipe
    pace = measured(task, curve, setting)

    def after(games: float) -> float:
        return pace.seconds(games / recipe.games, recipe.plain)

    said = [f"{curve.score(games):.2f} after {roughly(after(games))}" for games in milestones(curve)]
    text = f"foretold for this machine: score against {curve.opponent} of {', '.join(said)}"
    if seconds is not None:
        games = recipe.games * pace.rounds(seconds, recipe.plain)
        beyond = ", and nothing is known of more games" if games > curve.games[-1] else ""
        text += f"; in the time that it has, {curve.score(games):.2f} with {games:,.0f} games{beyond}"
    if until is not None:
        games_needed = curve.games_to(until)
        reached = None if games_needed is None else after(games_needed)
        best = f"{max(curve.scores):.2f} is the most that is known, with {curve.games[-1]:,} games"
        text += f"; {until:g} takes " + (
            roughly(reached) if reached is not None else f"longer than anyone knows: {best}"
        )
    return f"{text} (from earlier runs)"


def milestones(curve: Curve) -> list[int]:
    """The games at which the score is told: the first, the middle and the last that are known."""
    known = [games for games in curve.games if games]
    return sorted({known[0], known[len(known) // 2], known[-1]})


def measured(task: BoardGame, curve: Curve, setting: Setting) -> Pace:
    """The pace on this machine, by one search and one step of a new network, each after one that compiles and warms up.

    Takes the time of some moves in `parallel` games.
    """
    recipe, game, rng = task.recipe, task.game, stream("pace")
    positions = opened(game, recipe.parallel, 2 * recipe.opening, rng)
    state = TrainState(task, 0, setting)
    with torch.random.fork_rng(devices=[]), inference(setting):
        searched = _searches(task, built(task).eval(), positions, rng)
        plain, full, quick = (_timed(search) for search in searched)
    moves = curve.moves * recipe.games / len(positions)
    return Pace(
        plainly=moves * plain,
        playing=moves * (recipe.share * full + (1 - recipe.share) * quick),
        learning=recipe.round_steps * _step(task, state, positions),
        players=players_of(task, state),
    )


def _searches(
    task: BoardGame, model: torch.nn.Module, positions: np.ndarray, rng: np.random.Generator
) -> list[Callable[[], object]]:
    """A plain search of the positions, a full one, a quick one."""
    from sounding.games.playouts import Rollouts
    from sounding.search.gumbel import gumbel_search

    recipe, game, evaluate = task.recipe, task.game, task.evaluator(model)
    return [
        lambda: Rollouts(recipe.plain_rollouts).moves(game, positions, rng),
        lambda: gumbel_search(game, positions, evaluate, recipe.simulations, recipe.considered, rng),
        lambda: gumbel_search(game, positions, evaluate, recipe.quick_simulations, recipe.considered, rng),
    ]


def _step(task: BoardGame, state: TrainState, positions: np.ndarray) -> float:
    """Seconds of a step of training."""
    rows = np.resize(positions, task.recipe.batch)
    targets = np.zeros(len(rows), task.target.dtype)
    targets["policy"], targets["outcome"] = 1 / task.game.actions, 1 / 3
    batch = Batch(task.encode_inputs(list(rows)), task.encode_targets(list(targets)), len(rows))
    return _timed(lambda: state.step([batch]))


def _timed(work: Callable[[], object]) -> float:
    """Seconds that it takes the second time."""
    work()
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
