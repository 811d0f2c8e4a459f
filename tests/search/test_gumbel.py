"""Gumbel search against a simple recursive one, node for node, and as a player of noughts and crosses."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import pytest
from tictactoe import LINES, TicTacToe, position

from sounding.errors import NotFiniteError, UsageError
from sounding.search import gumbel_walks, walks
from sounding.search.evaluator import Uniform
from sounding.search.gumbel import gumbel_search, sequential_halving
from sounding.search.tree import Trees

GAME = TicTacToe()
WON_BY_X = "XXX OO. ..."


def opinionated(positions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Logits and values that look random, but are functions of the position."""
    logits, values = np.zeros((len(positions), 9), np.float32), np.zeros(len(positions), np.float32)
    for row, key in enumerate(GAME.keys(positions)):
        rng = np.random.default_rng(int(key))
        logits[row] = rng.normal(size=9)
        values[row] = rng.uniform(-1, 1)
    return logits, values


# ---- the same search, written for reading: one position, objects, recursion


class Node:
    def __init__(self, board):
        self.board = board
        self.children = {}
        self.visits, self.total = 0, 0.0  # from the view of the player to move here
        if GAME.over(board)[0]:
            self.value = float(GAME.results(board)[0]) * (1 if GAME.to_play(board)[0] == 0 else -1)
            self.priors, self.proven = {}, True
            return
        logits, values = opinionated(board)
        legal = np.flatnonzero(GAME.legal(board)[0])
        weights = np.exp(logits[0, legal].astype(float))
        self.value, self.proven = float(values[0]), False
        self.priors = dict(zip(legal.tolist(), (weights / weights.sum()).tolist()))

    def simulate(self, considered=None, gumbel=None) -> float:
        """The value of the leaf from the view of the player to move here."""
        value = self.value
        if self.visits and (considered is not None or not self.proven):
            action = self.inner() if considered is None else self.root(considered, gumbel)
            if action not in self.children:
                board = self.board.copy()
                GAME.play(board, np.array([action]))
                self.children[action] = Node(board)
            value = -self.children[action].simulate()
            value = self.best_known(value)
        self.visits += 1
        self.total += value
        return value

    def best_known(self, otherwise) -> float:
        """The value under best play where the children say so, which is kept."""
        known = {a: -child.value for a, child in self.children.items() if child.proven}
        if not self.proven and known and (max(known.values()) == 1 or len(known) == len(self.priors)):
            self.value, self.proven = max(known.values()), True
        return self.value if self.proven else otherwise

    def count(self, action) -> int:
        return self.children[action].visits if action in self.children else 0

    def q(self, action) -> float:
        if self.children[action].proven:
            return -self.children[action].value
        return -self.children[action].total / self.children[action].visits

    def improved(self) -> dict[int, float]:
        seen = sorted(self.children)
        mixed = self.value
        if seen:
            n = sum(map(self.count, seen))
            by_prior = sum(self.priors[a] * self.q(a) for a in seen) / sum(self.priors[a] for a in seen)
            mixed = (self.value + n * by_prior) / (1 + n)
        scale = 50 + max(map(self.count, self.priors))
        completed = {a: self.q(a) if a in seen else mixed for a in self.priors}
        return {a: math.log(p) + scale * (completed[a] + 1) / 2 for a, p in self.priors.items()}

    def root(self, considered, gumbel) -> int:
        scores = self.improved()
        return max((a for a in scores if self.count(a) == considered), key=lambda a: scores[a] + gumbel[a])

    def policy(self) -> dict[int, float]:
        scores = self.improved()
        top = max(scores.values())
        total = sum(math.exp(s - top) for s in scores.values())
        return {a: math.exp(s - top) / total for a, s in scores.items()}

    def inner(self) -> int:
        policy = self.policy()
        n = sum(map(self.count, policy))
        return max(policy, key=lambda a: policy[a] - self.count(a) / (1 + n))


def simple_search(board, simulations, considered, gumbel):
    root = Node(board)
    root.simulate()
    order = sequential_halving(min(considered, len(root.priors)), simulations)
    for visits in order:
        root.simulate(visits, gumbel)
    if root.proven:
        scores = root.improved()
        proving = [a for a, child in root.children.items() if child.proven and -child.value == root.value]
        return root, max(proving, key=lambda a: scores[a] + gumbel[a])
    most = max(map(root.count, root.priors))
    return root, root.root(most, gumbel)


def described(node: Node) -> list:
    """Visits, mean value, and the same of the children, in the order of actions."""
    inside = [[a, *described(node.children[a])] for a in sorted(node.children)]
    return [node.visits, round(node.total / node.visits, 4), inside]


