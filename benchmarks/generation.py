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
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import common
import numpy as np
import sides
import torch

from sounding.architectures import checkpoints
from sounding.contract.records import Example
from sounding.machine.setting import prepare

VOCABULARY, CONTEXT, PROMPT = 8192, 256, 16


def main() -> None:
    parser = sides.parser(__doc__, [1, 16])
    parser.add_argument("--length", type=int, default=100)
    parser.add_argument("--train", type=float, default=0, metavar="SECONDS")
    parser.add_argument("--precision", default="bf16", help="of sounding's training: bf16 or fp32")
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    prepare()
    torch.set_num_threads(options.threads)
    if options.side:
        served(options)
        return
    with tempfile.TemporaryDirectory() as folder:
        published(Path(folder))
        words = ["--folder", folder, "--threads", options.threads, "--length", options.length]
        words += ["--precision", options.precision]
        both = [sides.Side(__file__, side, *words) for side in sides.SIDES]
        print(common.heads("processor", "what", "sounding tokens/s", "transformers tokens/s", "faster by"))
        for batch in options.batches:
            rounds = [[side.ask({"batch": batch}) for side in both] for _ in range(options.rounds + 1)][1:]
            if any(ours["ids"] != theirs["ids"] for ours, theirs in rounds):
                raise SystemExit("the two sides did not write the same texts")
            print(sides.row(options.threads, f"writing, batch {batch}", rounds), flush=True)
        if options.train:
            rounds = [[side.ask({"train": options.train}) for side in both] for _ in range(options.rounds)]
            print(sides.row(options.threads, "training", rounds), flush=True)
        for side in both:
            side.process.kill()


def served(options: argparse.Namespace) -> None:
    """Answer questions of one side."""
    write = (ours if options.side == "sounding" else theirs)(options.folder)
    train = our_training if options.side == "sounding" else their_training

    def answer(question: dict[str, Any]) -> dict[str, Any]:
        if "train" in question:
            return {"rate": train(question["train"], options.folder, options.precision)}
        prompts = torch.randint(5, VOCABULARY, (question["batch"], PROMPT), generator=torch.manual_seed(1))
        began = time.perf_counter()
        ids = write(prompts, options.length)
        return {"rate": len(ids) * options.length / (time.perf_counter() - began), "ids": ids}

    sides.serve(answer)


def published(folder: Path) -> None:
    """A random GPT-2, as transformers writes it."""
    import transformers

    torch.manual_seed(0)
    sizes = {"vocab_size": VOCABULARY, "n_positions": CONTEXT, "n_embd": 384, "n_layer": 6, "n_head": 6}
    net = transformers.GPT2LMHeadModel(transformers.GPT2Config(**sizes, bos_token_id=3, eos_token_id=4))
    net.save_pretrained(folder)


def ours(folder: Path) -> Callable[[torch.Tensor, int], list[list[int]]]:
    from sounding.decoding.generation import Generation
    from sounding.decoding.language_model import LanguageModelDecoder
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


if __name__ == "__main__":
    main()
