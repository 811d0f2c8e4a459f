"""Times of tokens by where attention looked: against the dynamic time warping of transformers, and planted ones."""

from __future__ import annotations

import numpy as np
import pytest

from sounding.decoding.attention_times import token_starts, warped
from sounding.randomness import stream


@pytest.mark.parametrize("shape", [(1, 5), (4, 4), (7, 30), (30, 12)])
def test_the_path_is_that_of_transformers(shape):
    transformers = pytest.importorskip("transformers.models.whisper.generation_whisper")
    cost = stream("warped", *shape).standard_normal(shape)
    rows, places = transformers._dynamic_time_warping(cost)
    expected = [places[rows == row].min() for row in range(shape[0])]
    assert warped(cost).tolist() == expected


def test_tokens_begin_where_the_heads_look():
    true = [0, 9, 14, 30, 41]
    weights = np.full((2, 5, 60), 0.01) + 0.002 * stream("looks").random((2, 5, 60))
    for token, (start, end) in enumerate(zip(true, [*true[1:], 60], strict=True)):
        weights[0, token, start:end] += 0.3
        weights[1, token, start:end] += 0.1
    weights[0, 2, 55] += 5.0  # one place that leads astray
    found = token_starts(weights)
    assert np.abs(found - true).max() <= 1
    assert token_starts(np.ones((1, 1, 2))).tolist() == [0]
