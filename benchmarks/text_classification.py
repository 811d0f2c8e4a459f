"""How well text classification learns, from scratch or from published weights, beside logistic regression.

    SOUNDING_DATA=DIR python benchmarks/text_classification.py [--data sst2 trec] [--models auto] [--seeds 0 1 2]
                                                               [--start all-MiniLM-L6-v2]

DIR/sst2 (or trec, sst5, imdb_counterfactual) holds train.parquet, validation.parquet and test.parquet with columns text
and label (docs/benchmarks.md says where they come from). Prints one row of a markdown table for each training, with the
accuracy on validation and test rows, and one for the linear model, and then the mean over seeds; `--validation` leaves
the test rows alone, as is right where a model is chosen. A run that is there already is only read.
"""

from __future__ import annotations

from collections.abc import Sequence

import common
import numpy as np

import sounding as sd
from sounding.evaluation import evaluation
from sounding.evaluation.intervals import paired_difference

HEADS = ("data", "model", "seed", "machine", "precision", "training", "validation accuracy", "test accuracy")


def main() -> None:
    parser = common.options(__doc__, "runs-text")
    parser.add_argument("--data", nargs="+", default=["sst2", "trec"], dest="sets")
    parser.add_argument("--models", nargs="+", default=["auto"])
    parser.add_argument("--start", default="", help="weights to begin with")
    parser.add_argument("--validation", action="store_true", help="leave the test rows alone")
    options = common.parsed(parser)
    print(common.heads(*HEADS, "gain over the linear model"))
    for name in options.sets:
        for kind in options.models:
            found = []
            for seed in options.seeds:
                called = f"{kind} of {options.start}" if options.start else kind
                out = common.place(options, name, called, seed)
                given = {"seed": seed, "start": options.start, "model": kind, **options.settings}
                model = common.trained("sentiment", options.data / name, out, **given)
                found.append(measured(model, name, called, seed, not options.validation))
            if len(found) > 1:
                mean, spread = np.mean(found, axis=0), np.std(found, axis=0, ddof=1)
                said = [f"{a:.1%} ± {b:.1%}" for a, b in zip(mean, spread, strict=True)]
                print(common.row(name, called, f"mean of {len(found)}", "", "", "", *said, ""), flush=True)


def measured(model: sd.Model, name: str, kind: str, seed: int, tested: bool) -> Sequence[float]:
    """Prints the row of a run; its accuracies in validation and test."""
    data, seconds = model.dataset(), common.spent(model)["seconds"]
    splits = [data.validation, *([data.test] if tested else [])]
    metric = model.task.metrics[0]
    records = [evaluation.evaluate(model.task, model.module, rows) for rows in splits]
    estimates = [evaluation.estimate(metric, some) for some in records]
    (linear,) = model.task.baselines(data.train, splits[-1]).values()
    sides = metric.statistics(records[-1]), metric.statistics(linear)
    gain = paired_difference(*sides, metric.reduce, bounds=metric.bounds)
    shown = [*estimates, *[""] * (2 - len(estimates))]
    beside = f"{gain.value:+.3f} [{gain.low:+.3f}, {gain.high:+.3f}] over {metric.value(linear):.3f}"
    print(common.row(name, kind, seed, *common.machine(model), f"{seconds:.0f} s", *shown, beside), flush=True)
    return [estimate.value for estimate in estimates]


if __name__ == "__main__":
    main()
