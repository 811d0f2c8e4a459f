"""An engine as a teacher: it says of positions along games, and beside them, how good they are and what to play.

Labels are kept in a folder, and can be used again by whoever trains:

    labels.json        what was asked: engine, limit, games, which of their positions
    000000.parquet     the labels of so many games, in order; written in one step, so that each is there in whole or not

Columns of a shard: `game`, its number; `moves`, the line from the start that leads to the position (UCI); `score` in
centipawns for the player to move, null where there is a `mate` in so many moves (below 0: the player is mated); `best`,
the move that the engine plays; `depth` and `nodes` of its search.

The hash of the engine is small and never cleared between positions: to clear it takes longer than a shallow search.
"""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from sounding.errors import DataError, RunError
from sounding.files import read_json, write
from sounding.games.chess.lines import Walker
from sounding.games.protocols.program import EngineFailure
from sounding.games.protocols.uci_engine import Found, UciEngine
from sounding.randomness import stream
from sounding.wording import counted, roughly

PLAN = "labels.json"
HASH = 16
"""Megabytes that the engine may remember."""
GAMES = 32
"""Games of a shard: seconds to minutes of work, which is what a kill may cost."""
MOST_RANDOM = 3
"""Random moves with which a game is left, at most."""
SAID = 10.0
"""Seconds between two lines on how far it is."""
SCHEMA = pa.schema(
    [
        ("game", pa.int32()),
        ("moves", pa.string()),
        ("score", pa.int32()),
        ("mate", pa.int16()),
        ("best", pa.string()),
        ("depth", pa.int16()),
        ("nodes", pa.int32()),
    ]
)


@dataclass(frozen=True)
class Lesson:
    """What a teacher is asked: `limit` are the words behind `go` ("depth 6", "nodes 300").

    Of each game one position of `every` is labelled, beginning after `first` moves of both players. People who play
    well seldom reach what a search has to judge as well, such as a piece that is lost for nothing: so each game is left
    at `deviations` random places, after 1 to 3 random moves, for `follow` moves that the engine itself would play.
    `ahead` positions are told before the first is answered: more than 1 is faster with an engine that puts commands in
    a queue while it searches, as Stockfish does, and the protocol does not ask that of any.
    """

    limit: str = "depth 6"
    every: int = 2
    first: int = 8
    deviations: int = 4
    follow: int = 6
    ahead: int = 1

    def lines(self, number: int, moves: str) -> list[str]:
        """The lines of a game whose last positions are labelled; which ones they are differs from game to game."""
        played = moves.split()
        starts = range(self.first + number % self.every, len(played) + 1, self.every)
        return [" ".join(played[:ply]) for ply in starts]

    def departures(self, number: int, moves: str, walker: Walker) -> list[str]:
        """The lines, each with its random moves, on which the engine plays on."""
        played = moves.split()
        rng = stream("teacher", number)
        found = []
        for _ in range(self.deviations if len(played) >= self.first else 0):
            ply = int(rng.integers(self.first, len(played) + 1))
            walker.go_to(" ".join(played[:ply]))
            found.append(walker.wander(int(rng.integers(1, MOST_RANDOM + 1)), rng))
        return found

    def most(self, number: int, moves: str) -> int:
        """How many labels a game gives at most: where it ends early, there are fewer."""
        return len(self.lines(number, moves)) + self.deviations * self.follow


def read_games(path: Path) -> list[str]:
    """The moves of each game in a Parquet file with a column `moves`. Raises DataError."""
    try:
        return [str(moves) for moves in pq.read_table(path, columns=["moves"])["moves"].to_pylist()]
    except (OSError, KeyError, pa.ArrowException) as error:
        what = f"no games can be read here ({str(error).splitlines()[0]})"
        raise DataError(what, where=str(path), fix="Give a Parquet file with a column of moves: e2e4 e7e5 …") from None


def label(
    games: Sequence[str],
    command: str | Sequence[str],
    folder: Path,
    lesson: Lesson,
    say: Callable[[str], None],
    seconds: float | None = None,
) -> int:
    """Label positions of the games into `folder`, from where it was stopped; how many this call has labelled.

    It ends when all are, or after so many seconds, at the end of a shard. Raises UsageError where there is no engine,
    RunError where the folder holds other labels, or the engine fails; what was labelled before stays.
    """
    engine = UciEngine(command, {"Hash": HASH})
    try:
        _begin(folder, {**asdict(lesson), "engine": engine.name, "hash": HASH, "games": _digest(games)})
        return _label(games, engine, folder, lesson, say, seconds)
    except EngineFailure as error:
        what = f"{engine.name} failed: {error}"
        raise RunError(what, where=str(folder), fix="What is labelled is kept: give the same command again") from None
    finally:
        engine.close()


