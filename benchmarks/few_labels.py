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

from pathlib import Path

import common
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

import sounding as sd
from sounding.challenges.labels.curves import nested_order
from sounding.challenges.labels.helping import help_of
from sounding.randomness import stream

PUBLISHED = {  # accuracy %, USB results/classic_cv.csv: supervised only, FixMatch
    40: ("22.4 ± 1.8", "91.7 ± 1.4"),
    250: ("44.0 ± 2.0", "95.0 ± 0.1"),
    4000: ("84.5 ± 0.2", "95.7 ± 0.1"),
}


def main() -> None:
    parser = common.options(__doc__, "runs-few-labels")
    parser.add_argument("--labels", type=int, nargs="+", default=[4000])
    parser.add_argument("--time", default="")
    parser.add_argument("--steps", type=int, default=None)
    parser.add_argument("--method", default="self-training")
    options = common.parsed(parser, "cifar10/train.parquet", "cifar10/test.parquet")
    heads = ("labels", "seed", "method", "supervised", "with the pool", "paired difference")
    print(common.heads(*heads, "USB supervised", "USB FixMatch"))
    for labels in options.labels:
        for seed in options.seeds:
            out = common.place(options, options.method, labels, options.time or options.steps, seed)
            folder = drawn(options.data / "cifar10", options.out / f"data-{labels}-{seed}", labels, seed)
            given = {"time": options.time or None, "steps": options.steps, "seed": seed, "method": options.method}
            given |= {"unlabelled": folder / "pool.parquet", "say": comment}
            model = common.trained("classify", folder / "labelled", out, **given, **options.settings)
            print(row(model, labels, seed, options.method), flush=True)


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


def comment(words: str) -> None:
    print(f"<!-- {words} -->", flush=True)


def row(model: sd.Model, labels: int, seed: int, method: str) -> str:
    """Both models on the test rows, whichever of them was kept."""
    found = help_of(model.context())
    assert found is not None
    (control, gain), kept = (number.estimate for number in found.numbers), model.evaluate()["accuracy"]
    semi = kept if model.context().training["control"]["better"] else f"{control.value + gain.value:.3f} (not kept)"
    published = PUBLISHED.get(labels, ("", ""))
    return common.row(labels, seed, method, control, semi, gain, *published)


if __name__ == "__main__":
    main()
