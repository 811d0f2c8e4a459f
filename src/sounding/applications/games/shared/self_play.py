"""Games against itself, many at a time, and what is learnt from each position.

A quarter of the moves are searched in full, and these positions alone are learnt from; the others are searched briefly,
so that there are more games, and so more results, for the same time (playout-cap randomisation: Wu, arXiv 1902.10565,
section 3.1). Games begin with some moves at random, so that not all are alike.

The first rounds may be played without the network, by a plain search with random games, as the first expert of expert
iteration is (Anthony et al., arXiv 1705.08439): it knows the rules alone, and yet much more than a network that has
learnt nothing, and where random games are cheap it plays several times as fast.

Legend of shapes: N positions, A actions, G games.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import repeat
from typing import Any, NamedTuple

import numpy as np

from sounding.contract.player import Experience
from sounding.games.game import Game, Positions
from sounding.modalities.boards.judgement import record
from sounding.search.evaluator import Evaluator


class Found(NamedTuple):
    """What a search found of N positions, to be learnt. Values are from the view of the player to move."""

    actions: np.ndarray  # [N] the move to play
    policy: np.ndarray  # [N, A] what is to be learnt of the moves
    values: np.ndarray  # [N] in -1…1
    proven: np.ndarray  # [N] bool: the value is that of best play


Searching = Callable[[Positions, bool], Found]
"""Searches positions, in full or briefly."""


@dataclass(frozen=True)
class SelfPlay:
    """How games are played: so many a round, `parallel` at a time."""

    games: int
    parallel: int
    simulations: int  # of a move that is learnt from
    quick_simulations: int  # of any other
    share: float  # of the moves that are learnt from
    considered: int  # moves that a search begins with
    opening: int  # random moves at the beginning of a game, at most
    value_scale: float = 1.0  # how much the values of a search weigh beside the shares that the network gave

    def __call__(self, game: Game, evaluate: Evaluator, rng: np.random.Generator, ending: Ending) -> Experience:
        """The positions of a round, game by game as they ended; a function of the evaluator and `rng` alone."""
        from sounding.search.gumbel import gumbel_search  # compiled: applications can be listed without numba

        def search(positions: Positions, full: bool) -> Found:
            simulations = self.simulations if full else self.quick_simulations
            found = gumbel_search(game, positions, evaluate, simulations, self.considered, rng, self.value_scale)
            return Found(found.actions, found.policy, found.values, found.proven)

        return self._played(game, search, self._full_moves(rng), rng, ending)

    def plainly(self, game: Game, rollouts: int, rng: np.random.Generator, ending: Ending) -> Experience:
        """A round without a network: every move by plain tree search with so many random games, and learnt from.

        A function of `rng` alone.
        """
        from sounding.games.playouts import Rollouts

        def search(positions: Positions, full: bool) -> Found:
            found = Rollouts(rollouts).searched(game, positions, rng)
            policy = found.visits / found.visits.sum(axis=1, keepdims=True)
            return Found(found.actions, policy, found.values, np.zeros(len(positions), np.bool_))

        return self._played(game, search, repeat(True), rng, ending)

    def _played(
        self, game: Game, search: Searching, moves: Iterable[bool], rng: np.random.Generator, ending: Ending
    ) -> Experience:
        """The games; `moves` says of each move whether it is searched in full, and so learnt from."""
        tables = _Tables(self, game, rng)
        for full in moves:
            if not len(tables.positions):
                break
            found = search(tables.positions, full)
            if full:
                tables.note(found)
            tables.play(found.actions)
        return tables.experience(ending)

    def _full_moves(self, rng: np.random.Generator) -> Iterator[bool]:
        """Endless: whether the next move of all games is searched in full, as one drawn of each four or so is.

        All of them together, since a network is the faster the more positions it is asked about at once.
        """
        block = max(1, round(1 / self.share))
        while True:
            chosen = int(rng.integers(block))
            yield from (place == chosen for place in range(block))


class Ending:
    """What the end of a game says of the positions on the way to it. This one knows who won; Go adds the points."""

    territory = False

    def of(self, game: Game, last: Positions) -> dict[str, np.ndarray]:
        """By the name of a field of a judgement, for each of G games that ended so, from the first player's view."""
        return {}

    def of_record(self, game: Game, last: Callable[[], Positions], score: float) -> dict[str, Any]:
        """The same of one game that others played, where it is known, else NaN.

        `last` gives the position [1] after its last move, where people left it, and `score` is what they counted: NaN
        where they did not.
        """
        return {}

    def ended(self, game: Game, positions: Positions) -> Positions:
        """The positions with every game brought to an end, where it takes no more than agreeing that it is over."""
        return positions


