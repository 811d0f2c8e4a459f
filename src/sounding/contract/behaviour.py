"""What should become of an answer when its input is changed in a known way (CheckList: Ribeiro et al. 2020, arXiv
2005.04118).

    invariance     the answer stays what it is                       a full stop is lost, a name of a review is another
    equivariance   what was changed is changed in the answer as well, and nothing else     a number of a translation
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from sounding.contract.records import Example

INVARIANCE, EQUIVARIANCE = "invariance", "equivariance"


@dataclass(frozen=True)
class Changed:
    """An input that was changed, and `fault(answer before, answer after)`: what is wrong with the answer to it.

    That is in a few words ("the new number is missing"), and nothing where the answer is as it should be.
    """

    value: Any
    fault: Callable[[Any, Any], str]


@dataclass(frozen=True)
class Behaviour:
    """A change whose effect is known: `change(row, rng)` gives None for a row in which there is nothing to change.

    `fails` says in words when a row fails: "whose answer …".
    """

    change: Callable[[Example, np.random.Generator], Changed | None]
    kind: str = INVARIANCE
    fails: str = "whose answer changed, though the change leaves the right answer what it is"
