"""Go against positions known by hand, and its functions over batches."""

from __future__ import annotations

import numpy as np
import pytest

from sounding.games.go import Go
from sounding.randomness import stream


def drawn(text: str, to_play: int = 0, komi: float = 0.0) -> tuple[Go, np.ndarray]:
    """A position as it is drawn: X Black, O White, . empty."""
    lines = text.split()
    stones = "".join(lines)
    game = Go(len(lines), komi)
    places = [[k for k, stone in enumerate(stones) if stone == colour] for colour in "XO"]
    return game, game.setup(*places, to_play=to_play)


def play(game: Go, positions: np.ndarray, moves: str) -> np.ndarray:
    for move in moves.split():
        game.play(positions, [game.action(move)] * len(positions))
    return positions


def shown(game: Go, position: np.ndarray) -> list[str]:
    return ["".join(".XO"[stone] for stone in row) for row in game.stones(position)[0]]


def is_legal(game: Go, position: np.ndarray, move: str) -> bool:
    return bool(game.legal(position)[0, game.action(move)])


def randomly(game: Go, n: int, plies: int) -> np.ndarray:
    """Positions after so many random stones."""
    rng = stream("random go", game.size)
    positions = game.start(n)
    for _ in range(plies):
        legal = game.legal(positions)[:, :-1]
        game.play(positions, [int(rng.choice(np.flatnonzero(row))) for row in legal])
    return positions


# ---- captures, suicide, ko


def test_captures():
    game, position = drawn(".XX.. XOO.. .XX.. ..... .....")
    play(game, position, "D4")
    assert shown(game, position) == [".XX..", "X..X.", ".XX..", ".....", "....."]
    assert position["captured"] == 2


def test_two_chains_are_captured_at_once():
    game, position = drawn("XO.OX XXXXX ..... ..... .....")
    play(game, position, "C5")
    assert shown(game, position)[0] == "X.X.X"


def test_suicide_is_forbidden_also_of_many():
    game, position = drawn(".OX.. OOX.. XXX.. ..... .....", to_play=1)
    assert not is_legal(game, position, "A5")
    with pytest.raises(ValueError, match="A5 is not legal in position 0"):
        play(game, position, "A5")
    game.turn(position, 0)
    assert is_legal(game, position, "A5")  # which captures


def test_the_last_liberty_may_be_filled_if_that_captures():
    game, position = drawn(".OX.. OX... X.... ..... .....")
    play(game, position, "A5")
    assert shown(game, position)[:3] == ["X.X..", ".X...", "X...."]


def test_snapback():
    game, position = drawn("..... ..... OOO.. XXXO. X..O.", to_play=1)
    play(game, position, "B1 C1")
    assert shown(game, position)[4] == "X.XO."
    assert position["ko"] == -1  # one stone was taken, by a chain
    play(game, position, "B1")
    assert shown(game, position) == [".....", ".....", "OOO..", "...O.", ".O.O."]


KO = "..... .XO.. XO.O. .XO.. ....."


def test_ko():
    game, position = drawn(KO)
    play(game, position, "C3")
    assert shown(game, position)[2] == "X.XO."
    assert game.text(int(position["ko"][0])) == "B3"
    assert not is_legal(game, position, "B3")
    play(game, position, "E1 A1")  # a threat and its answer
    assert is_legal(game, position, "B3")
    play(game, position, "B3")
    assert not is_legal(game, position, "C3")


def test_superko_holds_where_turns_are_set():
    game, position = drawn(KO)
    play(game, position, "C3 pass")
    game.turn(position, 1)
    assert position["ko"] == -1
    assert not is_legal(game, position, "B3")


def test_sending_two_returning_one_is_forbidden():
    game, position = drawn(".O.O. XXOO. .XXO. ..... .....", to_play=1)
    play(game, position, "A5 C5")
    assert shown(game, position)[0] == "..XO."
    assert position["ko"] == -1
    assert not is_legal(game, position, "B5")  # it would take C5, and the first board would be back
    play(game, position, "E1 A1")
    assert is_legal(game, position, "B5")


def test_superko_counts_a_chain_once_that_is_taken_from_two_sides():
    game, position = drawn("..X.. .XO.. XO... ..... .....", to_play=1)
    play(game, position, "A5 pass B5 pass A4")
    assert shown(game, position)[:3] == ["OOX..", "O.O..", "XO..."]
    assert not is_legal(game, position, "B4")  # three stones would go, and the first board would be back
    with pytest.raises(ValueError, match="B4 is not legal"):
        play(game, position, "B4")


def test_no_board_comes_back_in_crowded_games():
    game = Go(5)
    rng = stream("no board comes back")
    positions = game.start(60)
    seen = [{bytes(25)} for _ in positions]
    while not game.over(positions).all():
        going = np.flatnonzero(~game.over(positions))
        moved = positions[going]
        legal = game.legal(moved)
        stones_first = [np.flatnonzero(row[:-1]) if row[:-1].any() else [25] for row in legal]
        moves = [int(rng.choice(row)) for row in stones_first]
        game.play(moved, moves)
        positions[going] = moved
        for k, move, stones in zip(going, moves, game.stones(moved), strict=True):
            assert move == 25 or stones.tobytes() not in seen[k]
            seen[k].add(stones.tobytes())
    assert (positions["captured"] > 20).sum() > 30


