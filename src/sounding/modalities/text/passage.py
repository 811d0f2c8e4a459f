"""A text that was cut from others by its tokens."""

from __future__ import annotations

from typing import Any, Self

import numpy as np


class Passage(str):
    """A text that was cut from others by tokens, with the ids of these: reading its letters anew might cut others."""

    __slots__ = ("ids",)
    ids: np.ndarray

    @classmethod
    def of(cls, text: str, ids: np.ndarray) -> Self:
        """The text of `ids`."""
        made = cls(text)
        made.ids = ids
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        return Passage.of, (str(self), self.ids)
