"""What is legal, and what a move changes. Compiled, over arrays of positions.

a stone    on an empty point; chains without liberties are captured; suicide is forbidden
superko    no move may bring back a board that was there before, whoever moved (positional superko)
a pass     always; two in a row end the game, and so does the last move of `most_moves`
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sounding.games.compiled import compiled
from sounding.games.go.board import Board, Points, chains, hash_change, put, stone_hash, take_back
from sounding.games.go.layout import (
    BEFORE,
    BLACK,
    CAPTURED,
    EMPTY,
    KO,
    LAST,
    MOVES,
    NONE,
    OVER,
    PASSES,
    TO_PLAY,
    WHITE,
    Raw,
    board,
    hashes,
    komi_bits,
    numbers,
)
from sounding.games.hashes import mixed


@compiled
def was_there(past: NDArray[np.uint64], moves: int, now: np.uint64) -> bool:
    """Whether a board was there after 0 … `moves` moves."""
    found = False
    for k in range(moves + 1):  # to the end: a loop without an exit is done several at a time
        found |= past[k] == now
    return found


@compiled
def stones_allowed(
    raw: Raw,
    n: int,
    neighbours: Points,
    chain: Points,
    liberties: Points,
    hashed: NDArray[np.uint64],
    out: NDArray[np.bool_],
) -> None:
    """Write where the player to move may put a stone, given the chains of the board."""
    points = len(neighbours)
    stones, past, state = board(raw, n, points), hashes(raw, n, points), numbers(raw, n)
    own = state[TO_PLAY] + BLACK
    enemy = BLACK + WHITE - own
    for point in range(points):
        out[point] = False
        if stones[point] != EMPTY:
            continue
        breathes = False
        after = past[state[MOVES]] ^ stone_hash(point, own)
        for side in range(4):
            near = neighbours[point, side]
            if stones[near] == EMPTY or (stones[near] == own and liberties[chain[near]] > 1):
                breathes = True
            elif stones[near] == enemy and liberties[chain[near]] == 1:
                breathes = True
                again = False
                for earlier in range(side):
                    other = neighbours[point, earlier]
                    again |= stones[other] == enemy and chain[other] == chain[near]
                if not again:
                    after ^= hashed[chain[near]]
        # Without a capture in the whole game each board holds one stone more than the last.
        out[point] = breathes and (state[CAPTURED] == 0 or not was_there(past, state[MOVES], after))


@compiled
def legal(raw: Raw, neighbours: Points, out: NDArray[np.bool_]) -> None:
    """[N, points + 1]: where a stone may be put, and the pass. `out` is False where the game is over."""
    points = len(neighbours)
    chain, liberties = np.empty(points, np.int64), np.empty(points, np.int64)
    hashed = np.empty(points, np.uint64)
    queue, mark = np.empty(points, np.int64), np.empty(points + 1, np.int64)
    for n in range(len(raw)):
        if numbers(raw, n)[OVER]:
            continue
        chains(board(raw, n, points), neighbours, chain, liberties, hashed, queue, mark)
        stones_allowed(raw, n, neighbours, chain, liberties, hashed, out[n])
        out[n, points] = True


@compiled
def may_play(raw: Raw, n: int, action: int, neighbours: Points, found: Points) -> bool:
    """Whether an action is legal in position n."""
    points = len(neighbours)
    state = numbers(raw, n)
    if state[OVER] or action < 0 or action > points:
        return False
    if action == points:
        return True
    stones, past = board(raw, n, points), hashes(raw, n, points)
    if stones[action] != EMPTY:
        return False
    colour = state[TO_PLAY] + BLACK
    captured = put(stones, action, colour, neighbours, found)
    if captured == NONE:
        return False
    take_back(stones, action, colour, found, captured)
    if captured == 0 and state[CAPTURED] == 0:
        return True
    after = past[state[MOVES]] ^ hash_change(action, colour, found, captured)
    return not was_there(past, state[MOVES], after)


@compiled
def is_simple_ko(stones: Board, point: int, neighbours: Points, captured: int) -> bool:
    """Whether the stone on `point`, which has just captured, stands alone and could be taken back at once."""
    if captured != 1:
        return False
    empty = 0
    for side in range(4):
        near = neighbours[point, side]
        if stones[near] == stones[point]:
            return False
        empty += stones[near] == EMPTY
    return empty == 1


@compiled
def play_one(raw: Raw, n: int, action: int, neighbours: Points, found: Points) -> None:
    """Play a legal action in position n."""
    points = len(neighbours)
    state, past = numbers(raw, n), hashes(raw, n, points)
    after = past[state[MOVES]]
    state[KO] = NONE
    if action == points:
        state[PASSES] += 1
    else:
        stones, colour = board(raw, n, points), state[TO_PLAY] + BLACK
        captured = put(stones, action, colour, neighbours, found)
        after ^= hash_change(action, colour, found, captured)
        state[PASSES] = 0
        state[CAPTURED] += captured
        if is_simple_ko(stones, action, neighbours, captured):
            state[KO] = found[0]
    state[MOVES] += 1
    past[state[MOVES]] = after
    state[BEFORE], state[LAST] = state[LAST], action
    state[TO_PLAY] = 1 - state[TO_PLAY]
    state[OVER] = state[PASSES] == 2 or state[MOVES] == 2 * points


@compiled
def play(raw: Raw, actions: Points, neighbours: Points) -> int:
    """Play all actions [N] and return NONE, or none of them and return the first position that forbids its action."""
    found = np.empty(len(neighbours), np.int64)
    for n in range(len(raw)):
        if not may_play(raw, n, actions[n], neighbours, found):
            return n
    for n in range(len(raw)):
        play_one(raw, n, actions[n], neighbours, found)
    return NONE


@compiled
def follow(raw: Raw, movers: NDArray[np.int8], actions: Points, neighbours: Points) -> int:
    """Play a recorded game in position 0; see `Game.follow`."""
    points = len(neighbours)
    found, state = np.empty(points, np.int64), numbers(raw, 0)
    for k in range(len(actions)):
        if state[TO_PLAY] != movers[k] or state[OVER]:
            give_turn(state, movers[k], points)
        if not may_play(raw, 0, actions[k], neighbours, found):
            return k
        play_one(raw, 0, actions[k], neighbours, found)
    return NONE


@compiled
def give_turn(state: Points, player: int, points: int) -> None:
    """Make it a player's turn. Passes count from 0; superko holds on."""
    state[TO_PLAY] = player
    state[KO] = NONE
    state[PASSES] = 0
    state[OVER] = state[MOVES] == 2 * points


@compiled
def keys(raw: Raw, points: int, out: NDArray[np.uint64]) -> None:
    """[N]: board, player to move, passes in a row, point of a simple ko, and komi."""
    for n in range(len(raw)):
        state = numbers(raw, n)
        rest = (state[KO] + 1) * 8 + state[PASSES] * 2 + state[TO_PLAY]
        word = np.uint64(rest) ^ (np.uint64(komi_bits(raw, n)) << np.uint64(32))
        out[n] = mixed(hashes(raw, n, points)[state[MOVES]] ^ mixed(word))
