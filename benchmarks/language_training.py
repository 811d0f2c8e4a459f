"""How soon a language model is as good as GPT-2 of transformers is after some time, on the same text and threads.

    SOUNDING_DATA=DIR python benchmarks/language_training.py [--seconds 180] [--factors 3.5 …] [--rates 3e-4 1e-3 3e-3]
        [--threads 2] [--set layers=4 width=192 …]

A GPT-2 with the layers, width and heads of `generate` learns the characters of DIR/tiny_shakespeare in fp32 for
`--seconds`: batches of 8 windows of 256, AdamW in a plain loop with a warm-up and a linear fall, its own dropout off as
`generate`'s is, once with each rate; the best counts. Then `generate` learns for `--seconds` / each factor. Each is a
process of its own, one after the other. Prints tokens a second, and nats of a character of the validation split: where
`generate`'s are no more, it was faster by the factor at no less quality. Needs transformers.
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
import numpy as np
import pyarrow.parquet as pq
import torch
import torch.nn.functional as F

from sounding.evaluation import evaluation
from sounding.machine.setting import prepare, processor

BATCH, CONTEXT = 8, 256
SHAPE = {"layers": "4", "width": "192", "heads": "3", "dropout": "0"}
LEARNT = {"lr": "6e-3", "select": "last", "validations": "1"}


def main() -> None:
    parser = common.options(__doc__, "unused")
    parser.add_argument("--seconds", type=float, default=180)
    parser.add_argument("--factors", type=float, nargs="+", default=[3.5])
    parser.add_argument("--rates", type=float, nargs="+", default=[3e-4, 1e-3, 3e-3])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--side", default="", help=argparse.SUPPRESS)
    options = common.parsed(parser, "tiny_shakespeare")
    torch.set_num_threads(options.threads)
    settings = {**SHAPE, **LEARNT, **options.settings}
    if options.side:
        train = ours if options.side == "sounding" else theirs
        print(json.dumps(train(options, settings)))
        return
    print(common.heads("processor", "side", "training", "tokens/s", "validation nats"))
    for rate in options.rates:
        show(options, f"transformers, fp32, lr={rate:g}", "--side", "transformers", "--rates", rate)
    for factor in options.factors:
        show(options, f"sounding, a time of 1/{factor:g}", "--side", "sounding", "--seconds", options.seconds / factor)


def show(options: argparse.Namespace, name: str, *words: object) -> None:
    """Prints what a training in a process of its own found."""
    given = ["--threads", options.threads, "--seconds", options.seconds, *words]
    settings = [f"{key}={value}" for key, value in options.settings.items()]
    command = [sys.executable, __file__, *map(str, given), "--set", *settings]
    told = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    found = json.loads(told.splitlines()[-1])
    machine = f"{processor()[0]}, {options.threads} threads"
    row = f"{found['seconds']:.0f} s", f"{found['rate']:,.0f}", f"{found['nats']:.3f}"
    print(common.row(machine, name + found["how"], *row), flush=True)


def text(options: argparse.Namespace, split: str) -> str:
    return "".join(pq.read_table(options.data / "tiny_shakespeare" / f"{split}.parquet")["text"].to_pylist())


def theirs(options: argparse.Namespace, settings: dict[str, str]) -> dict[str, Any]:
    """GPT-2 in a plain loop."""
    import transformers

    learnt, unseen = text(options, "train"), text(options, "validation")
    known = {letter: number for number, letter in enumerate(sorted(set(learnt) | set(unseen)))}
    train, validation = (torch.tensor([known[letter] for letter in some]) for some in (learnt, unseen))
    shape = {"n_embd": int(settings["width"]), "n_layer": int(settings["layers"]), "n_head": int(settings["heads"])}
    kept = dict.fromkeys(("resid_pdrop", "embd_pdrop", "attn_pdrop"), float(settings["dropout"]))
    torch.manual_seed(0)
    config = transformers.GPT2Config(vocab_size=len(known), n_positions=CONTEXT, **shape, **kept, bos_token_id=0)
    model = transformers.GPT2LMHeadModel(config).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=options.rates[0], betas=(0.9, 0.95))
    began, tokens = time.perf_counter(), 0
    while (share := (time.perf_counter() - began) / options.seconds) < 1:
        for group in optimizer.param_groups:
            group["lr"] = options.rates[0] * min(share / 0.05, (1 - share) / 0.95)
        starts = torch.randint(len(train) - CONTEXT - 1, (BATCH, 1))
        ids = train[starts + torch.arange(CONTEXT + 1)]
        loss = F.cross_entropy(model(ids[:, :-1]).logits.flatten(0, 1), ids[:, 1:].flatten())
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        tokens += BATCH * CONTEXT
    seconds = time.perf_counter() - began
    nats = [float(some) for some in told(model.eval(), validation)]
    return {"rate": tokens / seconds, "seconds": seconds, "nats": float(np.mean(nats)), "how": ""}


@torch.inference_mode()
def told(model: torch.nn.Module, ids: torch.Tensor) -> list[torch.Tensor]:
    """The mean nats of windows, each character told from those before it in its window."""
    windows = ids[: (len(ids) - 1) // CONTEXT * CONTEXT + 1].unfold(0, CONTEXT + 1, CONTEXT)
    return [F.cross_entropy(model(w[None, :-1]).logits[0], w[1:]) for w in windows]


def ours(options: argparse.Namespace, settings: dict[str, str]) -> dict[str, Any]:
    """`generate`, in the precision that is chosen at run time."""
    import sounding as sd

    prepare()
    with tempfile.TemporaryDirectory() as folder:
        for split, name in (("train", "train"), ("validation", "validation"), ("validation", "test")):
            table = pq.read_table(options.data / "tiny_shakespeare" / f"{split}.parquet")
            (Path(folder) / "data").mkdir(exist_ok=True)
            pq.write_table(table, Path(folder) / "data" / f"{name}.parquet")
        source, out = Path(folder) / "data", Path(folder) / "run"
        model = sd.train("generate", source, out=out, time=options.seconds, card=None, **settings)
        records = evaluation.evaluate(model.task, model.module, model.dataset().test)
        spent, how = common.spent(model), f", {common.machine(model)[1]}"
    sizes = [len(record.truth.ids) for record in records]
    nats = float(np.average([record.loss for record in records], weights=sizes))
    rate = spent["examples"] * CONTEXT / spent["seconds"]
    return {"rate": rate, "seconds": spent["seconds"], "nats": nats, "how": how}


if __name__ == "__main__":
    main()
