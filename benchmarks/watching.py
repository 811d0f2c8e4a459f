"""What `--watch` costs: trainings with the page and without it, in turns, on digits and on sentences.

    python benchmarks/watching.py [--tasks classify sentiment] [--seconds 20] [--pairs 3]

First it is found how many steps take so many seconds; then trainings of that many steps run in turns, without the page
and with it, while another process reads all that the page is told and fetches each new set of examples, as a browser
does. Prints seconds and CPU-seconds of the training, as training.json has them, and the median of the pairs' ratios.
On a machine that is busy with other things CPU-seconds say more. The weights of both have to be the same.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import common
import torch

import sounding as sd
from sounding.machine.setting import prepare

SOURCES = {"classify": Path(sd.__file__).parent / "samples" / "digits.parquet", "sentiment": "demo"}
VIEWER = """
import json, sys, urllib.request
def opened(place):
    return urllib.request.build_opener(urllib.request.ProxyHandler({})).open(sys.argv[1] + place)
seen = 0
for line in opened("watch/course"):
    if line.startswith(b"data: ") and (told := json.loads(line[6:])["examples"]) != seen:
        seen = told
        opened("watch/examples").read()
print(seen)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tasks", nargs="+", default=list(SOURCES), choices=list(SOURCES))
    parser.add_argument("--size", default="tiny")
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--pairs", type=int, default=3)
    options = parser.parse_args()
    prepare()
    print(
        common.heads(
            "application", "steps", "plain s", "watched s", "plain CPU-s", "watched CPU-s", "ratio", "CPU ratio"
        )
    )
    for task in options.tasks:
        with tempfile.TemporaryDirectory() as folder:
            steps = trained(task, Path(folder) / "first", options.size, seconds=options.seconds).training["steps"]
            pairs = [pair(task, Path(folder) / str(k), options.size, steps) for k in range(options.pairs)]
        columns = [statistics.median(values) for values in zip(*pairs, strict=True)]
        print(
            common.row(task, steps, *(f"{value:.1f}" for value in columns[:4]), *(f"{v:.3f}" for v in columns[4:])),
            flush=True,
        )


def pair(task: str, folder: Path, size: str, steps: int) -> tuple[float, ...]:
    """Seconds and CPU-seconds of a training without the page and with it, and their ratios."""
    plain, watched = (trained(task, folder / str(page), size, steps=steps, page=page) for page in (False, True))
    for one, two in zip(plain.module.parameters(), watched.module.parameters(), strict=True):
        assert torch.equal(one, two)
    seconds, cpu = ([model.training[name] for model in (plain, watched)] for name in ("seconds", "cpu_seconds"))
    return (*seconds, *cpu, seconds[1] / seconds[0], cpu[1] / cpu[0])


def trained(task: str, out: Path, size: str, page: bool = False, **budget: Any) -> sd.Model:
    """A training, with a viewer of its page or without one."""
    viewers: list[subprocess.Popen[str]] = []

    def say(message: str) -> None:
        if message.startswith("watch http"):
            command = [sys.executable, "-c", VIEWER, message.split()[1]]
            viewers.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))

    words = {"time" if name == "seconds" else name: value for name, value in budget.items()}
    model = sd.train(task, SOURCES[task], size=size, out=out, card=None, watch=0 if page else None, say=say, **words)
    for viewer in viewers:
        looked = viewer.communicate(timeout=20)[0].strip()
        print(f"  examples were fetched {looked} times", file=sys.stderr)
    return model


if __name__ == "__main__":
    main()
