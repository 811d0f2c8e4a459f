"""Folders of pictures, a folder for each class.

In a module of its own: a second conftest.py further down would be found in place of the one that tests import from.
"""

from pathlib import Path

import numpy as np
from PIL import Image


def pictures(folder: Path, n: int = 40) -> Path:
    """Dark and bright pictures in class folders."""
    from sounding.randomness import stream

    rng = stream("pictures")
    for name, low, high in (("dark", 0, 110), ("bright", 140, 250)):
        (folder / name).mkdir(parents=True)
        for i in range(n):
            pixels = rng.integers(low, high, (10, 12, 3)).astype(np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{i}.png")
    return folder
