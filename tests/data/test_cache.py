"""What is kept of the data is bounded, and comes back as it was."""

from pathlib import Path

import numpy as np

from sounding.contract.modality import Row
from sounding.contract.records import Example
from sounding.data.cache import Cache, Packed, weight
from sounding.data.rows import PackedRows


def test_the_cache_stops_at_its_budget():
    cache = Cache(budget=10 * 1128)
    for i in range(100):
        cache.put(i, np.zeros(1000, np.uint8))
    assert len(cache) == 10
    assert cache.bytes <= cache.budget
    assert cache.get(0) is not None
    assert cache.get(50) is None


def test_the_weight_of_a_value_is_mostly_its_arrays():
    example = Example(np.zeros((100, 100), np.float32), {"mask": np.zeros(1000, np.int64)}, "g")
    assert 48_000 < weight(example) < 50_000


def test_folder_rows_take_little_more_than_their_paths():
    rows = (Row(f"photos/cat/{i:06}.jpg", f"/home/someone/photos/cat/{i:06}.jpg", "cat") for i in range(5000))
    packed = PackedRows(rows)
    size = sum(len(c._text) + 8 * len(c._ends) + len(c._kinds) for c in packed._columns.values())
    assert size / 5000 < 200
    assert packed[4321] == Row("photos/cat/004321.jpg", "/home/someone/photos/cat/004321.jpg", "cat")


def test_packed_gives_back_what_it_was_given():
    things = ["", "é\udc80", Path("a/b"), None, 3, ["x"], "end"]
    packed = Packed()
    for thing in things:
        packed.append(thing)
    assert [packed[i] for i in range(len(packed))] == things
