"""The search against a sum over every way in which frames can say a text, and the alignment against every path."""

from __future__ import annotations

import math
from collections import defaultdict
from itertools import pairwise, product

import numpy as np
import pytest

from sounding.decoding.ctc import BLANK, PrefixBeams, Prefixes, UnitModel, align, greedy
from sounding.errors import UsageError


def drawn(seed: int, frames: int, classes: int) -> np.ndarray:
    logits = 2 * np.random.default_rng(seed).standard_normal((frames, classes))
    return logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))


def collapsed(path) -> tuple[int, ...]:
    kept = [unit for place, unit in enumerate(path) if not place or unit != path[place - 1]]
    return tuple(unit for unit in kept if unit != BLANK)


def every_text(log_probs: np.ndarray) -> dict[tuple[int, ...], float]:
    """The log-probability of each text, summed over all paths."""
    frames, classes = log_probs.shape
    found: dict[tuple[int, ...], float] = defaultdict(float)
    for path in product(range(classes), repeat=frames):
        found[collapsed(path)] += math.exp(sum(log_probs[t, unit] for t, unit in enumerate(path)))
    return {text: math.log(p) for text, p in found.items()}


@pytest.mark.parametrize("seed", range(8))
def test_a_wide_search_finds_the_best_text(seed):
    log_probs = drawn(seed, 5, 3)
    texts = every_text(log_probs)
    found = Prefixes(PrefixBeams(200, least=-99)).best(log_probs)
    assert tuple(found) == max(texts, key=lambda text: texts[text])


@pytest.mark.parametrize("seed", range(8))
def test_a_language_model_and_a_bonus_count_as_they_say(seed):
    log_probs = drawn(seed, 5, 3)
    texts = every_text(log_probs)
    model = UnitModel([np.array([1, 2, 1]), np.array([1, 2]), np.array([2, 2])], 2, 5, 3, 4)

    def score(text):
        history = [3, *text, 4]
        told = sum(model.log_probability((a,), b) for a, b in pairwise(history))
        return texts[text] + 0.8 * told + 0.5 * len(text)

    found = Prefixes(PrefixBeams(200, 0.8, 0.5, least=-99), model).best(log_probs)
    assert tuple(found) == max(texts, key=score)


def test_one_text_may_be_likelier_than_the_best_path():
    log_probs = np.log(np.array([[0.6, 0.4], [0.6, 0.4]]))
    assert greedy(log_probs) == []
    assert Prefixes(PrefixBeams(4)).best(log_probs) == [1]


def test_repeats_and_blanks_are_dropped():
    said = np.full((7, 3), -9.0)
    for frame, unit in enumerate((1, 1, 0, 1, 2, 2, 0)):
        said[frame, unit] = -0.001
    assert greedy(said) == [1, 1, 2]
    assert Prefixes(PrefixBeams(4)).best(said) == [1, 1, 2]
    assert greedy(np.zeros((0, 3))) == Prefixes(PrefixBeams(4)).best(np.zeros((0, 3))) == []


@pytest.mark.parametrize("seed", range(6))
def test_the_alignment_is_that_of_the_best_path(seed):
    log_probs, ids = drawn(seed, 6, 3), [1, 1, 2]
    paths = [path for path in product(range(3), repeat=6) if collapsed(path) == (1, 1, 2)]
    best = max(paths, key=lambda path: sum(log_probs[t, unit] for t, unit in enumerate(path)))
    spans = align(log_probs, ids)
    rebuilt = [BLANK] * 6
    for (start, end), unit in zip(spans, ids, strict=True):
        rebuilt[start:end] = [unit] * (end - start)
    assert tuple(rebuilt) == best


def test_too_few_frames_are_shared():
    assert align(drawn(0, 2, 3), [1, 1, 2]) == [(0, 1), (0, 1), (1, 2)]
    assert align(drawn(0, 4, 3), []) == []


def test_numbers_out_of_range_are_refused():
    with pytest.raises(UsageError, match="beams"):
        PrefixBeams(0)
    with pytest.raises(UsageError, match="language model"):
        PrefixBeams(4, math.nan)
