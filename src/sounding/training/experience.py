"""What was gathered by playing, in shards on disk, and the feed of a training that plays.

    experience/000000.npz   one round of play each: the arrays of `Experience`, replaced in one step

A resumed training reads the shards and plays on: no game is played twice, and none is lost but those of the round in
the air. Games are dealt to training, validation and test by their number alone.

Legend of shapes: N positions.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sounding.contract.batch import Batch
from sounding.contract.player import Experience, Player
from sounding.contract.records import Example
from sounding.data import Dataset, Report
from sounding.errors import RunError
from sounding.files import write
from sounding.machine.setting import inference
from sounding.randomness import entropy, generator, stream
from sounding.training.ahead import made_ahead
from sounding.training.feed import encoded
from sounding.training.train_state import TrainState

FOLDER = "experience"
PLAY = "play"
"""What stands for the source of data that were played."""
SPLITS = ("train", "validation", "test")


class Shards:
    """The rounds of play in a folder, or in memory where there is none.

    A shard that is damaged is left out and named to `say`; the whole ones are used.
    """

    def __init__(self, folder: Path | None = None, say: Callable[[str], None] | None = None) -> None:
        self.folder = folder
        self._say = say or (lambda message: None)
        self._kept: dict[int, Experience | None] = {}

    def __len__(self) -> int:
        """Rounds that were played: one more than the last that is there."""
        on_disk = [int(file.stem) for file in self.folder.glob("*.npz")] if self.folder else []
        return 1 + max([*on_disk, *self._kept], default=-1)

    def get(self, number: int) -> Experience | None:
        """The experience of a round; None where it was not played, or its shard is damaged."""
        if number not in self._kept and self.folder and self._file(number).exists():
            self._kept[number] = self._read(number)
        return self._kept.get(number)

    def put(self, number: int, experience: Experience) -> None:
        """Keep a round. Raises RunError where it cannot be written."""
        if self.folder:
            data = io.BytesIO()
            np.savez(data, inputs=experience.inputs, targets=experience.targets, games=experience.games)
            write(self._file(number), data.getvalue())
        self._kept[number] = experience

    def forget(self, before: int) -> None:
        """Let go of the memory of rounds before a number; on disk they stay."""
        if self.folder:
            for number in [n for n in self._kept if n < before]:
                del self._kept[number]

    def _file(self, number: int) -> Path:
        assert self.folder is not None
        return self.folder / f"{number:06d}.npz"

    def _read(self, number: int) -> Experience | None:
        file = self._file(number)
        try:
            with np.load(file, allow_pickle=False) as arrays:
                return Experience(arrays["inputs"], arrays["targets"], arrays["games"])
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            self._say(f"{file}: the shard is damaged or cut off ({error}); its games are left out, the others are used")
            return None


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


class PlayFeed:
    """Plays a round every so many steps, and feeds positions drawn from the latest.

    Raises RunError for a round without a position to train on.
    """

    steps_per_epoch = 1

    def __init__(self, task: Player, shards: Shards, seed: int) -> None:
        self.task, self.shards, self.seed = task, shards, seed

    def steps(self, state: TrainState) -> Iterator[list[Batch]]:
        """Batches from the training's step on; what they are drawn from grows with every round."""
        counters, every = state.counters, self.task.recipe.round_steps
        while True:
            number = counters.step // every
            positions = self._positions(state, number)
            counters.epoch, counters.epoch_began = number, number * every
            yield from self._round(positions, range(counters.step, (number + 1) * every), counters.rollbacks)

    def _round(self, positions: Positions, steps: range, rollbacks: int) -> Iterator[list[Batch]]:
        def encode(step: int) -> list[Batch]:
            rows = stream("order", self.seed, rollbacks, step).integers(0, len(positions), self.task.recipe.batch)
            return encoded(self.task, positions[rows], generator("augment", self.seed, rollbacks, step))

        yield from made_ahead(encode, steps)

    def _positions(self, state: TrainState, number: int) -> Positions:
        """The latest positions up to a round, which is played where it is not there yet."""
        recipe = self.task.recipe
        beginning = state.counters.step == number * recipe.round_steps
        if beginning and self.shards.get(number) is None:
            with inference():
                self.shards.put(number, self.task.play(state.average.model, stream("play", self.seed, number)))
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
    notes = (f"{len(shards):,} rounds of play; validation and test are games that nothing was learnt from",)
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
