"""Images a second in training: our loop, a plain PyTorch loop and Lightning's, side by side in one run.

    [SOUNDING_DATA=DIR] python benchmarks/throughput.py [--seconds 4] [--rounds 6] [--widths 32 64] [--batch 64]

All three train the same net (`FastNet` with stages of W, 2 W and 4 W channels) on 32×32 colour pictures in memory, with
the same batch, loss, optimizer and augmentation (shifts by up to 2 pixels, mirror images):

    sounding     `fit`, as `sounding train` runs it: precision and layout that were chosen here, allocator, threads,
                 augmentation by batches; with its moving average of the weights and clipping of gradients
    plain        fp32, contiguous, eager; a Dataset that augments each picture and a DataLoader as they come
    lightning    the same Dataset and step in a LightningModule under a Trainer; `pip install lightning`, else left out

Allocator and threads belong to a process, so each loop has its own. All are started and warmed up, then they take
turns, one window of --seconds each, in a new order every round, while the others wait. Validation and checkpoints are
left out everywhere. A ratio is the mean over rounds of the ratio within a round (of logarithms, with Student's t), so
that a noisy minute hits both sides. With SOUNDING_DATA the pictures are those of DIR/cifar10/train.parquet, else noise.
"""

from __future__ import annotations

import argparse
import importlib.util
import io
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path
from statistics import median
from typing import Any

LOOPS = ("sounding", "plain", "lightning")
ROWS, SIDE, CLASSES = 10_000, 32, 10
WARM = 10
"""Steps before the first window."""


# ---- the parent: turns and tables


def main(options: argparse.Namespace) -> None:
    import numpy
    import torch

    from sounding.machine import setting as machine

    name, flags = machine.processor()
    sets = ", ".join(f"{s} {'yes' if f in flags else 'no'}" for s, f in SETS.items())
    data = "CIFAR-10" if os.environ.get("SOUNDING_DATA") else "noise (SOUNDING_DATA is not set)"
    print(f"{date.today()}: {name}, {machine.usable_cores()} cores ({sets}), load {_load()}, torch {torch.__version__}")
    print(f"numpy {numpy.__version__}; pictures: {data}; batch {options.batch}, {options.rounds} rounds of", end=" ")
    print(f"{options.seconds:g} s for each loop\n")
    loops = LOOPS if importlib.util.find_spec("lightning") else LOOPS[:2]
    if loops != LOOPS:
        print("lightning: left out, it is not installed (pip install lightning)\n")
    print("| widths | loop | computed in | threads | images/s: median (range) | images per CPU-second | sounding is |")
    print("|---|---|---|---|---|---|---|")
    for width in options.widths:
        about, rounds = measured(loops, width, options)
        for loop in loops:
            print(row(loop, width, about[loop], rounds), flush=True)


SETS = {"avx2": "avx2", "avx512": "avx512f", "avx512 bf16": "avx512_bf16", "amx bf16": "amx_bf16"}


def row(loop: str, width: int, about: dict[str, Any], rounds: list[dict[str, Any]]) -> str:
    speeds = [r[loop]["images"] / r[loop]["seconds"] for r in rounds]
    each = sum(r[loop]["images"] for r in rounds) / sum(r[loop]["cpu"] for r in rounds)
    words = [
        "-".join(str(width * k) for k in (1, 2, 4)),
        loop,
        f"{about['precision']}{', channels last' if about['channels_last'] else ''}",
        str(about["threads"]),
        f"{median(speeds):,.0f} ({min(speeds):,.0f} to {max(speeds):,.0f})",
        f"{each:,.0f}",
        "" if loop == LOOPS[0] else ratio(rounds, loop),
    ]
    return f"| {' | '.join(words)} |"


