"""Kills a training of an agent (SIGKILL) at moments drawn at random, resumes it each time, and compares the weights.

    OMP_NUM_THREADS=1 python benchmarks/arcade_kills.py MinAtar/Breakout --set learner=rainbow --steps 2000

With one thread and a budget of steps, the weights have to be those of a training that nobody disturbed, to the bit.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch

from sounding.files import read_json, read_tensors

OFTEN = "from sounding.training import checkpointer; checkpointer.EVERY = 1.0"
COMMAND = (
    sys.executable,
    "-c",
    f"{OFTEN}; from runpy import run_module; run_module('sounding', run_name='__main__')",
    "train",
)
"""A training that writes a checkpoint every second, so that there is something to go on from."""


def main() -> int:
    """Train undisturbed, then with kills; 0 where the weights are the same."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("environment")
    parser.add_argument("--steps", type=int, default=2000, help="of the optimizer")
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--set", nargs="*", default=[], metavar="KEY=VALUE", dest="settings")
    options = parser.parse_args()
    settings = ["match_games=1", "validations=1", *options.settings]
    begun = ["arcade", options.environment, "--steps", str(options.steps), "--card", "none", *settings]
    with tempfile.TemporaryDirectory() as folder:
        whole, cut = Path(folder) / "whole", Path(folder) / "cut"
        started = time.monotonic()
        subprocess.run([*COMMAND, *begun, "--out", str(whole)], check=True, capture_output=True)
        seconds = time.monotonic() - started
        print(f"undisturbed: {seconds:.0f} s", flush=True)
        rng = random.Random(0)
        for number in range(options.kills):
            run = cut.exists()
            process = begin([*COMMAND, "--resume", str(cut)] if run else [*COMMAND, *begun, "--out", str(cut)])
            wait(process, cut, rng.uniform(0, 2 * seconds / options.kills))
            process.kill()
            process.wait()
            print(f"kill {number + 1} at step {step(cut)} of {options.steps}", flush=True)
            if (cut / "training.json").exists():
                break
        subprocess.run([*COMMAND, "--resume", str(cut), "--card", "none"], check=True, capture_output=True)
        same = equal(whole, cut)
    print("the weights are the same to the bit" if same else "the weights DIFFER")
    return 0 if same else 1


def begin(command: list[str]) -> subprocess.Popen[bytes]:
    """A training, of which nothing is heard."""
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def wait(process: subprocess.Popen[bytes], run: Path, seconds: float) -> None:
    """Until there is a checkpoint that is newer than this, and so many seconds more; or until it has ended."""
    before = time.time()
    state = run / "trainer_state.json"
    while process.poll() is None and not (state.exists() and state.stat().st_mtime > before):
        time.sleep(0.05)
    end = time.monotonic() + seconds
    while process.poll() is None and time.monotonic() < end:
        time.sleep(0.05)


def step(run: Path) -> int:
    """The step of the latest checkpoint."""
    state = run / "trainer_state.json"
    return int(read_json(state)["step"]) if state.exists() else 0


def equal(one: Path, other: Path) -> bool:
    """Whether the weights and buffers of two runs are the same."""
    first, second = (read_tensors(run / "best" / "model.safetensors")[0] for run in (one, other))
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


if __name__ == "__main__":
    raise SystemExit(main())
