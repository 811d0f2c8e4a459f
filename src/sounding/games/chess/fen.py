"""Positions as text: Forsyth-Edwards notation, read with every fault named, and written.

    rnbqkbnr/pppppppp/8/8/4P3/8/PPPP1PPP/RNBQKBNR b KQkq - 0 1
    pieces, the eighth rank first                 |  |    | |  the number of the move of both
                                       to move ---   |    | half-moves since the last capture or pawn's move
                                          castling --      en passant: the square behind a pawn that went two steps

The last two fields may be missing. Castling of Chess960 is read as X-FEN (K: the outermost rook) and as Shredder-FEN
(H: the rook on the h-file), and written as X-FEN. A square of en passant where no pawn can be taken is dropped.
Source: PGN standard (S. Edwards 1994), 16.1.
"""

from __future__ import annotations

import numpy as np

from sounding.errors import DataError
from sounding.games.chess import turns
from sounding.games.chess.attacks import in_check, king_of
from sounding.games.chess.layout import (
    BISHOP,
    BLACK,
    CASTLING,
    CLOCK,
    COLOURS,
    KEY,
    KING,
    KNIGHT,
    LONGEST,
    PAWN,
    PLY,
    QUEEN,
    RECORD,
    ROOK,
    SINCE,
    TURN,
    WHITE,
    Boards,
)
from sounding.games.chess.making import make_null, offer_en_passant
from sounding.games.chess.uci import FILES, square_name
from sounding.games.chess.zobrist import key_of
from sounding.wording import counted

LETTERS = "pnbrqk"
COLOUR_NAMES = ("White", "Black")
NAMES = ("pawn", "knight", "bishop", "rook", "queen", "king")
AT_FIRST = {PAWN: 8, KNIGHT: 2, BISHOP: 2, ROOK: 2, QUEEN: 1}
MOST_MOVE = 10_000


def read(text: str, chess960: bool = False, claims: bool = True) -> np.ndarray:
    """The position [1] of a text. With `claims` a clock of fifty moves has ended the game, else one of seventy-five.

    Raises DataError for what is no position of chess, also for one that no game leads to: kings missing, pawns on the
    last rank, the player not to move in check, more pieces than promotions give, rights to castle without king and
    rook in their places, en passant without the pawn.
    """
    fields = text.split()
    if not 4 <= len(fields) <= 6:
        what = f"{counted(len(fields), 'field')} instead of 6"
        raise _fault(text, what, "Give pieces, side, castling, en passant and two numbers")
    position = np.zeros(1, RECORD)
    board = position.view(np.uint64).reshape(1, -1)
    try:
        _put_pieces(board, fields[0])
        if fields[1] not in ("w", "b"):
            raise DataError(f"{fields[1][:20]!r} is to move", fix="The second field is w or b")
        board[0, TURN] = fields[1] == "b"
        _require_possible(board)
        board[0, CASTLING] = _castling(board, fields[2], chess960)
        board[0, CLOCK] = _count(fields, 4, "half-moves since a capture or a pawn's move", LONGEST, 0)
        move = _count(fields, 5, "move", MOST_MOVE, 1)
        board[0, PLY] = 2 * (max(move, 1) - 1) + int(board[0, TURN])
        _set_en_passant(board, fields[3])
    except DataError as error:
        raise _fault(text, error.what, error.fix) from None
    board[0, KEY], board[0, SINCE] = key_of(board, 0), board[0, CLOCK]
    turns.settle_all(board, *turns.draws(claims))
    return position


