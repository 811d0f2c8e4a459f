"""The UCI server against an independent client (python-chess): how soon it answers `stop`, and whole games on a clock.

    python benchmarks/chess_uci.py stop [--times 100]
    python benchmarks/chess_uci.py games --against "/usr/games/stockfish" [--games 100] [--clock 10+0.1] [--elo 2200]

`stop` prints milliseconds from `stop` to `bestmove`: median, 95th percentile, the largest. `games` plays random
openings of 8 moves twice each with sides changed; python-chess raises an error for an illegal move, and the time that
passes here decides whether a game is lost on time. It prints points, and how many games ended in which way.
"""

from __future__ import annotations

import argparse
import random
import shlex
import subprocess
import sys
import time
from collections import Counter

import chess
import chess.engine

ENGINE = [sys.executable, "-m", "sounding", "play", "chess", "--uci"]


def stops(times: int) -> None:
    process = subprocess.Popen(ENGINE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)

    def until(begin: str) -> None:
        while not process.stdout.readline().startswith(begin):
            pass

    def say(line: str) -> None:
        process.stdin.write(f"{line}\n")
        process.stdin.flush()

    began = time.monotonic()
    say("uci")
    until("uciok")
    print(f"uciok after {time.monotonic() - began:.2f} s")
    say("isready")
    until("readyok")
    print(f"readyok after {time.monotonic() - began:.2f} s")
    rng, waits = random.Random(0), []
    for _ in range(times):
        board = opening(rng, rng.randrange(60))
        say(f"position fen {board.fen()}")
        say("go infinite")
        time.sleep(rng.uniform(0.05, 0.5))
        asked = time.monotonic()
        say("stop")
        until("bestmove")
        waits.append(1000 * (time.monotonic() - asked))
    say("quit")
    process.wait(10)
    waits.sort()
    print(
        f"stop: median {waits[times // 2]:.1f} ms, 95 % {waits[int(0.95 * times)]:.1f} ms, largest {waits[-1]:.1f} ms"
    )


def opening(rng: random.Random, plies: int) -> chess.Board:
    """A position after so many random moves that goes on."""
    while True:
        board = chess.Board()
        for _ in range(plies):
            if board.is_game_over():
                break
            board.push(rng.choice(list(board.legal_moves)))
        if not board.is_game_over(claim_draw=True):
            return board


def games(against: str, count: int, clock: str, elo: int | None) -> None:
    seconds, _, added = clock.partition("+")
    rng, points, ends = random.Random(0), 0.0, Counter[str]()
    with (
        chess.engine.SimpleEngine.popen_uci(ENGINE, timeout=120) as ours,
        chess.engine.SimpleEngine.popen_uci(shlex.split(against)) as theirs,
    ):
        ours.ping()
        theirs.configure({"UCI_LimitStrength": True, "UCI_Elo": elo} if elo else {})
        start = chess.Board()
        for number in range(count):
            start = opening(rng, 8) if number % 2 == 0 else start
            board = start.copy()
            players = (ours, theirs) if number % 2 == 0 else (theirs, ours)
            result, why = play(board, players, float(seconds), float(added or 0), number)
            first = (1 + result) / 2
            points += first if number % 2 == 0 else 1 - first
            ends[why] += 1
            print(f"game {number + 1}: {why}, {points:g} points", flush=True)
    print(f"{points:g} of {count} against {against}; {dict(ends)}")


def play(board: chess.Board, players: tuple, seconds: float, added: float, number: int) -> tuple[int, str]:
    """The result for the first of the players, who has the move, and how the game ended."""
    left, mover = [seconds, seconds], board.turn
    while not board.is_game_over(claim_draw=True):
        side = int(board.turn != mover)
        white, black = left if mover == chess.WHITE else left[::-1]
        limit = chess.engine.Limit(white_clock=white, black_clock=black, white_inc=added, black_inc=added)
        began = time.monotonic()
        found = players[side].play(board, limit, game=number)
        left[side] += added - (time.monotonic() - began)
        if left[side] < added:
            return 2 * side - 1, f"{players[side].id['name'].split()[0]} lost on time"
        board.push(found.move)
    outcome = board.outcome(claim_draw=True)
    result = 0 if outcome.winner is None else (1 if outcome.winner == mover else -1)
    return result, outcome.termination.name.lower()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["stop", "games"])
    parser.add_argument("--times", type=int, default=100)
    parser.add_argument("--against", default="stockfish")
    parser.add_argument("--games", type=int, default=100)
    parser.add_argument("--clock", default="10+0.1")
    parser.add_argument("--elo", type=int)
    options = parser.parse_args()
    if options.what == "stop":
        stops(options.times)
    else:
        games(options.against, options.games, options.clock, options.elo)


if __name__ == "__main__":
    main()
