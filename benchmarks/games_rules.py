"""The rules of games beside OpenSpiel's, and how fast they are.

    python benchmarks/games_rules.py agree [--positions 1000000]
    python benchmarks/games_rules.py chess [--positions 1000000]
    python benchmarks/games_rules.py speed
    python benchmarks/games_rules.py compile
    python benchmarks/games_rules.py solve [--positions 1000]

*agree* plays random games with both and compares the board, the legal moves and the player at each position, and the
result at the end; Go on 5, 7, 9 and 19 lines. The first difference ends it. Needs open-spiel. *chess* does the same
beside python-chess, half of the games from the 960 starts: FEN, legal moves, repetitions, ends and results at each
position. *speed* counts moves a second of CPU: of random games played to the end by one compiled call, and of a batch
of 64 games in steps of `legal`, `play` and `observe` as self-play calls them, with the share of each. *compile*
measures the first calls in processes of their own, without a cache and with one. *solve* solves positions of Connect
Four after 12 random moves: what each column leads to.
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

from sounding.games.connect4 import Connect4
from sounding.games.connect4_solver import Solver
from sounding.games.game import Game
from sounding.games.go import Go
from sounding.games.playouts import Randomly, Rollouts, play_out
from sounding.randomness import stream

GAMES: dict[str, Game] = {"connect4": Connect4(), **{f"go {size}x{size}": Go(size) for size in (5, 7, 9, 19)}}
SHARES = {"connect4": 0.3, "go 5x5": 0.3, "go 7x7": 0.2, "go 9x9": 0.15, "go 19x19": 0.05}
"""Of the positions that are compared."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["agree", "chess", "speed", "compile", "first", "solve"])
    parser.add_argument("--positions", type=int, help="1,000,000 to compare, 1,000 to solve")
    options = parser.parse_args()
    match options.what:
        case "agree":
            agree(options.positions or 1_000_000)
        case "chess":
            agree_in_chess(options.positions or 1_000_000)
        case "speed":
            speed()
        case "compile":
            compile_times()
        case "first":
            first_calls()
        case "solve":
            solve(options.positions or 1000)


def agree(positions: int) -> None:
    sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "games"))
    import openspiel

    found: dict[str, Counter[str]] = {name: Counter() for name in GAMES}
    for part in range(1, 21):
        for name, game in GAMES.items():
            rng = stream("agree", name, part)
            while found[name]["positions"] < positions * SHARES[name] * part / 20:
                one = openspiel.connect_four(game, rng) if name == "connect4" else openspiel.go(game, rng)
                found[name].update(games=1, positions=one.positions, repeats=one.repeats)
        print(f"{sum(counts['positions'] for counts in found.values()):,} positions agree", flush=True)
    for name, counts in found.items():
        superko = f", {counts['repeats']:,} moves forbidden by superko alone" if name != "connect4" else ""
        print(f"{name}: {counts['positions']:,} positions of {counts['games']:,} games{superko}")


def agree_in_chess(positions: int) -> None:
    sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "games"))
    from python_chess import beside

    rng, compared, ends = stream("agree", "chess"), 0, Counter()
    while compared < positions:
        found, end = beside(rng, chess960=sum(ends.values()) % 2 == 1)
        compared += found
        ends[end] += 1
        if sum(ends.values()) % 200 == 0:
            print(f"{compared:,} positions agree", flush=True)
    told = ", ".join(f"{count:,} {end}" for end, count in ends.most_common())
    print(f"chess: {compared:,} positions of {sum(ends.values()):,} games: {told}")


def speed() -> None:
    for name, game in GAMES.items():
        rng = stream("speed", name)
        play_out(game, game.start(2), rng)
        n = {"connect4": 200_000, "go 19x19": 300}.get(name, 5000)
        begun = time.process_time()
        _, moves = play_out(game, game.start(n), rng)
        seconds = time.process_time() - begun
        print(f"{name}: {moves.sum() / seconds / 1e6:.2f} M moves/CPU-s in {n / seconds:,.0f} random games a second")
        steps(game, rng)
        Rollouts(1).moves(game, game.start(1), rng)
        begun = time.process_time()
        Rollouts(1000).moves(game, game.start(10), rng)
        print(f"    MCTS with 1,000 rollouts: {(time.process_time() - begun) / 10 * 1000:.1f} ms a move")


def steps(game: Game, rng: np.random.Generator) -> None:
    """A batch of 64 games in single steps, as self-play makes them."""
    positions, spent, moves = game.start(64), Counter(), 0
    game.observe(positions), game.keys(positions)
    for _ in range(300):
        begun = time.process_time()
        legal = game.legal(positions)
        spent["legal"] += time.process_time() - begun
        actions = np.argmax(legal * rng.random(legal.shape), axis=1)
        begun = time.process_time()
        game.play(positions, actions)
        spent["play"] += time.process_time() - begun
        begun = time.process_time()
        game.observe(positions)
        spent["observe"] += time.process_time() - begun
        moves += 64
        over = game.over(positions)
        positions[over] = game.start(int(over.sum()))
    each = ", ".join(f"{name} {seconds / moves * 1e6:.2f}" for name, seconds in spent.items())
    print(f"    a batch of 64, microseconds of CPU a position: {each}")


def solve(n: int) -> None:
    game, rng = Connect4(), stream("solve")
    positions = game.start(2 * n)
    for _ in range(12):
        positions = positions[~game.over(positions)]
        game.play(positions, Randomly().moves(game, positions, rng))
    positions = positions[~game.over(positions)][:n]
    solver = Solver()
    solver.outcomes(positions[:0])
    begun = time.process_time()
    best = solver.outcomes(positions).max(axis=1)
    seconds = time.process_time() - begun
    shares = ", ".join(
        f"{(best == value).mean():.0%} {word}" for value, word in ((1, "won"), (0, "drawn"), (-1, "lost"))
    )
    print(f"{len(positions):,} positions after 12 moves in {seconds:.0f} CPU seconds; {shares} for the player to move")


def compile_times() -> None:
    with tempfile.TemporaryDirectory() as folder:
        for state in ("without a cache", "with the cache"):
            words = [sys.executable, __file__, "first"]
            out = subprocess.run(words, env={**os.environ, "NUMBA_CACHE_DIR": folder}, capture_output=True, check=True)
            print(f"{state}, CPU seconds: {out.stdout.decode().strip()}", flush=True)


def first_calls() -> None:
    found = [f"import {time.process_time():.1f}"]
    for name in ("connect4", "go 9x9"):
        game, rng = GAMES[name], stream("first")
        begun = time.process_time()
        positions = game.start(2)
        game.play(positions, [3, 3])
        game.legal(positions), game.observe(positions), game.keys(positions), game.results(positions)
        found.append(f"{name} {time.process_time() - begun:.1f}")
        begun = time.process_time()
        play_out(game, positions, rng)
        Rollouts(1).moves(game, positions, rng)
        found.append(f"its random games {time.process_time() - begun:.1f}")
    print(", ".join(found))


if __name__ == "__main__":
    main()