def ratio(rounds: list[dict[str, Any]], loop: str) -> str:
    """How many times faster our loop is, with the 95 % interval over rounds."""
    from sounding.evaluation.intervals import mean_t

    speed = {name: [r[name]["images"] / r[name]["seconds"] for r in rounds] for name in (LOOPS[0], loop)}
    found = mean_t([math.log(a / b) for a, b in zip(speed[LOOPS[0]], speed[loop], strict=True)], "rounds")
    if found.low is None or found.high is None:
        return f"{math.exp(found.value):.2f} times as fast (too few rounds for an interval)"
    return f"{math.exp(found.value):.2f} times as fast [{math.exp(found.low):.2f}, {math.exp(found.high):.2f}]"


def measured(loops: tuple[str, ...], width: int, options: argparse.Namespace) -> tuple[dict, list[dict]]:
    """What each loop says of itself, and what it did in its window of every round."""
    children = {loop: Child(loop, width, options.batch) for loop in loops}
    try:
        about = {loop: child.heard() for loop, child in children.items()}
        rounds = []
        for turn in range(options.rounds):
            shift = turn % len(loops)
            order = [*loops[shift:], *loops[:shift]]
            rounds.append({loop: children[loop].window(options.seconds) for loop in order})
        return about, rounds
    finally:
        for child in children.values():
            child.process.kill()
            child.process.wait()


class Child:
    """A loop in a process of its own, which trains when it is told to."""

    def __init__(self, loop: str, width: int, batch: int) -> None:
        self.loop, self.errors = loop, tempfile.TemporaryFile("w+")  # noqa: SIM115 - lives as long as the child
        command = [sys.executable, __file__, "--loop", loop, "--width", str(width), "--batch", str(batch)]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors, text=True, bufsize=1
        )

    def window(self, seconds: float) -> dict[str, Any]:
        assert self.process.stdin
        self.process.stdin.write(f"{seconds}\n")
        return self.heard()

    def heard(self) -> dict[str, Any]:
        assert self.process.stdout
        line = self.process.stdout.readline()
        if line:
            return json.loads(line)
        self.errors.seek(0)
        sys.exit(f"The loop {self.loop} stopped:\n{self.errors.read()[-2000:]}")


def _load() -> str:
    return f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"


# ---- the children: one loop each


class Gate:
    """Lets a training run for a window at a time, and tells the parent how far it came."""

    def __init__(self, batch: int, **about: Any) -> None:
        self.batch, self.about, self.steps = batch, about, -WARM
        self.words = os.fdopen(os.dup(1), "w", buffering=1)
        sys.stdout = sys.stderr  # what a library prints must not look like an answer

    def step(self) -> None:
        """After each step of the training: wait for the next window when this one is over."""
        self.steps += 1
        if self.steps < 0:
            return
        if self.steps == 0:
            self._tell(self.about)
            return
        now = time.perf_counter()
        if now - self.start >= self.seconds:
            cpu = time.process_time() - self.cpu
            self._tell({"images": self.steps * self.batch, "seconds": now - self.start, "cpu": cpu})

    def _tell(self, words: dict[str, Any]) -> None:
        self.words.write(json.dumps(words) + "\n")
        line = sys.stdin.readline()
        if not line:
            os._exit(0)
        self.seconds, self.steps = float(line), 0
        self.start, self.cpu = time.perf_counter(), time.process_time()


def ours(width: int, batch: int) -> None:
    from sounding.machine import setting as machine

    machine.prepare()
    setting = machine.choose()

    from sounding.applications.vision.classify import Classify
    from sounding.contract.records import Example
    from sounding.data import open_data
    from sounding.training.loop import Budget, fit
    from sounding.training.progress import Reporter, Standing

    settings = {"network": "fast", "width": width, "batch": batch, "optimizer": "adamw"}  # as the other loops have it
    task = Classify(Classify.Recipe.make("small", settings))
    pixels, labels = pictures()
    data = open_data(task, [Example(x, f"class {y}") for x, y in zip(pixels, labels, strict=True)])
    gate = Gate(batch, precision=setting.precision, channels_last=setting.channels_last, threads=setting.threads)

    class Windows(Reporter):
        def stepped(self, standing: Standing) -> None:
            gate.step()

    fit(task, data.train, data.validation, budget=Budget(steps=10**7), setting=setting, reporter=Windows())


