"""Rounds of play on disk, one file each.

experience/000000.npz   the arrays of one `Experience`, replaced in one step
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from sounding.contract.player import Experience
from sounding.files import write

FOLDER = "experience"
_STATE = "state."
"""How the names of the arrays begin from which the next round goes on."""


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
            state: dict[str, Any] = {f"{_STATE}{name}": array for name, array in experience.state.items()}
            np.savez(data, inputs=experience.inputs, targets=experience.targets, games=experience.games, **state)
            write(self._file(number), data.getvalue())
        self._kept[number] = experience

    def forget(self, before: int) -> None:
        """Let go of the memory of rounds before a number; on disk they stay."""
        if self.folder:
            for number in [n for n in self._kept if n < before]:
                del self._kept[number]

    def drop(self, before: int) -> None:
        """Remove rounds before a number, which nobody will learn from again."""
        for number in [n for n in self._kept if n < before]:
            del self._kept[number]
        while self.folder and before > 0 and self._file(before - 1).exists():
            before -= 1
            self._file(before).unlink()

    def _file(self, number: int) -> Path:
        assert self.folder is not None
        return self.folder / f"{number:06d}.npz"

    def _read(self, number: int) -> Experience | None:
        file = self._file(number)
        try:
            with np.load(file, allow_pickle=False) as arrays:
                state = {name.removeprefix(_STATE): arrays[name] for name in arrays.files if name.startswith(_STATE)}
                return Experience(arrays["inputs"], arrays["targets"], arrays["games"], state)
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            self._say(f"{file}: the shard is damaged or cut off ({error}); its games are left out, the others are used")
            return None
