"""Nets that are known to be ill or well, on small tasks: what an inspection must tell apart."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import torch
from contract.dots import Dots
from torch import Tensor, nn

import sounding as sd
from sounding.applications.vision.classify import Classify
from sounding.architectures.mlp import MLP
from sounding.contract.records import Example
from sounding.randomness import entropy, generator, stream
from sounding.training.feed import encoded
from sounding.training.train_state import TrainState


@dataclass(frozen=True)
class Plain(sd.Recipe):
    batch: int = 32
    lr: float = 3e-3


class Net(Dots):
    """Which of two clouds a point comes from, by whatever net is given."""

    Recipe: ClassVar = Plain

    def __init__(self, make: Callable[[], nn.Module] = lambda: MLP(4, 2), recipe: sd.Recipe | None = None) -> None:
        self.make = make
        super().__init__(recipe)

    def build(self) -> nn.Module:
        return self.make()


class Sequence(nn.Module):
    """A recurrent net over the four numbers of a point, one after the other; gives a tuple inside."""

    def __init__(self, kind: type[nn.RNNBase] = nn.LSTM, width: int = 16) -> None:
        super().__init__()
        self.memory, self.head = kind(1, width, batch_first=True), nn.Linear(width, 2)

    def forward(self, x: Tensor) -> Tensor:
        states, _ = self.memory(x[:, :, None])
        return self.head(states[:, -1])


def net(make: Callable[[], nn.Module], **recipe: object) -> tuple[Net, nn.Module, list[Example]]:
    """A task, its model and rows; the weights are drawn from a seed."""
    task = Net(make, Plain(**recipe))
    rows = task.demo(stream("rows"), 96)
    task.fit(rows)
    torch.manual_seed(entropy("net"))
    return task, task.build(), rows


def pictures(**recipe: object) -> tuple[Classify, nn.Module, list[Example]]:
    """The same for the classifier of pictures, on its demonstration data."""
    task = Classify(Classify.Recipe.make("tiny", recipe))
    rows = task.demo(stream("rows"), 48)
    task.fit(rows)
    torch.manual_seed(entropy("net"))
    return task, task.build(), rows


def train(state: TrainState, rows: list[Example], steps: int, journal: object = None) -> None:
    """Some steps as the loop takes them."""
    batch = state.task.recipe.batch
    for step in range(state.counters.step, state.counters.step + steps):
        order = stream("order", step).permutation(len(rows))[:batch]
        chosen = [rows[i] for i in order]
        state.counters.progress = min(1.0, step / 200)  # with the recipe's warm-up
        batches = encoded(state.task, chosen, generator("augment", step))
        state.step(batches)
        if journal is not None:
            journal.stepped(state, batches[0])


# ---- ill


def vanishing() -> nn.Module:
    """Thirty sigmoids, each at most a quarter steep."""
    return MLP(4, 2, [32] * 30, act="sigmoid")


def dead() -> nn.Module:
    """The second ReLU never fires."""
    made = MLP(4, 2, [32] * 3)
    nn.init.constant_(made.body[2].bias, -10.0)
    return made


def saturated() -> nn.Module:
    """The second tanh is driven to its ends."""
    made = MLP(4, 2, [32] * 3, act="tanh")
    made.body[2].weight.data *= 100
    return made


def growing() -> nn.Module:
    """Each layer passes on four times what it gets, forward and back, and a normalisation hides it at the end."""
    made = MLP(4, 2, [32] * 12)
    for layer in made.body:
        if isinstance(layer, nn.Linear):
            layer.weight.data *= 4
    return made


def broken() -> nn.Module:
    """A weight of the second layer is not a number."""
    made = MLP(4, 2, [32] * 3)
    made.body[2].weight.data[3, 5] = float("nan")
    return made
