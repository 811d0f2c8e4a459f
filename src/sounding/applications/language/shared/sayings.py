"""Small documents that a tiny model can learn to continue."""

from __future__ import annotations

import numpy as np

CRIES = {"cow": "moo", "dog": "woof", "cat": "mew", "hen": "cluck"}
COUNTS = {"one": 1, "two": 2, "three": 3}
KINDS = ("old", "shy", "big", "wet", "red")


def sayings(rng: np.random.Generator, n: int) -> list[str]:
    """`n` documents of four lines each, such as "two wet hens: cluck cluck"."""
    return ["\n".join(_saying(rng) for _ in range(4)) for _ in range(n)]


def _saying(rng: np.random.Generator) -> str:
    count, animal = str(rng.choice(list(COUNTS))), str(rng.choice(list(CRIES)))
    plural = "" if count == "one" else "s"
    return f"{count} {rng.choice(KINDS)} {animal}{plural}: {' '.join([CRIES[animal]] * COUNTS[count])}"
