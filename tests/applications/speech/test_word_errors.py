"""Error rates against jiwer, on drawn texts, and which words count as right."""

from __future__ import annotations

import math

import jiwer
import numpy as np
import pytest

from sounding.applications.speech.transcribe.errors import (
    aligned,
    character_error_rate,
    details,
    edits,
    word_error_rate,
    word_hits,
)
from sounding.contract.records import Record

WORDS = ["one", "two", "three", "a", "the", "oh", "tea"]


def drawn(seed: int, rows: int = 30) -> tuple[list[str], list[str]]:
    rng = np.random.default_rng(seed)
    truths = [" ".join(rng.choice(WORDS, rng.integers(1, 9))) for _ in range(rows)]
    said = [" ".join(word for word in rng.choice(WORDS, rng.integers(0, 9))) for _ in range(rows // 2)]
    said += [" ".join(word for word in text.split() if rng.random() > 0.2) for text in truths[rows // 2 :]]
    return truths, said


@pytest.mark.parametrize("seed", range(3))
def test_the_rates_are_those_of_jiwer(seed):
    truths, said = drawn(seed)
    records = [Record(ours, truth, 0.5, 0.0) for ours, truth in zip(said, truths, strict=True)]
    assert word_error_rate().value(records) == pytest.approx(jiwer.wer(truths, said))
    assert character_error_rate().value(records) == pytest.approx(jiwer.cer(truths, said))


def test_a_rate_of_nothing_is_no_number_and_of_wrong_words_alone_above_one():
    assert math.isnan(word_error_rate().value([Record("a", "", 0.5, 0.0)]))
    assert word_error_rate().value([Record("a b c", "d", 0.5, 0.0)]) == 3


@pytest.mark.parametrize("seed", range(3))
def test_an_alignment_has_as_many_errors_as_there_are_edits(seed):
    for truth, ours in zip(*drawn(seed), strict=True):
        pairs = aligned(ours.split(), truth.split())
        assert sum(a != b for a, b in pairs) == edits(ours.split(), truth.split())
        assert [a for a, _ in pairs if a] == ours.split()
        assert [b for _, b in pairs if b] == truth.split()


def test_each_word_is_right_or_wrong_with_its_own_confidence():
    record = Record("a fat cat sat", "a cat sits", 0.5, 0.0, scores=np.array([0.9, 0.2, 0.8, 0.4]))
    assert word_hits(record) == [(0.9, True), (0.2, False), (0.8, True), (0.4, False)]
    plain = Record("a dog", "a cat", 0.5, 0.0)
    assert word_hits(plain) == [(0.5, True), (0.5, False)]
    assert word_hits(Record("a dog", "a cat", None, 0.0)) == []
    told = details([record])
    assert {"meant": "sits", "heard": "sat", "times": 1} in told["word_errors"]
    assert {"meant": "(nothing)", "heard": "fat", "times": 1} in told["word_errors"]
