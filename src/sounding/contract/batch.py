"""What one step of training is given: encoded examples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sounding.contract.records import Example


@dataclass(frozen=True)
class Batch:
    """`size` (B) examples, encoded and augmented: `inputs` and `targets` are trees of tensors whose first axis is B.

    `examples` are the rows as they were read, for what looks on while a model learns.
    """

    inputs: Any
    targets: Any
    size: int
    examples: Sequence[Example] = ()
