"""Networks whose weights had another form in older runs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping

from torch import Tensor


class OlderWeights(ABC):
    """A network that takes weights of older runs: from `load_state_dict`, and as the start of a training."""

    @abstractmethod
    def renewed(self, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The weights by the names and in the shapes of today; those that have these are as they were."""
