"""The chess program: its network against the formula, its search against plain minimax, and what it has to find."""

from __future__ import annotations

import time

import chess
import numpy as np
import pytest
import torch

from sounding.architectures.nnue import LARGEST, Nnue
from sounding.errors import RunError
from sounding.games.chess import Chess
from sounding.games.chess.engine import AlphaBeta
from sounding.games.chess.engine.checks import checking, gives_check
from sounding.games.chess.engine.deepening import Deepening
from sounding.games.chess.engine.endings import attainable
from sounding.games.chess.engine.exchanges import VALUES, gains
from sounding.games.chess.engine.memory import MATE
from sounding.games.chess.engine.quiescence import quiesce
from sounding.games.chess.engine.search import search
from sounding.games.chess.engine.table import LINE, new_table
from sounding.games.chess.layout import BOARD_WORDS, CASTLES, MOST_MOVES, RECORD, TAKES_EN_PASSANT
from sounding.games.chess.lines import Walker
from sounding.games.chess.making import make, make_null
from sounding.games.chess.moves import generate
from sounding.games.chess.nnue.accumulators import evaluate
from sounding.games.chess.nnue.features import dense
from sounding.games.chess.nnue.network import (
    NET,
    ONE,
    OUTPUT_ONE,
    SCALE,
    UNITS,
    quantised,
    read_net,
    shipped,
    write_net,
)
from sounding.games.chess.uci import legal_moves, move_of, move_text
from sounding.games.thinking import Limit
from sounding.randomness import stream

GAME = Chess()


def position(fen: str) -> np.ndarray:
    """[1]: the position of a FEN, read by python-chess."""
    board, found = chess.Board(fen), np.zeros(1, RECORD)
    found["pieces"] = [board.pawns, board.knights, board.bishops, board.rooks, board.queens, board.kings]
    found["colours"] = [board.occupied_co[chess.WHITE], board.occupied_co[chess.BLACK]]
    found["turn"], found["castling"], found["clock"] = not board.turn, board.castling_rights, board.halfmove_clock
    found["since"] = board.halfmove_clock
    if board.has_legal_en_passant():
        found["en_passant"] = np.uint64(1 << board.ep_square)
    return GAME.settled(found)


def random_boards(n: int, plies: int, *words: object) -> np.ndarray:
    """[n, 16]: boards of random games."""
    walker, rng = Walker(), stream("random boards", *words)
    found = []
    for _ in range(n):
        walker.go_to("")
        found.append(walker.go_to(walker.wander(plies, rng)).copy())
    return np.array(found)


@pytest.fixture(scope="module")
def float_net():
    torch.manual_seed(0)
    model = Nnue()
    torch.nn.init.uniform_(model.last.weight, -0.4, 0.4)  # as large as trained ones
    return model


@pytest.fixture(scope="module")
def net(float_net):
    """A network that was never trained: its scores are like any."""
    return whole(float_net)


def whole(model: Nnue) -> np.ndarray:
    state = {name: tensor.detach().numpy() for name, tensor in model.state_dict().items()}
    return quantised(
        {
            "features": state["first.weight"].clip(-LARGEST, LARGEST).T,
            "bias": state["first.bias"],
            "output": state["last.weight"].clip(-LARGEST, LARGEST),
            "output_bias": state["last.bias"],
        }
    )


@pytest.fixture(scope="module")
def material():
    """A network that counts pieces: one unit for the own, one for the other's, of each side."""
    net = np.zeros(1, NET)
    values = np.repeat([1, 3.2, 3.3, 5, 9.5, 0], 64) / 45
    net["features"][0, :384, 0] = net["features"][0, 384:, 1] = np.rint(values * ONE)
    net["output"][0, :, 0], net["output"][0, :, 1] = 2 * OUTPUT_ONE, -2 * OUTPUT_ONE
    return net


def score_of(boards: np.ndarray, net: np.ndarray) -> int:
    return int(evaluate(boards, len(boards) - 1, net, *rows(len(boards))))


def rows(n: int) -> tuple[np.ndarray, np.ndarray]:
    return np.zeros((n, 2, UNITS), np.int16), np.zeros((n, 2), np.int8)


