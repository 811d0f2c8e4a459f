"""What was played, a step at a time, in files that are mapped into memory: written once, and never again.

    experience/seen-000000.npy    [R, N, …] what was seen at each step: of stacked screens the latest alone
    experience/steps-000000.npy   [R, N] of `STEP`

A step is known by its number since the beginning. A training that was killed goes on from the number that its
checkpoint names, and writes what came later again.

Legend of shapes: R steps of a file, N copies, B steps asked for, H steps of a return, S screens of a stack.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sounding.environments.spec import Observation
from sounding.errors import RunError
from sounding.files import unwritable

ROWS = 4096
"""Steps of a file."""
NAMES = ("seen", "steps")
"""How the names of the two kinds of files begin."""
STEP = np.dtype(
    [("action", np.int64), ("reward", np.float32), ("age", np.int32), ("over", np.bool_), ("cut", np.bool_)]
)
"""action, reward; `age` steps since the episode began; whether it was `over` for what learns, or `cut` off."""


class Returns(NamedTuple):
    """Of B steps: discounted rewards of the next H or fewer, and the step from which on more is expected."""

    gained: NDArray[np.float32]
    discount: NDArray[np.float32]  # of what is expected from there; 0 where it was over
    following: NDArray[np.int64]


class Transitions:
    """The steps of N copies, in the files of a folder or in memory. The latest `kept` at least are there."""

    def __init__(self, observation: Observation, copies: int, kept: int, folder: Path | None = None) -> None:
        self.observation, self.copies, self.kept, self.folder = observation, copies, kept, folder
        self.count = 0
        self._files: dict[int, tuple[Any, Any]] = {}

    # ---- writing

    def add(self, seen: np.ndarray, steps: np.ndarray) -> None:
        """A step of each copy: what was seen [N, …], and records [N] of `STEP`."""
        number, row = divmod(self.count, ROWS)
        if number not in self._files:
            self._files[number] = self._opened(number, new=True)
        latest = seen[:, -self.observation.planes :] if self._stacked else seen
        self._files[number][0][row] = latest
        self._files[number][1][row] = steps
        self.count += 1
        self._let_go()

    def flush(self) -> None:
        """See to it that all is on the disk."""
        if self.folder is not None:
            for arrays in self._files.values():
                for array in arrays:
                    array.flush()

    def go_back(self, count: int) -> None:
        """Only the first `count` steps are there. Raises RunError where a file of them is missing."""
        self.count, self._files = count, {} if self.folder is not None else self._files
        oldest = max(0, count - self.kept - self.observation.stack)
        for number in range(oldest // ROWS, -(-count // ROWS)):
            if number not in self._files:
                self._files[number] = self._opened(number, new=False)

    def discard(self) -> None:
        """Remove the files."""
        self._files.clear()
        if self.folder is not None:
            for path in [path for name in NAMES for path in self.folder.glob(f"{name}-*.npy")]:
                path.unlink(missing_ok=True)

    # ---- reading

    def seen(self, steps: NDArray[np.int64], copies: NDArray[np.int64]) -> np.ndarray:
        """What was seen at some steps: [B, …], with all the screens of a stack, black where an episode began."""
        if not self._stacked:
            return self._read(0, steps, copies)
        stack, planes = self.observation.stack, self.observation.planes
        back = np.arange(stack - 1, -1, -1)
        times = steps[:, None] - back
        found = self._read(0, np.maximum(times, 0).ravel(), copies.repeat(stack))
        found = found.reshape(len(steps), stack, planes, *found.shape[2:])
        found[back > self._read(1, steps, copies)["age"][:, None]] = 0
        return found.reshape(len(steps), stack * planes, *found.shape[3:])

    def steps(self, steps: NDArray[np.int64], copies: NDArray[np.int64]) -> np.ndarray:
        """The records [B] of some steps."""
        return self._read(1, steps, copies)

    def returns(self, steps: NDArray[np.int64], copies: NDArray[np.int64], horizon: int, gamma: float) -> Returns:
        """What some steps led to within `horizon` steps, which have to be there.

        Where an episode was cut off, more is expected from the last step that was seen: one that was cut off itself
        tells nothing, and its discount is 1 from itself on.
        """
        ahead = np.arange(horizon)
        records = self._read(1, (steps[:, None] + ahead).ravel(), copies.repeat(horizon)).reshape(-1, horizon)
        over, cut = records["over"], records["cut"]
        ended = over | cut
        length = np.where(ended.any(axis=1), ended.argmax(axis=1) + 1, horizon)  # steps that belong together
        last = length - 1
        rows = np.arange(len(steps))
        finished, cut_off = over[rows, last], cut[rows, last] & ~over[rows, last]
        counted = np.where(cut_off, length - 1, length)
        factors = gamma**ahead * (ahead < counted[:, None])
        gained = (records["reward"] * factors).sum(axis=1)
        discount = np.where(finished, 0.0, gamma**counted)
        following = np.where(finished, steps, steps + counted)
        return Returns(gained.astype(np.float32), discount.astype(np.float32), following)

    # ---- inside

    @property
    def _stacked(self) -> bool:
        return self.observation.stack > 1

    @property
    def _shape(self) -> tuple[int, ...]:
        shape = self.observation.shape
        return (self.observation.planes, *shape[1:]) if self._stacked else shape

    def _read(self, which: int, steps: NDArray[np.int64], copies: NDArray[np.int64]) -> np.ndarray:
        numbers, rows = np.divmod(steps, ROWS)
        present = np.unique(numbers)
        array = self._files[int(present[0])][which]
        found = np.empty((len(steps), *array.shape[2:]), array.dtype)
        for number in present.tolist():
            within = numbers == number
            found[within] = self._files[number][which][rows[within], copies[within]]
        return found

    def _opened(self, number: int, new: bool) -> tuple[Any, Any]:
        seen = (ROWS, self.copies, *self._shape), np.dtype(self.observation.dtype)
        steps = (ROWS, self.copies), STEP
        if self.folder is None:
            return np.zeros(*seen), np.zeros(*steps)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            return tuple(
                _mapped(path, shape, kind, new)
                for path, (shape, kind) in zip(self._paths(number), (seen, steps), strict=True)
            )  # type: ignore[return-value]
        except OSError as error:
            if new:
                raise unwritable(self.folder, error) from error
            raise self._damaged(number) from error
        except ValueError as error:
            raise self._damaged(number) from error

    def _damaged(self, number: int) -> RunError:
        where = str(self._paths(number)[0])
        return RunError("what was played is damaged or missing", where=where, fix="Train anew: what it held is lost")

    def _paths(self, number: int) -> list[Path]:
        return [(self.folder or Path()) / f"{name}-{number:06d}.npy" for name in NAMES]

    def _let_go(self) -> None:
        """Remove files of steps that nobody looks at, also if the training goes on from where it was a while ago."""
        for number in [n for n in self._files if (n + 1) * ROWS <= self.count - 2 * self.kept]:
            del self._files[number]
            for path in self._paths(number) if self.folder is not None else ():
                with contextlib.suppress(OSError):
                    path.unlink()


def _mapped(path: Path, shape: tuple[int, ...], kind: np.dtype[Any], new: bool) -> np.ndarray:
    """An array in a file. Raises ValueError where the file holds another."""
    if new:
        return np.lib.format.open_memmap(path, "w+", kind, shape)
    found = np.lib.format.open_memmap(path, "r+")
    if found.shape != shape or found.dtype != kind:
        raise ValueError(f"{path} holds an array of shape {found.shape}")
    return found