# ---- the end and the count


def test_two_passes_end_the_game():
    game = Go(5, komi=0.5)
    position = play(game, game.start(), "C3 pass")
    assert not game.over(position)[0]
    play(game, position, "pass")
    assert game.over(position)[0]
    assert not game.legal(position).any()
    assert game.score(position)[0] == 24.5
    assert game.results(position)[0] == 1
    with pytest.raises(ValueError, match="A1 is not legal"):
        play(game, position, "A1")
    game.turn(position, 0)  # as when people go on
    assert is_legal(game, position, "A1")


def test_each_position_keeps_its_komi():
    game = Go(5, komi=3.0)
    positions = play(game, game.start(3), "pass")
    positions["komi"] = [1.0, -2.0, 0.0]
    assert not game.results(positions).any()  # nobody has won yet
    play(game, positions, "pass")
    assert game.score(positions).tolist() == [-1, 2, 0]
    assert game.results(positions).tolist() == [-1, 1, 0]
    assert game.start()["komi"] == 3


def test_a_game_ends_when_it_is_too_long():
    game = Go(5)
    position = game.start()
    for move in range(49):  # stones as long as there are, or passes that are not in a row
        legal = np.flatnonzero(game.legal(position)[0])
        game.play(position, [legal[0] if move % 2 else legal[-2] if len(legal) > 1 else legal[-1]])
        assert not game.over(position)[0]
    game.play(position, [np.flatnonzero(game.legal(position)[0])[0]])
    assert position["moves"] == 50
    assert game.over(position)[0]


def test_points_between_living_chains_are_nobodys_in_seki():
    game, position = drawn("XX.OO XX.OO XXXOO XXXOO XXXOO")
    assert np.flatnonzero(game.area(position)[0] == 0).tolist() == [2, 7]
    assert game.score(position)[0] == 13 - 10
    play(game, position, "C4 C5")  # who fills one is taken
    assert (game.stones(position) == 1).sum() == 0


def test_area_of_eyes_and_of_an_empty_board():
    game, position = drawn(".XO.OX. XXOOOXX ....... ....... ....... ....... .......")
    area = game.area(position)[0].reshape(7, 7)
    assert area[0].tolist() == [1, 1, -1, -1, -1, 1, 1]
    assert not area[2:].any()
    assert not game.area(game.start()).any()


# ---- what is seen


def test_liberties():
    game, position = drawn("XX... O.... OO... ..... ....X")
    found = game.liberties(position)[0].reshape(5, 5)
    assert found[0].tolist() == [2, 2, 0, 0, 0]
    assert found[1:3, 0].tolist() == [4, 4]
    assert found[2, 1] == 4
    assert found[4, 4] == 2


def read(game: Go, position: np.ndarray, point: str) -> int:
    return int(game.ladders(position)[0, game.action(point)])


LADDER = """
.......
..XX...
.XO....
.......
.......
....{}..
......."""


def test_a_ladder_runs_to_the_edge_or_to_a_stone_of_its_own():
    game, position = drawn(LADDER.format("."))
    assert read(game, position, "C5") == 1
    assert read(game, position, "C6") == -1, "four liberties and more are no ladder"
    game, position = drawn(LADDER.format("O"))
    assert read(game, position, "C5") == 0
    game, position = drawn(LADDER.format("X"))
    assert read(game, position, "C5") == 1


def test_who_can_take_a_stone_on_the_way_is_not_caught():
    surrounded = LADDER.format(".").replace("..XX...", ".OXX...").replace(".XO....", "OXO....")
    game, position = drawn(surrounded)  # Black's B5 has one liberty, B4
    assert read(game, position, "C5") == 0


def test_reading_a_ladder_leaves_the_board():
    game = Go(9)
    positions = randomly(game, 20, 30)
    before = positions.copy()
    found = game.ladders(positions)
    assert np.array_equal(before, positions)
    assert np.array_equal(found >= 0, game.liberties(positions) == 2)
    for symmetry in (3, 6):  # what is read does not depend on how one looks at it
        turned = game.ladders(game.turned(positions, symmetry))
        assert np.array_equal(turned[:, game.squares[symmetry]], found)


def test_planes_of_an_observation():
    game, position = drawn(KO, komi=5.0)
    play(game, position, "C3")  # White is to move
    planes = game.observe(position)[0]
    stones = game.stones(position)[0]
    liberties = game.liberties(position)[0].reshape(5, 5)
    assert (planes[0] == (stones == -1)).all()
    assert (planes[1] == (stones == 1)).all()
    for free in (1, 2, 3):
        assert (planes[1 + free] == (liberties == free)).all()
    assert np.argwhere(planes[5]).tolist() == [[2, 2]]
    assert not planes[6].any()
    assert np.argwhere(planes[7]).tolist() == [[2, 1]]  # the ko
    assert not planes[8].any()
    assert np.unique(planes[9]) == np.float32(0.25)
    assert (planes[10] == 1).all()
    planes = game.observe(play(game, position, "pass"))[0]
    assert (planes[0] == (stones == 1)).all()
    assert not planes[5].any()
    assert np.argwhere(planes[6]).tolist() == [[2, 2]]
    assert (planes[8] == 1).all()
    assert np.unique(planes[9]) == np.float32(-0.25)


