"""The feed of a training that learns from a memory: it plays a little, learns a little, and plays on.

Each round plays `length` steps of each copy by the weights of that moment, then as many steps of learning follow as
`ratio` says. All that a resume needs goes into the checkpoint, but for what was seen, which is written once.

What a card looks at are steps that nothing is learnt from: every so often, a rollout by the side.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from sounding.applications.games.arcade.course import Course, Log
from sounding.applications.games.arcade.rainbow import EncodedSteps
from sounding.applications.games.arcade.replay import Drawn, Replay
from sounding.applications.games.arcade.transitions import STEP
from sounding.architectures.actor_critic import NATURE, Actor
from sounding.contract.batch import Batch
from sounding.contract.records import Example
from sounding.environments import Environments
from sounding.machine.setting import inference
from sounding.modalities.frames.frames import SHIFT, Frames
from sounding.modalities.frames.shifting import shifted
from sounding.randomness import generator, stream
from sounding.training.experience import KEPT
from sounding.training.shards import Shards
from sounding.training.train_state import TrainState

if TYPE_CHECKING:
    from sounding.applications.games.arcade.task import Arcade

SHOWN = 2000
"""Steps of learning from one rollout by the side to the next."""


class ReplayFeed:
    """Plays and remembers, and feeds what it draws from its memory."""

    steps_per_epoch = 1

    def __init__(self, task: Arcade, shards: Shards, seed: int) -> None:
        r = task.recipe
        self.task, self.shards, self.seed, self.recipe = task, shards, seed, r
        self.replay = Replay(task.spec.observation, r.copies, r.replay, r.horizon, r.gamma, r.priority, shards.folder)
        self._live: Environments | None = None
        self._seen: Any = np.zeros(0)  # by each copy, now
        self._age = np.zeros(r.copies, np.int32)
        self._log = Log(r.copies)
        self._leaves = np.zeros(0, np.int64)  # what was drawn last, and is not told of its losses
        self._weight = np.zeros(0, np.float32)

    def steps(self, state: TrainState) -> Iterator[list[Batch]]:
        """Batches from the training's step on."""
        counters, every = state.counters, self.recipe.round_steps
        self._go_on(state)
        state.remember = lambda: self._memory(state)
        try:
            while True:
                self._tell(state)
                number, place = divmod(counters.step, every)
                counters.epoch = number
                if place == 0:
                    self._play(state, number)
                    state.told = tuple(self._log.told(counters.seconds))
                if counters.step % SHOWN == 0:
                    self._show(state, counters.step // SHOWN)
                drawn = self.replay.draw(
                    self.recipe.batch, stream("order", self.seed, counters.rollbacks, counters.step)
                )
                self._leaves, self._weight = drawn.leaves, drawn.weight
                yield [self._batch(drawn, generator("augment", self.seed, counters.rollbacks, counters.step))]
        finally:
            if counters.finished:
                self.task.course = Course.of(self._log)
                self.replay.transitions.discard()

    # ---- playing

    def _play(self, state: TrainState, number: int) -> None:
        """A round: the first one goes on until there is enough to learn from."""
        rng, model = stream("play", self.seed, number), state.average.model
        if self._live is None:
            self._live = self._made()
            self._seen = self._live.reset(rng.integers(0, 2**31 - 1, self.recipe.copies))
        played, rounds = self.replay.transitions.count * self.recipe.copies, self.recipe.length
        with inference(state.setting):
            while rounds > 0 or played < self.recipe.warm or not self.replay.ready:
                self._step(model, played, rng)
                played, rounds = played + self.recipe.copies, rounds - 1
        if number == 0:
            self._scale(state)

    def _step(self, model: Any, played: int, rng: np.random.Generator) -> None:
        """A step of each copy."""
        assert self._live is not None
        actions = self.task.learner.explore(model(self.task.input.encode(self._seen)), played, rng).numpy()
        step = self._live.step(actions)
        self._log.stepped(step.rewards, step.ended)
        records = np.zeros(self.recipe.copies, STEP)
        most = self.recipe.reward_clip or np.inf
        records["action"], records["reward"] = actions, step.rewards.clip(-most, most)
        records["age"], records["over"] = self._age, step.terminated | step.life_lost
        records["cut"] = step.truncated & ~step.terminated
        self.replay.add(self._seen, records)
        self._age = np.where(step.ended, 0, self._age + 1).astype(np.int32)
        self._seen = step.obs

    @torch.no_grad()
    def _scale(self, state: TrainState) -> None:
        """Set the mean and deviation of numbers that are sensed to those of the first round."""
        if self._seen.ndim != 2:
            return
        count, copies = self.replay.transitions.count, self.recipe.copies
        steps, which = np.divmod(np.arange(count * copies), copies)
        seen = self.replay.transitions.seen(steps, which).astype(np.float64)
        for model in (state.model, state.average.model):
            assert isinstance(model, Actor)
            model.mean.copy_(torch.from_numpy(seen.mean(axis=0)))
            model.deviation.copy_(torch.from_numpy(seen.std(axis=0) + 1e-4))

    def _made(self) -> Environments:
        return Environments(self.recipe.environment, self.recipe.copies, self.recipe.put_around)

    def _show(self, state: TrainState, number: int) -> None:
        """A rollout by the side, of which the latest are what a card looks at."""
        if self.shards.get(number) is not None:
            return
        played = self.replay.transitions.count * self.recipe.copies
        with inference(state.setting):
            shown = self.task.shown(state.average.model, stream("shown", self.seed, number), played)
        self.shards.put(number, replace(shown, state={**shown.state, **self._log.state()}))
        self.shards.drop(number + 1 - KEPT)
        self.shards.forget(number)

    # ---- learning

    def _tell(self, state: TrainState) -> None:
        """Let the memory know what the losses of the latest step were."""
        if len(self._leaves) and state.losses is not None:
            losses = state.losses.double().cpu().numpy() / self._weight
            if np.isfinite(losses).all():
                self.replay.learnt(self._leaves, losses)
        self._leaves = self._leaves[:0]

    def _batch(self, drawn: Drawn, rng: torch.Generator) -> Batch:
        seen, following = self.task.encode_inputs(drawn.seen), self.task.encode_inputs(drawn.following)
        y = EncodedSteps(
            action=torch.from_numpy(drawn.action),
            gained=torch.from_numpy(drawn.gained),
            discount=torch.from_numpy(drawn.discount),
            weight=torch.from_numpy(drawn.weight),
            following=self._varied(following, rng),
            again=self._varied(following, rng),
        )
        targets = self.task.target.taught(drawn.action, drawn.gained)
        rows = tuple(Example(x, target, "replay") for x, target in zip(drawn.seen, targets, strict=True))
        return Batch(self._varied(seen, rng), y, len(drawn.leaves), rows)

    def _varied(self, x: Tensor, rng: torch.Generator) -> Tensor:
        """Screens moved by a few pixels; grids and numbers as they are."""
        whole = isinstance(self.task.input, Frames) and self.recipe.model == NATURE
        return shifted(x, rng, SHIFT) if whole and self.recipe.shifts else x

    # ---- stopping and going on

    def _memory(self, state: TrainState) -> dict[str, Tensor]:
        """What a checkpoint holds: the memory, where the environments stand, and losses that it was not yet told."""
        if self._live is None:
            return {}
        found = {f"replay.{name}": array for name, array in self.replay.state().items()}
        found |= {f"environments.{name}": array for name, array in self._live.state().items()}
        found |= self._log.state()
        found |= {"age": self._age, "leaves": self._leaves, "weight": self._weight}
        tensors = {name: torch.from_numpy(_signed(array).copy()) for name, array in found.items()}
        return tensors | ({} if state.losses is None else {"losses": state.losses})

    def _go_on(self, state: TrainState) -> None:
        """Go on from a checkpoint, or begin."""
        if not state.memory:
            self._live, self._leaves = None, self._leaves[:0]
            self._age, self._log = np.zeros(self.recipe.copies, np.int32), Log(self.recipe.copies)
            self.replay.clear()
            return
        kept = {name: tensor.numpy() for name, tensor in state.memory.items()}
        self.replay.restore({n.removeprefix("replay."): a for n, a in kept.items() if n.startswith("replay.")})
        self._live = self._live or self._made()
        place = {n.removeprefix("environments."): a for n, a in kept.items() if n.startswith("environments.")}
        self._seen = self._live.restore({**place, "seen": place["seen"].view(np.uint64)})
        self._log = Log.restored(kept, self.recipe.copies)
        self._age, self._leaves, self._weight = kept["age"], kept["leaves"], kept["weight"]
        state.losses = state.memory.get("losses")


def _signed(array: np.ndarray) -> np.ndarray:
    """Unsigned numbers of 64 bits as signed ones, which files of weights can hold."""
    return array.view(np.int64) if array.dtype == np.uint64 else array
