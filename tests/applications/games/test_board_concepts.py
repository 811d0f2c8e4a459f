"""What people see on boards, as the rules tell it, beside trying it out square by square."""

from __future__ import annotations

import numpy as np
import pytest

from sounding import catalog
from sounding.applications.games.shared.self_play import opened
from sounding.randomness import stream


def task_of(name: str):
    application = catalog.find(name)
    return application(application.Recipe.make("tiny"))


def asked(task, id: str, positions: np.ndarray) -> np.ndarray:
    (concept,) = (concept for concept in task.concepts if concept.id == id)
    found = concept.labels(list(positions))
    assert found.shape == (len(positions), task.game.shape[1] * task.game.shape[2])
    assert found.max() < len(concept.classes)
    return found


@pytest.fixture(scope="module")
def go():
    return task_of("go")


@pytest.fixture(scope="module")
def crowded(go):
    return opened(go.game, 12, 24, stream("crowded"), least=12)


@pytest.mark.parametrize("whose", ["threat", "threat_of_the_other"])
def test_a_threat_is_where_a_stone_would_be_the_fourth(whose):
    task = task_of("connect4")
    positions = opened(task.game, 30, 24, stream("threats"), least=10)
    found = asked(task, whose, positions)
    for position, row in zip(positions, found, strict=True):
        stones = task.game.stones(np.array([position]))[0]
        mover = 1 - 2 * int(task.game.to_play(np.array([position]))[0])
        stone = mover if whose == "threat" else -mover
        for square, label in enumerate(row):
            if stones.flat[square]:
                assert label == -1
            else:
                more = stones.copy()
                more.flat[square] = stone
                assert label == four(more == stone)
    assert (found == 1).any()


def four(board: np.ndarray) -> bool:
    padded = np.pad(board, 3)
    return any(
        all(padded[r + 3 + k * down, c + 3 + k * across] for k in range(4))
        for r, c in np.argwhere(board)
        for down, across in ((0, 1), (1, 0), (1, 1), (1, -1))
    )


def test_moves_are_labelled_by_what_the_board_is_after_them(go, crowded):
    liberties, takes = asked(go, "liberties_after", crowded), asked(go, "capture", crowded)
    legal = go.game.legal(crowded)
    for n in range(len(crowded)):
        for point in range(go.game.points):
            if not legal[n, point]:
                assert liberties[n, point] == takes[n, point] == -1
                continue
            after = crowded[n : n + 1].copy()
            stones = np.abs(go.game.stones(after)).sum()
            go.game.play(after, [point])
            assert liberties[n, point] == min(4, go.game.liberties(after)[0, point]) - 1
            assert takes[n, point] == (np.abs(go.game.stones(after)).sum() <= stones)
    assert (takes == 1).any()


def test_stones_are_labelled_by_their_chains(go, crowded):
    known = go.game.liberties(crowded)
    assert np.array_equal(asked(go, "liberties", crowded) + 1, np.minimum(known, 4))
    assert np.array_equal(asked(go, "atari", crowded) == 1, known == 1)
    assert np.array_equal(asked(go, "ladder", crowded) >= 0, known == 2)


def test_what_surrounds_a_point_is_seen_by_who_is_to_move(go, crowded):
    concept = go.concepts[0]
    kinds = concept.kinds(list(crowded))
    swapped = crowded.copy()
    swapped["board"] = np.select([crowded["board"] == 1, crowded["board"] == 2], [2, 1], crowded["board"])
    swapped["to_play"] = 1 - crowded["to_play"]
    assert np.array_equal(concept.kinds(list(swapped)), kinds)
    empty = concept.kinds(list(go.game.start(1)))[0].reshape(5, 5)
    assert len(np.unique(empty[1:-1, 1:-1])) == 1
    assert len(np.unique(empty)) == 9, "a middle, four sides, four corners"
    assert asked(go, "edge", crowded)[0].reshape(5, 5)[2].tolist() == [0, 1, 2, 1, 0]