def described_row(nodes: walks.Nodes, row: int, node: int = 0) -> list:
    children = [(a, child) for a, child in enumerate(nodes.children[row, node].tolist()) if child != walks.NONE]
    inside = [[a, *described_row(nodes, row, child)] for a, child in children]
    visits = int(nodes.visits[row, node])
    return [visits, round(float(nodes.totals[row, node]) / visits, 4), inside]


BOARDS = ["... ... ...", "X.. .O. ...", "XO. .X. ..O", "XOX .O. ...", "XO. OX. ...", "XOX OXO .X."]


@pytest.mark.parametrize(("simulations", "considered"), [(1, 4), (7, 2), (24, 8), (50, 16), (60, 1)])
def test_trees_agree_node_for_node_with_a_simple_search(simulations, considered):
    boards = np.concatenate([position(text) for text in BOARDS])
    gumbels = np.random.default_rng(simulations).gumbel(size=(len(boards), 9))
    trees = Trees(GAME, boards, opinionated, simulations + 1)
    legal = GAME.legal(boards).sum(axis=1)
    orders = np.array([sequential_halving(min(considered, n), simulations) for n in legal])
    for simulation in range(simulations):
        leaves = gumbel_walks.select_gumbel(trees.nodes, gumbels, orders[:, simulation], 50.0, 1.0)
        trees.visit(np.arange(len(boards)), leaves)
    found = gumbel_search(GAME, boards, opinionated, simulations, considered, np.random.default_rng(simulations))
    for row in range(len(boards)):
        simple, action = simple_search(boards[row : row + 1], simulations, considered, gumbels[row])
        assert described_row(trees.nodes, row) == described(simple)
        assert found.actions[row] == action
        policy = simple.policy()
        assert found.policy[row] == pytest.approx([policy.get(a, 0) for a in range(9)], abs=1e-4)
        mean = simple.total / simple.visits
        assert found.values[row] == pytest.approx(simple.value if simple.proven else mean, abs=1e-5)
        assert found.proven[row] == simple.proven
        if simple.proven:
            assert simple.value == solved(boards[row])
        assert found.visits[row].tolist() == [simple.count(a) for a in range(9)]


def test_positions_of_a_batch_do_not_touch_each_other():
    boards = np.concatenate([position(text) for text in [*BOARDS, WON_BY_X, BOARDS[1]]])
    together = gumbel_search(GAME, boards, opinionated, 30, 8)
    for row in range(len(boards)):
        alone = gumbel_search(GAME, boards[row : row + 1], opinionated, 30, 8)
        for name in ("actions", "policy", "values", "visits", "action_values"):
            np.testing.assert_array_equal(getattr(alone, name)[0], getattr(together, name)[row], err_msg=name)


def test_the_positions_given_are_left_as_they_are():
    boards = np.concatenate([position(text) for text in BOARDS])
    before = boards.copy()
    gumbel_search(GAME, boards, opinionated, 8)
    assert boards.tobytes() == before.tobytes()


# ---- sequential halving


def test_halving_gives_each_stage_the_same_share():
    counts = [0] * 4
    for visits in sequential_halving(4, 16):  # 2 stages of 8: four with 2 each, then two with 4 each
        counts[counts.index(visits)] += 1  # the first is always the best
    assert counts == [6, 6, 2, 2]


@pytest.mark.parametrize("considered", range(1, 10))
@pytest.mark.parametrize("simulations", [1, 5, 16, 33])
def test_halving_asks_only_for_visits_that_an_action_has(considered, simulations):
    counts = [0] * considered
    order = sequential_halving(considered, simulations)
    assert len(order) == simulations
    for visits in order:
        counts[counts.index(visits)] += 1


# ---- how it plays


