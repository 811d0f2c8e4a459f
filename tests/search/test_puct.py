"""PUCT search against a simple recursive one, with batches, limits, kept trees, and as a player."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest
from tictactoe import TicTacToe, position

from sounding.errors import UsageError
from sounding.search.evaluator import Remembered, Uniform
from sounding.search.puct import Puct, PuctSettings, puct_search
from sounding.search.walks import NONE

GAME = TicTacToe()
ONE_BY_ONE = PuctSettings(batch=1)


def opinionated(positions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Logits and values that look random, but are functions of the position."""
    rngs = [np.random.default_rng(int(key) + 7) for key in GAME.keys(positions)]
    logits = np.array([rng.normal(size=9) for rng in rngs], np.float32)
    return logits, np.array([rng.uniform(-1, 1) for rng in rngs], np.float32)


class Counted:
    """Says how often it was asked, and about how many positions."""

    def __init__(self, evaluate):
        self.evaluate, self.calls = evaluate, []

    def __call__(self, positions):
        self.calls.append(len(positions))
        return self.evaluate(positions)


# ---- the same search, written for reading: objects and recursion, one leaf at a time


class Node:
    def __init__(self, board):
        self.board, self.children, self.visits, self.total = board, {}, 0, 0.0
        self.priors, self.proven = {}, bool(GAME.over(board)[0])
        if self.proven:
            self.value = float(GAME.results(board)[0]) * (1 if GAME.to_play(board)[0] == 0 else -1)
            return
        logits, values = opinionated(board)
        legal = np.flatnonzero(GAME.legal(board)[0])
        weights = np.exp(logits[0, legal].astype(float))
        self.value, self.priors = float(values[0]), dict(zip(legal.tolist(), weights / weights.sum()))

    def simulate(self, is_root=False) -> float:
        value = self.value
        if self.visits and (is_root or not self.proven):
            action = max(self.priors, key=self.score)
            if action not in self.children:
                board = self.board.copy()
                GAME.play(board, np.array([action]))
                self.children[action] = Node(board)
            value = self.best_known(-self.children[action].simulate())
        self.visits += 1
        self.total += value
        return value

    def best_known(self, otherwise) -> float:
        known = {a: -child.value for a, child in self.children.items() if child.proven}
        if not self.proven and known and (max(known.values()) == 1 or len(known) == len(self.priors)):
            self.value, self.proven = max(known.values()), True
        return self.value if self.proven else otherwise

    def score(self, action) -> float:
        c = math.log((1 + self.visits + 19652) / 19652) + 1.25
        child = self.children.get(action)
        visits = child.visits if child else 0
        if child:
            q = -child.value if child.proven else -child.total / visits
        else:
            q = self.total / self.visits - 0.25 * math.sqrt(sum(self.priors[a] for a in self.children))
        return q + c * self.priors[action] * math.sqrt(self.visits) / (1 + visits)


def described(node: Node) -> list:
    inside = [[a, *described(node.children[a])] for a in sorted(node.children)]
    return [node.visits, round(node.total / node.visits, 4), inside]


def described_tree(puct: Puct, node: int = 0) -> list:
    nodes = puct._trees.nodes
    children = [(a, child) for a, child in enumerate(nodes.children[0, node].tolist()) if child != NONE]
    visits = int(nodes.visits[0, node])
    inside = [[a, *described_tree(puct, child)] for a, child in children]
    return [visits, round(float(nodes.totals[0, node]) / visits, 4), inside]


@pytest.mark.parametrize("text", ["... ... ...", "X.. .O. ...", "XO. .X. ..O", "XOX OXO .X."])
@pytest.mark.parametrize("simulations", [1, 30, 400])
def test_the_tree_agrees_node_for_node_with_a_simple_search(text, simulations):
    puct = Puct(GAME, opinionated, ONE_BY_ONE)
    found = puct.search(position(text), simulations)
    simple = Node(position(text))
    for _ in range(1 + simulations):
        simple.simulate(is_root=True)
    assert described_tree(puct) == described(simple)

    def rank(action):
        child = simple.children[action]
        return -child.value if child.proven else 0, child.visits

    assert found.actions[0] == max(simple.children, key=rank)
    assert found.values[0] == pytest.approx(simple.value if simple.proven else simple.total / simple.visits)
    assert found.proven[0] == simple.proven
    assert found.policy[0].sum() == pytest.approx(1)


# ---- batches


