"""A model in training: weights, moving average, optimizer and counters, which step, save and come back together."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from sounding.contract.batch import Batch
from sounding.contract.records import Example
from sounding.contract.task import Task, built
from sounding.contract.tree import to_device
from sounding.errors import TrainingError
from sounding.machine.setting import Setting
from sounding.randomness import begin_layers, entropy, stream
from sounding.training.optimization import Average, clip_gradients, optimizer, schedule, set_learning_rate


@dataclass
class Counters:
    """The counters of a training. With the tensors beside them they are all that an exact resume needs."""

    step: int = 0
    examples: int = 0  # that the steps have seen
    epoch: int = 0  # passes over what was collected, or rounds of play
    epoch_began: int = 0  # the step at which the present one began
    progress: float = 0.0  # share of the budget used
    seconds: float = 0.0
    first: float | None = None  # smoothed loss of the first step
    smoothed: float = 0.0  # moving average of the loss
    lowest: float = math.inf  # the least it has been
    damping: float = 1.0  # what the learning rate is multiplied by after rollbacks
    rollbacks: int = 0
    best: float | None = None  # headline metric of the best validation, made so that higher is better
    best_loss: float = math.inf  # and its validation loss, which decides between equals
    stale: int = 0  # validations since then
    history: list[dict[str, Any]] = field(default_factory=list)  # the rows of metrics.csv
    cost: dict[str, Any] | None = None  # Cost.to_json of all sessions before this one
    finished: bool = False


def new_model(task: Task, seed: int, setting: Setting) -> nn.Module:
    """The model that a training of this seed begins with, where the setting computes."""
    torch.manual_seed(entropy("build", seed))
    return setting.place(built(task))


class TrainState:
    """Everything that changes while a model is trained. Randomness is a function of (seed, rollbacks, step) alone."""

    def __init__(self, task: Task, seed: int, setting: Setting, model: nn.Module | None = None) -> None:
        self.task, self.seed, self.setting = task, seed, setting
        self.model = new_model(task, seed, setting) if model is None else model
        self.average = Average(self.model, task.recipe.average)
        self.optimizer = optimizer(self.model, task.recipe)
        self._parameters = list(self.model.parameters())
        self.counters = Counters()
        self.earlier: nn.Module | None = None  # the averaged weights when matches were last played; not resumed
        self.stands: tuple[str, ...] = ()  # what these matches told beside the headline metric
        self.told: tuple[str, ...] = ()  # what the person who waits is told of what was gathered
        self.matches = 0.0  # seconds that were spent on matches which tell how good it is
        self.collector: dict[str, Tensor] = {}  # the averaged weights that gathered the present epoch
        self.losses: Tensor | None = None  # [B] of the latest step
        self.memory: dict[str, Tensor] = {}  # what a feed wants to have back when the training goes on
        self.remember: Callable[[], dict[str, Tensor]] = dict  # and how it is asked for that

    def collected(self, examples: Sequence[Example]) -> Sequence[Example]:
        """What this epoch trains on. A resumed training collects with the weights that the epoch began with."""
        counters, model = self.counters, self.average.model
        if self.task.collects:
            if counters.step == counters.epoch_began:
                self.collector = {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}
            else:
                model = copy.deepcopy(model)
                model.load_state_dict(self.collector)
        return self.task.collect(model, examples, stream("collect", self.seed, counters.rollbacks, counters.epoch))

    def step(self, batches: Sequence[Batch]) -> float:
        """One step on encoded batches; returns the mean loss, which is not finite if the step was not taken."""
        recipe, counters = self.task.recipe, self.counters
        begin_layers("dropout", self.seed, counters.rollbacks, counters.step)
        if not self.model.training:  # to tell each layer takes a small network a tenth of a step
            self.model.train()
        set_learning_rate(self.optimizer, schedule(recipe, counters.progress) * counters.damping)
        size = sum(batch.size for batch in batches)
        loss = sum(self._backward(batch, size) for batch in batches)
        norm = clip_gradients(self._parameters, recipe.clip or math.inf)
        if math.isfinite(loss) and math.isfinite(norm):
            self.optimizer.step(self.setting.autocast)
            self.average.update(counters.step)
        else:
            loss = math.nan
        self.optimizer.zero_grad()
        counters.step += 1
        return loss

    def _backward(self, batch: Batch, size: int) -> float:
        device = self.setting.device
        x, y = self.setting.place(batch.inputs), batch.targets if device == "cpu" else to_device(batch.targets, device)
        with self.setting.autocast():
            losses = self.task.loss(self.model, x, y)
        _require_one_each(losses, batch.size)
        self.losses = losses.detach().float()
        loss = losses.float().sum() / size
        loss.backward()
        return loss.item()

    def tensors(self) -> dict[str, Tensor]:
        """Weights, moving average and optimizer state by name."""
        found = {f"model.{name}": tensor for name, tensor in self.model.state_dict().items()}
        found |= {f"average.{name}": tensor for name, tensor in self.average.model.state_dict().items()}
        for index, entries in self.optimizer.state_dict()["state"].items():
            found |= {f"optimizer.{index}.{name}": t for name, t in entries.items() if isinstance(t, Tensor)}
        found |= {f"collector.{name}": tensor for name, tensor in self.collector.items()}
        return found | {f"memory.{name}": tensor for name, tensor in self.remember().items()}

    def note(self) -> dict[str, Any]:
        """The counters, as JSON can hold them."""
        return asdict(self.counters)

    def restore(self, tensors: Mapping[str, Tensor], note: Mapping[str, Any]) -> None:
        """Take back what `tensors` and `note` gave, in the memory layout of this model."""
        self.model.load_state_dict(_within(tensors, "model."))
        self.average.model.load_state_dict(_within(tensors, "average."))
        self.collector = _within(tensors, "collector.")
        self.memory = _within(tensors, "memory.")
        parameters = [p for group in self.optimizer.param_groups for p in group["params"]]
        entries: dict[int, dict[str, Tensor]] = {}
        for name, tensor in _within(tensors, "optimizer.").items():
            index, key = name.split(".", 1)
            like = parameters[int(index)]
            # The layout of the parameter (channels last) must come back too: sums run in the order of memory.
            kept = torch.empty_like(like).copy_(tensor) if tensor.shape == like.shape else tensor.clone()
            entries.setdefault(int(index), {})[key] = kept
        self.optimizer.load_state_dict({**self.optimizer.state_dict(), "state": entries})
        self.counters = Counters(**copy.deepcopy(dict(note)))  # the history grows; the note it came from must not


def _require_one_each(losses: Any, size: int) -> None:
    """Raise TrainingError unless a loss is one number per example."""
    if isinstance(losses, Tensor) and losses.shape == (size,):
        return
    given = f"[{', '.join(map(str, losses.shape))}]" if isinstance(losses, Tensor) else f"a {type(losses).__name__}"
    what = f"loss gave {given}, and one number per example is wanted: [B] = [{size}]"
    fix = 'Reduce all axes but the first: reduction="none", then .mean(dim) over what is left'
    raise TrainingError(what, fix=fix)


def _within(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
