"""Seed spread against Student's t by hand."""

from __future__ import annotations

import json
import math
import statistics

import numpy as np
import pytest
from challenges import toys
from challenges.dots_bench import bench
from torch import nn

from sounding.challenges import seeds


def test_one_run_says_that_its_variance_is_unknown():
    for others in ({}, {0: 0.8}):
        section = toys.measured(seeds, bench(), siblings=others)
        assert section.status == "skipped"
        assert section.reason == (
            "one run: training variance is unknown; train with other seeds and make the card again"
        )


def test_three_runs_give_a_t_interval():
    section = toys.measured(seeds, bench(90), siblings={1: 0.88, 2: 0.95})
    values = [0.90, 0.88, 0.95]
    half = 4.30265 * statistics.stdev(values) / math.sqrt(3)  # t of 2 degrees of freedom
    assert section["mean"].value == pytest.approx(statistics.mean(values))
    assert section["mean"].low == pytest.approx(statistics.mean(values) - half, abs=1e-5)
    assert section["mean"].high == pytest.approx(statistics.mean(values) + half, abs=1e-5)
    assert section["mean"].interval == "t over 3 seeds"
    assert (section["lowest"].value, section["highest"].value) == (0.88, 0.95)
    assert section.details["runs"][1] == {"seed": 1, "accuracy": 0.88}
    assert "over 3 seeds, from 0.880 to 0.950; this run (seed 0) has 0.900" in section.sentence
    assert all(number.definition for number in section.numbers)


def test_two_runs_give_a_range_and_no_interval():
    section = toys.measured(seeds, bench(90), siblings={7: 0.8})
    assert section["mean"].value == pytest.approx(0.85)
    assert section["mean"].low is None
    assert "2 runs are too few for an interval" in section.sentence


def test_the_interval_of_a_share_stays_within_its_bounds():
    section = toys.measured(seeds, bench(100), siblings={1: 0.7, 2: 0.9})
    assert section["mean"].high == 1.0
    assert section["mean"].low < section["lowest"].value


def test_the_interval_covers_the_mean_over_seeds():
    rng, held = np.random.default_rng(0), []
    context = bench(90)
    for _ in range(500):
        draws = rng.normal(0, 0.01, 4)
        found = toys.measured(
            seeds, context, siblings={i: 0.9 + float(d - draws[0]) for i, d in enumerate(draws[1:], 1)}
        )["mean"]
        held.append(found.low <= 0.9 - draws[0] <= found.high)  # all four moved, so that this run's is 0.9
    assert 0.92 <= np.mean(held) <= 0.98


def test_the_value_of_this_run_is_measured_and_not_taken_from_the_others():
    assert toys.measured(seeds, bench(90, seed=1), siblings={1: 0.1, 2: 0.8})["lowest"].value == 0.8


def test_runs_without_a_number_do_not_count():
    assert toys.measured(seeds, bench(), siblings={1: math.nan}).status == "skipped"


def test_a_model_that_gives_nan_or_has_no_test_rows_gets_a_reason():
    broken = bench()
    del broken.records
    nn.init.constant_(broken.model.bias, math.nan)
    for context in (broken, bench(0, 0)):
        section = toys.measured(seeds, context, siblings={1: 0.8})
        assert section.status == "not_applicable"
        assert section.reason


def test_the_section_is_strict_json():
    assert json.dumps(toys.measured(seeds, bench(), siblings={1: 0.8, 2: 0.7}).to_json(), allow_nan=False)
