"""Examples a second in training where pictures are large, against another version of the source, in pairs.

    python benchmarks/feed.py --against DIR [--rounds 3] [--steps 80] [--cases classify-224 detect-320 classify-32]

DIR is the src folder of another checkout. Each case trains on noise in memory in a process of its own, first with one
source and then with the other, in turn; the time is that of the training alone (training.json), with one look at a few
validation rows. Prints the examples a second of both and the ratio, with the least and the largest over the rounds.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

CASES = {
    "classify-224": (
        "classify",
        224,
        {"image_size": 224, "batch": 64, "width": 16, "crop": 0.1, "flip": "yes", "colour": 0.3},
    ),
    "detect-320": ("detect", 320, {"batch": 8, "width": 16, "pyramid": 32}),
    "classify-32": ("classify", 32, {"batch": 64, "width": 32, "flip": "yes"}),
}


def main(options: argparse.Namespace) -> None:
    here = Path(__file__).parents[1] / "src"
    print("| case | examples/s there | examples/s here | ratio (least to largest) |\n|---|---|---|---|")
    for case in options.cases:
        pairs = [
            [measured(source, case, options.steps) for source in (options.against, here)] for _ in range(options.rounds)
        ]
        ratios = [b / a for a, b in pairs]
        there, now = (median(column) for column in zip(*pairs, strict=True))
        print(
            f"| {case} | {there:.1f} | {now:.1f} | {median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f}) |",
            flush=True,
        )


def measured(source: Path, case: str, steps: int) -> float:
    command = [sys.executable, __file__, "--case", case, "--steps", str(steps)]
    done = subprocess.run(command, env={**os.environ, "PYTHONPATH": str(source)}, capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr)
    return float(done.stdout.split()[-1])


def child(case: str, steps: int) -> None:
    import numpy as np

    import sounding as sd

    task, side, settings = CASES[case]
    rng = np.random.default_rng(0)
    pictures = [rng.integers(0, 256, (side, side, 3)).astype(np.uint8) for _ in range(256)]
    answers = [str(i % 4) for i in range(256)]
    if task == "detect":
        from sounding.modalities.boxes.layouts.boxset import BoxSet

        corners = np.array([[0.1, 0.1, 0.4, 0.4], [0.5, 0.5, 0.9, 0.8]])
        answers = [BoxSet(corners, ("a", "b")) for _ in range(256)]
    rows = [sd.Example(picture, answer) for picture, answer in zip(pictures, answers, strict=True)]
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "run"
        sd.train(task, rows, steps=steps, out=out, card=None, validations=1, **settings)
        spent = json.loads((out / "training.json").read_text())
    print(spent["examples"] / spent["seconds"])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--against", type=Path, default=Path())
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=80)
    parser.add_argument("--cases", nargs="+", default=list(CASES), choices=list(CASES))
    parser.add_argument("--case", help=argparse.SUPPRESS)
    given = parser.parse_args()
    child(given.case, given.steps) if given.case else main(given)
