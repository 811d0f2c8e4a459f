"""Scores of a few runs on a few tasks as one number: the interquartile mean, with a stratified bootstrap.

As Agarwal et al. define it ("Deep Reinforcement Learning at the Edge of the Statistical Precipice", 2021, arXiv
2108.13264) and their library rliable computes it: the mean of the middle half of all runs on all tasks; of each task as
many runs are drawn again, with replacement, and the interval is that of the percentiles.

Legend of shapes: R runs (seeds), K tasks (games), B draws.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from sounding.contract.evidence import Estimate
from sounding.errors import DataError
from sounding.randomness import stream

Scores = NDArray[np.floating]
"""[R, K]: one score of each run on each task, normalised where tasks differ in scale."""

BLOCK = 2**22
"""Numbers that are drawn at a time."""


def interquartile_mean(scores: Scores) -> float:
    """The mean of what is left where a quarter of all scores is cut off at either end."""
    return float(_middle(np.asarray(scores, float).reshape(1, -1))[0])


def stratified(scores: Scores, seed: int = 0, draws: int = 2000, level: float = 0.95) -> Estimate:
    """The interquartile mean of `scores` [R, K] with its interval over `draws` of the runs within each task.

    Raises DataError for scores that are not a table of finite numbers. A single run gives no interval.
    """
    table = np.asarray(scores, float)
    if table.ndim != 2 or not table.size:
        raise DataError(f"scores of shape {table.shape} are no table", fix="Give one row for each run, a column a task")
    if not np.isfinite(table).all():
        raise DataError("a score is not finite", fix="Give the runs that ended, on all tasks")
    runs, tasks = table.shape
    value = interquartile_mean(table)
    if runs == 1:
        return Estimate(value, n=1, level=level)
    rng = stream("stratified bootstrap", seed)
    found = []
    for begin in range(0, draws, block := max(1, BLOCK // table.size)):
        chosen = rng.integers(0, runs, (min(block, draws - begin), runs, tasks))
        found.append(_middle(table[chosen, np.arange(tasks)].reshape(len(chosen), -1)))
    low, high = np.quantile(np.concatenate(found), [(1 - level) / 2, (1 + level) / 2])
    return Estimate(value, float(low), float(high), runs * tasks, level, f"stratified bootstrap over {runs} runs")


def for_rliable(scores: Mapping[str, Mapping[str, Sequence[float]]]) -> dict[str, NDArray[np.float64]]:
    """Algorithm → task → scores of the runs, as rliable reads it: algorithm → [R, K], tasks in order of their names.

    Raises DataError where the runs or the tasks differ, which rliable's tables cannot hold.
    """
    tasks = {name: sorted(each) for name, each in scores.items()}
    if len({tuple(each) for each in tasks.values()}) > 1:
        raise DataError("not all algorithms were tried on the same tasks", fix="Leave out what some lack")
    found = {}
    for name, each in scores.items():
        if len({len(each[task]) for task in tasks[name]}) != 1:
            raise DataError(f"{name} has more runs on some tasks than on others", fix="Give as many of each")
        found[name] = np.array([each[task] for task in tasks[name]], np.float64).T
    return found


def _middle(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """The mean [B] of each row [B, n] without a quarter of its numbers, rounded down, at either end."""
    ordered = np.sort(rows, axis=1)
    cut = rows.shape[1] // 4
    return ordered[:, cut : rows.shape[1] - cut].mean(axis=1)