def formula(board: np.ndarray, net: np.ndarray) -> int:
    """The score by the definition: features of python-chess's kind, sums, squares."""
    turn = int(board[8])
    sides = []
    for side in (turn, 1 - turn):
        king = int(board[5] & board[6 + side]).bit_length() - 1
        total = net["bias"][0].astype(np.int64)
        for colour in (0, 1):
            for kind in range(6):
                for square in chess.SquareSet(int(board[kind] & board[6 + colour])):
                    seen = chess.square_mirror(square) if side else square
                    seen = seen ^ 7 if chess.square_file(king) < 4 else seen
                    total = total + net["features"][0, (colour != side) * 384 + kind * 64 + seen]
        sides.append(np.clip(total, 0, ONE) ** 2)
    layer = (int(board[6] | board[7]).bit_count() - 1) // 4
    output = net["output"][0, layer].astype(np.int64)
    total = int((np.concatenate(sides) * output).sum()) // ONE + int(net["output_bias"][0, layer])
    return total * SCALE // (ONE * OUTPUT_ONE)


# ---- the network


def test_scores_are_those_of_the_formula(net):
    for board in random_boards(12, 60, "formula"):
        assert abs(score_of(board[None], net) - formula(board, net)) <= 1  # two divisions are rounded apart


def test_scores_along_a_game_are_those_from_the_beginning(net):
    moves, rng = np.zeros(MOST_MOVES, np.uint16), stream("incremental")
    for number in range(6):
        boards = np.zeros((161, BOARD_WORDS), np.uint64)
        boards[0] = GAME.raw(GAME.start(1))[0, :BOARD_WORDS]
        accumulators, views = rows(len(boards))
        for ply in range(160):
            count = generate(boards, ply, moves, 0)
            if not count:
                break
            if rng.random() < 0.1 and ply % 7 == 0:
                make_null(boards, ply, ply + 1)
            else:
                make(boards, ply, ply + 1, np.uint16(moves[rng.integers(count)]))
            if rng.random() < 0.6:  # others are passed over
                found = evaluate(boards, ply + 1, net, accumulators, views)
                assert found == score_of(boards[ply + 1 : ply + 2], net), (number, ply)


def test_whole_numbers_are_near_the_trained_ones(float_net, net):
    boards = random_boards(64, 40, "float")
    inputs, buckets = np.empty((64, 2, 768), np.uint8), np.empty(64, np.int64)
    dense(boards, np.arange(64), inputs, buckets)
    with torch.inference_mode():
        logits = float_net(torch.from_numpy(inputs), torch.from_numpy(buckets)).numpy()
    scores = np.array([score_of(board[None], net) for board in boards])
    assert scores.std() > 100
    assert np.abs(scores - SCALE * logits).mean() < 0.05 * scores.std()


def test_a_net_comes_back_from_its_file_and_a_damaged_one_is_said(net, tmp_path):
    write_net(tmp_path / "net.safetensors", net, {"made by": "a test"})
    assert read_net(tmp_path / "net.safetensors") == net
    (tmp_path / "cut").write_bytes((tmp_path / "net.safetensors").read_bytes()[:1000])
    with pytest.raises(RunError, match="this is no net"):
        read_net(tmp_path / "cut")
    with pytest.raises(ValueError, match="too large"):
        quantised({"features": np.full((768, UNITS), 200.0)})


# ---- exchanges


def test_exchanges_come_to_what_playing_them_out_does():
    boards = np.zeros((34, BOARD_WORDS), np.uint64)
    seen = 0
    for board in random_boards(40, 50, "exchanges"):
        boards[0] = board
        moves = np.zeros(MOST_MOVES, np.uint16)
        for move in moves[: generate(boards, 0, moves, 0)].tolist():
            if move >> 12 or chess.SquareSet(int(board[5])) & {move & 63}:
                continue  # kings, promotions and the like count otherwise
            best = played_out(boards, 0, move)
            if best is None:
                continue
            seen += 1
            assert gains(boards, 0, move, best)
            assert not gains(boards, 0, move, best + 1)
    assert seen > 200


