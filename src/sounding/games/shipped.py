"""What the package plays by itself, without a run: named by the game. Nothing heavy is imported before it is opened.

Chess is an engine; Connect Four and Go on 9 and 7 lines are networks, made by `benchmarks/make_game_nets.py`. Each of
these is the folder of a model, as a run keeps it in best/.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from sounding.errors import UsageError

if TYPE_CHECKING:
    from sounding.games.thinking import Thinker

NAMES = ("chess",)
NETS = Path(__file__).with_name("nets")
BOARDS = {"connect4": {6: "connect4"}, "go": {9: "go9", 7: "go7"}}
"""The networks of a game by the lines of the board, the usual one first."""


def is_shipped(name: str) -> bool:
    """Whether this is a game that an engine of the package plays. A folder of that name goes before it."""
    return name in NAMES and not os.path.exists(name)


def net_of(name: str, size: int | None = None) -> Path | None:
    """The folder of the package's network for a game, on a board of so many lines or the usual one; None: no such game.

    A folder of that name goes before it. Raises UsageError for a board that there is no network for.
    """
    if name not in BOARDS or os.path.exists(name):
        return None
    known = BOARDS[name]
    wanted = next(iter(known)) if size is None else size
    if wanted not in known:
        boards = " and ".join(map(str, sorted(known)))
        what = f"the package plays {name} on {boards} lines by itself, not on {wanted}"
        raise UsageError(what, fix=f"Train a run on that board: sounding train {name} --time 30m")
    return NETS / known[wanted]


def boards_of(name: str) -> dict[int, Path]:
    """The folders of the package's networks for a game, by the lines of their boards, the usual one first."""
    return {lines: NETS / net for lines, net in BOARDS.get(name, {}).items()}


def shipped(name: str) -> Thinker:
    """The thinker of a game that an engine plays. Raises UsageError for another."""
    if name not in NAMES:
        raise UsageError(f"the package has no engine for {name}", fix="Name a run that has learnt it")
    from sounding.games.chess.engine import AlphaBeta

    return AlphaBeta()
