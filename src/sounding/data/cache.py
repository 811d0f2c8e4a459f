"""Keeping decoded examples until a budget of bytes is used up; the rest is read again when it is asked for."""

from __future__ import annotations

import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

MOST = 2 * 2**30
"""Bytes of decoded examples that are kept, if a quarter of the free memory is not less."""


class Cache:
    """Examples by row number. Nothing is thrown out: in a training every row is as likely to be next as another."""

    def __init__(self, budget: int | None = None) -> None:
        self.budget = min(MOST, free_memory() // 4) if budget is None else budget
        self.bytes = 0
        self._kept: dict[int, Any] = {}
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, i: int) -> Any | None:
        """What was kept for row i, or None."""
        return self._kept.get(i)

    def items(self) -> list[tuple[int, Any]]:
        """Row numbers and what was kept for them."""
        return list(self._kept.items())

    def put(self, i: int, value: Any) -> None:
        """Keep the value of row i if it fits."""
        size = weight(value)
        with self._lock:
            if i not in self._kept and self.bytes + size <= self.budget:
                self._kept[i] = value
                self.bytes += size


def weight(value: Any) -> int:
    """About how many bytes a value takes: arrays by their buffer, containers by what they hold."""
    if isinstance(value, np.ndarray):
        return value.nbytes + 128
    if isinstance(value, list | tuple | set | frozenset):
        return sys.getsizeof(value) + sum(weight(item) for item in value)
    if isinstance(value, Mapping):
        return sys.getsizeof(value) + sum(weight(k) + weight(v) for k, v in value.items())
    inside = getattr(value, "__dict__", None)
    if inside is not None and not isinstance(value, type):
        return 48 + 104 + sum(weight(item) for item in inside.values())
    return sys.getsizeof(value)


def free_memory() -> int:
    """Bytes that this process may still take, as the machine and its control group say; 1 GiB where they do not."""
    found = [bytes for bytes in (_machine_free(), _group_free()) if bytes is not None]
    return max(0, min(found, default=2**30))


def _machine_free() -> int | None:
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration, ValueError):
        return None


def _group_free() -> int | None:
    try:
        limit, used = (Path("/sys/fs/cgroup", name).read_text().strip() for name in ("memory.max", "memory.current"))
        return int(limit) - int(used)
    except (OSError, ValueError):  # no control group, or one without a limit ("max")
        return None
