"""What was gathered by playing, as rows and as the feed of a training that plays.

A resumed training reads the shards and plays on: no game is played twice, and none is lost but those of the round in
the air. Games are dealt to training, validation and test by their number alone.

Legend of shapes: N positions.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch

from sounding.contract.answers import Unchanged, transformed
from sounding.contract.batch import Batch
from sounding.contract.player import Player
from sounding.contract.records import Example
from sounding.contract.tree import leaves, stretch, take
from sounding.data import Dataset, Report
from sounding.errors import RunError
from sounding.randomness import entropy, generator, stream
from sounding.training.ahead import made_ahead
from sounding.training.rounds import Rounds
from sounding.training.shards import Shards
from sounding.training.train_state import TrainState
from sounding.wording import counted

PLAY = "play"
"""What stands for the source of data that were played."""
SPLITS = ("train", "validation", "test")
AT_ONCE = 1 << 26
"""Bytes of the inputs of a round, as often as they are learnt from, up to which they are encoded together."""
KEPT = 16
"""Rounds that are kept where only the latest is learnt from: their held-out positions are what a card looks at."""


class Positions(Sequence[Example]):
    """The positions of one split of the games of some rounds, the latest `most` of them.

    Raises nothing for damaged shards: they were named when they were read.
    """

    def __init__(self, shards: Shards, rounds: Sequence[int], split: str, held_out: float, most: int | None = None):
        parts, left = [], most
        for number in reversed(rounds):
            experience = shards.get(number)
            if experience is None or (left is not None and left <= 0):
                continue
            rows = np.flatnonzero(_splits(number, experience.games, held_out) == SPLITS.index(split))
            rows = rows if left is None else rows[max(0, len(rows) - left) :]
            left = None if left is None else left - len(rows)
            parts.append((number, experience, rows))
        self.parts = [part for part in parts[::-1] if len(part[2])]
        self._starts = np.cumsum([0, *(len(rows) for _, _, rows in self.parts)])

    def __len__(self) -> int:
        return int(self._starts[-1])

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        if not isinstance(index, int | np.integer):
            return [self[int(i)] for i in index]
        place = int(index) + (len(self) if index < 0 else 0)
        if not 0 <= place < len(self):
            raise IndexError(f"position {index} of {len(self)}")
        part = int(np.searchsorted(self._starts, place, side="right")) - 1
        number, experience, rows = self.parts[part]
        row = rows[place - self._starts[part]]
        return Example(experience.inputs[row], experience.targets[row], f"game {number}.{experience.games[row]}")

    def taken(self, indices: np.ndarray) -> tuple[Any, Any]:
        """Inputs and targets [B, …] of some positions, as arrays."""
        if len(self.parts) == 1:
            _, experience, rows = self.parts[0]
            return experience.inputs[rows[indices]], experience.targets[rows[indices]]
        first = self.parts[0][1]
        inputs = np.empty((len(indices), *first.inputs.shape[1:]), first.inputs.dtype)
        targets = np.empty((len(indices), *first.targets.shape[1:]), first.targets.dtype)
        parts = np.searchsorted(self._starts, indices, side="right") - 1
        for part in np.unique(parts):
            within = parts == part
            _, experience, rows = self.parts[part]
            which = rows[indices[within] - self._starts[part]]
            inputs[within], targets[within] = experience.inputs[which], experience.targets[which]
        return inputs, targets


class Taken(Sequence[Example]):
    """Some positions as examples, each of which is made when it is asked for."""

    def __init__(self, positions: Positions, indices: np.ndarray) -> None:
        self._positions, self._indices = positions, indices

    def __len__(self) -> int:
        return len(self._indices)

    def __getitem__(self, index: Any) -> Any:
        return self._positions[self._indices[index]]


class PlayFeed:
    """Plays a round every so many steps, and feeds positions drawn from the latest.

    With threads to spare, `recipe.players` processes play the rounds to come while this one learns: a round is then
    played by the weights that there were as many rounds ago. Raises RunError for a round without a position to train
    on.
    """

    steps_per_epoch = 1

    def __init__(self, task: Player, shards: Shards, seed: int) -> None:
        self.task, self.shards, self.seed = task, shards, seed
        self._drawn: tuple[tuple[int, ...], np.ndarray] | None = None

    def steps(self, state: TrainState) -> Iterator[list[Batch]]:
        """Batches from the training's step on; what they are drawn from grows with every round."""
        counters, every = state.counters, self.task.recipe.round_steps
        with Rounds(self.task, self.shards, self.seed, state) as rounds:
            while True:
                number = counters.step // every
                rounds.play(number)
                if (experience := self.shards.get(number)) is not None:
                    state.told = tuple(self.task.told(experience, counters.seconds))
                positions = self._positions(number)
                counters.epoch, counters.epoch_began = number, number * every
                yield from self._round(positions, range(counters.step, (number + 1) * every), counters.rollbacks)

    def _round(self, positions: Positions, steps: range, rollbacks: int) -> Iterator[list[Batch]]:
        whole = self._whole(positions, steps, rollbacks)

        def encode(step: int) -> list[Batch]:
            rng = generator("augment", self.seed, rollbacks, step)
            rows, count = self._rows(len(positions), step, rollbacks), self.task.recipe.accumulate
            parts = np.array_split(rows, min(len(rows), count)) if count > 1 else [rows]
            begin, batches = step % self.task.recipe.round_steps * self.task.recipe.batch, []
            for part in parts:
                encoded = None if whole is None else stretch(whole, begin, len(part))
                batches.append(self._batch(positions, part, rng, encoded))
                begin += len(part)
            return batches

        yield from made_ahead(encode, steps)

    def _whole(self, positions: Positions, steps: range, rollbacks: int) -> tuple[Any, Any] | None:
        """Inputs and targets of a round in the order of its steps, encoded together: of small ones each batch is cut.

        To encode one takes a small network a tenth of its step. None where rows are drawn from many rounds, and where
        they are large.
        """
        recipe = self.task.recipe
        if not recipe.passes:
            return None
        order = self._order(len(positions), rollbacks, steps.start // recipe.round_steps)
        inputs, targets = positions.taken(np.arange(len(positions)))
        each = sum(leaf.nbytes for leaf in leaves(self.task.encode_inputs(inputs[:1])))
        if each * len(order) > AT_ONCE:
            return None
        encoded = self.task.encode_inputs(inputs), self.task.encode_targets(targets)
        found: tuple[Any, Any] = take(encoded, torch.from_numpy(order))
        return found

    def _batch(
        self, positions: Positions, rows: np.ndarray, rng: torch.Generator, encoded: tuple[Any, Any] | None
    ) -> Batch:
        """Some rows, augmented; whole arrays are read of those that are not `encoded` yet: to read a row takes long."""
        if encoded is None:
            inputs, targets = positions.taken(rows)
            x, y = self.task.encode_inputs(inputs), None
        else:
            targets, (x, y) = None, encoded
        x, change = self.task.augment(x, rng)
        if not isinstance(change, Unchanged):
            targets = positions.taken(rows)[1] if targets is None else targets
            y, targets = None, transformed(self.task.target, list(targets), change)
        if targets is not None:
            y = self.task.encode_targets(targets)
        return Batch(x, y, len(rows), Taken(positions, rows))

    def _rows(self, n: int, step: int, rollbacks: int) -> np.ndarray:
        """The rows [B] of a step among `n`: drawn, or the next ones of passes over all of them, each in its order."""
        recipe = self.task.recipe
        if not recipe.passes:
            return stream("order", self.seed, rollbacks, step).integers(0, n, recipe.batch)
        number, place = divmod(step, recipe.round_steps)
        order = self._order(n, rollbacks, number)
        return order[place * recipe.batch : (place + 1) * recipe.batch]

    def _order(self, n: int, *words: int) -> np.ndarray:
        """The orders of all passes of a round, one after the other: drawn once, which a small network would feel."""
        if self._drawn is None or self._drawn[0] != (n, *words):
            rng, wanted = stream("order", self.seed, *words), self.task.recipe.round_steps * self.task.recipe.batch
            passes = [rng.permutation(n) for _ in range(math.ceil(wanted / n))]
            self._drawn = (n, *words), np.concatenate(passes)
        return self._drawn[1]

    def _positions(self, number: int) -> Positions:
        """The latest positions up to a round, or those of the round alone."""
        recipe = self.task.recipe
        if recipe.passes:
            found = Positions(self.shards, range(number, number + 1), "train", recipe.held_out)
            self.shards.drop(number + 1 - KEPT)
        else:
            found = Positions(self.shards, range(number + 1), "train", recipe.held_out, recipe.window)
        if not len(found):
            fix = "Let `play` give positions, from several games a round"
            raise RunError(f"round {number} of play gave nothing to train on", fix=fix)
        self.shards.forget(found.parts[0][0])
        return found


def played(task: Player, shards: Shards) -> Dataset:
    """All that was played so far, as the data of a training: games dealt to training, validation and test."""
    splits = held_out(shards, task.recipe.held_out)
    counts = {name: len(positions) for name, positions in zip(SPLITS, splits, strict=True)}
    notes = (f"{counted(len(shards), 'round')} of play; validation and test are games that nothing was learnt from",)
    report = Report(PLAY, sum(counts.values()), counts, split_origin="hash of game", digest=PLAY, notes=notes)
    return Dataset(*splits, report, splits[2])


def held_out(shards: Shards, share: float) -> tuple[Positions, Positions, Positions]:
    """All positions of the games of each split: train, validation, test."""
    train, validation, test = (Positions(shards, range(len(shards)), split, share) for split in SPLITS)
    return train, validation, test


def _splits(number: int, games: np.ndarray, share: float) -> np.ndarray:
    """[N]: the split of each position, drawn by the number of its round and game alone."""
    names, places = np.unique(games, return_inverse=True)
    drawn = np.array([entropy("split", number, int(game)) / 2**63 for game in names])
    side = np.select([drawn < share, drawn < 2 * share], [SPLITS.index("test"), SPLITS.index("validation")], 0)
    return side[places]
