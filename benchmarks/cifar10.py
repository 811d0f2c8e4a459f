"""How well image classification learns CIFAR-10 (JPEG) in a given time, by the command line's own defaults.

    SOUNDING_DATA=DIR python benchmarks/cifar10.py [--time 15m] [--seeds 0] [--out runs-cifar10]

DIR/cifar10 holds train.parquet and test.parquet with columns image and label (docs/benchmarks.md says where they come
from). Prints one row of a markdown table for each seed: what the machine is, how long it trained, the test accuracy
with its interval. A run that is there already is only read, so an interrupted benchmark goes on where it was.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import sounding as sd
from sounding.engine.machine import prepare, processor
from sounding.engine.progress import watch


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--time", default="15m")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--out", type=Path, default=Path("runs-cifar10"))
    options = parser.parse_args()
    if "SOUNDING_DATA" not in os.environ:
        sys.exit("Set SOUNDING_DATA to the folder that holds cifar10/train.parquet and cifar10/test.parquet.")
    prepare()
    print("| processor | precision | seed | training | steps | examples/s | test accuracy (n = 10,000) |")
    print("|---|---|---|---|---|---|---|")
    for seed in options.seeds:
        print(row(trained(options.out / f"{options.time}-{seed}", options.time, seed), seed), flush=True)


def trained(out: Path, time: str, seed: int) -> sd.Model:
    if (out / "card.json").exists():
        return sd.load(out)
    if (out / "config.json").exists():
        return sd.train(resume=out, watch=watch(f"seed {seed}"))
    source = Path(os.environ["SOUNDING_DATA"]) / "cifar10"
    return sd.train("classify", source, time=time, seed=seed, out=out, watch=watch(f"seed {seed}"))


def row(model: sd.Model, seed: int) -> str:
    energy, setting = model.card()["energy"], model.run.config["setting"]
    seconds, steps = energy["training_seconds"].value, energy["training_steps"].value
    rate = energy["training_examples"].value / seconds
    words = [
        f"{processor()[0]}, {setting['threads']} threads",
        f"{setting['precision']}{', channels last' if setting['channels_last'] else ''}",
        str(seed),
        f"{seconds / 60:.1f} min",
        f"{steps:,.0f}",
        f"{rate:,.0f}",
        str(model.metrics["accuracy"]),
    ]
    return f"| {' | '.join(words)} |"


if __name__ == "__main__":
    main()
