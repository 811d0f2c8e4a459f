"""What is measured of a model of chess beside its moves: what these give away, and where it looks in puzzles.

Blunders are told by the engine of the package, with so many positions searched. Where the model looks in a puzzle is
told by taking pieces away, one at a time: the piece without which the solution loses most of its share is what the move
hangs on, and it should be one that the solution has to do with: that stands where one of its moves begins or ends. The
piece that moves first is left out, since without it there is no such move; so are kings.

Legend of shapes: P pieces, A actions.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from sounding.applications.games.shared.judging import move_of
from sounding.contract.metrics import SHARE, Metric, mean_of_counted
from sounding.contract.records import Example, Record
from sounding.games.chess.about import about
from sounding.modalities.boards.board import one

if TYPE_CHECKING:
    from sounding.applications.games.chess.task import ChessGame

LOOKED_AT = 100
"""Puzzles, and positions judged by the engine, at most."""
THOUGHT = 2_000
"""Positions that the engine searches before it judges one."""
BLUNDER = 0.15
"""Of the chances to win, given away by one move (as lichess.org has it)."""


@dataclass(frozen=True)
class Looked:
    """What was seen of one position: `what` was looked for, 1 or 0 (or the share by chance)."""

    what: str
    found: float


def metrics() -> tuple[Metric, ...]:
    """Blunders, and pointing beside what chance would give."""
    what = (
        f"share of positions in which the network's move, without search, gives away {100 * BLUNDER:.0f} points of a "
        f"hundred or more of the chances to win, as the package's engine judges with {THOUGHT:,} positions searched"
    )
    pointing = (
        "share of puzzles in which the piece without which the solution loses most of its share is one that the "
        "solution has to do with (the piece that moves first, and kings, aside)"
    )
    return (
        _metric("blunder rate", what, False, proportion=True),
        _metric("pointing in puzzles", pointing, True, proportion=True),
        _metric("pointing by chance", "the same of a piece drawn at random", True),
    )


def _metric(name: str, definition: str, higher: bool, *, proportion: bool = False) -> Metric:
    def judge(record: Record) -> float:
        return float(record.value.found) if record.value.what == name else float("nan")

    needs = "a puzzle" if name.startswith("pointing") else "a position"
    return Metric(
        name,
        judge,
        mean_of_counted,
        definition,
        proportion=proportion,
        higher_is_better=higher,
        bounds=SHARE,
        needs=needs,
    )


def looked_at(task: ChessGame, model: torch.nn.Module, examples: Sequence[Example]) -> list[Record]:
    """The records of `metrics`, on some of the examples, evenly spread."""
    some = _some(examples, range(len(examples)))
    records = [_record("blunder rate", loss, e) for e, loss in zip(some, _blunders(task, model, some), strict=True)]
    for example in some:
        if about(example.input).is_puzzle and example.input["marked"]:
            records += _pointing(task, model, example)
    return records


def _some(examples: Sequence[Example], numbers: range) -> list[Example]:
    return [examples[number] for number in numbers[:: max(1, len(numbers) // LOOKED_AT)]][:LOOKED_AT]


def _record(what: str, found: float, example: Example) -> Record:
    return Record(Looked(what, found), True, None, float("nan"), example.group)


def _blunders(task: ChessGame, model: torch.nn.Module, examples: Sequence[Example]) -> Iterator[bool]:
    """Whether the move of each is a blunder."""
    from sounding.games.shipped import shipped
    from sounding.games.thinking import Limit

    engine, limit = shipped("chess"), Limit(simulations=THOUGHT)
    for example, answer in zip(examples, task.predict(model, [e.input for e in examples]), strict=True):
        position, move = one(example.input), move_of(answer.value)
        best = engine.think(task.game, position, limit)
        if best.candidates[0].action == move:
            yield False
            continue
        task.game.play(position, [move])
        left = 0.5 if task.game.results(position)[0] == 0 else 1.0  # to play a mate is no blunder
        if not task.game.over(position)[0]:
            left = 1 - engine.think(task.game, position, limit).win_rate
        yield best.win_rate - left >= BLUNDER


def _pointing(task: ChessGame, model: torch.nn.Module, example: Example) -> list[Record]:
    """Whether the piece that the solution hangs on is one that it has to do with, and how likely chance hits one."""
    value, solution = example.input, move_of(example.target)
    pieces = task.input.occupied(value)
    signs = "".join(task.input.lines(value))
    begins = _square(task.target.text(example.target, solution)[:2])
    others = [k for k, point in enumerate(pieces) if signs[point] not in "kK" and point != begins]
    if len(others) < 2:
        return []
    masks = np.ones((len(others), len(pieces)), np.bool_)
    masks[np.arange(len(others)), others] = False
    without = task.input.mask_many(value, masks, task.input.baselines[0])
    shares = np.array([answer.value["policy"][solution] for answer in task.predict(model, without)], np.float64)
    marked = int(value["marked"])
    touched = [bool(marked >> _from_a1(int(pieces[k])) & 1) for k in others]
    hit = float(touched[int(np.argmin(shares))])
    return [
        _record("pointing in puzzles", hit, example),
        _record("pointing by chance", float(np.mean(touched)), example),
    ]


def _square(name: Any) -> int:
    """The number of a square from the top left."""
    return (8 - int(name[1])) * 8 + "abcdefgh".index(name[0])


def _from_a1(point: int) -> int:
    """The number of a square from a1, of one that is counted from the top left."""
    return point ^ 56
