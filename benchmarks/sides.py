"""Two sides that are measured in turns, each in a process of its own, so that a busy machine is busy for both."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import common
import numpy as np

from sounding.machine.setting import processor

SIDES = ("sounding", "transformers")


def parser(doc: str, batches: list[int]) -> argparse.ArgumentParser:
    """What every benchmark of two sides is asked for."""
    found = argparse.ArgumentParser(description=doc.splitlines()[0])
    found.add_argument("--batches", type=int, nargs="+", default=batches)
    found.add_argument("--rounds", type=int, default=5)
    found.add_argument("--threads", type=int, default=1)
    found.add_argument("--side", choices=SIDES, help=argparse.SUPPRESS)
    return found


class Side:
    """A process that works for one of the two: the benchmark itself, told by --side which. It answers questions."""

    def __init__(self, benchmark: str, name: str, *words: object) -> None:
        command = [sys.executable, benchmark, "--side", name, *map(str, words)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, question: dict[str, Any]) -> dict[str, Any]:
        """The answer to a question. Raises SystemExit where the process ended."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(question) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit("one of the two sides ended before it had answered")
        return json.loads(line)


def serve(answer: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Answer questions, one a line, until there are no more."""
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), flush=True)


def machine(threads: int) -> str:
    """The processor and how many threads work."""
    return f"{processor()[0]}, {threads} thread{'s' * (threads > 1)}"


def faster(rates: np.ndarray) -> str:
    """The median ratio of the first side's rates [rounds, 2] to the second's, with 5 % and 95 % of the rounds."""
    low, middle, high = np.quantile(rates[:, 0] / rates[:, 1], [0.05, 0.5, 0.95])
    return f"{middle:.2f} × ({low:.2f} to {high:.2f})"


def row(threads: int, what: str, rounds: list[list[dict[str, Any]]], *more: object) -> str:
    """A line of a table: medians of both sides' rates, and how much faster the first is."""
    rates = np.array([[side["rate"] for side in each] for each in rounds])
    ours, theirs = np.median(rates, axis=0)
    return common.row(machine(threads), what, f"{ours:,.0f}", f"{theirs:,.0f}", faster(rates), *more)
