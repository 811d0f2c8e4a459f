"""What lz-analyze and kata-analyze are asked, and the lines that they answer with.

    info move E5 visits 100 winrate 5210 prior 1800 lcb 5100 order 0 pv E5 C3 … info move …           Leela Zero
    info move E5 visits 100 winrate 0.521 scoreLead 1.5 prior 0.18 lcb 0.51 order 0 pv E5 C3 …        KataGo

Numbers are from the view of the player to move. Source: the extensions of GTP that both programs document.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from sounding.games.game import Game
from sounding.games.protocols.framing import Refusal
from sounding.games.thinking import Candidate, Thought

LOWER = 1.96
"""Standard errors below the win rate at which its lower bound lies."""
FASTEST = 0.05
"""Seconds between two lines at least."""


@dataclass(frozen=True)
class Asked:
    """Seconds between two lines, how many moves are shown at least and at most, and whether ownership is."""

    interval: float = 1.0
    least: int = 1
    most: int = 10_000
    ownership: bool = False


def asked(words: Sequence[str]) -> Asked:
    """The options behind the player: an interval in hundredths of seconds, then keys and values.

    Raises Refusal for what is none. Keys that other programs know and this one does not are passed over with their
    values, as the extensions demand.
    """
    found, left = Asked(), list(words)
    if left and left[0].isdecimal():
        found = replace(found, interval=_seconds(left.pop(0)))
    while left:
        key = left.pop(0).lower()
        if key in ("avoid", "allow"):
            raise Refusal(f"{key} is not supported")
        if not left:
            raise Refusal("syntax error")
        value = left.pop(0)
        if key == "interval":
            found = replace(found, interval=_seconds(value))
        elif key == "minmoves":
            found = replace(found, least=_whole(value))
        elif key == "maxmoves":
            found = replace(found, most=_whole(value))
        elif key == "ownership":
            found = replace(found, ownership=value.lower() == "true")
    return found


def leela(game: Game, position: np.ndarray, thought: Thought, options: Asked) -> str:
    """A thought as a line of lz-analyze."""
    return " ".join(
        f"info move {game.text(move.action, position[0])} visits {move.visits} winrate {_of_10000(move.win_rate)} "
        f"prior {_of_10000(move.prior)} lcb {_of_10000(_lower(move))} order {order} pv {_line(game, position, move)}"
        for order, move in enumerate(shown(thought, options))
    )


def kata(game: Game, position: np.ndarray, thought: Thought, options: Asked) -> str:
    """A thought as a line of kata-analyze."""
    parts = []
    for order, move in enumerate(shown(thought, options)):
        lead = "" if move.lead is None else f"scoreMean {move.lead:.3f} scoreLead {move.lead:.3f} "
        parts.append(
            f"info move {game.text(move.action, position[0])} visits {move.visits} winrate {move.win_rate:.6f} {lead}"
            f"prior {move.prior:.6f} lcb {_lower(move):.6f} order {order} pv {_line(game, position, move)}"
        )
    if options.ownership and thought.ownership is not None:
        parts.append(" ".join(["ownership", *(f"{share:.4f}" for share in thought.ownership)]))
    return " ".join(parts)


def shown(thought: Thought, options: Asked) -> Sequence[Candidate]:
    """The moves that were tried, best first; more or fewer where so many are asked for."""
    tried = sum(move.visits > 0 for move in thought.candidates)
    return thought.candidates[: min(options.most, max(options.least, tried))]


def _line(game: Game, position: np.ndarray, move: Candidate) -> str:
    return " ".join(game.text(action, position[0]) for action in move.line or (move.action,))


def _lower(move: Candidate) -> float:
    """The lower bound of a win rate, from a normal approximation over the visits."""
    if move.visits == 0:
        return 0.0
    spread = LOWER * math.sqrt(max(move.win_rate * (1 - move.win_rate), 1e-4) / move.visits)
    return max(0.0, move.win_rate - spread)


def _of_10000(share: float) -> int:
    return round(10_000 * share)


def _whole(word: str) -> int:
    if not (word.isascii() and word.isdecimal() and len(word) < 10):
        raise Refusal("syntax error")
    return int(word)


def _seconds(word: str) -> float:
    return max(FASTEST, _whole(word) / 100)
