"""Go played to the end at random, and the plain Monte Carlo search that does so. Compiled.

The players of random games fill no eye of their own, pass only where nothing else is left, and heed the simple ko
alone; superko holds in the tree of the search, which fills no eyes either.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sounding.games.compiled import compiled
from sounding.games.go.board import Board, Points, chains, put
from sounding.games.go.layout import (
    BLACK,
    BOARD,
    EDGE,
    EMPTY,
    KO,
    MOVES,
    NONE,
    OVER,
    PASSES,
    TO_PLAY,
    WHITE,
    Raw,
    board,
    komi,
    numbers,
)
from sounding.games.go.scoring import area
from sounding.games.go.turns import is_simple_ko, play_one, stones_allowed
from sounding.games.hashes import below
from sounding.games.uct import choose, counted, learn, most_visited


@compiled
def is_eye(stones: Board, point: int, colour: int, neighbours: Points, diagonals: Points) -> bool:
    """Whether an empty point has own stones on all sides, and too few of the other's at its corners to be false."""
    for side in range(4):
        near = stones[neighbours[point, side]]
        if near != colour and near != EDGE:
            return False
    foreign, at_edge = 0, False
    for corner in range(4):
        near = stones[diagonals[point, corner]]
        foreign += near == BLACK + WHITE - colour
        at_edge |= near == EDGE
    return foreign == 0 if at_edge else foreign < 2


@compiled
def to_the_end(
    raw: Raw, n: int, neighbours: Points, diagonals: Points, empty: Points, found: Points, seed: NDArray[np.uint64]
) -> int:
    """Play position n on at random until the game is over; its hashes are not kept. Returns the number of moves.

    `empty` and `found` [points] are room to work in.
    """
    points = len(neighbours)
    stones, state = board(raw, n, points), numbers(raw, n)
    moves, passes, colour, ko = state[MOVES], state[PASSES], state[TO_PLAY] + BLACK, state[KO]
    count = 0
    for point in range(points):
        if stones[point] == EMPTY:
            empty[count] = point
            count += 1
    while passes < 2 and moves < 2 * points:
        untried, captured = count, NONE
        while untried and captured == NONE:
            k = below(seed, untried)
            point = empty[k]
            untried -= 1
            empty[k], empty[untried] = empty[untried], point
            if point != ko and not is_eye(stones, point, colour, neighbours, diagonals):
                captured = put(stones, point, colour, neighbours, found)
        ko = NONE
        if captured == NONE:
            passes += 1
        else:
            passes, count = 0, count - 1
            empty[untried] = empty[count]
            for k in range(captured):
                empty[count + k] = found[k]
            count += captured
            if is_simple_ko(stones, point, neighbours, captured):
                ko = found[0]
        colour = BLACK + WHITE - colour
        moves += 1
    return moves


@compiled
def result(raw: Raw, n: int, neighbours: Points, owners: NDArray[np.int8]) -> int:
    """+1 where Black has more on the board as it stands, −1 where White has. `owners` [1, points] is room."""
    area(raw[n : n + 1], neighbours, owners)
    score = owners.sum() - komi(raw, n)
    return int(score > 0) - int(score < 0)


@compiled
def results(
    raw: Raw,
    neighbours: Points,
    diagonals: Points,
    seeds: NDArray[np.uint64],
    out: NDArray[np.float32],
    moves: NDArray[np.int64],
) -> None:
    """[N]: the results of random games, and how many moves they had in all."""
    points = len(neighbours)
    empty, found = np.empty(points, np.int64), np.empty(points, np.int64)
    owners, copy = np.empty((1, points), np.int8), np.empty((1, raw.shape[1]), np.uint8)
    for n in range(len(raw)):
        copy[0, : BOARD + points + 1] = raw[n, : BOARD + points + 1]
        moves[n] = numbers(raw, n)[MOVES]
        if not numbers(raw, n)[OVER]:
            moves[n] = to_the_end(copy, 0, neighbours, diagonals, empty, found, seeds[n : n + 1])
        out[n] = result(copy, 0, neighbours, owners)


