"""How well forecast foretells ETTh1, by the protocol that papers use.

    SOUNDING_DATA=DIR python benchmarks/forecasting.py [--seeds 0 1 2] [--horizons 96 192 336 720]
        [--out runs-etth1] [--set key=value …]

DIR/etth1 holds ETTh1.csv (docs/benchmarks.md says where it comes from). Its first 20 months of 30 days are 12 to learn
from, 4 that choose the weights and set the intervals, and 4 to test on; what comes after them is left out. Every column
is standardised by the mean and deviation of its training part; errors are means over all columns, steps and windows of
the test part, one beginning at every hour. The context is 720 hours. Prints one row of a markdown table for each
horizon and seed: errors on validation and test, what the intervals hold, and the mean squared errors of simple
forecasts. A run that is there already is only read.
"""

from __future__ import annotations

import tempfile
from itertools import islice
from pathlib import Path
from typing import Any

import common
import numpy as np

import sounding as sd
from sounding.evaluation.evaluation import estimate, evaluate, groups_of
from sounding.training.progress import reporter

MONTH = 30 * 24
ROWS = 20 * MONTH
HEADS = ("processor", "precision", "seed", "horizon", "training", "steps", "weights", "answers", "validation MSE")
SCORES = ("test windows", "MSE", "MAE", "in 90 % intervals", "in 80 %", "in 50 %", "simple forecasts: MSE")


def main() -> None:
    parser = common.options(__doc__, "runs-etth1")
    parser.add_argument("--horizons", type=int, nargs="+", default=[96])
    options = common.parsed(parser, "etth1/ETTh1.csv")
    print(common.heads(*HEADS, *SCORES))
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder, "etth1.csv")
        with open(options.data / "etth1" / "ETTh1.csv", encoding="utf-8") as file:
            data.write_text("".join(islice(file, ROWS + 1)), encoding="utf-8")
        for horizon in options.horizons:
            for seed in options.seeds:
                out = common.place(options, horizon, seed)
                given = {"horizon": horizon, "context": 720, **options.settings}
                said = reporter(f"horizon {horizon}, seed {seed}")
                model = common.trained("forecast", data, out, seed=seed, reporter=said, **given)
                print(row(model.with_data(data), horizon, seed), flush=True)


def row(model: sd.Model, horizon: int, seed: int) -> str:
    spent, rows, task = common.spent(model), model.dataset(), model.task
    sides = [side.target.start for side in (rows.validation[0], rows.test[0])]
    first = np.datetime64("2016-07-01", "s").astype(int)
    assert [(side - first) // 3600 for side in sides] == [12 * MONTH, 16 * MONTH], "the parts are those of the papers"
    records = evaluate(task, model.module, rows.test, model.setting)
    error = task.metrics[0]
    chosen = evaluate(task, model.module, rows.validation, model.setting)
    found: dict[str, Any] = {
        metric.name: estimate(metric, records, groups_of(records)) for metric in (*task.metrics, *task.set_metrics)
    }
    simple = {name: error.value(some) for name, some in task.baselines(rows.train, rows.test).items()}
    network = model.module.networks[int(model.module.chosen)].config.model
    return common.row(
        *common.machine(model),
        seed,
        horizon,
        f"{spent['seconds'] / 60:.1f} min",
        f"{spent['steps']:,}",
        f"{sum(p.numel() for p in model.module.parameters()):,}",
        network,
        f"{error.value(chosen):.4f}",
        f"{len(records):,}",
        found["MSE"],
        found["MAE"],
        *(found[f"coverage of {level} % intervals"] for level in (90, 80, 50)),
        ", ".join(f"{name} {value:.4f}" for name, value in simple.items()),
    )


if __name__ == "__main__":
    main()