def plain(width: int, batch: int) -> None:
    import torch

    model, loader = ordinary(width, batch)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.05)
    gate = Gate(batch, precision="fp32", channels_last=False, threads=torch.get_num_threads())
    while True:
        for x, y in loader:
            loss = torch.nn.functional.cross_entropy(model(x), y, label_smoothing=0.05)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            gate.step()


def lightning(width: int, batch: int) -> None:
    import lightning as L
    import torch

    model, loader = ordinary(width, batch)
    gate = Gate(batch, precision="fp32", channels_last=False, threads=torch.get_num_threads())

    class Net(L.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def training_step(self, batch: Any, index: int) -> Any:
            x, y = batch
            return torch.nn.functional.cross_entropy(self.model(x), y, label_smoothing=0.05)

        def configure_optimizers(self) -> Any:
            return torch.optim.AdamW(self.parameters(), lr=3e-3, weight_decay=0.05)

    class Windows(L.Callback):
        def on_train_batch_end(self, *_: Any) -> None:
            gate.step()

    quiet = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False}
    L.Trainer(accelerator="cpu", max_epochs=-1, callbacks=[Windows()], **quiet).fit(Net(), loader)


def ordinary(width: int, batch: int) -> tuple[Any, Any]:
    """The net, and a loader of pictures that are augmented one by one, as tutorials write them."""
    import torch
    from torch.utils.data import DataLoader, Dataset

    from sounding.architectures.cnn import FastNet
    from sounding.architectures.layers import Normalize

    pixels, labels = pictures()

    class Pictures(Dataset):
        def __len__(self) -> int:
            return len(pixels)

        def __getitem__(self, index: int) -> tuple[Any, int]:
            x = torch.from_numpy(pixels[index]).permute(2, 0, 1).float() / 255
            x = torch.nn.functional.pad(x, (2, 2, 2, 2), mode="reflect")
            top, left = torch.randint(5, (2,)).tolist()
            x = x[:, top : top + SIDE, left : left + SIDE]
            return (x.flip(-1) if torch.rand(()) < 0.5 else x), int(labels[index])

    flat = pixels.reshape(-1, 3) / 255.0
    means, deviations = flat.mean(0).tolist(), flat.std(0).tolist()
    model = torch.nn.Sequential(Normalize(means, deviations), FastNet(3, CLASSES, (width, 2 * width, 4 * width)))
    return model, DataLoader(Pictures(), batch_size=batch, shuffle=True, drop_last=True)


def pictures() -> tuple[Any, Any]:
    """uint8 [ROWS, 32, 32, 3] and whole numbers below 10: CIFAR-10 where it is, else noise."""
    import numpy as np

    folder = os.environ.get("SOUNDING_DATA")
    if not folder:
        rng = np.random.default_rng(0)
        return rng.integers(0, 256, (ROWS, SIDE, SIDE, 3), np.uint8), rng.integers(CLASSES, size=ROWS)
    import pyarrow.parquet as pq
    from PIL import Image

    table = pq.read_table(Path(folder) / "cifar10" / "train.parquet", columns=["image", "label"]).slice(0, ROWS)
    cells = table["image"].to_pylist()
    files = [cell["bytes"] if isinstance(cell, dict) else cell for cell in cells]
    decoded = [np.asarray(Image.open(io.BytesIO(file)).convert("RGB")) for file in files]
    return np.stack(decoded), np.unique(table["label"].to_numpy(), return_inverse=True)[1]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=4.0, help="length of a window")
    parser.add_argument("--rounds", type=int, default=6, help="windows of each loop")
    parser.add_argument("--widths", type=int, nargs="+", default=[32, 64], help="channels of the first stage")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--loop", choices=LOOPS, help=argparse.SUPPRESS)
    parser.add_argument("--width", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.loop:
        {"sounding": ours, "plain": plain, "lightning": lightning}[given.loop](given.width, given.batch)
    else:
        main(given)
