"""What learning from documents without answers asks of a kind of input."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any


class Divisible(ABC):
    """An input that can be divided into contiguous stretches: a text, a series."""

    @abstractmethod
    def divide(self, value: Any, shares: Sequence[float]) -> list[Any]:
        """Stretches of a value in their order, one for each of `shares`, which sum to 1.

        Put together they are the value. Shares are met as well as may be without tearing what belongs together: a line.
        """
