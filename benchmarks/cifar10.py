"""How well image classification learns CIFAR-10 (JPEG) in a given time, by the command line's own defaults.

    SOUNDING_DATA=DIR python benchmarks/cifar10.py [--time 15m] [--seeds 0] [--out runs-cifar10]

DIR/cifar10 holds train.parquet and test.parquet with columns image and label (docs/benchmarks.md says where they come
from). Prints one row of a markdown table for each seed: what the machine is, how long it trained, the test accuracy
with its interval. A run that is there already is only read, so an interrupted benchmark goes on where it was.
"""

from __future__ import annotations

import common

import sounding as sd
from sounding.training.progress import reporter


def main() -> None:
    parser = common.options(__doc__, "runs-cifar10")
    parser.add_argument("--time", default="15m")
    options = common.parsed(parser, "cifar10/train.parquet", "cifar10/test.parquet")
    print(
        common.heads("processor", "precision", "seed", "training", "steps", "examples/s", "test accuracy (n = 10,000)")
    )
    for seed in options.seeds:
        out = common.place(options, options.time, seed)
        given = {"time": options.time, "seed": seed, "reporter": reporter(f"seed {seed}"), **options.settings}
        print(row(common.trained("classify", options.data / "cifar10", out, **given), seed), flush=True)


def row(model: sd.Model, seed: int) -> str:
    spent = common.spent(model)
    return common.row(
        *common.machine(model),
        seed,
        f"{spent['seconds'] / 60:.1f} min",
        f"{spent['steps']:,}",
        f"{spent['examples'] / spent['seconds']:,.0f}",
        model.evaluate()["accuracy"],
    )


if __name__ == "__main__":
    main()
