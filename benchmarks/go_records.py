"""Go learnt from games that people played: how often a network finds their next move, and its course in time.

    SOUNDING_DATA=… python benchmarks/go_records.py [--games go19_kgs] [--time 18m] [--threads 1] [--set blocks=6 …]

Trains on the games of `train`, chooses by those of `validation`, and prints for the positions of `test` (20,000 of
them, evenly spread over the games) how often the best move is the one that was played, and how often that is among the
five best; how far the expected points are from the result (Brier), and their table. No search.
"""

from __future__ import annotations

import common
import torch


def main() -> None:
    parser = common.options(__doc__, "runs/go_records")
    parser.add_argument("--games", default="go19_kgs", help="go19_kgs or go9_pro")
    parser.add_argument("--time", default="18m")
    parser.add_argument("--threads", type=int, default=1)
    options = common.parsed(parser, "go19_kgs", "go9_pro")
    torch.set_num_threads(options.threads)
    for seed in options.seeds:
        settings = {"measured": 20_000, "validations": 8, **options.settings}
        out = common.place(options, options.games, options.time, seed)
        model = common.trained("go", options.data / options.games, out, time=options.time, seed=seed, **settings)
        print(f"{options.games}, {options.time}, seed {seed}, {model.training['examples']:,} positions learnt from")
        for row in model.training["history"]:
            print(f"  {row['seconds']:>7.0f} s  step {row['step']:>6}  move match {row['move match']:.3f} (validation)")
        for name, found in model.evaluate().items():
            print(f"  {name}: {found}")


if __name__ == "__main__":
    main()
