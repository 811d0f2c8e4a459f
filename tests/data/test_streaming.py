"""Pictures on disk cost no memory but what is being looked at and what is to be kept, however many there are."""

from __future__ import annotations

import tracemalloc
from collections import Counter

import numpy as np
import pytest
from photo_folders import pictures
from PIL import Image

from sounding.applications.vision.classify import Classify
from sounding.data import ingest, open_data
from sounding.modalities.pictures import image_files
from sounding.randomness import stream


@pytest.mark.parametrize("share", [0.0, 0.1])
def test_opening_a_folder_holds_no_more_pictures_than_are_to_be_kept(tmp_path, monkeypatch, share):
    side, n = 256, 600
    decoded = n * side * side * 3
    monkeypatch.setattr(ingest, "KEPT", int(share * decoded))
    for name in ("a", "b"):
        (tmp_path / "photos" / name).mkdir(parents=True)
    for i in range(n):
        coarse = stream("streaming", i).integers(0, 256, (8, 8, 3)).astype(np.uint8)
        large = Image.fromarray(coarse).resize((side, side))
        large.save(tmp_path / "photos" / "ab"[i % 2] / f"{i}.jpg")
    open_data(Classify(), pictures(tmp_path / "few", 20))  # what is imported on the way is not what is measured
    tracemalloc.start()
    dataset = open_data(Classify(Classify.Recipe.make("tiny", {"image_size": 32})), tmp_path / "photos")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert dataset.report.rows == n
    assert peak < decoded * (1 / 3 + share), (
        f"{peak / 1e6:.0f} MB at the peak; all pictures decoded are {decoded / 1e6:.0f} MB"
    )


@pytest.fixture
def seen(monkeypatch):
    """How often each file was decoded."""
    counted: Counter[str] = Counter()
    decode = image_files.load

    def load(source, side=0):
        counted[str(source)] += 1
        return decode(source, side)

    monkeypatch.setattr(image_files, "load", load)
    return counted


def test_pictures_that_are_as_large_as_the_model_wants_them_are_decoded_once(tmp_path, seen):
    photos = pictures(tmp_path / "photos", 20)
    for path in photos.rglob("*.*"):
        Image.open(path).resize((40, 40)).save(path)
    dataset = open_data(Classify(Classify.Recipe.make("tiny")), photos)
    values = [example.input for _ in range(2) for example in dataset.train]
    assert set(seen.values()) == {1}
    again = open_data(Classify.restored(_state(photos)), photos, fit=False)
    assert all((a == b.input).all() for a, b in zip(values, again.train, strict=False))


def _state(photos):
    task = Classify(Classify.Recipe.make("tiny"))
    open_data(task, photos)
    return task.state()


def test_other_files_are_decoded_once_to_look_at_them_and_once_to_learn_from_them(tmp_path, seen):
    photos, task = pictures(tmp_path / "photos", 40), Classify(Classify.Recipe.make("tiny"))
    dataset = open_data(task, photos)
    assert set(seen.values()) == {1}, "the modalities are fitted to what was seen already"
    for _ in range(2):
        assert len(list(dataset.train)) > 40
    assert sorted(set(seen.values())) == [1, 2]
    seen.clear()
    again = open_data(task, photos, fit=False)
    assert len(list(again.unseen)) == 80
    assert set(seen.values()) == {1}, "a fitted task reads a row as it stays"
