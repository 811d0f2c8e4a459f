"""What has bounds has an interval within them, by every method, that holds the truth as often as it says."""

import math

import numpy as np
import pytest
from scipy import stats

from sounding import catalog
from sounding.contract.metrics import CORRELATION, SHARE, macro_f1, mean
from sounding.contract.records import Record
from sounding.contract.task import Task
from sounding.evaluation.evaluation import compare, estimate, measure
from sounding.evaluation.intervals import bootstrap, mean_t, paired_difference, proportion, wilson
from sounding.randomness import stream


def shares(rng, n):
    """Values of single rows that are 1 as often as not, as AP and F1 of single things are; their mean is 0.8."""
    return np.where(rng.random(n) < 0.5, 1.0, rng.beta(3, 2, n))


@pytest.mark.parametrize("clusters", [6, 9, 12])
def test_intervals_of_few_clusters_stay_in_bounds_and_hold_the_truth(clusters):
    groups, held, rng = np.repeat(np.arange(clusters), 5).astype(str), [], np.random.default_rng(0)
    for seed in range(400):
        found = bootstrap(shares(rng, 5 * clusters), mean, groups, seed, 200, bounds=SHARE)
        assert 0 <= found.low <= found.value <= found.high <= 1
        held.append(found.low <= 0.8 <= found.high)
    assert 0.91 <= np.mean(held) <= 0.99


@pytest.mark.parametrize("times", [1, 4])
def test_the_t_interval_that_left_its_bounds_is_cut_at_them(times):
    values, groups = np.repeat([1.0, 1.0, 1.0, 1.0, 1.0, 0.2], times), np.repeat(np.arange(6), times).astype(str)
    free, kept = bootstrap(values, mean, groups), bootstrap(values, mean, groups, bounds=SHARE)
    assert free.high > 1
    assert (kept.low, kept.high, kept.interval) == (free.low, 1.0, free.interval)


@pytest.mark.parametrize("n", [5, 9, 30, 293])
def test_rows_that_are_all_right_do_not_prove_that_every_row_is(n):
    """Of as many rows, errors that are that frequent are not seen in 95 of 100 samples: the oracle is scipy's."""
    found = bootstrap(np.ones(n), mean, bounds=SHARE)
    oracle = stats.binomtest(n, n).proportion_ci(0.95, "wilson")
    assert (found.low, found.high) == pytest.approx((oracle.low, 1.0))
    assert stats.binom.pmf(n, n, found.low) < 0.06  # Wilson's interval is a little short for a handful


def test_seeds_and_differences_stay_in_what_they_can_be():
    seeds = mean_t([0.99, 0.93, 0.999], "seeds", bounds=SHARE)
    assert seeds.high == 1.0
    a, b = np.array([1.0, 1, 1, 1, 0]), np.array([0.0, 0, 0, 0, 0.1])
    assert paired_difference(a, b, mean).high > 1
    assert paired_difference(a, b, mean, bounds=SHARE).high == 1.0
    alone = bootstrap(np.array([-1.0, -1.0, -0.9, -1.0]), mean, bounds=CORRELATION)
    assert alone.low == -1.0


def test_a_share_of_clusters_is_bounded_too():
    hits = np.repeat([1, 1, 1, 1, 1, 0], 10)
    found = proportion(hits, np.repeat(np.arange(6), 10).astype(str))
    assert 0 <= found.low < found.value < found.high == 1.0


def extreme(task: Task, examples, right: bool) -> list[Record]:
    """Records of answers that are all the truth, or all that of another row."""
    answers = [e.target for e in examples]
    given = answers if right else [*answers[1:], answers[0]]
    options = task.target.classes
    records = []
    for i, (answer, truth) in enumerate(zip(given, answers, strict=True)):
        scores = None if options is None else np.eye(len(options))[list(options).index(answer)]
        records.append(Record(answer, truth, 1.0, 0.1, f"g{i // 2}", scores))
    return records


@pytest.mark.parametrize("name", ["classify", "detect", "segment"])
@pytest.mark.parametrize("right", [True, False])
def test_every_metric_of_every_application_says_its_bounds_and_keeps_them(name, right):
    task = catalog.find(name)()
    examples = task.demo(stream("bounds"), 10)
    task.fit(examples)
    records = extreme(task, examples, right)
    for metric in task.metrics:
        assert math.isfinite(metric.bounds[0]), metric.name
    for found in measure(task, records, resamples=50).values():
        assert found.low is None or 0 <= found.low <= found.value <= found.high
        assert found.high is None or found.interval.startswith("t over") or found.low < found.high
    for metric, found in compare(task, records, extreme(task, examples, not right), resamples=50).items():
        bounds = next(m.bounds for m in task.metrics if m.name == metric)
        width = bounds[1] - bounds[0]
        assert found.low is None or -width <= found.low <= found.high <= width


def test_a_metric_that_is_right_everywhere_has_a_lower_end():
    records = [Record(i % 2, i % 2, 1.0, 0.0) for i in range(40)]
    found = estimate(macro_f1([0, 1]), records)
    assert (found.value, found.high) == (1.0, 1.0)
    assert found.low == pytest.approx(wilson(40, 40).low)