def perfect(positions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Knows all results, and likes all moves alike."""
    return np.zeros((len(positions), 9), np.float32), np.array([solved(p) for p in positions], np.float32)


def solved(board: np.void) -> int:
    """+1, 0 or -1 for the player to move."""
    return value_of(tuple(board["stones"].tolist()), -1 if board["moves"] % 2 else 1)


@cache
def value_of(stones: tuple[int, ...], mover: int) -> int:
    """The same, by looking at everything."""
    if any(stones[a] == stones[b] == stones[c] == -mover for a, b, c in LINES.tolist()):
        return -1
    free = [square for square in range(9) if stones[square] == 0]
    return max((-value_of((*stones[:a], mover, *stones[a + 1 :]), -mover) for a in free), default=0)


def after(boards: np.ndarray, action: int) -> np.ndarray:
    played = boards.copy()
    GAME.play(played, np.array([action]))
    return played


@pytest.mark.parametrize(
    ("board", "move"),
    [("XX. OO. ...", "C1"), ("XX. OO. X..", "C2"), ("XX. .O. ...", "C1"), ("X.. .O. ..X", None)],
    ids=["wins at once", "wins at once as second", "keeps from losing", "must not play a corner"],
)
@pytest.mark.parametrize("knows", [Uniform(GAME), perfect], ids=["uniform", "perfect"])
def test_forced_moves_are_found(board, move, knows):
    action = int(gumbel_search(GAME, position(board), knows, 200).actions[0])
    assert GAME.text(action) == move if move else GAME.text(action) not in ("A1", "A3", "C1", "C3")


@pytest.mark.parametrize(("board", "value"), [("XX. OO. ...", 1), ("XX. OO. X..", 1), ("X.X .O. X.O", -1)])
def test_values_are_those_of_the_player_to_move(board, value):
    boards = position(board)
    assert solved(boards[0]) == value
    found = gumbel_search(GAME, boards, Uniform(GAME), 400)
    assert np.sign(found.values[0]) == value
    assert np.nanmax(found.action_values[0]) * value > 0.5


def test_a_game_that_is_over_is_not_searched():
    boards = np.concatenate([position(WON_BY_X), position("... ... ...")])
    found = gumbel_search(GAME, boards, Uniform(GAME), 10)
    assert found.actions[0] == -1
    assert found.values[0] == -1  # O would be to move, and has lost
    assert found.policy[0].sum() == found.visits[0].sum() == 0
    assert found.policy[1].sum() == pytest.approx(1)
    assert gumbel_search(GAME, boards[:1], Uniform(GAME), 10).actions.tolist() == [-1]


@pytest.mark.parametrize("starts", [True, False])
def test_it_never_loses_whatever_the_other_plays(starts):
    boards = GAME.start(1)
    turns = 0
    while len(boards):
        if (turns % 2 == 0) == starts:
            moves = gumbel_search(GAME, boards, perfect, 300, value_scale=0.1).actions
        else:  # all moves in all positions
            rows, moves = np.nonzero(GAME.legal(boards))
            boards = boards[rows]
        GAME.play(boards, moves)
        assert (GAME.results(boards) * (1 if starts else -1)).min() >= 0
        boards = np.unique(boards[~GAME.over(boards)])
        turns += 1
    assert turns == 9


def test_without_knowledge_many_simulations_find_the_answer_to_a_corner():
    """The centre alone does not lose, which is seen four moves later."""
    assert GAME.text(gumbel_search(GAME, position("..X ... ..."), Uniform(GAME), 3000).actions[0]) == "B2"


@pytest.mark.parametrize("simulations", [2, 8, 32])
def test_the_policy_is_improved(simulations):
    """With true values, what the improved policy comes to is no worse than what the prior does, in any position."""
    rng = np.random.default_rng(simulations)
    boards = GAME.start(60)
    for _ in range(4):
        going_on = ~GAME.over(boards)
        moves = [rng.choice(np.flatnonzero(legal)) for legal in GAME.legal(boards[going_on])]
        played = boards[going_on]
        GAME.play(played, moves)
        boards[going_on] = played
    boards = boards[~GAME.over(boards)]

    def judge(positions):
        return opinionated(positions)[0], perfect(positions)[1]

    found = gumbel_search(GAME, boards, judge, simulations, rng=rng)
    legal = GAME.legal(boards)
    prior = np.where(legal, np.exp(opinionated(boards)[0]), 0)
    prior /= prior.sum(axis=1, keepdims=True)
    true = np.array([[-solved(after(b[None], a)[0]) if ok[a] else 0 for a in range(9)] for b, ok in zip(boards, legal)])
    before, now = (prior * true).sum(axis=1), (found.policy * true).sum(axis=1)
    assert (now >= before - 1e-5).all()
    assert now.mean() > before.mean() + 0.05


# ---- what it refuses


@pytest.mark.parametrize("numbers", [(0, 16), (8, 0)])
def test_a_search_of_nothing_is_refused(numbers):
    with pytest.raises(UsageError, match="are no search"):
        gumbel_search(GAME, GAME.start(1), Uniform(GAME), *numbers)


@pytest.mark.parametrize("spoilt", [0, 1])
def test_an_evaluator_that_gives_no_numbers_is_told(spoilt):
    def judge(positions):
        answer = Uniform(GAME)(positions)
        answer[spoilt][...] = np.nan
        return answer

    with pytest.raises(NotFiniteError):
        gumbel_search(GAME, GAME.start(2), judge, 4)
