"""A search with a network as a thinker: what GTP and `sounding play` ask."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from sounding.games.game import Game
from sounding.games.thinking import Candidate, Limit, Strength, Thinker, Thought
from sounding.search.evaluator import Evaluator
from sounding.search.puct import Puct, PuctSettings


class Judged(NamedTuple):
    """What a network says of a position beside moves and value, for the player to move: points ahead, and whose each
    point is, from -1 to 1, row by row.
    """

    lead: float | None = None
    ownership: tuple[float, ...] | None = None


class RatedPlayers(NamedTuple):
    """Players between two ratings, whose moves a network has learnt: `evaluator_of` a game gives that of a rating."""

    least: int
    most: int
    evaluator_of: Callable[[Game, int], Evaluator]


class SearchThinker(Thinker):
    """Thinks by PUCT. `evaluator_of` gives the evaluator of a game, which may be another board than it was made for.

    `refusal` says why it cannot play a game, nothing where it can; without it, it plays `game` alone. `judge` tells of
    a position what the search does not need. A player of one of the `players`' ratings is the network alone, asked for
    the move of such a player: what a search finds, such a player would not. The tree is kept from move to move of one
    game.
    """

    def __init__(
        self,
        name: str,
        game: Game,
        evaluator_of: Callable[[Game], Evaluator],
        refusal: Callable[[Game], str] | None = None,
        judge: Callable[[Game, np.ndarray], Judged] | None = None,
        settings: PuctSettings | None = None,
        players: RatedPlayers | None = None,
    ) -> None:
        self.name, self.game = name, game
        self._evaluator_of, self._refusal, self._judge, self._settings = evaluator_of, refusal, judge, settings
        self._players = players
        if players is not None:
            self.ratings = tuple((elo, Strength(1, rating=elo)) for elo in (players.least, players.most))
        self._search: Puct | None = None
        self._rating = 0

    def refuses(self, game: Game) -> str:
        """Why it cannot play this game; nothing where it can."""
        return super().refuses(game) if self._refusal is None else self._refusal(game)

    def forget(self) -> None:
        """Begin the next tree anew."""
        self._search = None

    def ponder(self, game: Game, position: np.ndarray, limit: Limit, every: float = 1.0) -> Iterator[Thought]:
        """Thoughts from a growing tree. The first simulation is what the network says of the position at once.

        A tree that is full, or has nothing left to find out, ends it as a limit does.
        """
        if game.over(position)[0]:
            raise ValueError("the game is over")
        search = self._searching(game, position, limit)
        judged = Judged() if self._judge is None else self._judge(game, position)
        priors = self._priors(search, game, position, limit.actions)
        now = time.monotonic()
        ends = [seconds for seconds in (limit.seconds, limit.target) if seconds is not None]
        until = now + min(ends) if ends else None
        due = now + every
        while not self._reached(search, limit, until):
            left = None if limit.simulations is None else limit.simulations - 1 - search.simulations
            if search.step(left) == 0:
                break
            if time.monotonic() >= due:
                yield self._thought(search, judged, priors)
                due = time.monotonic() + every
        yield self._thought(search, judged, priors)

    def _searching(self, game: Game, position: np.ndarray, limit: Limit) -> Puct:
        """The search of this game at this position, with the tree that it has grown so far.

        A tree that has more simulations than the limit is left: a weak player is not to gain by a former analysis.
        """
        same = self._search is not None and self._search.game == game and self._rating == limit.rating
        if self._search is not None and same and not limit.actions:
            self._search.go_to(position)
            if limit.simulations is None or self._search.simulations < limit.simulations:
                return self._search
        search = Puct(game, self._evaluator(game, limit.rating), self._settings)
        search.go_to(position)
        if limit.actions:
            search.only(limit.actions)
        self._search, self._rating = None if limit.actions else search, limit.rating
        return search

    def _evaluator(self, game: Game, rating: int) -> Evaluator:
        if rating and self._players is not None:
            return self._players.evaluator_of(game, rating)
        return self._evaluator_of(game)

    @staticmethod
    def _reached(search: Puct, limit: Limit, until: float | None) -> bool:
        """Whether a limit is reached; where a clock alone has run out, there is a tree nevertheless."""
        if limit.simulations is not None and search.simulations >= limit.simulations - 1:
            return True
        if limit.depth is not None and search.simulations > 0 and _looked_ahead(search) >= limit.depth:
            return True
        return until is not None and search.simulations > 0 and time.monotonic() >= until

    @staticmethod
    def _priors(search: Puct, game: Game, position: np.ndarray, actions: Sequence[int]) -> np.ndarray:
        """[A]: the shares that the network gives the legal moves, or those of the `actions`, 0 elsewhere."""
        logits = search.evaluate(position)[0][0].astype(float)
        allowed = game.legal(position)[0]
        if actions:
            allowed &= np.isin(np.arange(len(allowed)), actions)
        logits[~allowed] = -np.inf
        shares = np.exp(logits - logits.max())
        return shares / shares.sum()

    @staticmethod
    def _thought(search: Puct, judged: Judged, priors: np.ndarray) -> Thought:
        found, lines = search.found(), search.lines()
        value = float(found.values[0])
        tried = [Candidate(line.actions[0], line.visits, line.prior, line.win_rate, line.actions) for line in lines]
        known = {candidate.action for candidate in tried}
        rest = [int(action) for action in np.argsort(-priors, kind="stable") if priors[action] > 0]
        others = [Candidate(a, 0, float(priors[a]), (value + 1) / 2, (a,)) for a in rest if a not in known]
        depth = len(lines[0].actions) if lines else 0
        return Thought(
            (value + 1) / 2, (*tried, *others), search.simulations + 1, judged.lead, judged.ownership, depth, depth
        )


def _looked_ahead(search: Puct) -> int:
    """Moves of the main line."""
    return max((len(line.actions) for line in search.lines(1)), default=0)
