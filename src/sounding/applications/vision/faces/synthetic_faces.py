"""Faces drawn by numbers, for demonstrations: a person is where eyes, nose and mouth sit, a picture is light and place.

Nobody's face: a person is eight numbers, and no two pictures of a person are alike.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

SIDE = 24
TRAITS = 8


def person(rng: np.random.Generator) -> np.ndarray:
    """The traits of a new person: [TRAITS] in [-1, 1]."""
    return rng.uniform(-1, 1, TRAITS)


def picture(traits: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A picture of a person, uint8 [SIDE, SIDE, 1]: moved by a pixel, in some light, with noise."""
    wide, eyes, high, size, nose, mouth, low, hair = traits
    y, x = np.mgrid[:SIDE, :SIDE] - (SIDE - 1) / 2 - rng.uniform(-1, 1, 2)[:, None, None]
    inside = (x / (8.5 + 1.5 * wide)) ** 2 + (y / 10.5) ** 2 < 1
    skin = np.where(inside, 170.0, 60.0)
    skin[inside & (y < -6 + 1.5 * hair)] = 90 + 60 * hair
    for side in (-1, 1):
        skin[(x - side * (3.8 + 1.4 * eyes)) ** 2 + (y + 2 + 1.5 * high) ** 2 < (1.5 + 0.6 * size) ** 2] = 30
    skin[(abs(x) < 0.8) & (y > -1) & (y < 2 + 1.5 * nose)] = 120
    skin[(abs(x) < 3 + 1.8 * mouth) & (abs(y - 5.5 - 1.2 * low) < 0.9)] = 50
    light = rng.uniform(0.7, 1.2) * (1 + rng.uniform(-0.015, 0.015) * x)
    return np.clip(skin * light + rng.normal(0, 8, skin.shape), 0, 255).astype(np.uint8)[..., None]


def pairs(
    rng: np.random.Generator, n: int, people: int
) -> Iterator[tuple[tuple[np.ndarray, np.ndarray], tuple[str, str]]]:
    """`n` pairs of pictures and their names, of so many new people; every other pair is of one person."""
    known = [person(rng) for _ in range(people)]
    for i in range(n):
        first, second = rng.choice(people, 2, replace=False)
        two = (first, first if i % 2 else second)
        yield (picture(known[two[0]], rng), picture(known[two[1]], rng)), (f"person {two[0]}", f"person {two[1]}")
