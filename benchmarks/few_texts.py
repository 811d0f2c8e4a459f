"""Text classification from few labels: from scratch, begun with a run of fill, and with a published encoder.

    SOUNDING_DATA=DIR python benchmarks/few_texts.py [--data sst2] [--labels 100 300 1000] [--seeds 0 1 2]
                                                     [--starts scratch fill all-MiniLM-L6-v2]
                                                     [--fill-time 15m] [--fill-on sst2 imdb_counterfactual]

For each number of labels and seed, class-balanced rows are drawn from DIR/sst2/train.parquet, of which two in a
hundred validate, the fewest that can, and the last weights are kept. `fill` learns masked words from all training texts
of the sets that are named, without their labels, once for all draws. Prints test accuracy for each draw, and for each
start its mean with Student's t over the draws, and the paired gain over the same draws from scratch. `--judge
validation` answers the validation rows in place of the test rows, as is right where a setting is chosen. A run that is
there already is only read.
"""

from __future__ import annotations

from argparse import Namespace

import common
import pyarrow as pa
import pyarrow.parquet as pq
from few_labels import drawn

from sounding.data import Columns
from sounding.evaluation.intervals import mean_t

SCRATCH, FILL = "scratch", "fill"


def main() -> None:
    parser = common.options(__doc__, "runs-few-texts")
    parser.add_argument("--data", default="sst2", dest="set")
    parser.add_argument("--labels", type=int, nargs="+", default=[100, 300, 1000])
    parser.add_argument("--starts", nargs="+", default=[SCRATCH, FILL, "all-MiniLM-L6-v2"])
    parser.add_argument("--fill-time", default="15m")
    parser.add_argument("--fill-on", nargs="+", default=["sst2", "imdb_counterfactual"])
    parser.add_argument("--judge", choices=["test", "validation"], default="test")
    options = common.parsed(parser)
    print(common.heads("labels", "start", "draw", "machine", "precision", "training", f"{options.judge} accuracy"))
    for labels in options.labels:
        scores: dict[str, list[float]] = {}
        for start in options.starts:
            scores[start] = [measured(options, labels, start, seed) for seed in options.seeds]
            print(summary(labels, start, scores), flush=True)


def measured(options: Namespace, labels: int, start: str, seed: int) -> float:
    """Trains on a draw, prints the row; the accuracy."""
    source = options.data / options.set
    folder = drawn(source, options.out / f"data-{options.set}-{labels}-{seed}", labels, seed)
    given = {"seed": seed, "split": "96/2/2", "select": "last", **options.settings}  # the test rows are given
    if start != SCRATCH:
        given["start"] = pretrained(options) if start == FILL else start
    out = common.place(options, options.set, labels, start, seed)
    model = common.trained("sentiment", folder / "labelled", out, **given)
    accuracy = model.evaluate(source / f"{options.judge}.parquet").accuracy
    seconds = common.spent(model)["seconds"]
    print(common.row(labels, start, seed, *common.machine(model), f"{seconds:.0f} s", accuracy), flush=True)
    return accuracy.value


def pretrained(options: Namespace) -> str:
    """The run of fill on the training texts alone."""
    name = "-".join(options.fill_on)
    texts = options.out / f"texts-{name}" / "train.parquet"
    if not texts.exists():
        texts.parent.mkdir(parents=True, exist_ok=True)
        files = [options.data / one / "train.parquet" for one in options.fill_on]
        pq.write_table(pa.concat_tables([pq.read_table(file, columns=["text"]) for file in files]), texts)
    given = {"time": options.fill_time, "lower": True, "columns": Columns(input="text")}
    return str(common.trained("fill", texts.parent, options.out / f"fill-{name}-{options.fill_time}", **given).dir)


def summary(labels: int, start: str, scores: dict[str, list[float]]) -> str:
    """The mean over draws, and the mean gain over the same draws from scratch."""
    mean = mean_t(scores[start], "draws")
    gain = ""
    if start != SCRATCH and SCRATCH in scores:
        found = mean_t([a - b for a, b in zip(scores[start], scores[SCRATCH], strict=True)], "draws")
        gain = f"{found.value:+.3f} [{found.low:+.3f}, {found.high:+.3f}] over scratch" if found.low is not None else ""
    return common.row(labels, start, f"mean of {mean.n}", "", "", gain, mean)


if __name__ == "__main__":
    main()
