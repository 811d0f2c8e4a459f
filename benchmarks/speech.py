"""How well transcribe learns an4 in a given time, from random weights.

    SOUNDING_DATA=DIR python benchmarks/speech.py [--time 60m] [--seeds 0 1 2] [--beams 12] [--out runs-speech]
        [--set key=value …]

DIR/an4 holds train.parquet and test.parquet with the columns audio, text and speaker (docs/benchmarks.md says where
they come from). Prints a row of a markdown table for each seed: word and character error rate on the test rows with
their intervals, drawn over speakers, by a search with the language model of the training transcripts; the same by the
best unit of each vector alone; and how many seconds of speech are transcribed in one. A run that is there already is
only read.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import common

from sounding.contract.metrics import Metric
from sounding.contract.records import Record
from sounding.data.columns import Columns
from sounding.evaluation.evaluation import estimate, evaluate, groups_of
from sounding.training.progress import reporter

HEADS = (
    "what",
    "seed",
    "training",
    "steps",
    "weights",
    "lm weight",
    "WER",
    "CER",
    "WER greedy",
    "CER greedy",
    "× real",
)


def main() -> None:
    parser = common.options(__doc__, "runs-speech")
    parser.add_argument("--time", default="60m")
    parser.add_argument("--beams", type=int, default=12)
    options = common.parsed(parser, "an4/train.parquet", "an4/test.parquet")
    print(common.heads(*HEADS))
    for seed in options.seeds:
        out = common.place(options, "an4", options.time, seed)
        columns = Columns("audio", "text", "speaker")
        given = {"time": options.time, "columns": columns, "seed": seed, "reporter": reporter(f"seed {seed}")}
        model = common.trained("transcribe", options.data / "an4", out, **given, **options.settings)
        rows = list(model.dataset().test)
        searched, greedy = (model.task.with_options({"beams": beams}) for beams in (options.beams, 1))
        began = time.perf_counter()
        records = evaluate(searched, model.module, rows, model.setting)
        fast = sum(len(row.input) for row in rows) / model.task.input.rate / (time.perf_counter() - began)
        _keep(records, model.dir / "transcripts.jsonl")
        plain = evaluate(greedy, model.module, rows, model.setting)
        spent = common.spent(model)
        facts = (
            f"{spent['seconds'] / 60:.1f} min",
            f"{spent['steps']:,}",
            f"{sum(p.numel() for p in model.module.parameters()):,}",
            f"{float(model.module.decoding[0]):.1f}",
        )
        scores = (*_scores(model.task.metrics, records), *_scores(model.task.metrics, plain))
        print(common.row(", ".join(common.machine(model)), seed, *facts, *scores, f"{fast:.0f}"), flush=True)


def _scores(metrics: Sequence[Metric], records: Sequence[Record]) -> Iterator[str]:
    return (str(estimate(metric, records, groups_of(records))) for metric in metrics)


def _keep(records: Sequence[Record], path: Path) -> None:
    lines = ({"speaker": r.group, "answer": str(r.value), "truth": r.truth} for r in records)
    path.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), encoding="utf-8")


if __name__ == "__main__":
    main()
