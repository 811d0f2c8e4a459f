"""Alpha-beta search of chess (principal variation search, T. Marsland 1983). Compiled.

Each way of searching less than everything is named where it is done. In the order of a node:

    draws, mates that are nearer already, the table
    reverse futility     so far above beta that a shallow search would stay there
    razoring             so far below alpha that captures alone may help
    null move            still above beta if the other moves twice (C. Donninger 1993)
    late moves           quiet moves late in the order of a shallow node are left out
    futility             quiet moves of a shallow node far below alpha are left out
    exchanges            moves of a shallow node that lose material are left out, checks only where they lose much
    reductions           late moves are searched less deep, and again in full where they surprise

Lines are searched deeper where the king is in check near their end, and where the move that the table knows is the
only good one (singular). Where `selective` is 0 none of it is done, nor is the table asked: the score is that of plain
minimax.
"""

from __future__ import annotations

import math

import numpy as np

from sounding.games.chess.attacks import in_check
from sounding.games.chess.bits import number
from sounding.games.chess.engine.checks import checking, gives_check
from sounding.games.chess.engine.drawn import FIFTY, drawn
from sounding.games.chess.engine.exchanges import gains
from sounding.games.chess.engine.memory import MATE, MATES, NO_MOVE, PLIES, Work
from sounding.games.chess.engine.ordering import (
    KILLER,
    KNOWN,
    LATER,
    UNTRIED,
    first_is,
    is_quiet,
    learn,
    learnt,
    pick,
    rank,
    rank_quiet,
)
from sounding.games.chess.engine.quiescence import advance, is_over, judged, quiesce
from sounding.games.chess.engine.table import EXACT, LOWER, UPPER, Table, find, keep, score_of, settles
from sounding.games.chess.layout import CLOCK, COLOURS, KEY, KING, PAWN, TURN, Boards, Moves
from sounding.games.chess.making import make_null
from sounding.games.chess.moves import generate
from sounding.games.chess.nnue.accumulators import Accumulators, Views
from sounding.games.chess.nnue.network import Net
from sounding.games.compiled import lean

REDUCTIONS = np.array(
    [[int(0.8 + math.log(d) * math.log(m) / 2.2) if d and m else 0 for m in range(64)] for d in range(64)], np.int64
)
"""[depth, number of the move]: half-moves that a quiet move is searched less deep."""
FAR_WORSE = 20
"""Centipawns below what is asked of all other moves, from which the known move is searched two half-moves deeper."""


