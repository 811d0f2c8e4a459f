"""How well object detection learns BCCD (blood cells under the microscope) in a given time, from random weights.

    SOUNDING_DATA=DIR python benchmarks/bccd.py [--time 60m] [--seeds 0 1 2] [--out runs-bccd] [--set key=value …]

DIR/bccd holds train.parquet, validation.parquet and test.parquet with columns image and objects (docs/benchmarks.md
says where they come from). The cells lie in any direction, so pictures are also turned (upright=no), and cells of a
kind are of one size, so pictures are scaled less than by default. Prints one row of a markdown table for each seed:
what the machine is, how long it trained, mAP50 on the 72 test pictures with its interval, and each class by itself. A
run that is there already is only read, so an interrupted benchmark goes on where it was.
"""

from __future__ import annotations

import common

import sounding as sd
from sounding.training.progress import reporter

SETTINGS = {"upright": "no", "scale": "1.3"}
CLASSES = ("Platelets", "RBC", "WBC")
FILES = ("bccd/train.parquet", "bccd/validation.parquet", "bccd/test.parquet")
HEADS = ("processor", "precision", "seed", "training", "steps", "pictures/s")


def main() -> None:
    parser = common.options(__doc__, "runs-bccd")
    parser.add_argument("--time", default="60m")
    parser.add_argument("--size", default="small")
    options = common.parsed(parser, *FILES)
    print(common.heads(*HEADS, "test mAP50 (n = 72)", "mAP50-95", "of each"))
    for seed in options.seeds:
        out = common.place(options, options.size, options.time, seed)
        given = {"time": options.time, "size": options.size, "seed": seed, **SETTINGS, **options.settings}
        shown = reporter(f"seed {seed}")
        print(row(common.trained("detect", options.data / "bccd", out, reporter=shown, **given), seed), flush=True)


def row(model: sd.Model, seed: int) -> str:
    spent, metrics = common.spent(model), model.evaluate()
    return common.row(
        *common.machine(model),
        seed,
        f"{spent['seconds'] / 60:.1f} min",
        f"{spent['steps']:,}",
        f"{spent['examples'] / spent['seconds']:,.1f}",
        metrics["mAP50"],
        metrics["mAP50-95"],
        ", ".join(f"{name} {metrics[f'AP50 {name}'].value:.3f}" for name in CLASSES),
    )


if __name__ == "__main__":
    main()
