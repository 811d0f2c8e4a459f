"""What people see on a chess board: checks, rights to castle, pieces that hang, passed pawns, mobility, unsafe kings,
who has more. All are seen by the player to move, as the network sees the board.

Legend of shapes: N positions, S squares from the top left, P planes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from sounding.applications.games.shared.board_concepts import board_concept, distance_to_the_edge
from sounding.contract.concepts import NOT_ASKED, Concept

if TYPE_CHECKING:
    from sounding.games.chess import Chess

PAWN, KNIGHT, QUEEN, KING = 0, 1, 4, 5
KINDS = 6
WORTH = np.array([1, 3, 3, 5, 9])
"""Of pawns, knights, bishops, rooks, queens."""
SIGNS = 1 + 2 * KINDS
"""Nothing, six kinds of own pieces, six of the other's."""
NO_YES = ("no", "yes")


def chess_concepts(game: Chess) -> Iterator[Concept]:
    """The concepts, the easy ones first."""

    def concept(id: str, name: str, definition: str, classes: tuple[str, ...], given: bool = False) -> Concept:
        labels = LABELS[id]

        def of(positions: np.ndarray) -> np.ndarray:
            return labels(game, positions).reshape(len(positions), -1)

        return board_concept(game, id, name, definition, classes, of, given=given, seen=seen, signs=SIGNS)

    def seen(positions: np.ndarray) -> np.ndarray:
        return _pieces(game, positions)

    yield distance_to_the_edge(game, seen=seen, signs=SIGNS)
    what = "whether the king of who is to move is attacked; asked at the king"
    yield concept("check", "check", what, NO_YES, given=True)
    what = "whether who is to move may still castle, at once or later; asked at the king"
    yield concept("castling", "right to castle", what, NO_YES, given=True)
    what = (
        "whether a piece is attacked and either nothing defends it or something cheaper attacks it (pawn 1, knight and "
        "bishop 3, rook 5, queen 9); asked at all pieces but kings"
    )
    yield concept("hanging", "hanging pieces", what, NO_YES)
    what = "whether no pawn of the other side is ahead of a pawn, on its file or beside it"
    yield concept("passed", "passed pawns", what, NO_YES)
    what = "legal moves of an own knight, bishop, rook or queen"
    yield concept("mobility", "mobility", what, ("none", "1 to 3", "4 to 7", "8 or more"))
    what = "squares around a king that the other side attacks"
    yield concept("unsafe", "squares attacked around a king", what, ("none", "1 or 2", "3 or more"))
    what = "who has more on the board (pawn 1, knight and bishop 3, rook 5, queen 9); asked at the own king"
    yield concept("material", "material", what, ("the other", "nobody", "who is to move"))


# ---- labels [N, 8, 8] of each


def _check(game: Chess, positions: np.ndarray) -> np.ndarray:
    own, _ = _sides(game, positions)
    _, theirs = _attacks(game, positions)
    return np.where(own[:, KING], theirs.any(axis=1), NOT_ASKED)


def _castling(game: Chess, positions: np.ndarray) -> np.ndarray:
    own, _ = _sides(game, positions)
    of_mover = positions["colours"][np.arange(len(positions)), positions["turn"].astype(np.int64)]
    may = (positions["castling"] & of_mover) > 0
    return np.where(own[:, KING], may[:, None, None], NOT_ASKED)


def _hanging(game: Chess, positions: np.ndarray) -> np.ndarray:
    found = np.full((len(positions), 8, 8), NOT_ASKED)
    attacks = _attacks(game, positions)
    for pieces, defence, attack in zip(_sides(game, positions), attacks, reversed(attacks), strict=True):
        for kind, worth in enumerate(WORTH):
            cheaper = attack[:, :KING][:, worth > WORTH].any(axis=1)
            hangs = (attack.any(axis=1) & ~defence.any(axis=1)) | cheaper
            found = np.where(pieces[:, kind], hangs, found)
    return found


def _passed(game: Chess, positions: np.ndarray) -> np.ndarray:
    own, other = (side[:, PAWN] for side in _sides(game, positions))
    found = np.where(own, ~_before(other), NOT_ASKED)
    return np.where(other, ~_before(own[:, ::-1])[:, ::-1], found)


def _before(pawns: np.ndarray) -> np.ndarray:
    """[N, 8, 8]: whether one of the pawns is in a row nearer to the top, in the same column or beside it."""
    wide = np.pad(pawns, ((0, 0), (1, 0), (1, 1)))[:, :-1]  # row r knows of the rows above it
    above = np.logical_or.accumulate(wide, axis=1)
    return above[:, :, :-2] | above[:, :, 1:-1] | above[:, :, 2:]


def _mobility(game: Chess, positions: np.ndarray) -> np.ndarray:
    own, _ = _sides(game, positions)
    moves = game.legal(positions).reshape(len(positions), -1, 8, 8).sum(axis=1)
    return np.where(own[:, KNIGHT : QUEEN + 1].any(axis=1), np.digitize(moves, (1, 4, 8)), NOT_ASKED)


def _unsafe(game: Chess, positions: np.ndarray) -> np.ndarray:
    found = np.full((len(positions), 8, 8), NOT_ASKED)
    attacks = _attacks(game, positions)
    for pieces, attack in zip(_sides(game, positions), reversed(attacks), strict=True):
        attacked = attack.any(axis=1)
        padded = np.pad(attacked, ((0, 0), (1, 1), (1, 1))).astype(np.int64)
        square = sum(padded[:, down : down + 8, across : across + 8] for down in range(3) for across in range(3))
        found = np.where(pieces[:, KING], np.digitize(square - attacked, (1, 3)), found)
    return found


def _material(game: Chess, positions: np.ndarray) -> np.ndarray:
    own, other = _sides(game, positions)
    more = (own.sum(axis=(2, 3)) - other.sum(axis=(2, 3)))[:, :KING] @ WORTH
    return np.where(own[:, KING], (np.sign(more) + 1)[:, None, None], NOT_ASKED)


LABELS = {
    "check": _check,
    "castling": _castling,
    "hanging": _hanging,
    "passed": _passed,
    "mobility": _mobility,
    "unsafe": _unsafe,
    "material": _material,
}


# ---- what stands where, and what it attacks


def _sides(game: Chess, positions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """[N, 6, 8, 8] each: the pieces of who is to move by kind, and the other's."""
    planes = game.observe(positions) > 0
    return planes[:, :KINDS], planes[:, KINDS : 2 * KINDS]


def _attacks(game: Chess, positions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """[N, 6, 8, 8] each: the squares that the pieces of each kind attack, also those where own pieces stand."""
    from sounding.games.chess.observation import OF_ATTACKS

    planes = game.observe(positions)[:, OF_ATTACKS : OF_ATTACKS + 2 * KINDS] > 0
    return planes[:, :KINDS], planes[:, KINDS:]


def _pieces(game: Chess, positions: np.ndarray) -> np.ndarray:
    """[N, 8, 8]: 0 nothing, 1 to 6 an own piece by its kind, 7 to 12 one of the other."""
    own, other = _sides(game, positions)
    both = np.concatenate([own, other], axis=1)
    return np.where(both.any(axis=1), 1 + both.argmax(axis=1), 0)
