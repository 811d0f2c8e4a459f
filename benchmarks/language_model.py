"""How well generate learns the characters of tiny_shakespeare in a given time, from random weights.

    SOUNDING_DATA=DIR python benchmarks/language_model.py [--time 15m | --steps N] [--seeds 0 1 2]
        [--out runs-shakespeare] [--set key=value …]

DIR/tiny_shakespeare holds train.parquet and validation.parquet with a column text (docs/benchmarks.md says where they
come from). The model learns all of the training split, as published results do, and the last weights are kept: the
validation split chooses nothing, and is only measured. It is cut into windows of the model's context, one behind the
other, and every character but the first is told from those before it in its window. Prints one row of a markdown
table for each seed: what the machine is, how long it trained, tokens a second, nats of a character, and bits of a
byte. A run that is there already is only read.
"""

from __future__ import annotations

import math
import shutil
import tempfile
from pathlib import Path

import common

import sounding as sd
from sounding.training.progress import reporter

FILES = ("tiny_shakespeare/train.parquet", "tiny_shakespeare/validation.parquet")
HEADS = ("processor", "precision", "seed", "training", "steps", "tokens/s", "weights", "characters")


def main() -> None:
    parser = common.options(__doc__, "runs-shakespeare")
    parser.add_argument("--time", default="15m")
    parser.add_argument("--steps", type=int, help="so many, however long they take: what settings are compared by")
    options = common.parsed(parser, *FILES)
    budget = {"steps": options.steps} if options.steps else {"time": options.time}
    given = {**budget, "select": "last", **options.settings}
    print(common.heads(*HEADS, "validation nats", "bits per byte"))
    with tempfile.TemporaryDirectory() as folder:
        learnt, unseen = (options.data / name for name in FILES)
        for name, file in (("train", learnt), ("validation", unseen), ("test", unseen)):
            shutil.copy(file, Path(folder, f"{name}.parquet"))
        for seed in options.seeds:
            out = common.place(options, *budget.values(), seed)
            model = common.trained("generate", Path(folder), out, seed=seed, reporter=reporter(f"seed {seed}"), **given)
            print(row(model, unseen, seed), flush=True)


def row(model: sd.Model, unseen: object, seed: int) -> str:
    spent, records = common.spent(model), model.records(unseen)
    told = [len(record.truth.ids) for record in records]
    nats = sum(record.loss * n for record, n in zip(records, told, strict=True)) / sum(told)
    size = sum(len(str(record.truth).encode()) for record in records)
    return common.row(
        *common.machine(model),
        seed,
        f"{spent['seconds'] / 60:.1f} min",
        f"{spent['steps']:,}",
        f"{spent['examples'] * model.task.recipe.context / spent['seconds']:,.0f}",
        f"{sum(p.numel() for p in model.module.parameters()):,}",
        f"{sum(told):,}",
        f"{nats:.4f}",
        f"{nats * sum(told) / size / math.log(2):.3f}",
    )


if __name__ == "__main__":
    main()