def written(position: np.void) -> str:
    """The text of a position."""
    ranks = []
    for rank in range(7, -1, -1):
        signs = "".join(piece_at(position, 8 * rank + file) or "." for file in range(8))
        for empty in range(8, 0, -1):
            signs = signs.replace("." * empty, str(empty))
        ranks.append(signs)
    behind = int(position["en_passant"])
    fields = [
        "/".join(ranks),
        "wb"[int(position["turn"])],
        _castling_text(position),
        square_name(behind.bit_length() - 1) if behind else "-",
        str(int(position["clock"])),
        str(int(position["ply"]) // 2 + 1),
    ]
    return " ".join(fields)


def piece_at(position: np.void, square: int) -> str:
    """The letter of the piece on a square from 0 (a1) to 63 (h8): capitals for White; nothing where it is empty."""
    here = 1 << square
    for kind, letter in enumerate(LETTERS):
        if int(position["pieces"][kind]) & here:
            return letter.upper() if int(position["colours"][WHITE]) & here else letter
    return ""


def _fault(text: str, what: str, fix: str) -> DataError:
    shown = " ".join(text.split())
    return DataError(f"{shown[:90] + '…' if len(shown) > 90 else shown!s}: {what}" if shown else what, fix=fix)


# ---- pieces


def _put_pieces(board: Boards, field: str) -> None:
    """Raises DataError for ranks that are none."""
    ranks = field.split("/")
    if len(ranks) != 8:
        raise DataError(f"{counted(len(ranks), 'rank')} instead of 8", fix="Eight ranks are divided by seven strokes")
    for place, signs in enumerate(ranks):
        rank, file = 7 - place, 0
        for sign in signs:
            if sign in "12345678":
                file += int(sign)
            elif sign.lower() in LETTERS:
                if file < 8:
                    square = np.uint64(1) << np.uint64(8 * rank + file)
                    board[0, LETTERS.index(sign.lower())] |= square
                    board[0, COLOURS + (BLACK if sign.islower() else WHITE)] |= square
                file += 1
            else:
                raise DataError(f"{sign!r} in rank {rank + 1} is no piece", fix="Pieces are pnbrqk and PNBRQK")
        if file != 8:
            raise DataError(f"rank {rank + 1} has {counted(file, 'square')}", fix="Every rank has 8 squares")


def _require_possible(board: Boards) -> None:
    """Raises DataError for pieces that cannot stand so, whoever has played whatever."""
    for colour, name in enumerate(COLOUR_NAMES):
        own = [int(board[0, kind] & board[0, COLOURS + colour]).bit_count() for kind in range(KING + 1)]
        if own[KING] != 1:
            found = f"{counted(own[KING], 'king')}" if own[KING] else "no king"
            raise DataError(f"{name} has {found}", fix="Each side has one king")
        for kind in range(KING):
            if kind == PAWN and own[PAWN] > 8:
                raise DataError(f"{name} has {own[PAWN]} pawns", fix="Each side has 8 pawns at most")
        promoted = sum(max(0, own[kind] - AT_FIRST[kind]) for kind in range(KNIGHT, KING))
        if promoted + own[PAWN] > 8:
            most = max(range(KNIGHT, KING), key=lambda kind: own[kind] - AT_FIRST[kind])
            what = f"{name} has {counted(own[most], NAMES[most])} and {counted(own[PAWN], 'pawn')}"
            raise DataError(what, fix="Each side has 8 pawns and what they were promoted to")
    last = int(board[0, PAWN]) & 0xFF00_0000_0000_00FF
    if last:
        square = square_name((last & -last).bit_length() - 1)
        raise DataError(f"there is a pawn on {square}", fix="Pawns are on the second to the seventh rank")
    other = 1 - int(board[0, TURN])
    turned = board.copy()
    make_null(turned, 0, 0)
    if in_check(turned, 0):
        king = square_name(king_of(board, 0, other))
        what = f"{COLOUR_NAMES[other]}'s king on {king} is attacked, and {COLOUR_NAMES[1 - other]} is to move"
        raise DataError(what, fix=f"Let {COLOUR_NAMES[other]} be to move, or mend the pieces")


def _count(fields: list[str], at: int, what: str, most: int, otherwise: int) -> int:
    if len(fields) <= at:
        return otherwise
    word = fields[at]
    if not (word.isascii() and word.isdecimal()) or int(word[:9]) > most:
        raise DataError(f"{what} {word[:20]}", fix=f"Give a number from {otherwise} to {most:,}")
    return int(word)


# ---- castling


def _castling(board: Boards, field: str, chess960: bool) -> int:
    """The rooks that may castle. Raises DataError where king and rook are not in their places."""
    rooks = 0
    if field == "-":
        return rooks
    for sign in field:
        colour = BLACK if sign.islower() else WHITE
        rook = _rook_of(board, sign.lower(), colour, chess960) if sign.lower() in "kq" + FILES else None
        if rook is None:
            raise DataError(f"castling {field[:20]!r}", fix="The third field has letters of KQkq, or is -")
        king = king_of(board, 0, colour)
        beside = range(king + 1, (king | 7) + 1) if rook > king else range(king & ~7, king)
        if any(rooks >> square & 1 for square in beside):
            raise DataError(f"castling {field[:20]!r} names a side twice", fix="Each side castles to the left or right")
        rooks |= 1 << rook
    return rooks


def _rook_of(board: Boards, sign: str, colour: int, chess960: bool) -> int | None:
    """The square of the rook that a letter stands for; none where the letter is not of this game."""
    king, corner = king_of(board, 0, colour), 56 * colour
    own = int(board[0, ROOK] & board[0, COLOURS + colour])
    on_rank = [square for square in range(corner, corner + 8) if own >> square & 1]
    if sign in "kq":
        beside = [square for square in on_rank if (square > king) == (sign == "k")]
        rook = (beside[-1] if sign == "k" else beside[0]) if beside else None
        wanted = f"a rook on its {'right' if sign == 'k' else 'left'}"
        if not chess960:
            rook = corner + (7 if sign == "k" else 0)
            wanted = f"a rook on {square_name(rook)}"
    elif chess960:
        rook = corner + FILES.index(sign)
        wanted = f"a rook on {square_name(rook)}"
    else:
        return None
    letter = sign.upper() if colour == WHITE else sign
    in_place = king // 8 == corner // 8 if chess960 else king == corner + 4
    if not in_place or rook not in on_rank:
        needed = f"its king on {'the first rank' if chess960 else square_name(corner + 4)} and {wanted}"
        if chess960 and colour == BLACK:
            needed = needed.replace("first", "eighth")
        what = f"{COLOUR_NAMES[colour]} cannot have the right to castle {letter!r} without {needed}"
        raise DataError(what, fix="Leave out the letter, or mend the pieces")
    return rook


def _castling_text(position: np.void) -> str:
    """X-FEN: K and Q for the outermost rooks, else the letter of the file."""
    found = ""
    castling, rooks = int(position["castling"]), int(position["pieces"][ROOK])
    for colour, corner in ((WHITE, 0), (BLACK, 56)):
        own = rooks & int(position["colours"][colour])
        king = (int(position["pieces"][KING]) & int(position["colours"][colour])).bit_length() - 1
        for square in range(corner + 7, corner - 1, -1):
            if castling >> square & 1:
                outside = range(square + 1, corner + 8) if square > king else range(corner, square)
                is_outermost = not any(own >> other & 1 for other in outside)
                letter = ("k" if square > king else "q") if is_outermost else FILES[square % 8]
                found += letter.upper() if colour == WHITE else letter
    return found or "-"


# ---- en passant


def _set_en_passant(board: Boards, field: str) -> None:
    """Raises DataError where no pawn has just gone two steps past the square."""
    if field == "-":
        return
    turn = int(board[0, TURN])
    rank = 5 if turn == WHITE else 2
    if len(field) != 2 or field[0] not in FILES or field[1] != str(rank + 1):
        fix = f"The fourth field is -, or a square on rank {rank + 1} where {COLOUR_NAMES[turn]} is to move"
        raise DataError(f"en passant on {field[:20]!r}", fix=fix)
    behind = 8 * rank + FILES.index(field[0])
    pawn, origin = (behind - 8, behind + 8) if turn == WHITE else (behind + 8, behind - 8)
    occupied = int(board[0, COLOURS] | board[0, COLOURS + 1])
    pawns = int(board[0, PAWN] & board[0, COLOURS + 1 - turn])
    if not pawns >> pawn & 1 or occupied >> behind & 1 or occupied >> origin & 1:
        what = f"en passant on {field}, but no pawn has gone from {square_name(origin)} to {square_name(pawn)}"
        raise DataError(what, fix="Write - there, or mend the pieces")
    offer_en_passant(board, 0, behind)
