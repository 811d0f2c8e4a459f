"""Whether folders of pictures are folders of people, told by what is in them: a guess, for who names no application.

A list of pairs says so. Else many folders with few pictures each speak for people, and so do pictures that are alike
from folder to folder: faces are cut out in one way, and things of many classes are not.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from statistics import median

import numpy as np

from sounding.contract.modality import Row
from sounding.errors import DataError
from sounding.modalities.pictures.image import Image
from sounding.wording import counted

MANY, FEW = 20, 20  # people, and pictures of one of them
ALIKE = 0.2  # mean correlation of the brightness of pictures of different folders, in 8 × 8 cells
LOOKED_AT = 24  # pictures
NAMED = re.compile(r"^[A-Z]\w+([_ ][A-Z]\.?\w*)+$|^(s|p|n|m|id|person|subject|people)[-_ ]?\d+$", re.ASCII)
"""How folders of people are called: Ann_Lee, s17, person_3."""


def of(rows: Sequence[Row], image: Image) -> tuple[float, str]:
    """How likely the rows show people, and why."""
    people: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        if isinstance(row.target, tuple):
            return 0.95, "a list of pairs of pictures"
        people[str(row.target)].append(row)
    each = median(map(len, people.values())) if people else 0
    said = f"{counted(len(people), 'person')} of {each:g} pictures each (median)"
    if len(people) < MANY or each > FEW:
        return 0.3 if len(people) > 1 else 0.05, said
    named = sum(NAMED.match(name) is not None for name in people) > len(people) / 2
    alike = _alike([of_one[0] for of_one in people.values()], image) >= ALIKE
    if alike:
        said = f"{said}, alike in how they are cut out"
    return 0.45 + 0.2 * named + 0.2 * alike, said


def _alike(rows: Sequence[Row], image: Image) -> float:
    """The mean correlation between pictures of different folders."""
    prints = []
    for place in np.unique(np.linspace(0, len(rows) - 1, LOOKED_AT).astype(int)).tolist():
        try:
            found = image.fingerprint(image.read(rows[place].input, rows[place].root)).astype(np.float64)
        except (DataError, OSError):
            continue
        if found.std() > 0:
            prints.append((found - found.mean()) / found.std())
    if len(prints) < 2:
        return 0.0
    correlations = np.array(prints) @ np.array(prints).T / len(prints[0])
    return float(correlations[np.triu_indices(len(prints), 1)].mean())
