"""How long one answer to one picture or one sentence takes, beside the same network computed in eager fp32.

    python benchmarks/latency.py [--tasks detect segment] [--size tiny] [--rounds 40] [--precision auto]
    OMP_NUM_THREADS=2 python benchmarks/latency.py --tasks sentiment --start all-MiniLM-L6-v2

The network is that of the size, with weights of two steps on noise: what it computes does not depend on them, but boxes
are suppressed, so a trained detector may be a little faster. Both sides answer the same picture of 640×480 pixels, or a
sentence of 25 words, in turns, reading, scaling, cutting into tokens and suppression included, in batches of one:
*sounding* as `model(picture)` does (normalisations folded, channels last, the precision asked for), *eager* with the
same task on the network as it was trained (fp32, contiguous). Prints the median of each, the range, and the median
ratio of neighbouring rounds.
"""

from __future__ import annotations

import argparse
import copy
import tempfile
import time
from pathlib import Path
from typing import Any

import common
import numpy as np
import torch

import sounding as sd
from sounding.machine.setting import prepare
from sounding.modalities.boxes.boxes import BoxSet
from sounding.runs.prediction import predict

TASKS = ("detect", "segment", "classify", "sentiment")
HEIGHT, WIDTH = 480, 640
SENTENCE = (
    "Although the plot is thin in places, the two leads are so charming together that by the end hardly anybody in the "
    "cinema seemed to mind it."
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tasks", nargs="+", default=["detect", "segment"], choices=TASKS)
    parser.add_argument("--start", default="", help="weights to begin with, which bring the shape of their network")
    parser.add_argument("--size", default="tiny")
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--precision", default="auto")
    options = parser.parse_args()
    prepare()
    print(
        common.heads(
            "application", "size or start", "processor", "answers in", "sounding ms", "eager fp32 ms", "faster by"
        )
    )
    for task in options.tasks:
        with tempfile.TemporaryDirectory() as folder:
            given = {"size": options.size, "start": options.start, "steps": 2, "card": None}
            made = sd.train(task, examples(task), out=Path(folder) / "run", **given)
            model = sd.load(made.dir, precision=options.precision)
            asked = SENTENCE if task == "sentiment" else picture()
            print(row(task, options.start or options.size, model, *timed(model, asked, options.rounds)), flush=True)


def picture() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)


def examples(task: str, n: int = 12) -> list[sd.Example]:
    if task == "sentiment":
        return [sd.Example(f"{SENTENCE} {i}", "ab"[i % 2]) for i in range(n)]
    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 256, (n, HEIGHT, WIDTH, 3), np.uint8)
    answers: dict[str, Any] = {
        "detect": lambda i: BoxSet(np.array([[0.2, 0.2, 0.6, 0.7]]), ("thing",), image_size=(WIDTH, HEIGHT)),
        "segment": lambda i: (np.arange(HEIGHT * WIDTH).reshape(HEIGHT, WIDTH) // 64 % 4).astype(np.uint8),
        "classify": lambda i: "ab"[i % 2],
    }
    return [sd.Example(picture, answers[task](i)) for i, picture in enumerate(pictures)]


def timed(model: sd.Model, asked: Any, rounds: int) -> tuple[np.ndarray, np.ndarray]:
    """Seconds of each round [rounds], of both sides."""
    eager = copy.deepcopy(model.module).float().to(memory_format=torch.contiguous_format).eval()
    spent = np.zeros((rounds + 5, 2))
    for i in range(len(spent)):
        began = time.perf_counter()
        model(asked)
        between = time.perf_counter()
        list(predict(model.task, eager, [asked]))
        spent[i] = between - began, time.perf_counter() - between
    return spent[5:, 0], spent[5:, 1]


def row(task: str, size: str, model: sd.Model, ours: np.ndarray, eager: np.ndarray) -> str:
    def said(seconds: np.ndarray) -> str:
        low, middle, high = 1000 * np.quantile(seconds, [0.05, 0.5, 0.95])
        return f"{middle:.1f} ({low:.1f} to {high:.1f})"

    low, middle, high = np.quantile(eager / ours, [0.05, 0.5, 0.95])
    precision = model.setting.precision if model.setting else "fp32"
    ratio = f"{middle:.2f} times ({low:.2f} to {high:.2f})"
    return common.row(task, size, common.machine(model)[0], precision, said(ours), said(eager), ratio)


if __name__ == "__main__":
    main()
