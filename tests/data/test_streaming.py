"""Pictures on disk cost no memory but what is being looked at, however many there are."""

from __future__ import annotations

import tracemalloc

import numpy as np
from PIL import Image

from sounding.applications.vision.classify import Classify
from sounding.data import open_data
from sounding.randomness import stream


def test_opening_a_folder_holds_no_pictures(tmp_path):
    side, n = 256, 600
    for name in ("a", "b"):
        (tmp_path / "photos" / name).mkdir(parents=True)
    for i in range(n):
        coarse = stream("streaming", i).integers(0, 256, (8, 8, 3)).astype(np.uint8)
        picture = Image.fromarray(coarse).resize((side, side))
        picture.save(tmp_path / "photos" / "ab"[i % 2] / f"{i}.jpg")
    decoded = n * side * side * 3
    open_data(Classify(), Classify().demo(stream("warm"), 60))  # what is imported on the way is not what is measured
    tracemalloc.start()
    dataset = open_data(Classify(Classify.Recipe.make("tiny", {"image_size": 32})), tmp_path / "photos")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert dataset.report.rows == n
    assert peak < decoded / 3, f"{peak / 1e6:.0f} MB at the peak; all pictures decoded are {decoded / 1e6:.0f} MB"
