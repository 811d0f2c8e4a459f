"""GNU Go's regression positions with a run of Go: the share in which its move is among those that are accepted.

    SOUNDING_DATA=… python benchmarks/go_positions.py RUN [--simulations 0] [--all-sizes]

The positions are those of the board that the run learnt on, or of all boards (9, 13 and 19 lines): a network reads any.
With 0 simulations it is the network's best legal move alone. Prints a row for each board and suite, and for those that
GNU Go 3.8 itself is known to fail. The ko state of these positions is not kept, and no move is known to be the last.
"""

from __future__ import annotations

import argparse
import os
from collections import defaultdict
from pathlib import Path

import pyarrow.parquet as pq
import torch

import sounding as sd
from sounding.applications.games.shared.matches import NetworkMover
from sounding.errors import UsageError
from sounding.evaluation.intervals import proportion
from sounding.games.go import Go
from sounding.randomness import stream


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--simulations", type=int, default=0, help="of each move; 0 is the network alone")
    parser.add_argument("--all-sizes", action="store_true", help="boards of other sizes than the run's as well")
    options = parser.parse_args()
    file = Path(os.environ.get("SOUNDING_DATA", "")) / "go_positions" / "test.parquet"
    if not file.exists():
        raise UsageError("there are no positions", fix="Set SOUNDING_DATA to the folder that holds go_positions")
    torch.set_num_threads(1)
    model = sd.load(options.run)
    right: dict[str, list[bool]] = defaultdict(list)
    for row in pq.read_table(file).to_pylist():
        if row["size"] != model.task.game.size and not options.all_sizes:
            continue
        found = answered(model, row, options.simulations)
        for name in (f"{row['size']} lines", f"{row['size']} lines, {row['suite']}"):
            right[name].append(found)
        if row["known_failure"]:
            right[f"{row['size']} lines, failed by GNU Go"].append(found)
    for name in sorted(right):
        print(f"{name}: {proportion(right[name])} of {len(right[name])}")


def answered(model: sd.Model, row: dict, simulations: int) -> bool:
    """Whether the run's move is accepted."""
    game = Go(row["size"], float(row["komi"]))
    stones = ([game.action(vertex) for vertex in row[colour]] for colour in ("black", "white"))
    position = game.setup(*stones, to_play="BW".index(row["to_move"]))
    mover = NetworkMover(model.task.evaluator(model.module), simulations, model.task.recipe.considered)
    (move,) = mover.moves(game, position, stream("go_positions"))
    return (game.text(int(move)) in row["answers"]) != row["neg"]


if __name__ == "__main__":
    main()
