"""A trained run of Go against GNU Go: the share of points, a draw being half of one.

    python benchmarks/go_gnugo.py RUN [--games 100] [--level 10] [--simulations 64] [--program /usr/games/gnugo]

Each opening of two random moves is played twice with sides changed. GNU Go has a process for each game and the rules
of this package (area scoring, positional superko, no resigning; `games/protocols/engine.py`). Prints one row: how many
games were won, drawn, lost and forfeited, and the mean over openings with its 95 % interval (normal, of the mean).
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

import sounding as sd
from sounding.applications.games.shared.matches import NetworkMover
from sounding.arena.matches import play_match
from sounding.arena.openings import openings
from sounding.games.protocols.engine import gnugo
from sounding.games.protocols.engine_mover import EngineMover
from sounding.randomness import stream


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--games", type=int, default=100)
    parser.add_argument("--level", type=int, default=10)
    parser.add_argument("--simulations", type=int, default=64, help="of each move of the run")
    parser.add_argument("--program", default="gnugo", help="where GNU Go is")
    options = parser.parse_args()
    torch.set_num_threads(1)
    model = sd.load(options.run)
    game, rng = model.task.game, stream("go_gnugo")
    mine = NetworkMover(model.task.evaluator(model.module), options.simulations, model.task.recipe.considered)
    try:
        other = EngineMover(gnugo(options.level, options.program), seconds=60)
    except sd.UsageError as error:
        raise SystemExit(f"Error: {error}") from None
    with torch.inference_mode():
        found = play_match(game, mine, other, openings(game, options.games // 2, 2, rng), rng, at_a_time=32)
    means = found.pairs.mean(axis=1)
    half = 1.96 * means.std(ddof=1) / len(means) ** 0.5
    won, drawn, lost = found.won_drawn_lost
    print(f"{game}, GNU Go level {options.level}, {options.simulations} simulations: {found.score:.3f} ± {half:.3f}")
    print(f"{won} won, {drawn} drawn, {lost} lost, {len(found.forfeits)} forfeited")


if __name__ == "__main__":
    main()
