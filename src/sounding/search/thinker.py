"""A search with a network as a thinker: what GTP and `sounding play` ask."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from sounding.games.game import Game
from sounding.games.thinking import Candidate, Limit, Thinker, Thought
from sounding.search.evaluator import Evaluator
from sounding.search.puct import Puct, PuctSettings


class Judged(NamedTuple):
    """What a network says of a position beside moves and value, for the player to move: points ahead, and whose each
    point is, from -1 to 1, row by row.
    """

    lead: float | None = None
    ownership: tuple[float, ...] | None = None


class SearchThinker(Thinker):
    """Thinks by PUCT. `evaluator_of` gives the evaluator of a game, which may be another board than it was made for.

    `refusal` says why it cannot play a game, nothing where it can; without it, it plays `game` alone. `judge` tells of
    a position what the search does not need. The tree is kept from move to move of one game.
    """

    def __init__(
        self,
        name: str,
        game: Game,
        evaluator_of: Callable[[Game], Evaluator],
        refusal: Callable[[Game], str] | None = None,
        judge: Callable[[Game, np.ndarray], Judged] | None = None,
        settings: PuctSettings | None = None,
    ) -> None:
        self.name, self.game = name, game
        self._evaluator_of, self._refusal, self._judge, self._settings = evaluator_of, refusal, judge, settings
        self._search: Puct | None = None

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
        if self._search is not None and self._search.game == game and not limit.actions:
            self._search.go_to(position)
            if limit.simulations is None or self._search.simulations < limit.simulations:
                return self._search
        search = Puct(game, self._evaluator_of(game), self._settings)
        search.go_to(position)
        if limit.actions:
            search.only(limit.actions)
        self._search = None if limit.actions else search
        return search

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