def shards(folder: Path) -> list[Path]:
    """The files of labels in a folder, in order. Raises RunError where there are none."""
    found = sorted(folder.glob("[0-9]*.parquet"))
    if not found:
        raise RunError("no labels are here", where=str(folder), fix="Make them with: sounding teach GAMES --out DIR")
    return found


def _begin(folder: Path, plan: dict[str, Any]) -> None:
    """Write down what is asked, or see that it is what was asked before."""
    path = folder / PLAN
    if not path.exists():
        write(path, json.dumps(plan, indent=1))
        return
    former = read_json(path)
    other = [name for name in plan if former.get(name) != plan[name]]
    if other:
        told = ", ".join(f"{name} {former.get(name)}, now {plan[name]}" for name in other)
        raise RunError(f"here are labels of another kind: {told}", where=str(folder), fix="Give another --out")


def _digest(games: Sequence[str]) -> str:
    return blake2b("\n".join(games).encode(), digest_size=8).hexdigest()


def _label(
    games: Sequence[str],
    engine: UciEngine,
    folder: Path,
    lesson: Lesson,
    say: Callable[[str], None],
    seconds: float | None,
) -> int:
    missing = [start for start in range(0, len(games), GAMES) if not _shard(folder, start).exists()]
    sizes = {start: sum(lesson.most(n, games[n]) for n in _within(start, games)) for start in missing}
    total, passed, labelled, said = sum(sizes.values()), 0, 0, 0.0
    began, walker = time.monotonic(), Walker()
    for start in missing:
        rows = [row for n in _within(start, games) for row in _of_game(n, games[n], engine, lesson, walker)]
        _write(_shard(folder, start), rows)
        passed, labelled = passed + sizes[start], labelled + len(rows)
        now = time.monotonic()
        if now >= said + SAID:
            said = now
            say(_progress(passed, total, now - began))
        if seconds is not None and now - began >= seconds:
            break
    say(f"{counted(labelled, 'position', 'were')} labelled in {folder}")
    return labelled


def _of_game(number: int, moves: str, engine: UciEngine, lesson: Lesson, walker: Walker) -> Iterator[dict[str, Any]]:
    """The labels of a game: of its own positions first, then of those beside it, by how far they are away."""
    lines = lesson.lines(number, moves)
    yield from _rows(number, lines, _asked(engine, lines, lesson))
    lines = lesson.departures(number, moves, walker)
    for _ in range(lesson.follow):
        found = _asked(engine, lines, lesson)
        yield from _rows(number, lines, found)
        lines = [f"{line} {answer.best}" for line, answer in zip(lines, found, strict=True) if answer.best]


def _asked(engine: UciEngine, lines: Sequence[str], lesson: Lesson) -> list[Found]:
    """What the engine finds at the end of each line."""
    found: list[Found] = []
    told = 0
    while len(found) < len(lines):
        while told < min(len(lines), len(found) + lesson.ahead):
            engine.go(lines[told], lesson.limit)
            told += 1
        found.append(engine.result())
    return found


def _within(start: int, games: Sequence[str]) -> range:
    return range(start, min(start + GAMES, len(games)))


def _shard(folder: Path, start: int) -> Path:
    return folder / f"{start // GAMES:06d}.parquet"


def _progress(done: int, total: int, seconds: float) -> str:
    rate = done / max(seconds, 1e-9)
    left = roughly((total - done) / rate) if done else "a time unknown"
    return f"{done:,} of {total:,} positions, {rate:,.0f} a second, {left} to go"


def _rows(number: int, lines: Sequence[str], found: Sequence[Found]) -> Iterator[dict[str, Any]]:
    """The labels; none where the game is over."""
    for line, answer in zip(lines, found, strict=True):
        if answer.best and answer.lines:
            told = answer.lines[0]
            yield {
                "game": number,
                "moves": line,
                "score": told.centipawns,
                "mate": told.mate,
                "best": answer.best,
                "depth": told.depth,
                "nodes": told.nodes,
            }


def _write(path: Path, rows: list[dict[str, Any]]) -> None:
    data = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows, SCHEMA), data, compression="zstd", compression_level=9)
    write(path, data.getvalue())