@compiled
def owners(
    raw: Raw,
    neighbours: Points,
    diagonals: Points,
    games: int,
    seeds: NDArray[np.uint64],
    out: NDArray[np.float32],
) -> None:
    """[N, points]: whose each point is at the end of so many random games, as a mean: Black's 1, White's −1.

    They go on from the board as it stands, though two passes may have ended the game there; White and Black begin in
    turn, so that neither is ahead by a move.
    """
    points = len(neighbours)
    empty, found = np.empty(points, np.int64), np.empty(points, np.int64)
    owned, copy = np.empty((1, points), np.int8), np.empty((1, raw.shape[1]), np.uint8)
    for n in range(len(raw)):
        out[n, :] = 0
        for k in range(games):
            copy[0, : BOARD + points + 1] = raw[n, : BOARD + points + 1]
            state = numbers(copy, 0)
            state[MOVES], state[PASSES], state[TO_PLAY], state[KO] = 0, 0, k % 2, NONE
            to_the_end(copy, 0, neighbours, diagonals, empty, found, seeds[n : n + 1])
            area(copy, neighbours, owned)
            out[n] += owned[0]
        out[n] /= games


@compiled
def search(
    raw: Raw,
    neighbours: Points,
    diagonals: Points,
    rollouts: int,
    exploration: float,
    seeds: NDArray[np.uint64],
    out: NDArray[np.int64],
    tried: NDArray[np.int64],
    values: NDArray[np.float32],
) -> None:
    """The actions [N] of a search with so many random games, from positions that go on; how often each action was
    tried [N, A], and what the most tried one came to [N].
    """
    points, nodes = len(neighbours), rollouts + 1
    children, allowed = np.empty((nodes, points + 1), np.int64), np.empty((nodes, points + 1), np.bool_)
    visits, totals = np.empty(nodes, np.int64), np.empty(nodes, np.float64)
    path = np.empty(2 * points + 1, np.int64)
    empty, found = np.empty(points, np.int64), np.empty(points, np.int64)
    owners, copy = np.empty((1, points), np.int8), np.empty((1, raw.shape[1]), np.uint8)
    for n in range(len(raw)):
        first, seed, count = numbers(raw, n)[TO_PLAY], seeds[n : n + 1], 0
        state = numbers(copy, 0)
        for _ in range(rollouts + 1):  # the first one makes the root
            copy[0] = raw[n]
            node, fresh = 0, count == 0
            path[0], length = 0, 1
            while not fresh and not state[OVER]:
                action = choose(children, allowed, visits, totals, node, exploration, seed)
                play_one(copy, 0, action, neighbours, found)
                fresh = children[node, action] == 0
                if fresh:
                    children[node, action] = count
                node = children[node, action]
                path[length] = node
                length += 1
            if fresh:
                children[node, :], visits[node], totals[node] = 0, 0, 0
                _sensible(copy, neighbours, diagonals, allowed[node])
                count += 1
            if not state[OVER]:
                to_the_end(copy, 0, neighbours, diagonals, empty, found, seed)
            learn(visits, totals, path, length, first, result(copy, 0, neighbours, owners))
        out[n] = most_visited(children, visits, totals)
        values[n] = counted(children, visits, totals, tried[n])


@compiled
def _sensible(raw: Raw, neighbours: Points, diagonals: Points, out: NDArray[np.bool_]) -> None:
    """[points + 1]: what is legal in position 0 and fills no eye of the player's own; the pass always."""
    points = len(neighbours)
    chain, liberties = np.empty(points, np.int64), np.empty(points, np.int64)
    hashed = np.empty(points, np.uint64)
    queue, mark = np.empty(points, np.int64), np.empty(points + 1, np.int64)
    stones, colour = board(raw, 0, points), numbers(raw, 0)[TO_PLAY] + BLACK
    chains(stones, neighbours, chain, liberties, hashed, queue, mark)
    stones_allowed(raw, 0, neighbours, chain, liberties, hashed, out[:points])
    for point in range(points):
        if out[point] and is_eye(stones, point, colour, neighbours, diagonals):
            out[point] = False
    out[points] = True
