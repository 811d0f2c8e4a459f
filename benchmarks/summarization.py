"""How well summarize learns debian_synopsis or scitldr in a given time, from random weights.

    SOUNDING_DATA=DIR python benchmarks/summarization.py [--time 60m] [--seeds 0 1] [--on debian_synopsis]
        [--references summary] [--beams 4] [--out runs-summarization] [--set key=value …]

DIR/debian_synopsis and DIR/scitldr hold train, validation and test.parquet with the columns document and summary
(docs/benchmarks.md says where they come from); `--references references` compares with all true summaries of scitldr.
Prints the model's row of a markdown table for each seed, and the rows of the extractive baselines on the same test
rows: ROUGE-1, -2 and -L with their intervals, the share of pairs of words that the document has not, of numbers and
names that it has not, and of numbers of the true summary that the answer has. A run that is there already is only read.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import common

from sounding.applications.language.shared.fidelity import number_fidelity
from sounding.applications.language.summarize.faithful import invented, novel_pairs
from sounding.applications.language.summarize.rouge import rouge
from sounding.contract.metrics import Metric
from sounding.contract.records import Record
from sounding.data.columns import Columns
from sounding.evaluation.evaluation import estimate, evaluate
from sounding.training.progress import reporter

METRICS: Sequence[Metric] = (*rouge(), novel_pairs(), invented(), number_fidelity())
HEADS = ("what", "seed", "training", "steps", "rows/s", "weights", *(metric.name for metric in METRICS))


def main() -> None:
    parser = common.options(__doc__, "runs-summarization")
    parser.add_argument("--time", default="60m")
    parser.add_argument("--on", default="debian_synopsis", choices=("debian_synopsis", "scitldr"))
    parser.add_argument("--references", default="summary", help="the column of true summaries in the test rows")
    parser.add_argument("--beams", type=int, default=4)
    options = common.parsed(parser, *(f"{parser.get_default('on')}/{name}.parquet" for name in ("train", "test")))
    columns = Columns("document", "summary")
    print(common.heads(*HEADS))
    for seed in options.seeds:
        out = common.place(options, options.on, options.time, seed)
        given = {"time": options.time, "columns": columns, "seed": seed, "reporter": reporter(f"seed {seed}")}
        model = common.trained("summarize", options.data / options.on, out, **given, **options.settings)
        asked = Columns("document", options.references)
        rows = model.dataset(options.data / options.on, asked).test
        answers = model.task.with_options({"beams": options.beams})
        records = evaluate(answers, model.module, rows, model.setting)
        _keep(records, model.dir / "summaries.jsonl")
        spent = common.spent(model)
        facts = (
            f"{spent['seconds'] / 60:.1f} min",
            f"{spent['steps']:,}",
            f"{spent['examples'] / spent['seconds']:,.0f}",
            f"{sum(p.numel() for p in model.module.parameters()):,}",
        )
        print(common.row(", ".join(common.machine(model)), seed, *facts, *_scores(records)), flush=True)
    for name, found in model.task.baselines(model.dataset().train, rows).items():
        print(common.row(name, "", "", "", "", "", *_scores(found)), flush=True)


def _scores(records: Sequence[Record]) -> Iterator[str]:
    return (str(estimate(metric, records)) for metric in METRICS)


def _keep(records: Sequence[Record], path: Path) -> None:
    lines = ({"document": r.value.source, "answer": str(r.value), "truth": r.truth} for r in records)
    path.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), encoding="utf-8")


if __name__ == "__main__":
    main()
