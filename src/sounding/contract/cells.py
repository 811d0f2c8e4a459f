"""What becomes of a value that was read beside another: laid over a picture, or asked about.

`data` reads rows so, and `runs.prediction` what a person names; neither needs the other.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sounding.contract.answers import Placed
from sounding.contract.inputs import Pictorial, Queried
from sounding.contract.modality import Modality


def placed(
    target: Modality, value: Any, input: Modality, cell: Any, root: Path = Path(), *, answer: bool = False
) -> Any:
    """A value of `target`, true or an answer, laid over what the input's `cell` shows, where its kind knows of that."""
    if not isinstance(target, Placed) or not isinstance(input, Pictorial):
        return value
    image_size = input.image_size(cell, root)
    return target.resized(value, image_size) if answer else target.placed(value, image_size)


def queried(input: Modality, value: Any) -> Any:
    """A value of `input` about which a model is to be asked. Raises DataError for one that only training can use."""
    return input.query(value) if isinstance(input, Queried) else value
