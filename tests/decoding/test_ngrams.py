"""Counts of tokens in a row: probabilities that sum to one, by the formula, and what they are worth on texts."""

import numpy as np
import pytest

from sounding.applications.language.generate.task import Generate
from sounding.applications.language.shared.token_metrics import bits_per_byte
from sounding.contract.records import Example
from sounding.decoding.ngrams import DISCOUNT, NGrams
from sounding.randomness import stream

TEXTS = [np.random.default_rng(seed).choice(6, 200, p=[0.5, 0.2, 0.1, 0.1, 0.05, 0.05]) for seed in range(3)]


@pytest.mark.parametrize("order", [1, 2, 4])
def test_probabilities_sum_to_one_after_any_history_seen_or_not(order):
    simple = NGrams(TEXTS, order, 8)
    for history in ([], [0], [5, 5], [0, 1, 2, 0], [7, 7, 7], [7, 0]):
        shares = [simple.probability(history, token) for token in range(8)]
        assert sum(shares) == pytest.approx(1)
        assert min(shares) > 0  # also of 6 and 7, which no text had
        token, p = simple.best(history)
        assert p == pytest.approx(simple.probability(history, token))


def test_a_probability_is_that_of_the_formula():
    """0 1 0 2 0 1: after 0 came 1 twice and 2 once; before 1 stood one other token, before 2 one, before 0 two."""
    simple = NGrams([np.array([0, 1, 0, 2, 0, 1])], 2, 3)
    continuation = (1 - DISCOUNT) / 4 + 3 * DISCOUNT / 4 / 3
    assert simple.probability([0], 1) == pytest.approx((2 - DISCOUNT) / 3 + DISCOUNT * 2 / 3 * continuation)
    assert simple.best([2, 0])[0] == 1


def test_on_texts_longer_rows_tell_more_and_the_records_are_of_the_same_tokens():
    task = Generate(Generate.Recipe.make("tiny", {"context": 40}))
    texts = [example.input for example in task.demo(stream("texts"), 80)]
    task.fit([Example(text) for text in texts])
    train, test = task.windows(texts[:60]), task.windows(texts[60:])
    (name, records), *_ = task.baselines(train, test).items()
    assert name == "a Kneser-Ney 6-gram model"
    model = task.build().eval()
    ours = task.evaluate(model, test)
    assert [(r.truth, r.group) for r in records] == [(r.truth, r.group) for r in ours]
    assert bits_per_byte().value(records) < 1.5 < 4 < bits_per_byte().value(ours)  # a net that has learnt nothing
