"""What the package plays by itself, without a run: named by the game. Nothing heavy is imported before it is opened."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from sounding.errors import UsageError

if TYPE_CHECKING:
    from sounding.games.thinking import Thinker

NAMES = ("chess",)


def is_shipped(name: str) -> bool:
    """Whether this is a game that the package plays. A folder of that name goes before it."""
    return name in NAMES and not os.path.exists(name)


def shipped(name: str) -> Thinker:
    """The thinker of a game. Raises UsageError for one that the package does not play."""
    if name not in NAMES:
        raise UsageError(f"the package does not play {name} by itself", fix="Name a run that has learnt it")
    from sounding.games.chess.engine import AlphaBeta

    return AlphaBeta()
