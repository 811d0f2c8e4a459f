"""How fast a translator is trained, beside the Seq2SeqTrainer of transformers with its defaults.

    SOUNDING_DATA=DIR python benchmarks/translation_training.py [--rows 0] [--epochs 3] [--ours 3] [--rates 5e-5 5e-4]
        [--threads 1] [--set precision=fp32 …]

Both train the default net of `translate` on DIR/multi30k, English to German (docs/benchmarks.md says where it comes
from), cut into the same tokens: the Trainer as M2M100, which computes the same (benchmarks/peers.py), from weights that
are drawn as ours are, with batches of 8, AdamW, fp32, once with each rate, of which 5e-5 is its default; sounding with
its own numbers, for `--ours` epochs. `--rows` are the first so many training rows, 0 for all. Each training is a
process of its own, one after the other. Prints seconds, target tokens a second (their ends counted, padding left out),
nats of a token of the validation rows, by one measure for both, and how many times as fast sounding was, in tokens a
second and in the whole training. Only where its nats are no more was it faster at no less quality. Needs
transformers and accelerate.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import common
import peers
import pyarrow as pa
import pyarrow.parquet as pq
import sides
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

import sounding as sd
from sounding.applications.language.translate.task import Translate
from sounding.data.columns import Columns

NOTHING = -100
"""Stands in Trainer's labels where there is no token."""


