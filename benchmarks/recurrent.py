"""How fast recurrent networks learn here, beside `nn.LSTM` in fp32: the same net, the same data, in turns in one run.

    python benchmarks/recurrent.py [--rounds 7] [--steps 6] [--batch 32] [--tokens 128] [--width 256] [--layers 2]
        [--threads 1]

A net of `--layers` recurrent layers from left to right between an embedding and a linear layer tells the next letter of
a made-up text of 64 letters; AdamW takes the steps. Nets of LSTMs begin with the weights of `nn.LSTM`. In each round
every side takes `--steps` steps, one side after the other, so that a busy machine is busy for all; seconds are those of
the processor, which do not count waiting for it. Prints a row of a markdown table for each side: letters a second (the
median of the rounds), how many times as fast as `nn.LSTM` in the same round, and the loss in the last round, which is
on the same letters for all.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass

import common
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sounding.architectures.rnn import RNN, RNNConfig
from sounding.machine.setting import prepare, processor

LETTERS = 64
SIDES = (
    ("nn.LSTM", "fp32"),
    ("lstm", "fp32"),
    ("lstm", "bf16"),
    ("gru", "fp32"),
    ("gru", "bf16"),
    ("mingru", "fp32"),
    ("mingru", "bf16"),
)
"""What is measured: the first is what the others are set beside."""


class Reader(nn.Module):
    """Letters [B, T] → scores of the next one [B, T, LETTERS]."""

    def __init__(self, cell: str, width: int, layers: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(LETTERS, width)
        if cell == "nn.LSTM":
            self.rnn: nn.Module = nn.LSTM(width, width, layers, batch_first=True)
        else:
            self.rnn = RNN(RNNConfig(width, width, layers, cell, bidirectional=False))
        self.scores = nn.Linear(width, LETTERS)

    def forward(self, letters: Tensor) -> Tensor:
        x = self.embedding(letters)
        whole = torch.full((len(x),), x.shape[1])
        return self.scores(self.rnn(x, whole) if isinstance(self.rnn, RNN) else self.rnn(x)[0])


@dataclass
class Side:
    """A net that learns, and what its rounds gave."""

    name: str
    precision: str
    model: Reader
    optimizer: torch.optim.Optimizer

    def step(self, letters: Tensor) -> float:
        """Learn from one batch [B, T + 1]; the loss before."""
        with torch.autocast("cpu", torch.bfloat16, enabled=self.precision == "bf16"):
            scores = self.model(letters[:, :-1])
        loss = F.cross_entropy(scores.float().flatten(0, 1), letters[:, 1:].flatten())
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss.item()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, value in (("rounds", 7), ("steps", 6), ("batch", 32), ("tokens", 128), ("width", 256), ("layers", 2)):
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    prepare()
    torch.set_num_threads(options.threads)
    sides = [made(name, precision, options) for name, precision in SIDES]
    batches = text(options.batch, options.tokens)
    for side in sides:
        side.step(next(text(options.batch, options.tokens)))  # what is done once
    rates, losses = np.zeros((options.rounds, len(sides))), np.zeros(len(sides))
    letters_read = options.steps * options.batch * options.tokens
    for number in range(options.rounds):
        some = [next(batches) for _ in range(options.steps)]
        for k, side in enumerate(sides):
            began = time.process_time()
            found = [side.step(letters) for letters in some]
            rates[number, k] = letters_read / (time.process_time() - began) * options.threads
            losses[k] = np.mean(found)
    print(f"{processor()[0]}, {options.threads} thread(s)\n")
    print(common.heads("net", "precision", "letters/s", "× nn.LSTM (5 % to 95 % of the rounds)", "loss"))
    for k, side in enumerate(sides):
        low, middle, high = np.quantile(rates[:, k] / rates[:, 0], [0.05, 0.5, 0.95])
        times = f"{middle:.2f} ({low:.2f} to {high:.2f})" if k else "1"
        print(common.row(side.name, side.precision, f"{np.median(rates[:, k]):,.0f}", times, f"{losses[k]:.3f}"))


def made(name: str, precision: str, options: argparse.Namespace) -> Side:
    """A side whose weights are those of every other, as far as it has the same."""
    torch.manual_seed(0)
    first = Reader("nn.LSTM", options.width, options.layers)
    model = first if name == "nn.LSTM" else Reader(name, options.width, options.layers)
    if name == "lstm":
        assert isinstance(model.rnn, RNN)
        for layer, cell in enumerate(model.rnn.ahead):
            for weight in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
                getattr(cell, f"{weight}_l0").data.copy_(getattr(first.rnn, f"{weight}_l{layer}").data)
    model.embedding.load_state_dict(first.embedding.state_dict())
    model.scores.load_state_dict(first.scores.state_dict())
    return Side(name, precision, model, torch.optim.AdamW(model.parameters(), 2e-3, fused=True))


def text(batch: int, tokens: int) -> Iterator[Tensor]:
    """Batches [B, T + 1] of a text in which a letter often stands where it stood seven letters before."""
    rng = np.random.default_rng(0)
    while True:
        letters = rng.integers(0, LETTERS, (batch, tokens + 1))
        for k in range(7, tokens + 1):
            again = rng.random(batch) < 0.8
            letters[again, k] = letters[again, k - 7]
        yield torch.from_numpy(letters)


if __name__ == "__main__":
    main()
