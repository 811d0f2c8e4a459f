"""Connect Four against OpenSpiel's, and against positions known by hand."""

from __future__ import annotations

import numpy as np
import openspiel
import pytest

from sounding.games.connect4 import Connect4
from sounding.randomness import stream

GAME = Connect4()


def played(text: str, n: int = 1):
    positions = GAME.start(n)
    for letter in text:
        GAME.play(positions, [GAME.action(letter)] * n)
    return positions


def randomly(n: int, plies: int, seed: int = 0):
    """Positions after so many random moves, or where the game ended before."""
    rng = stream("random play", seed)
    positions = GAME.start(n)
    for _ in range(plies):
        going = np.flatnonzero(~GAME.over(positions))
        moved = positions[going]
        GAME.play(moved, [rng.choice(np.flatnonzero(row)) for row in GAME.legal(moved)])
        positions[going] = moved
    return positions


def test_random_games_are_those_of_openspiel():
    rng = stream("connect four beside openspiel")
    compared = [openspiel.connect_four(GAME, rng) for _ in range(100)]
    assert sum(each.positions for each in compared) > 1500
    assert {float(GAME.results(each.end)[0]) for each in compared} >= {1.0, -1.0}


@pytest.mark.parametrize(
    ("moves", "result"),
    [
        ("DEDEDED", 1),  # a column
        ("ADBDADBD", -1),
        ("AABBCCD", 1),  # a row
        ("ABBCDCCDGDD", 1),  # a diagonal that rises
        ("GFFEDEEDADD", 1),  # and one that falls
        ("AEBFCGGD", -1),  # D to G, beside A to C of the other
        ("EDGABEFFBBFABGABFFBAEGDCGGAEGFCAECECCCDDDD", 0),  # a full board
    ],
)
def test_known_games(moves, result):
    before = played(moves[:-1])
    assert not GAME.over(before)[0]
    assert GAME.results(before)[0] == 0
    position = played(moves)
    assert GAME.over(position)[0]
    assert GAME.results(position)[0] == result


def test_a_line_does_not_go_around_the_edge():
    assert not GAME.over(played("FAGBAGB"))  # F, G and A, B of the lowest row


def test_an_illegal_move_changes_nothing():
    positions = played("AAAAAA", 3)
    before = positions.copy()
    with pytest.raises(ValueError, match="A is not legal in position 1"):
        GAME.play(positions, [3, 0, 3])
    with pytest.raises(ValueError, match="action 7 is not legal in position 2"):
        GAME.play(positions, [3, 3, 7])
    with pytest.raises(ValueError, match="action -1 is not legal"):
        GAME.play(positions, [-1, 3, 3])
    with pytest.raises(ValueError, match="2 actions were given for 3 positions"):
        GAME.play(positions, [1, 2])
    assert (positions == before).all()


def test_nothing_is_legal_when_the_game_is_over():
    position = played("DEDEDED")
    assert not GAME.legal(position).any()
    with pytest.raises(ValueError, match="A is not legal"):
        GAME.play(position, [0])


def test_a_batch_is_played_as_its_positions_alone():
    together = randomly(40, 12)
    rows = [GAME.legal(together), GAME.observe(together), GAME.keys(together), GAME.results(together)]
    for n in range(len(together)):
        alone = together[n : n + 1]
        for row, function in zip(rows, (GAME.legal, GAME.observe, GAME.keys, GAME.results), strict=True):
            assert (row[n] == function(alone)[0]).all()
    every_second = together[::2]
    assert (GAME.observe(every_second) == rows[1][::2]).all()


def test_positions_with_gaps_are_played_in_place():
    positions = GAME.start(4)
    GAME.play(positions[::2], [3, 4])
    assert GAME.keys(positions)[1] == GAME.keys(GAME.start())[0]
    assert positions[2:3] == played("E")


def test_symmetries_go_with_play_and_observe():
    moves = [int(move) for move in stream("mirror").integers(0, 7, 12)]
    for s, mirrored in enumerate(GAME.symmetries):
        plain, other = GAME.start(), GAME.start()
        for move in moves:
            if GAME.legal(plain)[0, move]:
                GAME.play(plain, [move])
                GAME.play(other, [mirrored[move]])
        assert (GAME.flip(GAME.observe(plain), np.array([s])) == GAME.observe(other)).all()
        assert (GAME.legal(plain)[0] == GAME.legal(other)[0, mirrored]).all()


def test_observations_are_the_players_own():
    planes = GAME.observe(played("DDE"))[0]  # O is to move
    assert np.argwhere(planes[0]).tolist() == [[4, 3]]
    assert np.argwhere(planes[1]).tolist() == [[5, 3], [5, 4]]
    assert np.argwhere(planes[2]).tolist() == [[3, 3], [4, 4], [5, 0], [5, 1], [5, 2], [5, 5], [5, 6]]


def test_stones_lie_at_the_bottom():
    stones = GAME.stones(played("DDE"))[0]
    assert stones[4:].tolist() == [[0, 0, 0, -1, 0, 0, 0], [0, 0, 0, 1, 1, 0, 0]]
    assert not stones[:4].any()


def test_keys_tell_positions_apart_and_not_the_order_of_moves():
    assert GAME.keys(played("DEC")) == GAME.keys(played("CED"))
    positions = np.unique(randomly(3000, 14))
    assert len(np.unique(GAME.keys(positions))) == len(positions) > 2000


def test_moves_are_written_as_letters():
    assert [GAME.text(action) for action in range(7)] == list("ABCDEFG")
    assert [GAME.action(letter) for letter in "AgD"] == [0, 6, 3]
    for wrong in ("", "H", "AB", "1"):
        with pytest.raises(ValueError, match="no column"):
            GAME.action(wrong)


def test_other_positions_are_refused():
    with pytest.raises(ValueError, match="not positions of Connect4"):
        GAME.legal(np.zeros(2, [("stones", np.int8)]))
