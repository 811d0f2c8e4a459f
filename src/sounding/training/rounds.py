"""Which round of play is played when, by which weights, and where: here, or in processes that play ahead.

Here, a round is played when its first step comes, by the weights of that moment. With D processes, round r is begun
when the steps of round r − D begin, by the weights of that moment (the first D by those of the beginning), and has the
time of D rounds of steps to be finished. The weights of the rounds in the air are kept with the state of the training,
so that one which was killed plays them again as they were.
"""

from __future__ import annotations

import copy
from typing import Self

import torch
from torch import nn

from sounding.contract.player import Experience, Player
from sounding.training.players import Players, Request, played
from sounding.training.shards import Shards
from sounding.training.train_state import TrainState


class Rounds:
    """Sees to it that rounds are played. Use as a context: processes end with it."""

    def __init__(self, task: Player, shards: Shards, seed: int, state: TrainState) -> None:
        self.task, self.shards, self.seed, self.state = task, shards, seed, state
        self.ahead = players_of(task, state)
        self._players = Players(self.ahead)
        self._requests: dict[int, Request] = {}
        self._weights: dict[int, nn.Module] = {}
        self._threads = torch.get_num_threads()

    def __enter__(self) -> Self:
        if self.ahead:
            torch.set_num_threads(1)  # the others are of those that play
            self._players.__enter__()
            self._weights = self._kept()
        return self

    def __exit__(self, *error: object) -> None:
        if self.ahead:
            self._players.__exit__(*error)
            torch.set_num_threads(self._threads)

    def play(self, number: int) -> None:
        """Have a round there, and those after it under way. One that was there, and is damaged now, is left out."""
        beginning = self.state.counters.step == number * self.task.recipe.round_steps
        if beginning:
            self._absorb(number - 1)
        if beginning and self.ahead:
            self._keep(number)
        self._begin(range(number if beginning else number + 1, number + self.ahead))
        if beginning and self.shards.get(number) is None:
            request = self._requests.pop(number, None)
            self.shards.put(number, self._played_here(number) if request is None else request.result())
        self._begin(range(number + 1, number + self.ahead + 1))

    def _begin(self, numbers: range) -> None:
        """Ask for the rounds that are not there yet."""
        for number in numbers:
            if number in self._requests or self.shards.get(number) is not None:
                continue
            words = ("play", self.seed, number)
            model = self._weights.get(max(0, number - self.ahead), self.state.average.model)
            self._requests[number] = self._players.begin(self.task, model, self.state.setting, words)

    def _played_here(self, number: int) -> Experience:
        before = self.shards.get(number - 1)
        return played(self.task, self.state.average.model, self.state.setting, ("play", self.seed, number), before)

    def _absorb(self, number: int) -> None:
        """Let the model take in what a round told without a gradient, once it was learnt from."""
        if (experience := self.shards.get(number)) is not None:
            for model in (self.state.model, self.state.average.model):
                self.task.absorb(model, experience)

    # ---- the weights of rounds in the air

    def _keep(self, number: int) -> None:
        """Keep the weights of this moment, and forget those that no round to come is played by."""
        self._weights[number] = copy.deepcopy(self.state.average.model)
        self._weights = {r: model for r, model in self._weights.items() if r > number - self.ahead}
        self.state.collector = {
            f"{r}.{name}": tensor for r, model in self._weights.items() for name, tensor in model.state_dict().items()
        }

    def _kept(self) -> dict[int, nn.Module]:
        """The weights that came back with the state of the training."""
        found: dict[int, nn.Module] = {}
        for name in self.state.collector:
            number = int(name.split(".", 1)[0])
            found.setdefault(number, copy.deepcopy(self.state.average.model))
        for number, model in found.items():
            start = f"{number}."
            weights = {k.removeprefix(start): v for k, v in self.state.collector.items() if k.startswith(start)}
            model.load_state_dict(weights)
        return found


def players_of(task: Player, state: TrainState) -> int:
    """How many processes play: as many as the recipe says, where this one has threads to spare for them."""
    setting = state.setting
    return min(task.recipe.players, setting.threads) if setting.threads > 1 and setting.device == "cpu" else 0
