"""How often a run of Connect Four plays a move that perfect play allows, on positions of random games.

    python benchmarks/connect4_solver.py RUN [--positions 1000] [--least 12] [--most 30] [--simulations 0 32 200]

The positions are reached by `--least` to `--most` random moves, are all different, and are kept only where the moves
differ in what they lead to (else any player agrees) and where nobody can win at once (which a player one move deep
sees). The solver of the package (`games/connect4_solver.py`) says what each column leads to: a win, a draw or a loss.
A move agrees where it leads to the best of these that there is. Beside the run stand a player at random and plain
Monte Carlo search with 1,000 rollouts. Intervals are Wilson's, of independent positions.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch

import sounding as sd
from sounding.applications.games.shared.matches import NetworkMover
from sounding.arena.openings import openings
from sounding.evaluation.intervals import wilson
from sounding.games.connect4 import Connect4
from sounding.games.connect4_solver import ILLEGAL, Solver
from sounding.games.playouts import Randomly, Rollouts
from sounding.randomness import stream


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--positions", type=int, default=1000)
    parser.add_argument("--least", type=int, default=12)
    parser.add_argument("--most", type=int, default=30)
    parser.add_argument("--simulations", type=int, nargs="+", default=[0, 32, 200])
    options = parser.parse_args()
    torch.set_num_threads(1)
    model, game = sd.load(options.run), Connect4()
    positions, outcomes = telling(game, options)
    print(f"{len(positions):,} positions, after {options.least} to {options.most} random moves")
    evaluate, considered = model.task.evaluator(model.module), model.task.recipe.considered
    movers = [NetworkMover(evaluate, n, considered) for n in options.simulations]
    for mover in (*movers, Rollouts(1000), Randomly()):
        with torch.inference_mode():
            moves = mover.moves(game, positions, stream("solver", mover.name))
        best = outcomes[np.arange(len(moves)), moves] == outcomes.max(axis=1)
        print(f"{mover.name}: {wilson(float(best.sum()), len(best))}", flush=True)


def telling(game: Connect4, options: argparse.Namespace) -> tuple[np.ndarray, np.ndarray]:
    """The positions [N] and what each column leads to [N, 7]."""
    rng, solver, found, known = stream("solver"), Solver(), [], []
    lengths = range(options.least, options.most + 1)
    left = options.positions
    for number, plies in enumerate(lengths):
        wanted = left // (len(lengths) - number)
        left -= wanted
        while wanted > 0:
            drawn = openings(game, 2 * wanted, plies, rng)
            outcomes = solver.outcomes(drawn)
            legal = outcomes != ILLEGAL
            differ = np.array([len(set(row[fine])) > 1 for row, fine in zip(outcomes, legal, strict=True)])
            kept = np.flatnonzero(differ & ~wins_at_once(game, drawn))[:wanted]
            found.append(drawn[kept])
            known.append(outcomes[kept])
            wanted -= len(kept)
    return np.concatenate(found), np.concatenate(known)


def wins_at_once(game: Connect4, positions: np.ndarray) -> np.ndarray:
    """[N]: whether who is to move can win with this move."""
    rows, columns = np.nonzero(game.legal(positions))
    after = positions[rows]
    game.play(after, columns)
    found = np.zeros(len(positions), bool)
    found[rows[game.results(after) != 0]] = True
    return found


if __name__ == "__main__":
    main()
