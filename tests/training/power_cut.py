"""A training whose power is cut at a step: what it wrote until then is what is left."""

from __future__ import annotations

from pathlib import Path

from sounding.training.checkpointer import FolderCheckpointer


class Stopped(Exception):
    pass


class Stopping(FolderCheckpointer):
    """Writes a checkpoint at every step, but the last, after which the power is cut."""

    def __init__(self, folder: Path, last: int) -> None:
        super().__init__(folder)
        self.last = last

    def checkpoint(self, state, *, now=False):
        if state.counters.step == self.last:
            raise Stopped
        super().checkpoint(state, now=True)