def test_checks_are_those_that_python_chess_sees():
    boards = np.zeros((1, BOARD_WORDS), np.uint64)
    seen = 0
    for board in random_boards(60, 40, "checks"):
        boards[0] = board
        theirs, moves = chess_of(board), np.zeros(MOST_MOVES, np.uint16)
        squares = tuple(map(np.uint64, checking(boards, 0)))
        for move in moves[: generate(boards, 0, moves, 0)].tolist():
            played = chess.Move(move & 63, move >> 6 & 63)
            stays = chess.SquareSet(int(squares[4])) & chess.SquareSet.from_square(played.from_square)
            if move >> 12 or (stays and not theirs.gives_check(played)):
                continue  # a piece that stays on its line counts as a check
            assert gives_check(boards, 0, move, squares) == theirs.gives_check(played), (theirs.fen(), played)
            seen += theirs.gives_check(played)
    assert seen > 20


def played_out(boards: np.ndarray, n: int, move: int) -> int | None:
    """What a move wins where both take on its square with the least piece as long as it pays; None where a pin, a king
    or a promotion would have a say.
    """
    target = move >> 6 & 63
    board = chess_of(boards[n])
    if chess.square_rank(target) in (0, 7):
        return None

    def value(square: int) -> int:
        piece = board.piece_type_at(square)
        return int(VALUES[piece - 1]) if piece else 0

    def taking() -> int:
        takers = sorted(board.attackers(board.turn, target), key=value)
        if not takers:
            return 0
        if board.piece_type_at(takers[0]) == chess.KING and board.attackers(not board.turn, target):
            return 0
        return max(0, go(takers[0]))

    def go(origin: int) -> int:
        won, mover, victim = value(target), board.remove_piece_at(origin), board.piece_at(target)
        board.set_piece_at(target, mover)
        board.turn = not board.turn
        found = won - taking()
        board.turn = not board.turn
        board.remove_piece_at(target)
        if victim:
            board.set_piece_at(target, victim)
        board.set_piece_at(origin, mover)
        return found

    return go(move & 63)


# ---- the search


def minimax(boards: np.ndarray, n: int, depth: int, net: np.ndarray) -> int:
    """The score of plain search: each line to the same depth, judged at its end."""
    moves = np.zeros(MOST_MOVES, np.uint16)
    legal = moves[: generate(boards, n, moves, 0)].tolist()
    record = chess_of(boards[n])
    if n and record.is_insufficient_material():
        return 0
    if not legal:
        return n - MATE if record.is_check() else 0
    if depth == 0:
        score = attainable(boards, n, score_of(boards[n : n + 1], net))
        return score * (200 - int(boards[n, 11])) // 200
    best = -MATE
    for move in legal:
        make(boards, n, n + 1, np.uint16(move))
        best = max(best, -minimax(boards, n + 1, depth - 1, net))
    return best


def chess_of(board: np.ndarray) -> chess.Board:
    found = chess.Board(None)
    for kind in range(6):
        for colour in (0, 1):
            for square in chess.SquareSet(int(board[kind] & board[6 + colour])):
                found.set_piece_at(square, chess.Piece(kind + 1, not colour))
    found.turn = not int(board[8])
    return found


