"""Captures are played out, and checks answered, before a position is judged. Compiled."""

from __future__ import annotations

from sounding.games.chess.attacks import in_check
from sounding.games.chess.bits import number
from sounding.games.chess.engine.drawn import FIFTY, drawn
from sounding.games.chess.engine.endings import attainable
from sounding.games.chess.engine.exchanges import VALUES, victim
from sounding.games.chess.engine.memory import MATE, MATES, NO_MOVE, PLIES, Work
from sounding.games.chess.engine.ordering import KNOWN, first_is, pick, placed, rank, rank_quiet
from sounding.games.chess.engine.table import LOWER, UPPER, Table, fetch, find, keep, score_of, settles
from sounding.games.chess.layout import CLOCK, KEY, NOTHING, TO_QUEEN, Boards, Moves
from sounding.games.chess.making import make
from sounding.games.chess.moves import captures, generate
from sounding.games.chess.nnue.accumulators import Accumulators, Views, evaluate
from sounding.games.chess.nnue.network import Net
from sounding.games.compiled import lean

HOPE = 200
"""Centipawns beyond its victim's value that a capture may bring."""


@lean
def judged(boards: Boards, n: int, net: Net, accumulators: Accumulators, views: Views) -> int:
    """The net's score, nearer to a draw in endings that cannot be won and the longer nothing has happened.

    It is never taken for a mate.
    """
    score = attainable(boards, n, evaluate(boards, n, net, accumulators, views))
    score = score * (2 * FIFTY - min(number(boards[n, CLOCK]), FIFTY)) // (2 * FIFTY)
    return min(max(score, 1 - MATES), MATES - 1)


@lean
def advance(boards: Boards, n: int, work: Work, table: Table, views: Views, move: int) -> None:
    """Make a move from row n to the next, whose entries in the table are on their way when they are asked for."""
    work[0].placed[n + 1] = placed(boards, n, move)
    make(boards, n, n + 1, move)
    fetch(table, boards[n + 1, KEY])
    views[n + 1, 0] = views[n + 1, 1] = 0


@lean
def is_over(work: Work) -> bool:
    """Whether the search is to end here; counts the position."""
    work[0].nodes += 1
    if work[0].nodes >= work[0].most_nodes:
        work[0].stop = 1
    return work[0].stop != 0


@lean
def quiesce(
    boards: Boards,
    n: int,
    moves: Moves,
    first: int,
    work: Work,
    table: Table,
    net: Net,
    accumulators: Accumulators,
    views: Views,
    alpha: int,
    beta: int,
) -> int:
    """The score of row n between alpha and beta, or a bound of it, once nothing is left hanging."""
    if is_over(work) or drawn(boards, n, work):
        return 0
    work[0].deepest = max(work[0].deepest, n)
    if n >= PLIES - 1:
        return judged(boards, n, net, accumulators, views)
    key = boards[n, KEY]
    depth, known, static, slot = number(0), number(NO_MOVE), -MATE, find(table, key)
    if slot >= 0:
        score = score_of(table, slot, n)
        if beta - alpha == 1 and settles(table, slot, score, alpha, beta):
            return score
        known, static = number(table[slot].move), number(table[slot].static)
    checked = in_check(boards, n)
    best = n - MATE
    if checked:
        end = generate(boards, n, moves, first)
    else:
        if slot < 0 or static == -MATE:
            static = judged(boards, n, net, accumulators, views)
        best = static
        if best >= beta:
            if slot < 0:
                keep(table, key, work[0].age, depth, best, number(LOWER), known, static, n)
            return best
        end = captures(boards, n, moves, first)
    bound, found = UPPER, NO_MOVE
    alpha = max(alpha, best)
    ranked = first
    if first_is(moves, first, end, known):
        work[0].ranks[first] = KNOWN
        ranked = first + 1
    for k in range(first, end):
        if k == ranked:
            rank(boards, n, work, moves, k, end)
            if checked:
                rank_quiet(boards, n, work, moves, k, end)
        move = pick(work, moves, k, end)
        if not checked:
            if work[0].ranks[k] < 0:
                break  # what is left loses material
            taken = victim(boards, n, move)
            if move >> 12 != TO_QUEEN and static + VALUES[taken] + HOPE <= alpha:
                continue
        elif best > -MATES and work[0].ranks[k] < 0 and victim(boards, n, move) == NOTHING:
            continue  # a check that is answered needs no search of all answers
        advance(boards, n, work, table, views, moves[k])
        score = -quiesce(boards, n + 1, moves, end, work, table, net, accumulators, views, -beta, -alpha)
        if work[0].stop:
            return 0
        if score > best:
            best = score
            if score > alpha:
                alpha, found = score, move
                if score >= beta:
                    bound = LOWER
                    break
    keep(table, key, work[0].age, depth, best, bound, found, static, n)
    return best
