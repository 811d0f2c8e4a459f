"""Copies that make a test too easy are found: equal ones by content, near ones by fingerprint."""

import time

import numpy as np
import pytest
from kinds import Curves, write_curves

from sounding.data.audit import check
from sounding.data.duplicates import NEAR, disagreeing, duplicates


def digests(keys):
    return np.array([[key % 256, key // 256] + [0] * 14 for key in keys], np.uint8)


def test_copies_across_splits_are_found_by_place(tmp_path):
    write_curves(tmp_path / "train", 20, seed=1)
    write_curves(tmp_path / "test", 10, seed=2)
    (tmp_path / "test" / "a" / "copy.num").write_text((tmp_path / "train" / "a" / "000.num").read_text())
    numbers = np.array((tmp_path / "train" / "a" / "002.num").read_text().split(), float)
    (tmp_path / "test" / "a" / "near.num").write_text(" ".join(f"{x + 0.01:.4f}" for x in numbers))
    (tmp_path / "test" / "b" / "far.num").write_text(" ".join(f"{x + 0.05:.4f}" for x in numbers))
    found = check(Curves(), tmp_path).duplicates
    root = tmp_path.name
    assert found.across.places == ((f"{root}/test/a/copy.num", f"{root}/train/a/000.num"),)
    assert found.near.places == ((f"{root}/test/a/near.num", f"{root}/train/a/002.num"),)
    assert found.within.count == 0


def test_equal_rows_are_counted_as_documented():
    sides = np.array([0, 0, 0, 1, 2, 2, 0])
    found = duplicates(digests([7, 7, 1, 7, 7, 7, 1]), None, sides, str)
    assert set(found.within.places) == {("1", "0"), ("6", "2"), ("5", "4")}
    assert set(found.across.places) == {("3", "0"), ("4", "0"), ("5", "0")}
    assert disagreeing(digests([7, 7, 1, 7]), digests([1, 1, 1, 2])) == [(3, 0)]


def by_hand(prints, sides, contents):
    """Every row of validation and test with a near row on a lower side and no equal one, by comparing all with all."""
    found = set()
    for i in range(len(prints)):
        lower = np.flatnonzero(sides < sides[i])
        if sides[i] and len(lower) and not (contents[lower] == contents[i]).all(axis=1).any():
            found |= {i} if (np.abs(prints[lower] - prints[i]).max(axis=1) < NEAR).any() else set()
    return found


@pytest.mark.parametrize("width", [2, 8, 64])
def test_near_rows_are_those_that_comparing_all_with_all_finds(width):
    rng = np.random.default_rng(width)
    base = rng.random((300, width))
    prints = np.concatenate([base, base[:150] + rng.uniform(-0.045, 0.045, (150, width)) * rng.random((150, 1))])
    prints = prints.astype(np.float16).astype(np.float32)
    sides = rng.integers(0, 3, 450)
    contents = digests([*range(440), *range(10)])
    found = duplicates(contents, prints.astype(np.float16), sides, str).near
    expected = by_hand(prints, sides, contents)
    assert len(expected) > 20
    assert {int(a) for a, _ in found.places} <= expected
    assert found.count == len(expected)
    for a, b in found.places:
        assert np.abs(prints[int(a)] - prints[int(b)]).max() < NEAR


def test_rows_without_a_fingerprint_are_left_alone():
    prints = np.full((4, 8), np.nan, np.float16)
    prints[0] = prints[3] = 0.5
    found = duplicates(digests(range(4)), prints, np.array([0, 1, 2, 2]), str)
    assert found.near.places == (("3", "0"),)


@pytest.mark.parametrize("look_alikes", [False, True])
def test_sixty_thousand_rows_take_seconds(look_alikes):
    rng = np.random.default_rng(0)
    basis = rng.normal(size=(12, 64))  # pictures vary in few directions, which is the hard case for a grid
    prints = np.clip(0.5 + 0.1 * rng.normal(size=(60_000, 12)) @ basis / 2, 0, 1)
    if look_alikes:
        prints[:30_000] = 0.5
    start = time.process_time()
    found = duplicates(digests(range(60_000)), prints.astype(np.float16), (np.arange(60_000) % 6 == 0) * 2, str)
    assert time.process_time() - start < 10
    assert (found.near.count > 4000) == look_alikes
