"""Rows of a second set that are counterparts of test rows: the same thing changed a little, so that its answer changes.

A review and the same review edited by a person to say the opposite (Kaushik et al., arXiv 1909.12434), or contrast sets
(Gardner et al., arXiv 2004.02709). Who goes by a shortcut answers one of a pair rightly, seldom both. Rows belong
together when their group is the same and each of the two sets has one row of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from sounding.contract.evidence import Number
from sounding.contract.metrics import Metric
from sounding.contract.records import Record
from sounding.evaluation.intervals import proportion

LEAST = 2
"""Fewer pairs are chance: a group that happens to stand on both sides."""


def pairs(here: Sequence[Record], there: Sequence[Record]) -> list[tuple[Record, Record]]:
    """The test row and the row of the second set of each group that has one of both."""
    sides = [{record.group: record for record in records if record.group} for records in (here, there)]
    often = [Counter(record.group for record in records) for records in (here, there)]
    names = [name for name in sides[0] if name in sides[1] and often[0][name] == often[1][name] == 1]
    return [(sides[0][name], sides[1][name]) for name in names]


def both_right(metric: Metric, here: Sequence[Record], there: Sequence[Record]) -> Number | None:
    """The share of pairs of which both rows are answered rightly; None without pairs, or where nothing is right."""
    found = pairs(here, there)
    if len(found) < LEAST or not metric.proportion:
        return None
    right = np.array([[metric.judge(record) for record in pair] for pair in found], float)
    share = proportion((right == 1).all(axis=1).astype(float))
    meaning = (
        "share of pairs, a test row and the row of the second set that is of the same group, with both answers right; "
        f"of the test rows alone {right[:, 0].mean():.3f}, of the others {right[:, 1].mean():.3f}"
    )
    return Number("both_right", "pairs with both right", share, meaning)