def main() -> None:
    parser = common.options(__doc__, "unused")
    parser.add_argument("--rows", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--ours", type=int)
    parser.add_argument("--rates", type=float, nargs="+", default=[5e-5, 5e-4])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--side", choices=sides.SIDES, help=argparse.SUPPRESS)
    options = common.parsed(parser, "multi30k/train.parquet", "multi30k/validation.parquet")
    options.ours = options.ours or options.epochs
    torch.set_num_threads(options.threads)
    if options.side:
        train = ours if options.side == "sounding" else theirs
        print(json.dumps(train(options)))
        return
    heads = "processor", "side", "training", "target tokens/s", "validation nats", "faster by: a step, the training"
    print(common.heads(*heads))
    mine = found(options, "sounding", *options.rates)
    show(options, f"sounding, {mine['how']}, {options.ours} epochs", mine)
    for rate in options.rates:
        other = found(options, "transformers", rate)
        ratio = f"{mine['rate'] / other['rate']:.2f} ×, {other['seconds'] / mine['seconds']:.2f} ×"
        show(options, f"transformers, fp32, batches of 8, lr={rate:g}, {options.epochs} epochs", other, ratio)


def found(options: argparse.Namespace, side: str, *rates: float) -> dict[str, Any]:
    """What a training in a process of its own found."""
    words = ["--side", side, "--rows", options.rows, "--threads", options.threads, "--rates", *rates]
    words += ["--epochs", options.epochs, "--ours", options.ours]
    settings = [f"{key}={value}" for key, value in options.settings.items()]
    command = [sys.executable, __file__, *map(str, words), "--set", *settings]
    told = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    return json.loads(told.splitlines()[-1])


def show(options: argparse.Namespace, name: str, told: dict[str, Any], ratio: str = "") -> None:
    spent = f"{told['seconds']:.0f} s", f"{told['rate']:,.0f}", f"{told['nats']:.3f}"
    print(common.row(sides.machine(options.threads), name, *spent, ratio), flush=True)


def table(options: argparse.Namespace, split: str) -> pa.Table:
    """The rows of a split, of which training takes the first ones."""
    rows = pq.read_table(options.data / "multi30k" / f"{split}.parquet", columns=["en", "de"])
    return rows.slice(0, options.rows) if split == "train" and options.rows else rows


def examples(options: argparse.Namespace, split: str) -> list[sd.Example]:
    return [sd.Example(row["en"], row["de"]) for row in table(options, split).to_pylist()]


def pairs(task: Any, rows: Sequence[sd.Example]) -> list[tuple[list[int], list[int]]]:
    """The tokens of both texts of each row, with what stands ahead of them and behind them."""
    sides_of = ((task.input, row.input, task.target, row.target) for row in rows)
    return [(list(a.encoded(x).ids), list(b.encoded(y).ids)) for a, x, b, y in sides_of]


def theirs(options: argparse.Namespace) -> dict[str, Any]:
    """The Trainer, as its manual begins."""
    import transformers

    known = {field.name for field in fields(Translate.Recipe)}
    task = Translate(Translate.Recipe.make("small", {k: v for k, v in options.settings.items() if k in known}))
    train = examples(options, "train")
    task.fit(train)
    torch.manual_seed(0)
    start, end = task.target.ahead[0], task.target.end
    net = peers.m2m100(task.build(), start, end)
    rows = pairs(task, train)
    told = [{"input_ids": x, "labels": y[1:]} for x, y in rows]
    with tempfile.TemporaryDirectory() as folder:
        given = {"report_to": "none", "save_strategy": "no", "disable_tqdm": True, "use_cpu": True}
        given |= {"num_train_epochs": options.epochs, "learning_rate": options.rates[0]}
        arguments = transformers.Seq2SeqTrainingArguments(folder, **given)
        trainer = transformers.Seq2SeqTrainer(net.train(), arguments, data_collator=collated, train_dataset=told)
        began = time.perf_counter()
        trainer.train()
        seconds = time.perf_counter() - began
    net.eval()

    def scores(x: Tensor, lengths: Tensor, y: Tensor) -> Tensor:
        mask = (torch.arange(x.shape[1]) < lengths[:, None]).long()
        return net(input_ids=x, attention_mask=mask, decoder_input_ids=y).logits

    tokens = options.epochs * sum(len(y) - 1 for _, y in rows)
    nats = measured(scores, pairs(task, examples(options, "validation")))
    return {"rate": tokens / seconds, "seconds": seconds, "nats": nats}


def collated(rows: Sequence[dict[str, list[int]]]) -> dict[str, Tensor]:
    """A batch as Trainer's collator for such nets makes it."""
    x = padded([row["input_ids"] for row in rows])
    mask = padded([[1] * len(row["input_ids"]) for row in rows])
    return {"input_ids": x, "attention_mask": mask, "labels": padded([row["labels"] for row in rows], NOTHING)}


def padded(rows: Sequence[Sequence[int]], value: int = 0) -> Tensor:
    return pad_sequence([torch.tensor(row) for row in rows], batch_first=True, padding_value=value)


def ours(options: argparse.Namespace) -> dict[str, Any]:
    """`translate`, in the precision that is chosen at run time."""
    with tempfile.TemporaryDirectory() as place:
        data, out = Path(place, "data"), Path(place, "run")
        data.mkdir()
        for split in ("train", "validation"):
            pq.write_table(table(options, split), data / f"{split}.parquet")
        pq.write_table(table(options, "validation"), data / "test.parquet")
        given = {"epochs": options.ours, "columns": Columns("en", "de"), "card": None, **options.settings}
        model = sd.train("translate", data, out=out, **given)
        spent, how = common.spent(model), common.machine(model)[1]
    task, net = model.task, model.module.eval()
    tokens = options.ours * sum(len(y) - 1 for _, y in pairs(task, examples(options, "train")))
    nats = measured(lambda x, lengths, y: net(x, y, lengths), pairs(task, examples(options, "validation")))
    return {"rate": tokens / spent["seconds"], "seconds": spent["seconds"], "nats": nats, "how": how}


@torch.inference_mode()
def measured(scores: Callable[[Tensor, Tensor, Tensor], Tensor], rows: Sequence[tuple[list[int], list[int]]]) -> float:
    """Mean nats of a target token, the end among them, without smoothing."""
    total, tokens = 0.0, 0
    for first in range(0, len(rows), 32):
        some = rows[first : first + 32]
        x, lengths = padded([x for x, _ in some]), torch.tensor([len(x) for x, _ in some])
        asked = padded([y[1:] for _, y in some], NOTHING)
        logits = scores(x, lengths, padded([y[:-1] for _, y in some]))
        total += float(F.cross_entropy(logits.flatten(0, 1), asked.flatten(), ignore_index=NOTHING, reduction="sum"))
        tokens += int((asked != NOTHING).sum())
    return total / tokens


if __name__ == "__main__":
    main()
