"""The memory of Rainbow: what is drawn from it against plain loops, and a training that is cut off."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from test_arcade import ARCADE, FolderCheckpointer, Stopped, Stopping, recipe, weights

from sounding.applications.games.arcade.rainbow import EncodedSteps
from sounding.applications.games.arcade.replay import Replay
from sounding.applications.games.arcade.sum_tree import SumTree
from sounding.applications.games.arcade.transitions import ROWS, STEP, Transitions
from sounding.contract.task import built
from sounding.environments.spec import FRAMES, VECTOR, Observation
from sounding.errors import RunError
from sounding.machine.setting import Setting
from sounding.training.loop import Budget, fit
from sounding.training.shards import Shards

NUMBER = Observation(VECTOR, (1,), -np.inf, np.inf)
SCREEN = Observation(FRAMES, (3, 2, 2), 0.0, 255.0, stack=3)


def test_a_tree_of_sums_finds_leaves_by_their_weight_and_is_the_same_when_built_again():
    rng, tree = np.random.default_rng(0), SumTree(11)
    for _ in range(50):
        leaves = rng.choice(11, 4, replace=False)
        tree.set(leaves, rng.random(4) * (rng.random(4) < 0.7))
    other = SumTree(11)
    other.restore(tree.leaves.copy())
    assert other.total == tree.total == pytest.approx(tree.leaves.sum())
    edges = np.cumsum(tree.leaves)
    where = rng.random(1000) * tree.total
    assert (tree.find(where) == np.searchsorted(edges, where, side="right")).all()
    assert (tree.leaves[tree.find(np.array([0.0, np.nextafter(tree.total, 0)]))] > 0).all()


def episodes(lengths, rng, copies=1):
    """Records [T, N] of episodes of these lengths, of which every other one is cut off."""
    parts = []
    for number, length in enumerate(lengths):
        part = np.zeros((length, copies), STEP)
        part["age"], part["reward"] = np.arange(length)[:, None], rng.normal(size=(length, copies))
        part["action"] = rng.integers(0, 3, (length, copies))
        part["over"][-1], part["cut"][-1] = number % 2 == 0, number % 2 == 1
        parts.append(part)
    return np.concatenate(parts)


def test_returns_are_sums_within_an_episode_and_more_is_expected_where_it_was_cut_off():
    rng = np.random.default_rng(1)
    records = episodes([7, 5, 6, 9], rng)
    memory = Transitions(NUMBER, 1, 100)
    for t, record in enumerate(records):
        memory.add(np.full((1, 1), t, np.float32), record)
    steps, horizon, gamma = np.arange(len(records) - 3), 3, 0.9
    found = memory.returns(steps, np.zeros_like(steps), horizon, gamma)
    for i in steps:
        gained, discount, t = 0.0, 1.0, int(i)
        while True:
            record = records[t, 0]
            if record["cut"]:
                break
            gained, discount, t = gained + discount * record["reward"], discount * gamma, t + 1
            if record["over"] or t == i + horizon:
                break
        if records["over"][i:t].any():
            discount, t = 0.0, int(i)
        assert found.gained[i] == pytest.approx(gained, abs=1e-5)
        assert found.discount[i] == pytest.approx(discount)
        assert found.following[i] == t


def test_screens_are_stacked_again_as_they_were_seen_also_from_files(tmp_path):
    rng, seen, ages, stack = np.random.default_rng(2), [], [], np.zeros((2, 3, 2, 2), np.uint8)
    memory = Transitions(SCREEN, 2, 2 * ROWS, tmp_path)
    for t in range(ROWS + 40):  # more than a file
        age = t % 9
        stack = np.concatenate([stack[:, 1:] * (age > 0), rng.integers(1, 255, (2, 1, 2, 2), np.uint8)], axis=1)
        records = np.zeros(2, STEP)
        records["age"] = age
        memory.add(stack, records)
        seen.append(stack)
        ages.append(age)
    steps, copies = rng.integers(0, ROWS + 40, 200), rng.integers(0, 2, 200)
    wanted = np.stack(seen)[steps, copies]
    assert np.array_equal(memory.seen(steps, copies), wanted)
    memory.flush()
    again = Transitions(SCREEN, 2, 2 * ROWS, tmp_path)
    again.go_back(ROWS + 40)
    assert np.array_equal(again.seen(steps, copies), wanted)
    next(tmp_path.glob("seen-000000.npy")).unlink()
    with pytest.raises(RunError, match="damaged or missing"):
        Transitions(SCREEN, 2, 2 * ROWS, tmp_path).go_back(ROWS + 40)


def test_what_is_drawn_are_the_latest_steps_that_tell_something_the_oftener_the_larger_their_loss():
    rng = np.random.default_rng(3)
    replay = Replay(NUMBER, 2, 40, 3, 0.9, 1.0)
    records = episodes([8, 7, 9, 10, 11, 5], rng, 2)
    for t, record in enumerate(records):
        replay.add(np.stack([[t + 1000.0], [t + 2000.0]]).astype(np.float32), record)
    known = [t for t in range(len(records) - 20, len(records) - 3) if not records["cut"][t, 0]]
    drawn = replay.draw(4000, rng)
    steps = np.unique(drawn.seen[:, 0] % 1000).astype(int)
    assert steps.tolist() == known
    assert (np.where(drawn.seen[:, 0] > 1999, 1, 0) == drawn.leaves % 2).all()
    assert (drawn.action == records["action"][(drawn.seen[:, 0] % 1000).astype(int), drawn.leaves % 2]).all()
    replay.learnt(np.unique(drawn.leaves), np.where(np.unique(drawn.leaves) == drawn.leaves[0], 3.0, 1.0))
    share = (replay.draw(4000, rng).leaves == drawn.leaves[0]).mean()
    assert share == pytest.approx(3 / (2 * len(known) + 2), rel=0.1)
    assert replay.draw(50, rng).weight.max() == 1.0


def small(**settings):
    few = {"copies": 2, "length": 4, "batch": 16, "warm": 64, "explore": 300, "horizon": 3, "replay": 500, "hold": 1.0}
    return recipe(learner="rainbow", **{**few, "ratio": 0.5, "lr": 3e-3, **settings})


def train(task, steps, folder=None, checkpointer=None):
    feed = task.feed(Shards(folder), 3)
    setting = Setting(threads=1)
    return fit(task, (), (), budget=Budget(steps=steps), seed=3, setting=setting, checkpointer=checkpointer, feed=feed)


def test_rainbow_learns_a_corridor_and_its_files_go_when_it_is_done(tmp_path):
    task = ARCADE(small())
    model = train(task, 320, tmp_path).model
    with torch.inference_mode():
        ends = task.predict(model, [np.eye(5, dtype=np.float32)[place] for place in (1, 2, 3)])
    assert [int(end.value["action"]) for end in ends] == [1, 1, 1]
    assert float(ends[2].value["expected"]) == pytest.approx(1.0, abs=0.2)
    assert [path.suffix for path in tmp_path.iterdir()] == [".npz"]  # what a card looks at


@pytest.mark.parametrize("name", ["sounding/Corridor-v0", "MinAtar/Breakout-v1"])
def test_a_training_from_a_memory_that_was_cut_off_ends_with_the_same_weights(tmp_path, name):
    settings = {"name": name, "width": 16, "batch": 8}
    whole = weights(train(ARCADE(small(**settings)), 60).model)
    for stop in (21, 40):  # amid a round, and between two
        with pytest.raises(Stopped):
            train(ARCADE(small(**settings)), 60, tmp_path / "experience", Stopping(tmp_path, stop))
    again = train(ARCADE(small(**settings)), 60, tmp_path / "experience", FolderCheckpointer(tmp_path))
    assert torch.equal(weights(again.model), whole)


def test_the_best_action_is_chosen_by_one_look_and_judged_by_another():
    task = ARCADE(small(width=16))
    model, x = built(task).eval(), torch.rand(6, 5)
    others, again = torch.rand(6, 5), torch.rand(6, 5)
    action, gained, discount = torch.tensor([0, 1, 0, 1, 1, 0]), torch.randn(6), torch.rand(6)
    weight = torch.rand(6)
    with torch.no_grad():
        loss = task.loss(model, x, EncodedSteps(action, gained, discount, weight, others, again))
        now, choosing, judging = (model(seen).policy for seen in (x, others, again))
    for i in range(6):
        best = int(choosing[i].argmax())
        off = float(now[i, action[i]] - gained[i] - discount[i] * judging[i, best])
        huber = 0.5 * off**2 if abs(off) < 1 else abs(off) - 0.5
        assert float(loss[i]) == pytest.approx(float(weight[i]) * huber, abs=1e-5)
