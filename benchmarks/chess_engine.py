"""The chess program: how fast it is, what it solves, and how it does against another engine.

    python benchmarks/chess_engine.py speed
    python benchmarks/chess_engine.py suites [--nodes 100000 | --seconds 5] [--positions 100]
    python benchmarks/chess_engine.py match --engine stockfish --option UCI_LimitStrength=true --option UCI_Elo=2200
                                            [--games 200] [--movetime 100]

`speed` prints nodes per second of the processor, and how long the first move takes with compiled code on disk and
without. `suites` tells how many positions of chess_suites are solved: the move is one of those to be played, or none of
those to be avoided. `match` plays openings of 8 half-moves from chess_games, each twice with colours changed, both
sides with so many milliseconds a move, one thread and 16 MB of hash; it prints the mean over openings with its 95 %
interval (normal, of the mean). Drawn by the rules of chess alone: repetition, fifty moves, material. Data are read from
the folder SOUNDING_DATA.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from sounding.errors import SoundingError
from sounding.games.chess import Chess
from sounding.games.chess.engine import AlphaBeta
from sounding.games.chess.fen import read
from sounding.games.chess.uci import move_of
from sounding.games.protocols.program import EngineFailure
from sounding.games.protocols.uci_engine import UciEngine
from sounding.games.thinking import Limit
from sounding.machine.setting import processor

GAME = Chess()
FIRST = (
    "import time; began = time.perf_counter(); from sounding.games.chess import Chess; "
    "from sounding.games.chess.engine import AlphaBeta; from sounding.games.thinking import Limit; g = Chess(); "
    "AlphaBeta().think(g, g.start(1), Limit(depth=5)); "
    "print(f'{time.perf_counter() - began:.1f} s, {time.process_time():.1f} s of the processor')"
)
"""The first move of a program that has just been started."""
POSITIONS = (
    "rnbqkbnr/pppppppp/8/8/8/8/PPPPPPPP/RNBQKBNR w KQkq - 0 1",
    "r3k2r/p1ppqpb1/bn2pnp1/3PN3/1p2P3/2N2Q1p/PPPBBPPP/R3K2R w KQkq - 0 1",
    "r1bq1rk1/pp2bppp/2n1pn2/3p4/3P4/2NBPN2/PP3PPP/R1BQ1RK1 w - - 0 9",
    "8/2p5/3p4/KP5r/1R3p1k/8/4P1P1/8 w - - 0 1",
    "8/8/1p1r1k2/p1pPN1p1/P3KnP1/1P6/8/3R4 b - - 0 1",
)


def speed(options: argparse.Namespace) -> None:
    engine = AlphaBeta()
    engine.think(GAME, GAME.start(1), Limit(depth=4))
    nodes, seconds = 0, 0.0
    for fen in POSITIONS:
        began = time.process_time()
        nodes += engine.think(GAME, read(fen), Limit(simulations=1_000_000)).simulations
        seconds += time.process_time() - began
    print(f"{processor()[0]}: {nodes / seconds / 1e6:.2f} million nodes a second of the processor")
    with tempfile.TemporaryDirectory() as cache:
        for named in ("without compiled code", "with it"):
            environment = {**os.environ, "NUMBA_CACHE_DIR": cache}
            found = subprocess.run([sys.executable, "-c", FIRST], env=environment, capture_output=True, check=True)
            print(f"first move, {named}: {found.stdout.decode().strip()}")


def suites(options: argparse.Namespace) -> None:
    limit = Limit(seconds=options.seconds) if options.seconds else Limit(simulations=options.nodes)
    engine, solved, seen = AlphaBeta(), Counter[str](), Counter[str]()
    for row in pq.read_table(options.data / "chess_suites/test.parquet").to_pylist():
        if seen[row["suite"]] == options.positions:
            continue
        position = read(row["fen"])
        engine.forget()
        said = GAME.text(engine.think(GAME, position, limit).candidates[0].action, position[0])
        seen[row["suite"]] += 1
        solved[row["suite"]] += said in row["best"] if row["best"] else said not in row["avoid"]
    for suite, count in seen.items():
        print(f"{suite}: {solved[suite]} of {count}")


def match(options: argparse.Namespace) -> None:
    settings = {"Hash": 16, **dict(pair.split("=", 1) for pair in options.option)}
    lines = pq.read_table(options.data / "chess_games/test.parquet", columns=["moves"])["moves"].to_pylist()
    mine = AlphaBeta(memory=16)
    mine.think(GAME, GAME.start(1), Limit(depth=5))
    try:
        other = UciEngine(options.engine, settings)
    except SoundingError as error:
        raise SystemExit(f"Error: {error}") from None
    pairs, counts = [], Counter[float]()
    for line in lines[: options.games // 2]:
        opening = line.split()[:8]
        points = [played(mine, other, opening, colour, options.movetime) for colour in (0, 1)]
        counts.update(points)
        pairs.append(np.mean(points))
        half = 1.96 * np.std(pairs, ddof=1) / len(pairs) ** 0.5 if len(pairs) > 1 else float("nan")
        told = f"{counts[1.0]} won, {counts[0.5]} drawn, {counts[0.0]} lost"
        print(f"{2 * len(pairs)} games: {np.mean(pairs):.3f} ± {half:.3f} ({told})", flush=True)
    print(f"{other.name} {' '.join(options.option)}, {options.movetime} ms a move, on {processor()[0]}")
    other.close()


def played(mine: AlphaBeta, other: UciEngine, opening: list[str], colour: int, movetime: int) -> float:
    """The points of ours in a game, in which it has a colour."""
    position, words = GAME.start(1), []
    for word in opening:
        GAME.play(position, [GAME.action(word, position[0])])
        words.append(word)
    mine.forget()
    other.new_game()
    while not GAME.over(position)[0]:
        if int(GAME.to_play(position)[0]) == colour:
            thought = mine.think(GAME, position, Limit(seconds=movetime / 1000))
            word = GAME.text(thought.candidates[0].action, position[0])
        else:
            try:
                word = other.find(" ".join(words), f"movetime {movetime}").best
                move_of(word, position[0])
            except (EngineFailure, ValueError) as error:
                raise SystemExit(f"{other.name} failed after {' '.join(words)}: {error}") from None
        GAME.play(position, [GAME.action(word, position[0])])
        words.append(word)
    result = float(GAME.results(position)[0]) * (1 if colour == 0 else -1)
    return (result + 1) / 2


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(required=True)
    for function in (speed, suites, match):
        verb = verbs.add_parser(function.__name__)
        verb.set_defaults(do=function, data=Path(os.environ.get("SOUNDING_DATA", "")))
        if function is suites:
            verb.add_argument("--nodes", type=int, default=100_000)
            verb.add_argument("--seconds", type=float)
            verb.add_argument("--positions", type=int, default=1_000, help="of each suite")
        if function is match:
            verb.add_argument("--engine", default="stockfish")
            verb.add_argument("--option", action="append", default=[], metavar="NAME=VALUE")
            verb.add_argument("--games", type=int, default=200)
            verb.add_argument("--movetime", type=int, default=100)
    options = parser.parse_args()
    options.do(options)


if __name__ == "__main__":
    main()