@lean
def search(
    boards: Boards,
    n: int,
    moves: Moves,
    first: int,
    work: Work,
    table: Table,
    net: Net,
    accumulators: Accumulators,
    views: Views,
    depth: int,
    alpha: int,
    beta: int,
    excluded: int,
) -> int:
    """The score of row n, n half-moves from the root, between alpha and beta, or a bound of it.

    `moves[first:]` is free. `excluded` is a move that is not tried, to see how good the others are. Where the search
    was stopped the score means nothing. Long because it is the node, and a node is read in one piece.
    """
    work[0].line_length[n] = 0
    selective = work[0].selective != 0
    # A variable: a constant would be another type, and numba's cache of a recursive function that is compiled for two
    # types crashes the process that reads it.
    nothing = number(NO_MOVE)
    if depth <= 0 and selective:
        return quiesce(boards, n, moves, first, work, table, net, accumulators, views, alpha, beta)
    if is_over(work):
        return 0
    root, open_window = n == 0, beta - alpha > 1
    if not root:
        if drawn(boards, n, work):
            return 0
        if n >= PLIES - 1 or (depth <= 0 and has_move(boards, n, moves, first)):
            return judged(boards, n, net, accumulators, views)
        alpha, beta = max(alpha, n - MATE), min(beta, MATE - n - 1)
        if alpha >= beta:
            return alpha
    checked = in_check(boards, n)
    key = boards[n, KEY]
    slot = find(table, key) if selective and not excluded else -1
    known = nothing
    if slot >= 0:
        known = number(table[slot].move)
        known_score, known_depth = score_of(table, slot, n), number(table[slot].depth)
        known_bound = number(table[slot].sign) & 3
        settled = known_depth >= depth and settles(table, slot, known_score, alpha, beta)
        if settled and not open_window and number(boards[n, CLOCK]) < FIFTY - 10:
            return known_score
    else:
        known_score, known_depth, known_bound = 0, -1, 0

    # ---- what the position looks like at first sight

    static = -MATE
    if not checked:
        if excluded:
            static = work[0].static[n]
        elif slot >= 0 and number(table[slot].static) > -MATE:
            static = number(table[slot].static)
        else:
            static = judged(boards, n, net, accumulators, views)
    work[0].static[n] = static
    improving = not checked and (n < 2 or static > work[0].static[n - 2])
    guess = static
    if known_bound == EXACT or known_bound == (LOWER if known_score > static else UPPER):
        guess = known_score

    if selective and not checked and not open_window and not excluded and abs(beta) < MATES:
        if depth <= 8 and guess - 75 * (depth - improving) >= beta and guess < MATES:
            return guess
        if depth <= 3 and guess + 220 * depth <= alpha:
            score = quiesce(boards, n, moves, first, work, table, net, accumulators, views, alpha, alpha + 1)
            if score <= alpha or work[0].stop:
                return score
        own = boards[n, COLOURS + number(boards[n, TURN])]
        has_pieces = own & ~(boards[n, PAWN] | boards[n, KING]) != 0
        if depth >= 3 and guess >= beta and static >= beta - 20 * depth and has_pieces and work[0].placed[n] >= 0:
            less = 3 + depth // 3 + min((guess - beta) // 200, 3)
            work[0].placed[n + 1] = -1
            make_null(boards, n, n + 1)
            views[n + 1, 0] = views[n + 1, 1] = 0
            score = -search(
                boards, n + 1, moves, first, work, table, net, accumulators, views,
                depth - less, -beta, 1 - beta, nothing,
            )  # fmt: skip
            if work[0].stop:
                return 0
            if score >= beta:
                return beta if score >= MATES else score
    if selective and depth >= 4 and known == NO_MOVE and not excluded:
        depth -= 1  # the table will know a move when the position is met again

    # ---- the moves

    if root:
        end = first + work[0].root_count
        for k in range(work[0].root_count):
            moves[first + k] = work[0].root_moves[k]
    else:
        end = generate(boards, n, moves, first)
    if end == first:
        return n - MATE if checked else 0
    if not root and number(boards[n, CLOCK]) >= FIFTY:
        return 0
    ranked = first
    if first_is(moves, first, end, known):
        work[0].ranks[first] = KNOWN
        ranked = first + 1
    best, found, bound = -MATE, NO_MOVE, UPPER
    tried, quiet_tried = 0, 0
    skips_quiet = False
    squares = checking(boards, n)
    work[0].killers[n + 2, 0] = work[0].killers[n + 2, 1] = NO_MOVE
    for k in range(first, end):
        if k == ranked:
            rank(boards, n, work, moves, k, end)
        move = pick(work, moves, k, end)
        if work[0].ranks[k] == LATER:
            rank_quiet(boards, n, work, moves, k, end)
            move = pick(work, moves, k, end)
        rank_of, work[0].ranks[k] = work[0].ranks[k], UNTRIED
        if move == excluded:
            continue
        quiet = is_quiet(boards, n, move)
        less = REDUCTIONS[min(depth, 63), min(tried + 1, 63)]
        worth = learnt(boards, n, work, move) if quiet else 0
        checks = gives_check(boards, n, move, squares)
        if selective and not root and best > -MATES:
            if checks:  # is never quiet: what is left out without a look is how sacrifices are missed
                if depth <= 6 and not gains(boards, n, move, -90 * depth):
                    continue
            elif quiet:
                if skips_quiet:
                    continue
                skips_quiet = quiet_tried >= (3 + depth * depth) // (1 if improving else 2)
                shallow = max(depth - less, 0)
                if shallow <= 6 and not checked and static + 90 + 85 * shallow <= alpha:
                    skips_quiet = True
                    continue
                if shallow <= 7 and not gains(boards, n, move, -25 * shallow * shallow):
                    continue
            elif depth <= 6 and rank_of < 0 and not gains(boards, n, move, -90 * depth):
                continue

        longer = 0
        trusted = known_depth >= depth - 3 and known_bound & LOWER and abs(known_score) < MATES
        if move == known and trusted and depth >= 8 and not root and n < 2 * depth + 16:
            goal = known_score - 2 * depth
            score = search(
                boards, n, moves, end, work, table, net, accumulators, views,
                (depth - 1) // 2, goal - 1, goal, move,
            )  # fmt: skip
            if work[0].stop:
                return 0
            if score < goal:
                longer = 1 if open_window or score >= goal - FAR_WORSE else 2
            elif goal >= beta:
                return goal  # several moves are too good for the other
        if selective and checked and depth <= 4 and n < 2 * depth + 24:
            longer = 1

        work[0].ranks[k] = rank_of
        advance(boards, n, work, table, views, moves[k])
        deep = depth - 1 + longer
        score = -MATE
        if tried == 0:
            score = -search(
                boards, n + 1, moves, end, work, table, net, accumulators, views, deep, -beta, -alpha, nothing
            )
        else:
            shallow = deep
            if selective and depth >= 3 and tried >= 1 + open_window and (quiet or rank_of < 0):
                less += not improving
                less -= open_window
                less -= rank_of >= KILLER
                less -= checked
                less -= checks
                if quiet:
                    less -= worth // 8_192
                shallow = min(max(deep - less, 1), deep)
            score = -search(
                boards, n + 1, moves, end, work, table, net, accumulators, views, shallow, -alpha - 1, -alpha, nothing
            )
            if score > alpha and shallow < deep and not work[0].stop:
                score = -search(
                    boards, n + 1, moves, end, work, table, net, accumulators, views,
                    deep, -alpha - 1, -alpha, nothing,
                )  # fmt: skip
            if alpha < score < beta and not work[0].stop:
                score = -search(
                    boards, n + 1, moves, end, work, table, net, accumulators, views, deep, -beta, -alpha, nothing
                )
        if work[0].stop:
            return 0
        tried += 1
        quiet_tried += quiet
        if score > best:
            best = score
            if score > alpha:
                alpha, found, bound = score, move, EXACT
                note_line(work, n, move)
                if root:
                    work[0].root_score = score
                if score >= beta:
                    bound = LOWER
                    if quiet:
                        learn(boards, n, work, moves, first, k, depth)
                    break
    if excluded and tried == 0:
        return alpha
    if selective and not excluded and not (root and work[0].limited):
        keep(table, key, work[0].age, depth, best, bound, found, static, n)
    return best


@lean
def has_move(boards: Boards, n: int, moves: Moves, first: int) -> bool:
    """Whether there is a legal move."""
    return generate(boards, n, moves, first) > first


@lean
def note_line(work: Work, n: int, move: int) -> None:
    """The best line from row n on is this move, and the best line after it."""
    length = work[0].line_length[n + 1]
    work[0].line[n, 0] = move
    for k in range(length):
        work[0].line[n, k + 1] = work[0].line[n + 1, k]
    work[0].line_length[n] = length + 1
