"""How what a model says of single positions is judged, beside the games that these are from.

Legend of shapes: n records.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from sounding.contract.evidence import Figure
from sounding.contract.metrics import SHARE, Metric, mean, mean_of_counted
from sounding.contract.records import Record
from sounding.evaluation import plots
from sounding.evaluation.intervals import bootstrap
from sounding.modalities.boards.judgement import win_rate

BINS = 10
FEWEST = 5
"""Positions below which a bin is not drawn."""


TOP = 5


def row_metrics(territory: bool, of_records: bool = False) -> list[Metric]:
    """How often the move is that of the search, or the one that was played in a recorded game; how far the expected
    result is from the real one; whose the points are.

    The first decides what is right or wrong where a model's confidence is measured.
    """
    found = [*_move_match()] if of_records else [_move_agreement()]
    found.append(
        Metric(
            "value error",
            _value_error,
            mean_of_counted,
            "mean squared distance of the expected points (a draw is half a point) from those of the game (Brier)",
            higher_is_better=False,
            bounds=SHARE,
        )
    )
    if territory:
        found.append(
            Metric(
                "ownership error",
                _ownership_error,
                mean_of_counted,
                "mean over the points of the board of half the distance between foretold and real owner, −1 or 1",
                higher_is_better=False,
                bounds=SHARE,
            )
        )
    return found


def _move_agreement() -> Metric:
    what = "share of positions in which the best move of the network alone is that of the full search of self-play"
    return Metric("move agreement", same_move, mean, what, proportion=True, hit=_decided)


def _move_match() -> Iterator[Metric]:
    what = "share of positions in which the best move of the network alone is the one that was played"
    yield Metric("move match", same_move, mean, what, proportion=True, hit=_decided)
    what = f"share of positions in which the move that was played is among the {TOP} best of the network alone"
    yield Metric(f"top-{TOP} move match", _among_the_best, mean, what, proportion=True)


def _among_the_best(record: Record) -> float:
    policy = record.value["policy"].astype(np.float32)
    return float((policy > policy[move_of(record.truth)]).sum() < TOP)


def move_of(value: np.void) -> int:
    """The best move of a judgement."""
    return int(np.argmax(value["policy"]))


def same_move(record: Record) -> float:
    """1 where the best move is the one to be learnt."""
    return float(move_of(record.value) == move_of(record.truth))


def _decided(record: Record) -> list[tuple[float, bool]]:
    return [] if record.confidence is None else [(record.confidence, bool(same_move(record)))]


def _value_error(record: Record) -> float:
    return (win_rate(record.value) - win_rate(record.truth)) ** 2


def _ownership_error(record: Record) -> float:
    off = record.value["ownership"].astype(np.float64) - record.truth["ownership"]
    return float(np.abs(off).mean() / 2)


# ---- whether it wins as often as it says


def reliability(records: Sequence[Record]) -> Iterator[Figure]:
    """The share of points that was won against the one that was expected, in bins."""
    points = [(row["expected"], row["won"]) for row in _bins(records) if row["n"] >= FEWEST]
    if points:
        caption = (
            "Points won against points expected, of positions in bins of expected points; the interval is over games. "
            "Below the diagonal the model hopes for too much."
        )
        yield Figure("quality_value", caption, plots.reliability({"held-out positions": points}))


def calibration_of_value(records: Sequence[Record]) -> Mapping[str, Any]:
    """The same as a table."""
    rows = [
        {"expected points": round(row["expected"], 3), "won": row["won"].cell, "positions": row["n"]}
        for row in _bins(records)
    ]
    return {"value_calibration": rows} if rows else {}


def _bins(records: Sequence[Record]) -> Iterator[dict[str, Any]]:
    records = [record for record in records if not np.isnan(win_rate(record.truth))]
    if not records:
        return
    expected = np.array([win_rate(record.value) for record in records])
    won = np.array([win_rate(record.truth) for record in records])
    groups = [record.group for record in records]
    place = np.minimum((expected * BINS).astype(int), BINS - 1)
    for number in np.unique(place):
        rows = np.flatnonzero(place == number)
        found = bootstrap(won[rows], mean, [groups[i] for i in rows], resamples=500, bounds=SHARE)
        yield {"expected": float(expected[rows].mean()), "won": found, "n": len(rows)}
