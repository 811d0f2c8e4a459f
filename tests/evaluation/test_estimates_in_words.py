"""What an estimate counts, and what is said of one without an interval."""

import numpy as np
import pytest

from sounding.contract.evidence import Estimate
from sounding.contract.metrics import mean
from sounding.evaluation.estimates_in_words import change, measured, sample
from sounding.evaluation.intervals import bootstrap, mean_t, proportion, wilson

GROUPS = np.repeat(np.arange(9), 40).astype(str)


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (wilson(300, 360), "n = 360"),
        (proportion(np.arange(360) % 7 > 0, GROUPS), "n = 9 groups"),
        (proportion(np.ones(360), GROUPS), "n = 9 groups"),
        (bootstrap(np.arange(360.0), mean, np.repeat(np.arange(12), 30).astype(str)), "n = 12 groups"),
        (bootstrap(np.arange(9.0), mean), "n = 9"),
        (mean_t([0.1, 0.2, 0.4], "seeds"), "n = 3 seeds"),
        (bootstrap(np.arange(9.0), mean, ["a"] * 9), "n = 1 group"),
        (proportion([1, 1, 1], ["a", "a", "a"]), "n = 1 group"),
        (Estimate(1234.0, n=1234), "n = 1,234"),
        (Estimate(0.9, n=52, interval="clopper-pearson, joint over 2 classes"), "n = 52"),
    ],
)
def test_n_says_what_it_counts(found, said):
    assert sample(found) == said


def test_an_estimate_without_an_interval_says_why():
    def ratio(pairs):
        return float(pairs[:, 0].sum() / pairs[:, 1].sum()) if pairs[:, 1].any() else float("nan")

    lonely = np.zeros((45, 2))
    lonely[:5] = 1  # all that the metric is of lies in the first of nine groups
    found = bootstrap(lonely, ratio, np.repeat(np.arange(9), 5).astype(str))
    assert found.low is None
    assert "undefined where one of 9 rows or groups is left out" in measured(found)
    assert "undefined where one of 9" in change(found)
    assert change(Estimate(0.1, 0.05, 0.2, 40, interval="paired bootstrap")).endswith("clear of 0")
    assert "holds 0" in change(Estimate(0.1, -0.05, 0.2, 40, interval="paired bootstrap"))
