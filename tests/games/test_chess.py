"""The rules of chess: against counts of others, python-chess, and what the laws say."""

from __future__ import annotations

import numpy as np
import pytest
from perft_positions import CHESS960, STANDARD

from sounding.games.chess import Chess
from sounding.games.chess.actions import action_of
from sounding.games.chess.attacks import in_check
from sounding.games.chess.layout import CASTLES, KEY, MOST_MOVES
from sounding.games.chess.making import make, make_null, piece_on
from sounding.games.chess.moves import captures, generate, quiets
from sounding.games.chess.perft import divide, perft
from sounding.games.chess.uci import legal_moves
from sounding.games.chess.zobrist import key_of
from sounding.randomness import stream

ALL = [(fen, counts, False) for fen, counts in STANDARD.items()] + [
    (fen, counts, True) for fen, counts in CHESS960.items()
]


def board_of(fen: str, chess960: bool = False) -> np.ndarray:
    game = Chess(chess960=chess960)
    return game.raw(game.position(fen))


def played(game: Chess, words: str, position: np.ndarray | None = None) -> np.ndarray:
    position = game.start() if position is None else position
    for word in words.split():
        game.play(position, [game.action(word, position[0])])
    return position


@pytest.mark.parametrize(("fen", "counts", "chess960"), ALL)
def test_lines_are_as_many_as_others_count(fen, counts, chess960):
    board = board_of(fen, chess960)
    assert [perft(board, depth) for depth in (1, 2, 3, 4)] == list(counts[:4])
    assert sum(divide(board, 3).values()) == counts[2]
    assert perft(board, 0) == 1


@pytest.mark.slow
@pytest.mark.parametrize(("fen", "counts", "chess960"), ALL)
def test_longer_lines_are_as_many_as_others_count(fen, counts, chess960):
    assert perft(board_of(fen, chess960), 5) == counts[4]


@pytest.mark.parametrize("chess960", [False, True])
def test_random_games_agree_with_python_chess(chess960):
    pytest.importorskip("chess")
    from python_chess import beside

    rng, count = stream("beside", chess960), 0
    while count < 600:
        positions, _ = beside(rng, chess960, most=250)
        count += positions


@pytest.mark.parametrize("fen", [fen for fen, _, chess960 in ALL if not chess960])
def test_captures_and_quiet_moves_are_all_moves_and_keys_are_kept(fen):
    stack = np.zeros((2, 16), np.uint64)
    stack[0] = board_of(fen)[0, :16]
    rng, moves, parts = stream("keys", fen), np.zeros(MOST_MOVES, np.uint16), np.zeros(MOST_MOVES, np.uint16)
    seen = 0
    for _ in range(60):
        legal = moves[: generate(stack, 0, moves, 0)].copy()
        if not len(legal):
            break
        middle = captures(stack, 0, parts, 0)
        end = quiets(stack, 0, parts, middle)
        assert sorted(parts[:end]) == sorted(legal)
        takes = {
            move
            for move in legal.tolist()
            if (piece_on(stack, 0, move >> 6 & 63) != 6 and move >> 12 != CASTLES) or move >> 12 in (4, 6)
        }
        under = {move for move in takes if move >> 12 in (1, 2, 3)}
        assert set(parts[:middle].tolist()) == takes - under
        seen += middle
        make(stack, 0, 1, int(rng.choice(legal)))
        assert stack[1, KEY] == key_of(stack, 1)
        stack[0] = stack[1]
        if not in_check(stack, 0):
            make_null(stack, 0, 1)
            assert stack[1, KEY] == key_of(stack, 1) != stack[0, KEY]
    assert seen


def test_the_same_position_has_the_same_key_whatever_led_to_it():
    game = Chess()
    one, other = played(game, "e4 e5 Nf3 Nc6 Bc4"), played(game, "Nf3 Nc6 e4 e5 Bc4")
    assert one["key"] == other["key"]
    assert one["key"] != played(game, "e4 e5 Bc4 Nc6 Nf3 a6 a3")["key"]
    # A pawn that nobody can take has no square of en passant, and one that can be taken has.
    assert played(game, "e4 Nf6 Nc3 d6 a3")["key"] != played(game, "Nc3 Nf6 e4 d6")["key"]
    assert game.fen(played(game, "e4")[0]).split()[3] == "-"
    assert game.fen(played(game, "e4 a6 e5 d5")[0]).split()[3] == "d6"


DANCE = "Nf3 Nf6 Ng1 Ng8 "


def test_a_third_repetition_is_claimed_and_a_fifth_ends_the_game():
    claiming, patient = Chess(), Chess(claims=False)
    twice = played(claiming, 2 * DANCE)
    assert claiming.reason(twice[0]) == "repetition"
    assert claiming.results(twice)[0] == 0
    assert not claiming.over(played(claiming, DANCE + "Nf3 Nf6 Ng1"))[0]
    assert not patient.over(played(patient, 3 * DANCE))[0]
    assert patient.reason(played(patient, 4 * DANCE)[0]) == "repetition"
    observed = claiming.observe(played(claiming, DANCE))[0]
    assert (observed[15].all(), observed[16].any()) == (True, False)
    with pytest.raises(ValueError, match="not legal"):
        claiming.play(twice, [int(np.argmax(claiming.legal(claiming.start())[0]))])


