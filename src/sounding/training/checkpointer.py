"""What a training must not lose, kept in memory (Checkpointer) or in a run folder (FolderCheckpointer).

    snapshot     the state at the last validation of a healthy model: where a training that diverged goes back to
    best         the weights that did best on the validation rows
    checkpoint   the state now: where a training that was killed goes on from

Snapshots and bests are taken at steps that the budget fixes, checkpoints whenever the clock says so. That is why a
resumed training does exactly what an uninterrupted one does, even if it diverges later.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from sounding.files import csv_text, read_tensors, write, write_json, write_tensors
from sounding.training.train_state import TrainState

EVERY = 15.0
"""Seconds between checkpoints."""


class Checkpointer:
    """Keeps the snapshot and the best weights in memory; checkpoints and resumes nothing."""

    way_on = ""
    """What to do to go on after an interruption."""

    def __init__(self) -> None:
        self._snapshot: tuple[dict[str, Tensor], dict[str, Any]] = ({}, {})
        self._best: dict[str, Tensor] = {}

    def resume(self, state: TrainState) -> None:
        """Bring a new state to where a killed training was, or take a first snapshot of it."""
        self.snapshot(state)

    def snapshot(self, state: TrainState) -> None:
        """Remember the state at a validation."""
        self._snapshot = (_cloned(state.tensors()), state.note())

    def log(self, rows: list[dict[str, Any]]) -> None:
        """Write down the rows of metrics.csv so far."""

    def roll_back(self, state: TrainState) -> None:
        """Bring the state back to the last snapshot."""
        state.restore(*self._snapshot)

    def keep_best(self, state: TrainState) -> None:
        """Remember the averaged weights as the best so far."""
        self._best = _cloned(state.average.model.state_dict())

    def best(self) -> dict[str, Tensor]:
        """The best weights."""
        return self._best

    def due(self, now: bool = False) -> bool:
        """Whether `checkpoint` will save the state."""
        return False

    def checkpoint(self, state: TrainState, *, now: bool = False) -> None:
        """Save the state if it is time to, or `now`."""


class FolderCheckpointer(Checkpointer):
    """Keeps everything in the folder of a run, or in one inside it: `best/`, `last/`, metrics.csv and the state."""

    def __init__(self, folder: Path, run: Path | None = None) -> None:
        super().__init__()
        self.folder = folder
        self.way_on = f"Go on with: sounding train --resume {run or folder}"
        self._saved = time.monotonic()

    def resume(self, state: TrainState) -> None:
        """Go on from `last/checkpoint.safetensors` if it is there."""
        if (self.folder / "last" / "checkpoint.safetensors").exists():
            self._snapshot = read_tensors(self.folder / "last" / "snapshot.safetensors")
            if (self.folder / "best" / "model.safetensors").exists():
                self._best = read_tensors(self.folder / "best" / "model.safetensors")[0]
            state.restore(*read_tensors(self.folder / "last" / "checkpoint.safetensors"))
            self.log(state.counters.history)
        else:
            self.snapshot(state)
            self.checkpoint(state, now=True)

    def snapshot(self, state: TrainState) -> None:
        """Remember the state at a validation, also for a training that is resumed."""
        super().snapshot(state)
        write_tensors(self.folder / "last" / "snapshot.safetensors", *self._snapshot)

    def log(self, rows: list[dict[str, Any]]) -> None:
        """Write metrics.csv."""
        write(self.folder / "metrics.csv", csv_text(rows, list(rows[0]) if rows else ["step"]))

    def keep_best(self, state: TrainState) -> None:
        """Write the averaged weights to `best/`."""
        super().keep_best(state)
        note = {"step": state.counters.step, "metric": state.counters.best}
        write_tensors(self.folder / "best" / "model.safetensors", self._best, note)

    def due(self, now: bool = False) -> bool:
        """Every few seconds, and `now`."""
        return now or time.monotonic() - self._saved >= EVERY

    def checkpoint(self, state: TrainState, *, now: bool = False) -> None:
        """Write the whole state to `last/`, where it is due."""
        if not self.due(now):
            return
        write_tensors(self.folder / "last" / "checkpoint.safetensors", state.tensors(), state.note())
        if now:  # the usable model beside it costs another write: only where a person may look at it next
            write_tensors(self.folder / "last" / "model.safetensors", state.average.model.state_dict())
        write_json(self.folder / "trainer_state.json", state.note())
        self._saved = time.monotonic()


def _cloned(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor.detach().clone() for name, tensor in tensors.items()}
