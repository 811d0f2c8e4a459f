"""What a run keeps of its rows: digests and sides, by which the same rows are found wherever their files lie later.

A row is told by the digest of its content and of its answer, never by its name. So data that moved, were renamed or
grew still give exactly the rows that were trained on, chosen by and tested on, in the order of that training.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from sounding.files import read_tensors, write_tensors

FILE = "rows.safetensors"
"""The file of a run folder that holds it."""


@dataclass(frozen=True)
class RowRecord:
    """The n rows of a training in their order: digests of contents and answers [n, 16] uint8, and sides [n] as indices
    into NAMES.
    """

    contents: np.ndarray
    answers: np.ndarray
    sides: np.ndarray

    def __len__(self) -> int:
        return len(self.sides)

    def found(self, contents: np.ndarray, answers: np.ndarray) -> np.ndarray:
        """For each row of the record, the number of a row that equals it, each taken once; -1 where there is none."""
        places: dict[bytes, deque[int]] = defaultdict(deque)
        for i, key in enumerate(_keys(contents, answers)):
            places[key].append(i)
        keys = _keys(self.contents, self.answers)
        return np.array([places[key].popleft() if places.get(key) else -1 for key in keys], np.int64)

    def known(self, contents: np.ndarray) -> np.ndarray:
        """The side of each content [m], -1 for one that the training did not have; of two the one nearer training."""
        side: dict[bytes, int] = {}
        for content, of in zip(self.contents, self.sides.tolist(), strict=True):
            key = content.tobytes()
            side[key] = min(of, side.get(key, of))
        return np.array([side.get(content.tobytes(), -1) for content in contents], np.int8)

    def save(self, folder: Path) -> None:
        """Write it into a run folder."""
        arrays = {"contents": self.contents, "answers": self.answers, "sides": self.sides.astype(np.int8)}
        write_tensors(folder / FILE, {name: torch.from_numpy(array) for name, array in arrays.items()})

    @classmethod
    def load(cls, folder: Path) -> RowRecord | None:
        """That of a run folder, or None where there is none. Raises RunError for a damaged one."""
        if not (folder / FILE).exists():
            return None
        tensors, _ = read_tensors(folder / FILE)
        return cls(*(tensors[name].numpy() for name in ("contents", "answers", "sides")))


def _keys(contents: np.ndarray, answers: np.ndarray) -> Sequence[bytes]:
    return [content.tobytes() + answer.tobytes() for content, answer in zip(contents, answers, strict=True)]
