"""How fast texts are written, and a language model is trained, beside transformers on the same weights.

    python benchmarks/generation.py [--batches 1 16] [--length 100] [--rounds 5] [--threads 1] [--train SECONDS]
        [--precision bf16]

The net is a GPT-2 of 6 layers × 384 with 8,192 tokens (random weights). Each side runs in a process of its own, and
they take turns, so that a busy machine is busy for both: the same prompts of 16 tokens, the most probable token each
time, `--length` tokens; both write the same texts, which is checked. With --train both learn random tokens with their
own layers, in windows of 256: transformers in fp32, with AdamW in a plain loop; sounding as `generate` trains it.
Prints the medians, and the median ratio of neighbouring rounds. Needs transformers.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import common
import numpy as np
import torch

from sounding.architectures import checkpoints
from sounding.contract.records import Example
from sounding.machine.setting import prepare, processor

VOCABULARY, CONTEXT, PROMPT = 8192, 256, 16
SIDES = ("sounding", "transformers")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 16])
    parser.add_argument("--length", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--train", type=float, default=0, metavar="SECONDS")
    parser.add_argument("--precision", default="bf16", help="of sounding's training: bf16 or fp32")
    parser.add_argument("--side", choices=SIDES, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    prepare()
    torch.set_num_threads(options.threads)
    if options.side:
        serve(options)
        return
    with tempfile.TemporaryDirectory() as folder:
        published(Path(folder))
        sides = [Side(side, folder, options) for side in SIDES]
        print(common.heads("processor", "what", "sounding tokens/s", "transformers tokens/s", "faster by"))
        for batch in options.batches:
            rounds = [[side.ask({"batch": batch}) for side in sides] for _ in range(options.rounds + 1)][1:]
            if any(ours["ids"] != theirs["ids"] for ours, theirs in rounds):
                raise SystemExit("the two sides did not write the same texts")
            print(row(options, f"writing, batch {batch}", rounds), flush=True)
        if options.train:
            rounds = [[side.ask({"train": options.train}) for side in sides] for _ in range(options.rounds)]
            print(row(options, "training", rounds), flush=True)
        for side in sides:
            side.process.kill()


class Side:
    """A process that works for one of the two."""

    def __init__(self, name: str, folder: str, options: argparse.Namespace) -> None:
        words = ["--side", name, "--folder", folder, "--threads", options.threads, "--length", options.length]
        words += ["--precision", options.precision]
        command = [sys.executable, __file__, *map(str, words)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, question: dict[str, Any]) -> dict[str, Any]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(question) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())


def serve(options: argparse.Namespace) -> None:
    """Answer questions, one a line, until there are no more."""
    write = (ours if options.side == "sounding" else theirs)(options.folder)
    train = our_training if options.side == "sounding" else their_training
    for line in sys.stdin:
        question = json.loads(line)
        if "train" in question:
            answer = {"rate": train(question["train"], options.folder, options.precision)}
        else:
            prompts = torch.randint(5, VOCABULARY, (question["batch"], PROMPT), generator=torch.manual_seed(1))
            began = time.perf_counter()
            ids = write(prompts, options.length)
            answer = {"rate": len(ids) * options.length / (time.perf_counter() - began), "ids": ids}
        print(json.dumps(answer), flush=True)


def published(folder: Path) -> None:
    """A random GPT-2, as transformers writes it."""
    import transformers

    torch.manual_seed(0)
    sizes = {"vocab_size": VOCABULARY, "n_positions": CONTEXT, "n_embd": 384, "n_layer": 6, "n_head": 6}
    net = transformers.GPT2LMHeadModel(transformers.GPT2Config(**sizes, bos_token_id=3, eos_token_id=4))
    net.save_pretrained(folder)


def ours(folder: Path) -> Callable[[torch.Tensor, int], list[list[int]]]:
    from sounding.decoding.decoder import LanguageModelDecoder
    from sounding.decoding.generation import Generation
    from sounding.decoding.sampling import Sampler, Sampling

    model = checkpoints.read(folder).model().eval()

    @torch.inference_mode()
    def write(prompts: torch.Tensor, length: int) -> list[list[int]]:
        texts = prompts.tolist()
        decoder = LanguageModelDecoder(model, PROMPT + length)
        found: list[list[int]] = [[] for _ in texts]
        for step in Generation(decoder, texts, Sampler(Sampling(temperature=0), range(len(texts)), texts), length):
            for token in step:
                found[token.row].append(token.id)
        return found

    return write


def theirs(folder: Path) -> Callable[[torch.Tensor, int], list[list[int]]]:
    import transformers

    model = transformers.GPT2LMHeadModel.from_pretrained(folder).eval()
    words = {"do_sample": False, "eos_token_id": None, "pad_token_id": 0}

    def write(prompts: torch.Tensor, length: int) -> list[list[int]]:
        mask = torch.ones_like(prompts)
        found = model.generate(prompts, attention_mask=mask, max_new_tokens=length, **words)
        return found[:, PROMPT:].tolist()

    return write


def our_training(seconds: float, folder: Path, precision: Any = "bf16") -> float:
    """Tokens a second of `generate`, validation left out as well as it can be."""
    from sounding.applications.language.generate.task import Generate
    from sounding.machine.setting import Setting
    from sounding.training.loop import Budget, fit

    settings = {"layers": 6, "width": 384, "heads": 6, "context": CONTEXT, "tokenizer": "bpe", "vocabulary": VOCABULARY}
    task = Generate(Generate.Recipe.make("small", {**settings, "validations": 1}))
    words = np.random.default_rng(0).integers(0, 60_000, 400_000)
    text = " ".join(map(str, words))
    task.fit([Example(text)])
    rows = task.windows([text])
    setting = Setting(precision=precision, threads=torch.get_num_threads())
    fitted = fit(task, rows, rows[:8], budget=Budget(seconds=seconds), seed=0, setting=setting)
    return fitted.examples * CONTEXT / fitted.cost.seconds


def their_training(seconds: float, folder: Path, precision: str = "fp32") -> float:
    """Tokens a second of a plain loop, always in fp32."""
    import transformers

    model = transformers.GPT2LMHeadModel.from_pretrained(folder).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    began, tokens = time.perf_counter(), 0
    while time.perf_counter() - began < seconds:
        ids = torch.randint(5, VOCABULARY, (8, CONTEXT))
        model(ids, labels=ids).loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        tokens += ids.numel()
    return tokens / (time.perf_counter() - began)


def row(options: argparse.Namespace, what: str, rounds: list[list[dict[str, Any]]]) -> str:
    rates = np.array([[side["rate"] for side in each] for each in rounds])
    ours, theirs = np.median(rates, axis=0)
    low, middle, high = np.quantile(rates[:, 0] / rates[:, 1], [0.05, 0.5, 0.95])
    threads = f"{processor()[0]}, {options.threads} thread{'s' * (options.threads > 1)}"
    return common.row(threads, what, f"{ours:,.0f}", f"{theirs:,.0f}", f"{middle:.2f} × ({low:.2f} to {high:.2f})")


if __name__ == "__main__":
    main()
