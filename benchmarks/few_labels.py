"""CIFAR-10 (JPEG) from few labels: supervised training, and the same with the other pictures as unlabelled rows.

    SOUNDING_DATA=DIR python benchmarks/few_labels.py [--labels 40 250 4000] [--time 30m] [--method self-training]
                                                      [--seeds 0] [--out runs-few-labels]

For each number of labels and seed, class-balanced labelled rows are drawn from the training set (the validation rows
are taken out of them, so no other label is seen); all other training rows are the unlabelled pool. One `sounding train`
runs the supervised control and the training with the pool, with the same budget each. Prints test accuracy of both, the
paired difference, and the published rows of the USB repository beside them, whose budget is another: a WRN-28-2, 2^20
steps, original pixels. A run that is there already is only read.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

import sounding as sd
from sounding.challenges.labels.curves import nested_order
from sounding.challenges.labels.helping import help_of
from sounding.engine.machine import prepare
from sounding.engine.progress import watch
from sounding.randomness import stream

PUBLISHED = {  # accuracy %, USB results/classic_cv.csv: supervised only, FixMatch
    40: ("22.4 ± 1.8", "91.7 ± 1.4"),
    250: ("44.0 ± 2.0", "95.0 ± 0.1"),
    4000: ("84.5 ± 0.2", "95.7 ± 0.1"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--labels", type=int, nargs="+", default=[4000])
    parser.add_argument("--time", default="")
    parser.add_argument("--steps", type=int, default=None)
    parser.add_argument("--method", default="self-training")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--out", type=Path, default=Path("runs-few-labels"))
    parser.add_argument("--set", dest="settings", nargs="*", default=[])
    options = parser.parse_args()
    if "SOUNDING_DATA" not in os.environ:
        sys.exit("Set SOUNDING_DATA to the folder that holds cifar10/train.parquet and cifar10/test.parquet.")
    prepare()
    settings = dict(word.split("=", 1) for word in options.settings)
    print("| labels | seed | method | supervised | with the pool | paired difference | USB supervised | USB FixMatch |")
    print("|---|---|---|---|---|---|---|---|")
    for labels in options.labels:
        for seed in options.seeds:
            name = f"{options.method}-{labels}-{options.time or options.steps}-{seed}"
            folder = drawn(
                Path(os.environ["SOUNDING_DATA"]) / "cifar10", options.out / f"data-{labels}-{seed}", labels, seed
            )
            print(
                row(trained(folder, options.out / name, options, seed, settings), labels, seed, options.method),
                flush=True,
            )


def drawn(source: Path, folder: Path, labels: int, seed: int) -> Path:
    """A folder with labelled/train.parquet of so many rows, the whole test set, and pool.parquet without labels."""
    if (folder / "pool.parquet").exists():
        return folder
    table = pq.read_table(source / "train.parquet")
    order = nested_order(table["label"].to_pylist(), stream("few labels", seed))
    (folder / "labelled").mkdir(parents=True, exist_ok=True)
    pq.write_table(table.take(pa.array(np.sort(order[:labels]))), folder / "labelled" / "train.parquet")
    pq.write_table(pq.read_table(source / "test.parquet"), folder / "labelled" / "test.parquet")
    pool = table.drop_columns(["label"]).take(pa.array(np.sort(order[labels:])))
    pq.write_table(pool, folder / "pool.parquet")
    return folder


def trained(folder: Path, out: Path, options: argparse.Namespace, seed: int, settings: dict[str, str]) -> sd.Model:
    if (out / "training.json").exists():
        return sd.load(out)
    if (out / "config.json").exists():
        return sd.train("classify", resume=out, card=None, watch=watch("resumed"))
    return sd.train(
        "classify",
        folder / "labelled",
        time=options.time or None,
        steps=options.steps,
        seed=seed,
        out=out,
        unlabelled=folder / "pool.parquet",
        method=options.method,
        card=None,
        watch=watch(out.name),
        say=lambda words: print(f"<!-- {words} -->", flush=True),
        **settings,
    )


def row(model: sd.Model, labels: int, seed: int, method: str) -> str:
    """Both models on the test rows, whichever of them was kept."""
    found = help_of(model.subject())
    assert found is not None
    (control, gain), kept = (number.estimate for number in found.numbers), model.evaluate()["accuracy"]
    semi = kept if model.subject().training["control"]["better"] else f"{control.value + gain.value:.3f} (not kept)"
    published = PUBLISHED.get(labels, ("", ""))
    return f"| {labels} | {seed} | {method} | {control} | {semi} | {gain} | {published[0]} | {published[1]} |"


if __name__ == "__main__":
    main()
