"""The board on which a thinker is asked to play."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from typing import Any

from sounding.errors import UsageError
from sounding.games.game import Game
from sounding.games.thinking import Thinker


def game_of(thinker: Thinker, **wanted: Any) -> Game:
    """The thinker's game, with what is `wanted` (size, komi) and not None.

    Raises UsageError where the game has no such thing, or the thinker cannot play it so.
    """
    game = board_of(thinker.game, **wanted)
    if why := thinker.refuses(game):
        raise UsageError(why, fix="Play as it learnt it")
    return game


def board_of(game: Any, **wanted: Any) -> Game:
    """The game with what is `wanted` and not None. Raises UsageError where it has no such thing."""
    known = {field.name for field in fields(game)} if is_dataclass(game) else set()
    for name, value in wanted.items():
        if value is None:
            continue
        if name not in known:
            raise UsageError(f"{game.name} has no {name}", fix=f"Leave --{name} out")
        try:
            game = replace(game, **{name: value})
        except ValueError as error:
            raise UsageError(str(error), fix=f"Give another --{name}") from None
    return game
