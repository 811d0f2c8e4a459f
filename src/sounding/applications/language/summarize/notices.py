"""Small documents for demonstrations: notices of a library, of which the summary says what, who and how much.

The names of towns are made up, so that most of them are new to a model that has learnt others: it has to copy them.
"""

from __future__ import annotations

import numpy as np

_FIRST = ("Bren", "Mor", "Tal", "Kes", "Lun", "Far", "Wyn", "Dor", "Hel", "Ost", "Pel", "Rav")
_LAST = ("wick", "by", "ton", "mere", "field", "gate", "holm", "ford", "stead", "dale")
_THINGS = ("maps", "novels", "letters", "prints", "coins", "records")
_SOURCES = ("school", "museum", "church", "college", "theatre")
_BEFORE = (
    "The library opens at nine.",
    "It rained on the day.",
    "Many people came.",
    "There was tea and cake.",
)
_AFTER = (
    "The mayor gave a speech.",
    "Lending begins next week.",
    "Everybody may read them.",
    "The shelves are full.",
    "Some stayed late.",
)


def notice(rng: np.random.Generator) -> tuple[str, str]:
    """A document of four sentences, and its summary."""
    town = f"{rng.choice(_FIRST)}{rng.choice(_LAST)}"
    thing, source = str(rng.choice(_THINGS)), str(rng.choice(_SOURCES))
    count = int(rng.integers(12, 990))
    before = str(rng.choice(_BEFORE))
    after = [str(each) for each in rng.choice(_AFTER, 2, replace=False)]
    told = f"The library of {town} got {count} old {thing} from a {source}."
    return " ".join((before, told, *after)), f"Library of {town} gets {count} {thing}."