@pytest.mark.parametrize("plies", [0, 9, 40, 90, 150])
def test_without_selection_the_score_is_that_of_minimax(net, plies):
    record = random_boards(1, plies, "minimax", plies)[0]
    boards = np.zeros((4, BOARD_WORDS), np.uint64)
    boards[0] = record
    engine = Deepening(net, 1)
    engine.work["selective"] = 0
    words = np.zeros(RECORD.itemsize // 8, np.uint64)
    words[:BOARD_WORDS] = record
    words[18] = record[11]  # no key before this one is known
    legal = legal_moves(words.view(RECORD)[0])
    found = []
    engine.run(words, legal, lines=1, nodes=None, depth=2, told=lambda f: found.append(f) or True)
    for result in found:
        assert result.lines[0].score == minimax(boards, 0, result.depth, net)
    assert [result.depth for result in found] == [1, 2]


@pytest.mark.parametrize(
    ("fen", "mate", "best"),
    [
        ("rnbqkbnr/pppp1ppp/8/4p3/6P1/5P2/PPPPP2P/RNBQKBNR b KQkq - 0 2", 1, "d8h4"),
        ("6k1/5ppp/8/8/8/8/8/R6K w - - 0 1", 1, "a1a8"),
        ("kbK5/pp6/1P6/8/8/8/8/R7 w - - 0 1", 2, "a1a6"),
        ("r5rk/5p1p/5R2/4B3/8/8/7P/7K w - - 0 1", 3, "f6a6"),
        ("7k/8/8/8/8/8/7q/K7 w - - 0 1", None, None),
    ],
)
def test_mates_are_found(material, fen, mate, best):
    thought = AlphaBeta(material, 1).think(GAME, position(fen), Limit(depth=8))
    first = thought.candidates[0]
    assert first.mate == mate if mate else first.mate is None or first.mate < 0
    if best:
        assert GAME.text(first.action, position(fen)[0]) == best
        assert first.centipawns == MATE - (2 * mate - 1)


def test_a_draw_by_checks_without_end_is_found(material):
    drawn = "6k1/6p1/8/7Q/8/1q6/rr6/7K w - - 0 1"
    thought = AlphaBeta(material, 1).think(GAME, position(drawn), Limit(depth=9))
    assert thought.candidates[0].centipawns == 0
    assert GAME.text(thought.candidates[0].action, position(drawn)[0]) == "h5e8"


def test_what_hangs_is_taken_and_what_is_defended_is_left(material):
    engine = AlphaBeta(material, 1)
    for fen, best in (
        ("4k3/8/8/3q4/8/8/3Q4/4K3 w - - 0 1", "d2d5"),
        ("4k3/8/4p3/3p4/8/8/3Q3p/4K3 w - - 0 1", "d2h2"),
    ):
        thought = engine.think(GAME, position(fen), Limit(depth=6))
        assert GAME.text(thought.candidates[0].action, position(fen)[0]) == best


def test_lines_are_legal_different_and_in_order(net):
    start = GAME.start(1)
    thought = AlphaBeta(net, 1).think(GAME, start, Limit(depth=5, lines=3))
    assert len(thought.candidates) == 20
    told, rest = thought.candidates[:3], thought.candidates[3:]
    assert [move.centipawns for move in told] == sorted((move.centipawns for move in told), reverse=True)
    assert len({move.action for move in thought.candidates}) == 20
    assert all(move.visits == 0 and move.centipawns is None for move in rest)
    for move in told:
        now = start.copy()
        for action in move.line:
            GAME.play(now, [action])
    assert sum(move.visits for move in told) <= thought.simulations
    assert (thought.depth, thought.deepest >= 5) == (5, True)


def test_only_moves_that_may_be_played_are_looked_at(net):
    start = GAME.start(1)
    asked = tuple(GAME.action(word, start[0]) for word in ("a2a3", "h2h4"))
    thought = AlphaBeta(net, 1).think(GAME, start, Limit(depth=4, actions=asked))
    assert {move.action for move in thought.candidates} == set(asked)
    assert thought.candidates[0].visits > 0


def test_the_limits_end_a_search(net):
    engine, start = AlphaBeta(net, 1), GAME.start(1)
    assert engine.think(GAME, start, Limit(simulations=3_000)).simulations <= 3_000
    assert engine.think(GAME, start, Limit(depth=3)).depth == 3
    began = time.monotonic()
    assert engine.think(GAME, start, Limit(seconds=0.05)).depth >= 1
    assert engine.think(GAME, start, Limit(seconds=30, target=0.05)).depth >= 1
    mated = position("6k1/5ppp/8/8/8/8/8/R6K w - - 0 1")
    assert engine.think(GAME, mated, Limit(seconds=30, mate=1)).candidates[0].mate == 1
    assert time.monotonic() - began < 20


def test_a_search_ends_when_nobody_asks_any_more(net):
    engine, start = AlphaBeta(net, 1), GAME.start(1)
    thoughts = engine.ponder(GAME, start, Limit(), every=0.01)
    depths = [next(thoughts).depth for _ in range(30)]
    assert depths == sorted(depths)
    thoughts.close()
    nodes = int(engine._deepening.work["nodes"][0])
    time.sleep(0.05)
    assert int(engine._deepening.work["nodes"][0]) == nodes
    assert engine.think(GAME, start, Limit(depth=2)).depth == 2


def test_a_game_that_is_over_and_another_game_are_refused(net):
    from sounding.games.connect4 import Connect4

    engine = AlphaBeta(net, 1)
    over = position("7k/5KQ1/8/8/8/8/8/8 b - - 0 1")
    with pytest.raises(ValueError, match="over"):
        engine.think(GAME, over, Limit(depth=1))
    assert engine.refuses(Chess(chess960=True)) == ""
    assert "plays chess alone" in engine.refuses(Connect4())


@pytest.mark.parametrize(
    ("drawn", "won"),
    [
        ("6k1/8/7P/5BK1/8/8/8/8 w - - 0 1", "6k1/8/7P/4B1K1/8/8/8/8 w - - 0 1"),  # the bishop of the corner's colour
        ("8/8/3kb3/8/3PKB2/8/2P5/8 b - - 0 1", "8/8/3k1b2/8/3PKB2/8/2P5/8 b - - 0 1"),  # bishops of opposite colour
        ("3k4/8/8/2r5/4K3/5B2/8/R7 w - - 0 1", "3k4/8/8/8/4K3/5B2/8/R7 w - - 0 1"),  # a rook more is a win
        ("8/8/3k4/8/4K3/5N2/8/5N2 w - - 0 1", "8/8/3k4/8/4K3/5N2/8/5R2 w - - 0 1"),  # two knights
    ],
)
def test_who_cannot_win_is_hardly_ahead(drawn, won):
    scores = [AlphaBeta(memory=1).think(GAME, position(fen), Limit(depth=1)).candidates[0] for fen in (drawn, won)]
    least, most = sorted(abs(found.centipawns or 0) for found in scores)
    assert abs(scores[0].centipawns or 0) == least
    assert least < most / 2


def test_castling_and_en_passant_are_searched(net):
    for fen, kind in (
        ("r3k2r/8/8/8/8/8/8/R3K2R w KQkq - 0 1", CASTLES),
        ("4k3/8/8/3pP3/8/8/8/4K3 w - d6 0 1", TAKES_EN_PASSANT),
    ):
        here = position(fen)
        asked = [m for m in legal_moves(here[0]) if m >> 12 == kind]
        action = GAME.action(move_text(asked[0]), here[0])
        thought = AlphaBeta(net, 1).think(GAME, here, Limit(depth=5, actions=(action,)))
        assert thought.candidates[0].action == action
        assert move_of(move_text(asked[0]), here[0]) == asked[0]


def test_recursive_functions_are_compiled_for_one_type_alone(net):
    """Of two, numba's cache crashes the next process that reads it."""
    AlphaBeta(net, 1).think(GAME, GAME.start(1), Limit(depth=6))
    for function in (search, quiesce):
        nets = [str(signature[6]) for signature in function.signatures]  # one that may be written, and one that may not
        assert len(nets) == len(set(nets)), function


def test_the_network_of_the_package_knows_what_pieces_are_worth():
    start = chess.STARTING_FEN
    equal = score_of(GAME.raw(position(start))[:, :BOARD_WORDS].copy(), shipped())
    assert abs(equal) < 100
    for missing, least in (("q", 500), ("r", 250), ("n", 150), ("p", 10)):
        without = start.replace(missing, "1", 1)
        without = without.replace("KQkq", "KQk") if missing == "r" else without
        assert score_of(GAME.raw(position(without))[:, :BOARD_WORDS].copy(), shipped()) > equal + least


@pytest.mark.parametrize("megabytes", [1, 3, 16])
def test_what_the_table_holds_of_a_position_lies_within_one_line_of_memory(megabytes: int) -> None:
    table = new_table(megabytes)
    assert table.ctypes.data % LINE == 0
    assert megabytes * 2**20 // 2 < table.nbytes <= megabytes * 2**20
    assert table.flags.c_contiguous  # another layout would be compiled once more
