"""Batches: their order, what they are made of, and that they are encoded ahead of who takes them."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest
import torch
from contract.dots import Dots

from sounding.data import Examples
from sounding.data.reading import Given
from sounding.errors import DataError
from sounding.machine.setting import Setting
from sounding.randomness import stream
from sounding.training import ahead
from sounding.training.ahead import DEPTH, PERIOD, TIMED, _in_thread, made_ahead
from sounding.training.feed import RowFeed, buckets
from sounding.training.train_state import TrainState


def feed_of(rows: int = 50, **settings) -> tuple[RowFeed, TrainState]:
    task = Dots(Dots.Recipe.make("small", {"batch": 8, **settings}))
    examples = task.demo(stream("feed"), rows)
    task.fit(examples)
    return RowFeed(task, examples, seed=1), TrainState(task, 1, Setting(threads=1))


def taken(feed: RowFeed, state: TrainState, steps: int) -> list[list[float]]:
    """Of each step the first number of each row, which is a row's own."""
    found = []
    for batches in feed.steps(state):
        found.append([float(example.input[0]) for batch in batches for example in batch.examples])
        state.counters.step += 1
        if len(found) == steps:
            return found
    raise AssertionError("a feed is endless")


def test_an_epoch_gives_every_row_at_most_once_and_whole_batches():
    feed, state = feed_of(50)
    epoch = taken(feed, state, feed.steps_per_epoch)
    assert [len(batch) for batch in epoch] == [8] * 6
    assert len({row for batch in epoch for row in batch}) == 48
    assert taken(*feed_of(50), 6) == epoch


@pytest.mark.parametrize("step", [1, 5, 6, 7, 13])
def test_a_feed_goes_on_where_it_was(step):
    whole = taken(*feed_of(50), 20)
    feed, state = feed_of(50)
    taken(feed, state, step)
    again, resumed = feed_of(50)
    resumed.counters.step = step
    resumed.counters.epoch, resumed.counters.epoch_began = state.counters.epoch, state.counters.epoch_began
    assert taken(again, resumed, 20 - step) == whole[step:]


def test_slices_of_a_batch_are_what_a_step_accumulates():
    feed, state = feed_of(50, accumulate=3)
    assert [batch.size for batch in next(feed.steps(state))] == [3, 3, 2]


def test_buckets_hold_the_budget_every_row_once_and_hardly_any_padding():
    rng = np.random.default_rng(0)
    lengths = rng.integers(1, 100, 5000)
    found = buckets(rng.permutation(5000), lengths, 1024, rng)
    assert sorted(np.concatenate(found).tolist()) == list(range(5000))
    computed = [int(lengths[rows].max()) * len(rows) for rows in found]
    assert max(computed) <= 1024
    assert 1 - lengths.sum() / sum(computed) < 0.05
    longest = [int(lengths[rows].max()) for rows in found]
    assert longest != sorted(longest)  # the order is drawn anew


def test_a_row_longer_than_the_budget_is_named():
    feed, state = feed_of(20, tokens=6)
    feed.task.length = lambda example: 7 if example is feed.examples[3] else 2
    with pytest.raises(DataError, match=r"example 4: this row has 7 tokens, and a step holds 6 .*--set tokens=7"):
        next(feed.steps(state))


def test_items_come_in_order_whichever_way_they_are_made():
    assert list(made_ahead(lambda i: 2 * i, range(100))) == [2 * i for i in range(100)]


@pytest.mark.parametrize(("makes", "works", "in_thread"), [(0.02, 0.02, True), (0.0, 0.02, False)])
def test_what_takes_a_share_of_a_step_is_made_in_a_thread_and_little_is_made_in_between(makes, works, in_thread):
    here, makers = threading.get_ident(), []

    def make(i: int) -> int:
        makers.append(threading.get_ident())
        time.sleep(makes)
        return i

    for _ in made_ahead(make, range(2 * TIMED)):
        time.sleep(works)
    assert makers[:TIMED] == [here] * TIMED
    assert [maker != here for maker in makers[TIMED:]] == [in_thread] * TIMED


def test_a_thread_that_makes_steps_longer_is_left_tried_again_more_rarely_and_nothing_is_lost():
    here, makers = threading.get_ident(), []

    def make(i: int) -> int:
        makers.append(threading.get_ident())
        time.sleep(0.002 if makers[-1] == here else 0.02)
        return i

    items = list(made_ahead(make, range(4 * PERIOD)))  # making is all of a step
    assert items == list(range(4 * PERIOD))
    tried = TIMED + 2 * DEPTH  # in the thread, until it is left
    assert [maker != here for maker in makers[: TIMED + tried + 1]] == [False] * TIMED + [True] * tried + [False]
    assert sum(maker != here for maker in makers) == 3 * tried  # after 100, and then 200 items


def test_little_is_made_that_is_not_taken():
    made = []
    items = _in_thread(made.append, iter(range(100)), step=60.0)
    for _ in range(5):
        next(items)
    items.close()
    assert len(made) <= 5 + DEPTH


def test_what_is_made_is_the_same_to_the_bit_here_and_in_a_thread(monkeypatch):
    threads = torch.get_num_threads()
    x = torch.rand(1, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    try:
        torch.set_num_threads(2)
        results = []
        for worth in (0.0, 2.0):  # always in a thread; never
            monkeypatch.setattr(ahead, "WORTH", worth)
            results.append(torch.stack(list(made_ahead(lambda i: (x * i).mean(), range(2 * TIMED)))))
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(threads)
    assert torch.equal(*results)


def test_an_error_in_the_background_reaches_the_caller():
    class Failing(Given):
        def read(self, i):
            if i == 3:
                raise DataError("gone", where="row 3")
            return super().read(i)

    feed, state = feed_of(40)
    feed.examples = Examples(Failing(feed.examples), np.arange(40))
    with pytest.raises(DataError, match="row 3: gone"):
        taken(feed, state, 5)


def test_how_many_steps_an_epoch_has_is_reckoned_once(monkeypatch):
    """It is asked for at every step, and of millions of rows an order takes longer than a step."""
    feed, planned = feed_of(50)[0], []
    plan = feed.plan
    monkeypatch.setattr(feed, "plan", lambda *words: planned.append(words) or plan(*words))
    assert [feed.steps_per_epoch for _ in range(3)] == [6, 6, 6]
    assert len(planned) == 1


def test_nothing_to_learn_from_is_an_error_at_once():
    with pytest.raises(DataError, match="no rows to learn from"):
        RowFeed(Dots(), [], seed=0)
