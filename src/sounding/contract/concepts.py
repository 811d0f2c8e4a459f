"""What people see in an input, of which may be asked whether the layers of a network tell it as well.

A concept is defined at sites: the points of a board, the tokens of a text. A layer that gives a vector for each site is
asked by a linear probe (Alain and Bengio, arXiv 1610.01644), beside a control task that knows nothing of the concept:
each kind of site has a label drawn once for all (Hewitt and Liang 2019, arXiv 1909.03368).

Legend of shapes: N values, S sites.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

NOT_ASKED = -1
"""The label of a site at which a concept has no meaning."""


@dataclass(frozen=True)
class Concept:
    """Something that is so or so at each site: `labels(values)` [N, S] numbers the `classes`, or is `NOT_ASKED`.

    `kinds(values)` [N, S] numbers what a control task can tell apart at a site: what surrounds it, a word. `given` says
    that it is written in the input, and `trivial` that whoever knows where the site lies knows it.
    """

    id: str
    name: str
    definition: str
    classes: Sequence[str]
    labels: Callable[[Sequence[Any]], np.ndarray]
    kinds: Callable[[Sequence[Any]], np.ndarray]
    given: bool = False
    trivial: bool = False
