"""How a model of chess is judged: the moves of games and of puzzles, and where it looks in puzzles.

Legend of shapes: n records.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from sounding.applications.games.shared.judging import same_move
from sounding.contract.metrics import SHARE, Metric, mean, mean_of_counted
from sounding.contract.records import Record
from sounding.evaluation.intervals import bootstrap
from sounding.games.chess.about import About, about

FROM_PLY = 20
"""Half-moves of a game that many play by heart."""
BAND = 200
"""Points of rating that a band of players or of puzzles is wide."""
FEWEST = 30
"""Positions below which a band is not told."""


def known(record: Record) -> About:
    """What is known of the game or puzzle of a record."""
    return about(record.truth["position"])


def metrics() -> Iterator[Metric]:
    """The share of positions of games, behind the opening, and of first positions of puzzles."""
    yield Metric(
        f"move match from ply {FROM_PLY}",
        _of(lambda record: not known(record).is_puzzle and int(record.truth["position"]["ply"]) >= FROM_PLY),
        mean_of_counted,
        f"the same of positions of games after {FROM_PLY} half-moves or more, behind what is known by heart",
        proportion=True,
        needs=f"a position of a game after {FROM_PLY} half-moves",
    )
    yield Metric(
        "puzzle first move",
        _of(is_first),
        mean_of_counted,
        "share of puzzles of which the first move of the solution is the best of the network alone, without search",
        proportion=True,
        needs="a puzzle",
    )


def is_first(record: Record) -> bool:
    """Whether a record is of the position that the solver of a puzzle sees first."""
    facts = known(record)
    return facts.is_puzzle and int(record.truth["position"]["ply"]) == facts.begins + 1


def _of(counts: Callable[[Record], bool]) -> Callable[[Record], float]:
    return lambda record: same_move(record) if counts(record) else float("nan")


# ---- bands


def bands(records: Sequence[Record]) -> Mapping[str, Any]:
    """The move match by the rating of who moved, and the first moves of puzzles by how hard they are, as tables."""
    games, puzzles = dict[int, list[Record]](), dict[int, list[Record]]()
    for record in records:
        facts, position = known(record), record.truth["position"]
        rating = facts.ratings[int(position["turn"])]
        if is_first(record) and facts.puzzle:
            puzzles.setdefault(facts.puzzle // BAND, []).append(record)
        elif not facts.is_puzzle and rating and int(position["ply"]) >= FROM_PLY:
            games.setdefault(rating // BAND, []).append(record)
    tables = {"move_match_by_rating": _table(games), "puzzles_by_rating": _table(puzzles)}
    return {name: rows for name, rows in tables.items() if rows}


def _table(parts: Mapping[int, Sequence[Record]]) -> list[dict[str, Any]]:
    rows = []
    for band, some in sorted(parts.items()):
        if len(some) < FEWEST:
            continue
        right = np.array([same_move(record) for record in some])
        found = bootstrap(right, mean, [record.group for record in some], resamples=500, bounds=SHARE)
        rating = f"{band * BAND} to {band * BAND + BAND - 1}"
        rows.append({"rating": rating, "right": found.cell, "positions": len(some)})
    return rows
