"""The classes of texts, and how unevenly they are spread."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from sounding.modalities.category import Category
from sounding.wording import percent

UNEVEN = 3.0
"""How many times as many rows one class has as another, from which on it is said."""


class Classes(Category):
    """One of several classes, of so many training `rows`. `weights` are those of their losses, 1 on average.

    Where these are `balanced`, a class weighs by one over the root of its share: between all rows weighing the same and
    all classes doing so.
    """

    def __init__(self, balanced: bool = False) -> None:
        self.balanced = balanced
        self.shares: list[float] = []
        self.rows = 0

    def fit(self, values: Iterable[str]) -> None:
        """Learn the list of classes, how many rows there are, and the share of these that each has."""
        counts = Counter(values)
        super().fit(counts)
        self.rows = counts.total()
        self.shares = [counts[name] / self.rows for name in self.classes or ()]

    @property
    def weights(self) -> list[float]:
        """What the loss of a row weighs, by its class."""
        shares = np.array(self.shares)
        weights = np.sqrt(shares) / shares
        return (weights / (weights * shares).sum()).tolist()

    def notes(self) -> list[str]:
        """That the classes are uneven, and what is done about it."""
        if not self.shares or max(self.shares) < UNEVEN * min(self.shares):
            return []
        names = self.classes or []
        least, most = (names[self.shares.index(end(self.shares))] for end in (min, max))
        done = (
            "rows of rare classes weigh more in training (balance=yes)"
            if self.balanced
            else "each row weighs the same in training (balance=yes would let rare classes weigh more)"
        )
        common, rare = percent(max(self.shares), 1), percent(min(self.shares), 1)
        uneven = f"{most!r} has {common} of the training rows and {least!r} {rare}"
        return [f"classes are uneven: {uneven}; {done}, and macro F1 counts all classes alike"]

    def state(self) -> dict[str, Any]:
        """The classes, their rows and shares."""
        return {**super().state(), "rows": self.rows, "shares": self.shares}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take back what `state` gave."""
        super().restore(state)
        self.rows, self.shares = state["rows"], state["shares"]
