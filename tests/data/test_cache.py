"""What is kept of the data is bounded, and comes back as it was."""

from pathlib import Path

import numpy as np

from sounding.contract.modality import Row
from sounding.contract.records import Example
from sounding.data.cache import Cache, weight
from sounding.data.rows import Rows


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


def test_rows_of_a_layout_take_little_more_than_their_paths():
    rows = (Row(f"photos/cat/{i:06}.jpg", f"/home/someone/photos/cat/{i:06}.jpg", "cat") for i in range(5000))
    listed = Rows.listed(rows)
    assert listed.held / 5000 < 200
    assert listed[4321] == Row("photos/cat/004321.jpg", "/home/someone/photos/cat/004321.jpg", "cat")


def test_rows_give_back_what_they_were_given():
    things = ["", "é\udc80", Path("a/b"), None, 3, ["x"], "end"]
    rows = [Row(f"é\udc80 {k}", thing, thing, "g", "test", Path("root")) for k, thing in enumerate(things)]
    listed = Rows.listed(rows)
    assert list(listed) == rows
    assert [listed.where(k) for k in range(len(listed))] == [row.where for row in rows]
    assert listed[2:4] == rows[2:4]


def test_rows_beyond_the_budget_are_mapped_from_a_file():
    rows = [Row(f"{k}", "x" * 1000, k) for k in range(3000)]
    listed = Rows.listed(rows, budget=10_000)
    assert listed.held == 0
    assert list(listed) == rows
