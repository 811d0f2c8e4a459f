"""A game for two as a model plays it: what the card needs to let it play otherwise than it was trained.

Challenges that play (other openings, other rules, an opponent that rehearses) know a game by these words alone.

Legend of shapes: N positions, A actions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from torch import nn

Judge = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]
"""`judge(positions)` → the share that the network alone gives each action [N, A], and the expected points [N] of who is
to move, from 0 to 1."""


@dataclass(frozen=True)
class Contest:
    """A game, and how a model plays it.

    `mover(simulations, rehearses)` gives a player of matches (`sounding.arena.matches.Mover`); one that rehearses draws
    its moves, so that no two games are alike. `simulations` and `opening` are those of the usual matches, and
    `learnt_opening` how many moves at random the games begin with that were learnt from, at most. `variants` are the
    same game by other rules, by what they are called. `points(answer)` are the expected points in an answer, or
    those in a true one (NaN where these are not known). `games` are those of a round of play (0 where it does not
    play), `match_games` those against each opponent when it is tried in training.
    """

    game: Any
    mover: Callable[[int, bool], Any]
    judge: Judge
    points: Callable[[Any], float]
    opponents: Sequence[Any]
    simulations: int
    opening: int
    learnt_opening: int
    variants: Mapping[str, Any] = field(default_factory=dict)
    games: int = 0
    match_games: int = 0


def contest_of(task: Any, model: nn.Module) -> Contest | None:
    """How a model plays, where its task is a game for two; else None."""
    made: Callable[[nn.Module], Contest | None] | None = getattr(task, "contest", None)
    return None if made is None else made(model)