def test_leaves_are_evaluated_in_batches():
    asked = Counted(opinionated)
    found = puct_search(GAME, GAME.start(1), asked, 300, settings=PuctSettings(batch=16, remembered=0))
    assert found.visits.sum() == 300
    assert max(asked.calls) <= 16
    assert len(asked.calls) < 60


def test_a_batch_leaves_nothing_pending_and_every_node_consistent():
    puct = Puct(GAME, opinionated, PuctSettings(batch=16))
    puct.search(GAME.start(1), 500)
    nodes = puct._trees.nodes
    size = int(nodes.sizes[0])
    assert nodes.pending.sum() == 0
    for node in range(size):
        children = nodes.children[0, node][nodes.children[0, node] != NONE]
        if not nodes.over[0, node]:
            assert nodes.visits[0, node] >= 1 + nodes.visits[0, children].sum()
        if nodes.proven[0, node]:
            continue
        assert nodes.visits[0, node] == 1 + nodes.visits[0, children].sum()
        assert not (nodes.proven[0, children] & (nodes.values[0, children] == -1)).any()  # else it were proven as won


# ---- how it plays


@pytest.mark.parametrize(
    ("board", "move"),
    [("XX. OO. ...", "C1"), ("XX. OO. X..", "C2"), ("XX. .O. ...", "C1"), ("..X ... ...", "B2")],
    ids=["wins at once", "wins at once as second", "keeps from losing", "the centre against a corner"],
)
def test_forced_moves_are_found_without_knowledge(board, move):
    found = puct_search(GAME, position(board), Uniform(GAME), 2000)
    assert GAME.text(int(found.actions[0])) == move


@pytest.mark.parametrize(("board", "value"), [("XX. OO. ...", 1), ("XX. OO. X..", 1), ("X.X .O. X.O", -1)])
def test_values_are_those_of_the_player_to_move(board, value):
    puct = Puct(GAME, Uniform(GAME))
    found = puct.search(position(board), 600)
    assert found.values[0] * value > 0.5
    best = puct.lines(1)[0]
    assert best.value * value > 0.5
    assert (best.win_rate > 0.75) == (value > 0)


def test_lines_tell_how_the_game_goes_on():
    puct = Puct(GAME, Uniform(GAME))
    puct.search(position("XX. OO. ..."), 300)
    lines = puct.lines()
    assert [GAME.text(a) for a in lines[0].actions] == ["C1"]  # the game is over then
    assert [line.visits for line in lines] == sorted((line.visits for line in lines), reverse=True)
    assert {line.actions[0] for line in lines} == set(np.flatnonzero(puct.found().visits[0]))
    assert lines[0].prior == pytest.approx(1 / 5)
    assert len(puct.lines(2)) == 2


def test_a_line_has_the_forced_answers():
    puct = Puct(GAME, Uniform(GAME))
    puct.search(position("XX. .O. ..."), 600)
    assert [GAME.text(a) for a in puct.lines(1)[0].actions[:2]] == ["C1", "A3"]  # O keeps X from winning, and X O


# ---- kept trees


def test_the_tree_is_kept_from_move_to_move():
    puct = Puct(GAME, opinionated, PuctSettings(remembered=0))
    board = GAME.start(1)
    puct.search(board, 400)
    main = puct.lines(1)[0].actions
    GAME.play(board, np.array(main[:1]))
    GAME.play(board, np.array(main[1:2]))
    child = puct._trees.nodes.children[0, 0, main[0]]
    grandchild = puct._trees.nodes.children[0, child, main[1]]
    visits = int(puct._trees.nodes.visits[0, grandchild])
    puct.go_to(board)
    assert puct.simulations == visits - 1 > 0
    assert puct.lines(1)[0].actions[: len(main) - 2] == main[2:]
    asked = puct.evaluate = puct._trees.evaluate = Counted(opinionated)
    found = puct.search(board, 300)
    assert found.visits.sum() == 300
    assert sum(asked.calls) <= 300 - visits + 1  # what is kept is not asked for again


def test_a_kept_tree_grows_as_if_it_had_been_the_only_one():
    """One leaf at a time, the part of the tree behind a move grows on as a tree of its own would."""
    puct = Puct(GAME, opinionated, ONE_BY_ONE)
    board = GAME.start(1)
    puct.search(board, 300)
    move = puct.lines(1)[0].actions[0]
    GAME.play(board, np.array([move]))
    puct.go_to(board)
    before = puct.simulations
    puct.search(board, before + 200)
    alone = Puct(GAME, opinionated, ONE_BY_ONE)
    alone.search(board, before + 200)
    assert described_tree(puct) == described_tree(alone)