class _Tables:
    """The games that are being played, and what was noted of them."""

    def __init__(self, plan: SelfPlay, game: Game, rng: np.random.Generator) -> None:
        self.plan, self.game, self.rng = plan, game, rng
        self.begun = min(plan.games, plan.parallel)
        self.positions = opened(game, self.begun, plan.opening, rng)
        self.numbers = np.arange(self.begun)
        self.last = np.zeros(plan.games, game.dtype)
        self._noted: list[tuple[np.ndarray, ...]] = []

    def note(self, found: Found) -> None:
        """Keep the positions with what a full search found of them."""
        policy = found.policy.astype(np.float16)
        self._noted.append((self.numbers.copy(), self.positions.copy(), policy, found.values, found.proven))

    def play(self, moves: np.ndarray) -> None:
        """Play a move in each game; where one has ended, another begins as long as there are any."""
        self.game.play(self.positions, moves)
        over = np.flatnonzero(self.game.over(self.positions))
        if not len(over):
            return
        self.last[self.numbers[over]] = self.positions[over]
        new = min(len(over), self.plan.games - self.begun)
        if new:
            again = over[:new]
            self.positions[again] = opened(self.game, new, self.plan.opening, self.rng)
            self.numbers[again] = np.arange(self.begun, self.begun + new)
            self.begun += new
        if new < len(over):
            self.positions = np.delete(self.positions, over[new:])
            self.numbers = np.delete(self.numbers, over[new:])

    def experience(self, ending: Ending) -> Experience:
        """All that was noted, with how each game ended, or should have ended where a search proved that."""
        kinds: Any = record(self.game, ending.territory)
        if not self._noted:
            return Experience(np.zeros(0, self.game.dtype), np.zeros(0, kinds), np.zeros(0, np.int64))
        games, inputs, policy, values, proven = (np.concatenate(parts) for parts in zip(*self._noted, strict=True))
        targets = np.zeros(len(games), kinds)
        targets["policy"] = policy
        if self.game.speaks_of_positions:
            targets["position"] = inputs
        sign = 1.0 - 2.0 * self.game.to_play(inputs)
        result = np.where(proven, values, sign * self.game.results(self.last)[games])
        targets["outcome"] = np.stack([result > 0, result == 0, result < 0], axis=1)
        targets["thought"] = np.where(proven, 0, [(1 + values) / 2, np.zeros_like(values), (1 - values) / 2]).T
        for name, values in ending.of(self.game, self.last).items():
            targets[name] = (values[games].T * sign).T
        order = np.argsort(games, kind="stable")
        return Experience(inputs[order], targets[order], games[order])


def opened(game: Game, n: int, most: int, rng: np.random.Generator, least: int = 0) -> Positions:
    """[N] positions after `least` to `most` moves at random, none of a game that is over."""
    positions = game.start(n)
    count = rng.integers(least, most + 1, n)
    for move in range(most):
        rows = np.flatnonzero(count > move)
        if not len(rows):
            break
        tried = positions[rows]
        game.play(tried, random_moves(game, tried, rng))
        going_on = ~game.over(tried)
        positions[rows[going_on]] = tried[going_on]
    return positions


def random_moves(game: Game, positions: Positions, rng: np.random.Generator) -> np.ndarray:
    """[N]: a legal move of each position, a pass only where there is nothing else."""
    legal = game.legal(positions)
    _, rows, columns = game.shape
    if game.actions > rows * columns:  # the last is a pass
        legal[:, -1] &= ~legal[:, :-1].any(axis=1)
    return np.argmax(rng.random(legal.shape) * legal, axis=1)
