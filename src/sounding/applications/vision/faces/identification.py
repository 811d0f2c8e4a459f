"""Who of the enrolled a picture shows: closed-set and open-set identification, after ISO/IEC 19795-1.

A model of a closed set keeps the mean embedding of each training person: its *enrolled*. A *probe* is a picture of the
test. Its score for a person is the mean cosine to what was enrolled of that person; the person of the highest score is
named, if the score reaches a threshold.

    rank-1   share of probes of enrolled people for whom the own person scores highest
    FNIR     false negative identification rate: share of these that are not given their name at the threshold
    FPIR     false positive identification rate: share of strangers who are given somebody's name

Strangers are the people of the test who are not enrolled, and every enrolled person once more with the own enrolment
left out. The latter were seen in training all the same: of people never seen the rate may be higher.

Legend of shapes: n probes, M enrolled people.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sounding.contract.metrics import Metric, mean_of_counted
from sounding.contract.records import Record

STRANGER = ""
"""The truth of a probe whose person is not enrolled."""


@dataclass(frozen=True)
class Named:
    """The person of the highest score, and whether the score reached the threshold."""

    best: str
    accepted: bool


def records(scores: np.ndarray, names: Sequence[str], people: Sequence[str], threshold: float) -> list[Record]:
    """Records of n probes: `scores` [n, M] against the M enrolled `people`, and the true `names` [n].

    A probe of an enrolled person gives two: as it is, and as a stranger's.
    """
    place = {name: i for i, name in enumerate(people)}
    found = []
    for row, name in zip(scores, names, strict=True):
        own = place.get(name)
        if own is not None:
            found.append(_record(row, people, name, name, threshold))
            row = np.where(np.arange(len(row)) == own, -np.inf, row)
        if len(people) > 1:
            found.append(_record(row, people, STRANGER, name, threshold))
    return found


def _record(row: np.ndarray, people: Sequence[str], truth: str, name: str, threshold: float) -> Record:
    best = int(row.argmax())
    return Record(Named(people[best], bool(row[best] >= threshold)), truth, None, 0.0, name)


def metrics() -> list[Metric]:
    """How such records are judged. One person's pictures are drawn together where intervals are computed."""
    enrolled, people = "pictures of enrolled people", "the people trained on are enrolled, by their training pictures"
    return [
        Metric("rank-1", _is_best, mean_of_counted, f"share of {enrolled} for whom the own person scores highest of "
               f"all: {people}", proportion=True),
        Metric("FNIR", _not_named, mean_of_counted, f"false negative identification rate: share of {enrolled} that are "
               "not given their name at the threshold in use", proportion=True, higher_is_better=False),
        Metric("FPIR", _named_falsely, mean_of_counted, "false positive identification rate: share of strangers who "
               "are given a name at the threshold in use; strangers are people of the test who are not enrolled, and "
               "every enrolled person with the own enrolment left out", proportion=True, higher_is_better=False),
    ]  # fmt: skip


def _is_best(record: Record) -> float:
    return math.nan if record.truth == STRANGER else float(record.value.best == record.truth)


def _not_named(record: Record) -> float:
    named = record.value.accepted and record.value.best == record.truth
    return math.nan if record.truth == STRANGER else float(not named)


def _named_falsely(record: Record) -> float:
    return float(record.value.accepted) if record.truth == STRANGER else math.nan