def test_keys_tell_what_goes_on_differently():
    game = Go(5)
    first = play(game, game.start(), "A1 B2 C3")
    assert game.keys(first) == game.keys(play(game, game.start(), "C3 B2 A1"))
    others = [
        play(game, game.start(), "A1 B2 C4"),
        play(game, game.start(), "B2 A1 pass C3"),
        play(game, first.copy(), "pass"),
        play(game, first.copy(), "D4 pass"),
        play(game, first.copy(), "D4"),
        Go(5, komi=1.0).setup([20, 12], [16], to_play=1),
        game.setup([20, 12], [16], to_play=0),
        *(play(*drawn(KO), moves="C3") for _ in range(1)),
    ]
    assert len({int(game.keys(each)[0]) for each in [first, *others]}) == 9
    assert game.keys(game.setup([20, 12], [16], to_play=1)) == game.keys(first)


@pytest.mark.parametrize("size", [5, 9])
def test_symmetries_go_with_play_observe_and_area(size):
    game = Go(size)
    rng = stream("symmetries", size)
    assert len({tuple(row) for row in game.symmetries}) == 8
    assert (game.symmetries[0] == np.arange(game.actions)).all()
    plain = game.start(8)
    images = game.start(8)
    every = np.arange(8)
    for _ in range(size * size):
        move = int(rng.choice(np.flatnonzero(game.legal(plain)[0])))
        game.play(plain, [move] * 8)
        game.play(images, game.symmetries[:, move])
        if game.over(plain)[0]:
            break
        assert (np.take_along_axis(game.legal(images), game.symmetries, 1) == game.legal(plain)).all()
    assert (game.flip(game.observe(plain), every) == game.observe(images)).all()
    assert (np.take_along_axis(game.area(images), game.squares, 1) == game.area(plain)).all()
    assert (game.score(images) == game.score(plain)).all()


# ---- arrays of positions


@pytest.mark.parametrize("size", [5, 19])
def test_a_batch_is_played_as_its_positions_alone(size):
    game = Go(size)
    together = randomly(game, 12, 20)
    functions = (game.legal, game.observe, game.area, game.keys, game.liberties, game.score, game.stones)
    for function in functions:
        rows = function(together)
        for n in range(len(together)):
            assert (rows[n] == function(together[n : n + 1])[0]).all()
        assert (rows[::3] == function(together[::3])).all()
    assert len(game.legal(together[:0])) == 0


def test_an_illegal_move_changes_nothing():
    game = Go(5)
    positions = play(game, game.start(3), "C3")
    before = positions.copy()
    for moves, said in (
        ([0, 12, 1], "C3 is not legal in position 1"),
        ([0, 1, 26], "action 26 is not legal in position 2"),
    ):
        with pytest.raises(ValueError, match=said):
            game.play(positions, moves)
        assert (positions == before).all()
    game.play(positions[1:2], [0])
    assert (positions[::2] == before[::2]).all()
    assert positions[1] != before[1]


def test_joined_and_chosen_arrays_are_positions_still():
    game = Go(7)
    joined = np.concatenate([randomly(game, 2, 5), game.start(1)])[[2, 0, 1]]
    assert game.legal(joined).sum(axis=1).tolist() == [50, 45, 45]


def test_positions_of_another_size_are_refused():
    with pytest.raises(ValueError, match="not positions of Go"):
        Go(9).legal(Go(7).start())


# ---- words and positions that are set up


VERTICES = ["A19", "J19", "T19", "A18", "A1", "T1", "pass"]


def test_points_are_written_as_in_gtp():
    game = Go(19)
    assert [game.text(action) for action in (0, 8, 18, 19, 342, 360, 361)] == VERTICES
    assert all(game.action(game.text(action).lower()) == action for action in range(362))
    for wrong in ("", "I5", "A20", "A0", "U1", "5", "A-1", "AA1", "A1 B1", "A¹"):
        with pytest.raises(ValueError, match="no point of a board of 19 lines: they are A1 to T19, or pass"):
            game.action(wrong)


def test_a_position_is_set_up():
    game = Go(9, komi=0.5)
    position = game.setup([game.action("C3"), game.action("G7")], to_play=1)
    assert game.to_play(position)[0] == 1
    assert (game.stones(position) == 1).sum() == 2
    assert not is_legal(game, position, "C3")
    assert game.keys(position) != game.keys(game.start())
    with pytest.raises(ValueError, match="A9 is named twice"):
        game.setup([0], [0])
    with pytest.raises(ValueError, match="81 is no point"):
        game.setup([81])
    with pytest.raises(ValueError, match="stones at A9 have no liberty"):
        game.setup([0], [1, 9])
