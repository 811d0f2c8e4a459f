"""How fast a text classifier is trained, beside the Trainer of transformers with its defaults.

    SOUNDING_DATA=DIR python benchmarks/text_training.py [--epochs 3] [--ours 3] [--rounds 1] [--threads 1]
        [--set tokens=2048 …]

Both train a BERT of 4 layers × 256 with 8,192 word pieces from the same random weights on DIR/sst2 (docs/benchmarks.md
says where it comes from): Trainer with batches of 8, AdamW at 5e-5, fp32, padding to the longest row of a batch;
sounding as `sentiment` trains it when it begins with that checkpoint, in the precision that is chosen at run time. Each
training is a process of its own, and they take turns. `--ours` is how many epochs sounding takes, where it needs fewer.
Prints seconds and tokens a second, padding left out, over the whole training with its validation of each epoch, the
accuracy on the validation rows, and the ratio of the seconds of neighbouring rounds. Needs transformers and accelerate.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import common
import pyarrow.parquet as pq
import torch

from sounding.evaluation import evaluation
from sounding.machine.setting import prepare, processor

VOCABULARY = 8192
SIDES = ("sounding", "transformers")


def main() -> None:
    parser = common.options(__doc__, "unused")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--ours", type=int)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--side", choices=SIDES, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = common.parsed(parser, "sst2")
    options.ours = options.ours or options.epochs
    if options.side:
        torch.set_num_threads(options.threads)
        train = ours if options.side == "sounding" else theirs
        print(json.dumps(train(options)))
        return
    with tempfile.TemporaryDirectory() as folder:
        checkpoint(Path(folder), rows(options, "train")[0])
        print(common.heads("processor", "round", "side", "training", "tokens/s", "validation accuracy", "faster by"))
        for number in range(options.rounds):
            spent = []
            for side in reversed(SIDES):
                found = answer(options, side, Path(folder))
                spent.append(found["seconds"])
                threads = f"{processor()[0]}, {options.threads} thread{'s' * (options.threads > 1)}"
                ratio = f"{spent[0] / spent[-1]:.2f} ×" if side == "sounding" else ""
                told = f"{found['seconds']:.0f} s", f"{found['rate']:,.0f}", f"{found['accuracy']:.3f}"
                print(common.row(threads, number, f"{side}, {found['how']}", *told, ratio), flush=True)


def answer(options: argparse.Namespace, side: str, folder: Path) -> dict[str, Any]:
    """What a training in a process of its own found."""
    epochs = ["--epochs", options.epochs, "--ours", options.ours]
    words = ["--side", side, "--folder", folder, "--threads", options.threads, *epochs]
    settings = [f"{key}={value}" for key, value in options.settings.items()]
    command = [sys.executable, __file__, *map(str, words), "--set", *settings]
    told = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    return json.loads(told.splitlines()[-1])


def rows(options: argparse.Namespace, split: str) -> tuple[list[str], list[int]]:
    table = pq.read_table(options.data / "sst2" / f"{split}.parquet")
    return table["text"].to_pylist(), table["label"].to_pylist()


def checkpoint(folder: Path, texts: list[str]) -> None:
    """A random BERT with word pieces of the training texts, as transformers writes it."""
    import transformers
    from tokenizers import BertWordPieceTokenizer

    pieces = BertWordPieceTokenizer(lowercase=True)
    pieces.train_from_iterator(texts, vocab_size=VOCABULARY, show_progress=False)
    tokenizer = transformers.BertTokenizerFast(tokenizer_object=pieces._tokenizer)
    torch.manual_seed(0)
    sizes = {"hidden_size": 256, "num_hidden_layers": 4, "num_attention_heads": 4, "intermediate_size": 1024}
    config = transformers.BertConfig(vocab_size=len(tokenizer), **sizes)
    transformers.BertForSequenceClassification(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def theirs(options: argparse.Namespace) -> dict[str, Any]:
    """The Trainer, as its manual begins."""
    import transformers

    tokenizer = transformers.AutoTokenizer.from_pretrained(options.folder)
    model = transformers.AutoModelForSequenceClassification.from_pretrained(options.folder)
    sets = []
    for split in ("train", "validation"):
        texts, labels = rows(options, split)
        ids = tokenizer(texts, truncation=True)["input_ids"]
        sets.append([{"input_ids": a, "labels": b} for a, b in zip(ids, labels, strict=True)])
    with tempfile.TemporaryDirectory() as folder:
        given = {"eval_strategy": "epoch", "report_to": "none", "save_strategy": "no", "disable_tqdm": True}
        arguments = transformers.TrainingArguments(folder, num_train_epochs=options.epochs, use_cpu=True, **given)
        trainer = transformers.Trainer(
            model,
            arguments,
            data_collator=transformers.DataCollatorWithPadding(tokenizer),
            train_dataset=sets[0],
            eval_dataset=sets[1],
            compute_metrics=lambda told: {"accuracy": float((told[0].argmax(1) == told[1]).mean())},
        )
        began = time.perf_counter()
        trainer.train()
        seconds = time.perf_counter() - began
        accuracy = trainer.evaluate()["eval_accuracy"]
    tokens = options.epochs * sum(len(row["input_ids"]) for row in sets[0])
    return {"rate": tokens / seconds, "seconds": seconds, "accuracy": accuracy, "how": "batches of 8, fp32"}


def ours(options: argparse.Namespace) -> dict[str, Any]:
    """`sentiment`, begun with the checkpoint."""
    import sounding as sd

    prepare()
    with tempfile.TemporaryDirectory() as folder:
        given = {"epochs": options.ours, "validations": options.ours, "start": options.folder, "card": None}
        source = options.data / "sst2"
        model = sd.train("sentiment", source, out=Path(folder, "run"), **given, **options.settings)
        texts, _ = rows(options, "train")
        tokens = options.ours * sum(model.task.input.length(text) for text in texts)
        seconds = common.spent(model)["seconds"]
        told = evaluation.evaluate(model.task, model.module, model.dataset().validation)
        accuracy = model.task.metrics[0].value(told)
        how = f"{common.machine(model)[1]}, tokens={model.task.recipe.tokens}"
    return {"rate": tokens / seconds, "seconds": seconds, "accuracy": float(accuracy), "how": how}


if __name__ == "__main__":
    main()
