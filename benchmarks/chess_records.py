"""Chess learnt from games and puzzles: how often a network finds the next move of masters, and solves puzzles at sight.

    SOUNDING_DATA=… python benchmarks/chess_records.py [--time 25m] [--threads 1] [--set blocks=6 …]

Trains on the games and the puzzles of `train` together, chooses by those of `validation`, and prints for the positions
of the `test` games (10,000 of them, evenly spread) how often the best move is the one that was played, over all and
from ply 20 on, and for the first positions of the 10,000 `test` puzzles how often it is the first of the solution. No
search.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import common
import torch

GAMES, PUZZLES = "chess_games", "chess_puzzles"


def main() -> None:
    parser = common.options(__doc__, "runs/chess_records")
    parser.add_argument("--time", default="25m")
    parser.add_argument("--threads", type=int, default=1)
    options = common.parsed(parser, GAMES, PUZZLES)
    torch.set_num_threads(options.threads)
    both = mixed(options.data, options.out / "data")
    for seed in options.seeds:
        out = common.place(options, "mixed", options.time, seed)
        settings = {"measured": 2_000, "validations": 6, **options.settings}
        model = common.trained("chess", both, out, time=options.time, seed=seed, **settings)
        spent = common.spent(model)
        print(f"{options.time}, seed {seed}, {', '.join(common.machine(model))}")
        print(f"  {spent['steps']:,} steps of {model.task.recipe.batch}, {spent['cpu_seconds']:,.0f} CPU-seconds")
        for row in model.training["history"]:
            print(f"  {row['seconds']:>7.0f} s  step {row['step']:>6}  move match {row['move match']:.3f} (validation)")
        model.task.recipe = model.task.recipe.changed({"measured": 10_000})
        for name in (GAMES, PUZZLES):
            print(f"  {name}, test")
            for metric, found in model.evaluate(options.data / name / "test.parquet").items():
                print(f"    {metric}: {found}")


def mixed(data: Path, folder: Path) -> Path:
    """A folder with the games and the puzzles side by side."""
    for name in (GAMES, PUZZLES):
        (folder / name).mkdir(parents=True, exist_ok=True)
        for split in ("train", "validation", "test"):
            if not (folder / name / f"{split}.parquet").exists():
                shutil.copyfile(data / name / f"{split}.parquet", folder / name / f"{split}.parquet")
    return folder


if __name__ == "__main__":
    main()
