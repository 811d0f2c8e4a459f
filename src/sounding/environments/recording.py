"""Episodes as files: what was seen, what was done and what it gave, of an agent or of a person.

A file is numpy's .npz without pickles: `observations` [T, …], `actions` [T] or [T, D], `rewards` [T], `about` (JSON).

Legend of shapes: T steps, D numbers of a continuous action.
"""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from sounding.environments.settings import Settings
from sounding.errors import DataError, UsageError
from sounding.files import write

SUFFIX = ".npz"
SCHEMA = 1
FIX = "Record it with: sounding play ENVIRONMENT --record FOLDER"
_BROKEN = (OSError, ValueError, KeyError, TypeError, AttributeError, EOFError, zipfile.BadZipFile, zlib.error)
"""What opening a file raises that is cut short, or is something else."""


@dataclass(frozen=True, eq=False)
class Recording:
    """One episode: in each step what was seen, what was done then, and what that gave.

    `ended` says whether it came to its end, `by` who played: "person", or the name of a run.
    """

    environment: str
    settings: Settings
    seed: int
    by: str
    observations: np.ndarray
    actions: np.ndarray
    rewards: np.ndarray
    ended: bool

    def __len__(self) -> int:
        return len(self.actions)

    @property
    def score(self) -> float:
        """The sum of the rewards."""
        return float(self.rewards.sum(dtype=np.float64))

    def save(self, path: Path) -> None:
        """Write it; whole, or not at all. Raises NotWrittenError."""
        about = {
            "schema": SCHEMA,
            "environment": self.environment,
            "settings": asdict(self.settings),
            "seed": self.seed,
            "by": self.by,
            "ended": self.ended,
        }
        content = io.BytesIO()
        np.savez_compressed(
            content,
            about=np.array(json.dumps(about)),
            observations=self.observations,
            actions=self.actions,
            rewards=self.rewards,
        )
        write(path, content.getvalue())


def read(path: Path) -> Recording:
    """The recording of a file. Raises DataError, which names it, for a file that is none."""
    try:
        with np.load(path, allow_pickle=False) as file:
            about = _about(file)
            observations, actions, rewards = (file[name] for name in ("observations", "actions", "rewards"))
        known = {field.name for field in fields(Settings)}
        settings = Settings(**{name: value for name, value in about["settings"].items() if name in known})
        found = Recording(
            about["environment"], settings, about["seed"], about["by"], observations, actions, rewards, about["ended"]
        )
    except _BROKEN as error:
        raise _none(path, error) from None
    lengths = {len(observations), len(actions), len(rewards)}
    if len(lengths) != 1 or not len(found):
        raise DataError("observations, actions and rewards are of different lengths, or none", where=str(path), fix=FIX)
    return found


def environment_in(path: Path) -> str:
    """The environment of a recording, of which nothing else is read. Raises DataError, as `read` does."""
    try:
        with np.load(path, allow_pickle=False) as file:
            return str(_about(file)["environment"])
    except _BROKEN as error:
        raise _none(path, error) from None


def _about(file: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(str(file["about"]))
    return found


def _none(path: Path, error: Exception) -> DataError:
    return DataError(f"this is no recording, or a part of one: {error}", where=str(path), fix=FIX)


def recordings(folder: Path) -> Iterator[Recording]:
    """The recordings of a folder in the order of their names, all of one environment that is put alike.

    Raises DataError for another one, and for a folder without any.
    """
    first: Recording | None = None
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        found = read(path)
        first = first or found
        if (found.environment, found.settings) != (first.environment, first.settings):
            what = f"this is of {found.environment} with other settings than the first, of {first.environment}"
            raise DataError(what, where=str(path), fix="Keep recordings of each environment in a folder of their own")
        yield found
    if first is None:
        raise DataError("there are no recordings here", where=str(folder), fix="Name a folder of files .npz")


def free_name(folder: Path) -> Path:
    """The first name in a folder that is not taken: episode-1.npz. Raises UsageError for what is no folder."""
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is a file", fix="Name a folder to record in")
    taken = {path.stem for path in folder.glob(f"*{SUFFIX}")}
    number = next(k for k in range(1, len(taken) + 2) if f"episode-{k}" not in taken)
    return folder / f"episode-{number}{SUFFIX}"
