"""Is a training by self-play that is killed (SIGKILL) and resumed the same as one that was not?

    python benchmarks/killed_play.py [--game connect4] [--kills 10] [--steps 500] [--set size=tiny] [--out runs/killed]

One training goes through; another is killed at random moments and resumed each time, with the same seed and budget of
steps. Then: every shard of experience of the one is that of the other, byte for byte (no game is lost); no two games
of the shards are the same move for move; the weights are the same, bit for bit. Prints one line for each kill and one
for each check, and ends with an error where one fails.
"""

from __future__ import annotations

import argparse
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from sounding.files import read_tensors
from sounding.training.shards import FOLDER, Shards

WEIGHTS = ("best/model.safetensors", "last/model.safetensors")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--game", default="connect4")
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--set", nargs="*", default=[], dest="settings", metavar="KEY=VALUE")
    parser.add_argument("--out", type=Path, default=Path("runs/killed"))
    options = parser.parse_args()
    whole, killed = options.out / "whole", options.out / "killed"
    shutil.rmtree(options.out, ignore_errors=True)
    first = [options.game, "--steps", str(options.steps), "--seed", "3", *options.settings]
    started = time.monotonic()
    if begun([*first, "--out", str(whole)]).wait():
        sys.exit("The training that nobody kills failed.")
    taken = time.monotonic() - started
    print(f"{options.game}: {options.steps} steps, {len(rounds(whole))} rounds, {taken:.0f} s", flush=True)
    kill(options.kills, taken, first, killed)
    if begun(["--resume", str(killed)]).wait():
        sys.exit("The training that was killed could not be resumed to its end.")
    wrong = 0
    for words, fine in checks(whole, killed):
        print(f"{words}: {'yes' if fine else 'NO'}", flush=True)
        wrong += not fine
    sys.exit(1 if wrong else 0)


def begun(words: list[str]) -> subprocess.Popen[bytes]:
    """A training in a process of its own."""
    command = [sys.executable, "-m", "sounding", "train", *words, "--card", "none"]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def kill(kills: int, taken: float, first: list[str], folder: Path) -> None:
    """So many times: begin or go on, and kill at a moment of chance within some tenths of what the whole one took."""
    rng, done = random.Random(5), 0
    while done < kills:
        if not (folder / "config.json").exists():
            shutil.rmtree(folder, ignore_errors=True)
        going_on = ["--resume", str(folder)] if folder.exists() else [*first, "--out", str(folder)]
        process, seconds = begun(going_on), rng.uniform(0.1, 0.3) * taken
        try:
            process.wait(seconds)
            print("it came to its end before it was killed, and begins anew", flush=True)
            shutil.rmtree(folder)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            done += 1
            damaged: list[str] = []
            there = len(rounds(folder, damaged))
            print(f"kill {done} after {seconds:.1f} s: {there} rounds, {len(damaged)} damaged", flush=True)


def rounds(folder: Path, damaged: list[str] | None = None) -> list[bytes]:
    """The rounds of play of a run that can be read, as the bytes of their arrays; the others are told to `damaged`."""
    shards = Shards(folder / FOLDER, None if damaged is None else damaged.append)
    found = [shards.get(number) for number in range(len(shards))]
    return [one.inputs.tobytes() + one.targets.tobytes() + one.games.tobytes() for one in found if one is not None]


def checks(whole: Path, killed: Path) -> Iterator[tuple[str, bool]]:
    """What must hold, in words, and whether it does."""
    yield "the same rounds of play, byte for byte", rounds(whole) == rounds(killed)
    games = list(played(killed))
    yield f"no game twice ({len(games):,} games)", len(set(games)) == len(games)
    for name in WEIGHTS:
        one, two = read_tensors(whole / name)[0], read_tensors(killed / name)[0]
        same = one.keys() == two.keys() and all(torch.equal(one[key], two[key]) for key in one)
        yield f"the same weights in {name}, bit for bit", same


def played(folder: Path) -> Iterator[bytes]:
    """Each game of the shards, as the bytes of the positions that were kept of it."""
    shards = Shards(folder / FOLDER)
    for number in range(len(shards)):
        experience = shards.get(number)
        assert experience is not None
        for game in np.unique(experience.games):
            yield experience.inputs[experience.games == game].tobytes()


if __name__ == "__main__":
    main()