def test_repetition_needs_the_same_rights():
    game = Chess()
    position = game.position("r3k2r/8/8/8/8/8/8/R3K2R w KQkq - 0 1")
    position = played(game, "Ra2 Ra7 Ra1 Ra8 " * 2, position)  # the first time all could castle
    assert not game.over(played(game, "Ra2", position))[0]
    assert game.over(played(game, "Ra7", position))[0]  # the third time since Black's first Ra7 took his right


@pytest.mark.parametrize(
    ("clock", "claims", "over"), [(98, True, False), (99, True, True), (148, False, False), (149, False, True)]
)
def test_moves_without_progress_are_a_draw(clock, claims, over):
    game = Chess(claims=claims)
    position = played(game, "Ra2", game.position(f"4k3/8/8/8/8/8/8/R3K3 w - - {clock} 90"))
    assert game.over(position)[0] == over
    assert bool(game.reason(position[0])) == over


def test_a_mate_counts_before_the_count_of_moves():
    game = Chess()
    position = played(game, "Rh8", game.position("k7/8/1K6/8/8/8/8/7R w - - 99 90"))
    assert game.reason(position[0]) == "checkmate"
    assert game.results(position)[0] == 1


@pytest.mark.parametrize(
    ("pieces", "reason"),
    [
        ("4k3/8/8/8/8/8/8/4K3", "insufficient material"),
        ("4k3/8/8/8/8/8/8/4KN2", "insufficient material"),
        ("4kb2/8/8/8/8/8/8/2B1K3", "insufficient material"),  # bishops on dark squares
        ("2b1k3/8/8/8/8/8/8/2B1K3", ""),
        ("4kn2/8/8/8/8/8/8/4KN2", ""),
        ("4k3/8/8/8/8/8/8/3NKN2", ""),
        ("4k3/p7/8/8/8/8/8/4K3", ""),
    ],
)
def test_what_no_mate_can_come_of_is_a_draw(pieces, reason):
    game = Chess()
    assert game.reason(game.position(f"{pieces} w - - 0 1")[0]) == reason


def test_both_players_see_the_board_from_their_own_side():
    chess = pytest.importorskip("chess")
    game, rng, board = Chess(), stream("sides"), chess.Board()
    for _ in range(40):
        moves = list(board.legal_moves)
        if not moves:
            break
        board.push(moves[int(rng.integers(len(moves)))])
        mine, theirs = game.position(board.fen()), game.position(board.mirror().fen())
        np.testing.assert_array_equal(game.observe(mine), game.observe(theirs))
        np.testing.assert_array_equal(game.legal(mine), game.legal(theirs))
        np.testing.assert_array_equal(game.stones(mine), -game.stones(theirs)[:, ::-1])


def test_every_action_has_a_text_and_those_of_legal_moves_lead_back():
    game = Chess()
    position = game.position("r3k2r/pPp5/8/3pP3/8/8/8/R3K2R w KQkq d6 0 1")
    texts = {game.text(action, position[0]) for action in np.flatnonzero(game.legal(position)[0])}
    assert {"e1g1", "e1c1", "b7a8q", "b7a8n", "b7b8r", "e5d6"} <= texts
    assert all(game.text(game.action(text, position[0]), position[0]) == text for text in texts)
    assert len({action_of(move, 0) for move in legal_moves(position[0])}) == len(texts)
    assert all(game.text(action) for action in range(game.actions))
    with pytest.raises(ValueError, match="none was given"):
        game.action("e4")
    for word, said in (
        ("e2e4", "e2e4 is not legal"),
        ("Ke3", "Ke3 is not legal"),
        ("x", "is no move"),
        ("", "is no move"),
    ):
        with pytest.raises(ValueError, match=said):
            game.action(word, position[0])


def test_the_960_starting_positions_are_those_of_others():
    chess = pytest.importorskip("chess")
    for number in (0, 1, 17, 356, 518, 700, 958, 959):
        game = Chess(chess960=True, number=number)
        assert game.fen(game.start()[0]) == chess.Board.from_chess960_pos(number).fen()
    for wrong in ({"number": 960, "chess960": True}, {"number": 3}):
        with pytest.raises(ValueError, match="starting position"):
            Chess(**wrong)


def test_squares_that_are_cleared_or_changed_go_on_as_positions():
    game = Chess()
    position = game.position("r3k2r/8/8/8/8/8/8/R3K2R w KQkq - 0 1")
    stones = game.stones(position)
    stones[0, 0, 7] = 0  # h8
    stones[0, 7, 0] = -1  # a1
    stones[0, 4, 4] = 1  # e4, a pawn
    stones[0, 0, 4] = 0  # a king stays
    found = game.arranged(position, stones, np.array([1]))
    assert game.fen(found[0]) == "r3k3/8/8/8/4P3/8/8/r3K2R b Kq - 0 1"
    np.testing.assert_array_equal(game.fen(position[0]), "r3k2r/8/8/8/8/8/8/R3K2R w KQkq - 0 1")
    assert game.raw(found)[0, KEY] == key_of(game.raw(found), 0)
