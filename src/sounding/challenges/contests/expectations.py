"""Whether a model gets the points that it expects: its value against the results of games. A part of `calibration`."""

from __future__ import annotations

import numpy as np

from sounding.contract.contest import Contest
from sounding.contract.evidence import Number
from sounding.contract.metrics import CORRELATION, mean
from sounding.evaluation.challenge import Findings
from sounding.evaluation.context import EvaluationContext
from sounding.evaluation.intervals import bootstrap

FEWEST = 30
"""Positions below which nothing is said."""


def of_results(context: EvaluationContext, contest: Contest) -> Findings:
    """Expected less real points over the held-out positions, and how much the expectation tells beyond their mean."""
    pairs = np.array([(contest.points(r.value), contest.points(r.truth)) for r in context.row_records])
    known = np.flatnonzero(np.isfinite(pairs).all(axis=1)) if len(pairs) else np.zeros(0, np.int64)
    if len(known) < FEWEST:
        return Findings("")
    pairs, groups = pairs[known], [context.row_records[i].group for i in known]
    seed = context.seed
    bias = bootstrap(pairs[:, 0] - pairs[:, 1], mean, groups, seed, bounds=CORRELATION)
    skill = bootstrap(pairs, _skill, groups, seed)
    numbers = (
        Number(
            "value_bias",
            "expected less real points",
            bias,
            "of held-out positions, a win being 1 and a draw ½; above 0 it hopes for too much",
            seed=seed,
        ),
        Number(
            "value_skill",
            "skill of the expected points",
            skill,
            "1 less the mean squared distance of expected and real points over that of their mean from them: 1 "
            "knows every result, 0 knows no more than the mean",
            seed=seed,
        ),
    )
    said = f" Of the points of a game it expects {bias} more than it gets; its skill beyond the mean result is {skill}."
    return Findings(said, numbers)


def _skill(pairs: np.ndarray) -> float:
    spread = pairs[:, 1].var()
    return float(1 - ((pairs[:, 0] - pairs[:, 1]) ** 2).mean() / spread) if spread else np.nan