def test_another_game_begins_anew():
    puct = Puct(GAME, opinionated)
    puct.search(position("X.. .O. ..."), 50)
    puct.go_to(position("... XO. ..."))
    assert puct.simulations == 0


def test_a_search_that_is_repeated_has_been_made():
    puct = Puct(GAME, opinionated)
    first = puct.search(GAME.start(1), 100)
    again = puct.search(GAME.start(1), 100)
    np.testing.assert_array_equal(first.visits, again.visits)


# ---- limits


def test_time_ends_a_search():
    began = time.monotonic()
    found = puct_search(GAME, GAME.start(1), opinionated, seconds=0.2)
    assert found.visits.sum() > 1
    assert 0.2 <= time.monotonic() - began < 10


def test_whichever_limit_comes_first_holds():
    assert puct_search(GAME, GAME.start(1), Uniform(GAME), 20, seconds=60).visits.sum() == 20
    assert 0 < puct_search(GAME, GAME.start(1), Uniform(GAME), 10**9, seconds=0).visits.sum() < 100


def test_a_search_can_be_stopped_from_outside():
    calls = []
    found = Puct(GAME, Uniform(GAME)).search(GAME.start(1), 10**6, stopped=lambda: calls.append(1) or len(calls) == 3)
    assert found.visits.sum() <= 3 * 16


def test_a_full_tree_stops_growing():
    found = puct_search(GAME, GAME.start(1), Uniform(GAME), 5000, settings=PuctSettings(megabytes=0.03))
    assert 100 < found.visits.sum() < 5000


def test_without_a_limit_there_is_no_search():
    with pytest.raises(UsageError, match="needs an end"):
        puct_search(GAME, GAME.start(1), Uniform(GAME))


def test_a_finished_game_has_no_move():
    found = puct_search(GAME, position("XXX OO. ..."), Uniform(GAME), 10)
    assert found.actions.tolist() == [-1]
    assert found.values.tolist() == [-1]


def test_a_bad_setting_is_refused():
    with pytest.raises(UsageError, match="batch=0"):
        PuctSettings(batch=0)
    with pytest.raises(UsageError, match="noise"):
        Puct(GAME, Uniform(GAME), PuctSettings(noise_share=0.25))


# ---- noise and memory


def test_noise_changes_the_priors_of_the_root_alone():
    noisy = Puct(GAME, opinionated, PuctSettings(noise_share=0.25), np.random.default_rng(0))
    plain = Puct(GAME, opinionated)
    for puct in (noisy, plain):
        puct.search(position("XO. ... ..."), 60)
    one, other = noisy._trees.nodes.priors[0, 0], plain._trees.nodes.priors[0, 0]
    assert one.sum() == pytest.approx(1)
    assert ((one > 0) == (other > 0)).all()
    assert 0 < np.abs(one - other).max() <= 0.25
    assert (one >= 0.75 * other - 1e-6).all()
    child = noisy._trees.nodes.children[0, 0].max()
    board = noisy._trees.positions[0, child : child + 1]
    again = Puct(GAME, opinionated)
    again.go_to(board)
    np.testing.assert_allclose(noisy._trees.nodes.priors[0, child], again._trees.nodes.priors[0, 0])


def test_positions_that_come_up_again_are_not_evaluated_again():
    asked = Counted(opinionated)
    memory = Remembered(GAME, asked)
    boards = np.concatenate([position(text) for text in ("X.. ... ...", ".X. ... ...", "X.. ... ...")])
    for rows in ([0, 1], [1, 2], [2, 1, 0]):
        logits, values = memory(boards[rows])
        expected = opinionated(boards[rows])
        np.testing.assert_array_equal(logits, expected[0])
        np.testing.assert_array_equal(values, expected[1])
    assert asked.calls == [2]


def test_the_memory_forgets_what_was_not_asked_for_longest():
    asked = Counted(opinionated)
    memory = Remembered(GAME, asked, room=2)
    a, b, c = (position(text) for text in ("X.. ... ...", ".X. ... ...", "..X ... ..."))
    for board in (a, b, a, c, a):
        memory(board)
    assert (len(memory), len(asked.calls)) == (2, 3)
    memory(b)
    assert len(asked.calls) == 4


def test_search_is_the_same_with_and_without_memory():
    searches = [
        puct_search(GAME, GAME.start(1), opinionated, 300, settings=PuctSettings(remembered=n)) for n in (0, 500)
    ]
    np.testing.assert_array_equal(searches[0].visits, searches[1].visits)
