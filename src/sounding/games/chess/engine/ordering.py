"""Which move is tried first: the sooner the best one comes, the more others need not be searched. Compiled.

the move that the table knows
captures that win or keep material, the largest victim first
quiet moves that refuted a neighbouring line (killers)
quiet moves by how often they were best (history), also as a reply to the moves before
captures that lose material
"""

from __future__ import annotations

from sounding.games.chess.bits import number
from sounding.games.chess.engine.exchanges import gains, victim
from sounding.games.chess.engine.memory import Work
from sounding.games.chess.layout import NOTHING, TO_KNIGHT, TO_QUEEN, TURN, Boards, Moves
from sounding.games.chess.making import piece_on
from sounding.games.compiled import lean

KNOWN, WINNING, KILLER, LATER, LOSING, UNTRIED = 1 << 30, 1 << 24, 1 << 22, -(1 << 20), -(1 << 24), -(1 << 30)
MOST_HISTORY = 16_384


@lean
def is_quiet(boards: Boards, n: int, move: int) -> bool:
    """Whether a move neither takes nor promotes."""
    kind = number(move) >> 12
    return victim(boards, n, move) == NOTHING and not TO_KNIGHT <= kind <= TO_QUEEN


@lean
def placed(boards: Boards, n: int, move: int) -> int:
    """The piece that a move moves, and where it goes."""
    return piece_on(boards, n, number(move) & 63) * 64 + (number(move) >> 6 & 63)


@lean
def learnt(boards: Boards, n: int, work: Work, move: int) -> int:
    """How good a quiet move has proved elsewhere."""
    turn = number(boards[n, TURN])
    found = number(work[0].history[turn, number(move) & 63, number(move) >> 6 & 63])
    here = placed(boards, n, move)
    for back in range(2):
        before = work[0].placed[n - back] if n >= back else -1
        if before >= 0:
            found += number(work[0].replies[back, before, here])
    return found


@lean
def rank(boards: Boards, n: int, work: Work, moves: Moves, first: int, end: int) -> None:
    """Write how early each of the moves is to be tried; of quiet moves only that they come before losing captures."""
    for k in range(first, end):
        move = number(moves[k])
        kind = move >> 12
        taken = victim(boards, n, move)
        if taken != NOTHING or kind == TO_QUEEN:
            taker = piece_on(boards, n, move & 63)
            value = (taken + 1) % 7 * 16 - taker + (80 if kind == TO_QUEEN else 0)
            keeps = taken != NOTHING and taker <= taken
            found = value + (WINNING if keeps or gains(boards, n, move, 0) else LOSING)
        elif TO_KNIGHT <= kind < TO_QUEEN:
            found = LOSING
        elif move == number(work[0].killers[n, 0]):
            found = KILLER + 1
        elif move == number(work[0].killers[n, 1]):
            found = KILLER
        else:
            found = LATER
        work[0].ranks[k] = found


@lean
def rank_quiet(boards: Boards, n: int, work: Work, moves: Moves, first: int, end: int) -> None:
    """Write how early each of the quiet moves is to be tried that `rank` has left for later."""
    for k in range(first, end):
        if work[0].ranks[k] == LATER:
            work[0].ranks[k] = learnt(boards, n, work, number(moves[k]))


@lean
def first_is(moves: Moves, first: int, end: int, move: int) -> bool:
    """Bring a move to the first place, and say whether it was there."""
    for k in range(first, end):
        if number(moves[k]) == move:
            moves[first], moves[k] = moves[k], moves[first]
            return True
    return False


@lean
def pick(work: Work, moves: Moves, k: int, end: int) -> int:
    """Bring the best of the moves from k on to place k, and return it."""
    best = k
    for other in range(k + 1, end):
        if work[0].ranks[other] > work[0].ranks[best]:
            best = other
    if best != k:
        moves[k], moves[best] = moves[best], moves[k]
        work[0].ranks[k], work[0].ranks[best] = work[0].ranks[best], work[0].ranks[k]
    return number(moves[k])


@lean
def learn(boards: Boards, n: int, work: Work, moves: Moves, first: int, last: int, depth: int) -> None:
    """A quiet move, at place `last`, was too good for the other: note it, and that those tried before it were not."""
    move = number(moves[last])
    if number(work[0].killers[n, 0]) != move:
        work[0].killers[n, 1] = work[0].killers[n, 0]
        work[0].killers[n, 0] = move
    bonus = min(32 * depth * depth + 64 * depth, 2_400)
    for k in range(first, last + 1):
        if work[0].ranks[k] != UNTRIED and is_quiet(boards, n, moves[k]):
            _weigh(boards, n, work, number(moves[k]), bonus if k == last else -bonus)


@lean
def _weigh(boards: Boards, n: int, work: Work, move: int, bonus: int) -> None:
    turn = number(boards[n, TURN])
    origin, target = move & 63, move >> 6 & 63
    work[0].history[turn, origin, target] = _nearer(number(work[0].history[turn, origin, target]), bonus)
    here = placed(boards, n, move)
    for back in range(2):
        before = work[0].placed[n - back] if n >= back else -1
        if before >= 0:
            old = number(work[0].replies[back, before, here])
            work[0].replies[back, before, here] = _nearer(old, bonus)


@lean
def _nearer(old: int, bonus: int) -> int:
    """What counts is drawn towards the bonus, and never beyond MOST_HISTORY."""
    return old + bonus - old * abs(bonus) // MOST_HISTORY
