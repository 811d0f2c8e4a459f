"""Positions as inputs and moves as answers: what is read and refused, masked, misread, turned and drawn."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from sounding.contract.change import ClassPreserving
from sounding.errors import DataError, UsageError
from sounding.games.connect4 import Connect4
from sounding.modalities.boards.board import Board, one
from sounding.modalities.boards.judgement import Judgement, MatchGame
from sounding.modalities.boards.turning import Turned

GAME = Connect4()
BOARD, MOVE = Board(GAME, "holes"), Judgement(GAME, territory=False)


def judgement(policy: list[float], outcome: list[float]) -> np.void:
    found = np.zeros(1, MOVE.dtype)
    found["policy"][0], found["outcome"][0] = policy, outcome
    return found[0]


@pytest.mark.parametrize(
    "cell", ["D D C", "ddc", "d, d, c", {"moves": ["D", "D", "C"]}, {"moves": "DDC"}, ["D", "D", "C"]]
)
def test_a_position_is_read_from_its_moves_however_they_are_written(cell):
    value = BOARD.read(cell)
    assert BOARD.lines(value)[-2:] == ["...O...", "..XX..."]
    assert BOARD.describe(value) == "3 stones, O to move"


def test_a_position_that_was_written_down_is_read_again():
    value = BOARD.read("D D C A")
    again = BOARD.read(json.loads(json.dumps(BOARD.to_json(value))))
    assert again == value
    assert BOARD.read(value) is value


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("D X", "move 2 of 2: 'X' is no column"),
        ("D D D D D D D", "move 7 of 7: D is not legal"),
        ("A B A B A B A", "the game is over"),
        ("A B A B A B A C", "move 8 of 8: C is not legal"),
        (7, "int is no position"),
        ({"board": ["..."]}, "Give 6 lines of 7 signs"),
        ({"board": ["......."] * 6, "to_play": "Z"}, "to_play X or O"),
    ],
)
def test_what_is_no_position_is_refused_by_its_move(cell, message):
    with pytest.raises(DataError, match=message):
        BOARD.read(cell)


def test_a_stone_is_a_segment_that_can_be_taken_away_or_change_its_colour():
    value = BOARD.read("D D C")
    assert [BOARD.segment_name(value, k) for k in range(BOARD.segments(value))] == [
        "own stone on D2",
        "other's stone on C1",
        "other's stone on D1",
    ]
    without, turned = (BOARD.mask(value, np.array([False, True, True]), baseline) for baseline in BOARD.baselines)
    assert BOARD.lines(without)[-2:] == [".......", "..XX..."]
    assert BOARD.lines(turned)[-2:] == ["...X...", "..XX..."]
    assert GAME.to_play(one(turned)) == GAME.to_play(one(value))


def test_a_misread_board_differs_at_as_many_points_as_its_severity():
    value = BOARD.read("D D C E A G E D F B")
    before = GAME.stones(one(value))
    for name, corrupt in BOARD.corruptions.items():
        for severity in range(1, 6):
            after = GAME.stones(one(corrupt(value, severity, np.random.default_rng(severity))))
            assert (after != before).sum() == severity, name
    for near in BOARD.neighbours(value, np.random.default_rng(0)):
        assert (GAME.stones(one(near)) != before).sum() == 1


def test_a_mirrored_position_is_seen_mirrored_and_one_that_is_its_own_mirror_is_left_alone():
    value = BOARD.read("D D C")
    other = BOARD.turned(value, 1)
    assert BOARD.lines(other) == [line[::-1] for line in BOARD.lines(value)]
    planes, mirrored = BOARD.encode([value, other]).planes
    assert torch.equal(mirrored, planes.flip(-1))
    assert BOARD.turned(BOARD.read("D D"), 1) is None


def test_moves_follow_a_board_that_is_turned_and_nothing_else_is_followed():
    value = judgement([0.5, 0.2, 0.1, 0.1, 0.1, 0, 0], [1, 0, 0])
    turned, same = MOVE.transform_targets([value, value], Turned(np.array([1, 0])))
    assert np.array_equal(turned["policy"], value["policy"][::-1])
    assert same == value
    with pytest.raises(UsageError, match="cannot follow"):
        MOVE.transform_targets([value], ClassPreserving())


def test_an_answer_tells_its_move_and_how_likely_it_wins():
    value = judgement([0, 0.1, 0.2, 0.7, 0, 0, 0], [0.5, 0.2, 0.3])
    assert MOVE.describe(value) == "D, wins 60 %"
    assert MOVE.to_json(value)["policy"] == {"D": 0.7, "C": 0.2, "B": 0.1}
    assert MOVE.answers(value, 0.7, None)[0]["label"] == "D"
    assert MOVE.fields(value, None)["win_rate"]() == pytest.approx(0.6, abs=1e-3)
    game = MatchGame("greedy", 0.5, True, "D D C")
    assert MOVE.to_json(game) == {"opponent": "greedy", "points": 0.5, "first": True, "moves": "D D C"}
    with pytest.raises(DataError, match="no judgement"):
        MOVE.read("D")


def test_the_typical_answer_is_the_mean_of_all():
    values = [judgement([1, 0, 0, 0, 0, 0, 0], [1, 0, 0]), judgement([0, 1, 0, 0, 0, 0, 0], [0, 0, 1])]
    typical = MOVE.constant_baseline(values)
    assert typical["policy"].tolist() == [0.5, 0.5, 0, 0, 0, 0, 0]
    assert typical["outcome"].tolist() == [0.5, 0, 0.5]


def test_a_board_is_drawn_with_its_stones_their_weights_and_the_moves():
    value = BOARD.read("D D C")
    marks = MOVE.marks(judgement([0, 0.1, 0.2, 0.7, 0, 0, 0], [0.5, 0.2, 0.3]))
    plain, drawn = BOARD.render(value), BOARD.render(value, np.array([0.5, -0.2, 0.1]), marks)
    assert plain.svg().count("<circle") == 42
    assert drawn.svg().count("<circle") == 43  # and the ring around the best move
    for share in ("10", "20", "70"):
        assert f">{share}</text>" in drawn.svg()
    assert "D2 +0.50" in drawn.text
    assert drawn.image().width > 100
