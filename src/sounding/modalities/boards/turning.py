"""What turning a board does to a batch, which moves and the owners of points follow.

Legend of shapes: B batch.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sounding.contract.change import Change


@dataclass(frozen=True, eq=False)
class Turned(Change):
    """Each position of a batch under a symmetry of its game: `symmetry` [B]."""

    symmetry: np.ndarray
