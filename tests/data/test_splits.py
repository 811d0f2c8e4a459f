"""The split is a function of content or group: stable, leak-free, and never without a class to learn from."""

import hashlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sounding.contract.split_names import split_named, split_of_file
from sounding.data.splits import assign, positions, torn_groups


def digests(names):
    raw = b"".join(hashlib.blake2b(str(name).encode(), digest_size=16).digest() for name in names)
    return np.frombuffer(raw, np.uint8).reshape(-1, 16)


def split(names, groups=None, given=None, targets=None):
    n = len(names)
    return assign(given or [""] * n, digests(names), groups or [""] * n, targets)


def test_shares_are_a_tenth_and_at_most_two_thousand_rows():
    small = np.bincount(split(range(5000)).sides, minlength=3)
    assert abs(small[1] - 500) < 4 * np.sqrt(450)  # four standard deviations of a binomial count
    assert abs(small[2] - 500) < 4 * np.sqrt(450)
    large = np.bincount(split(range(60_000)).sides, minlength=3)
    assert abs(large[1] - 2000) < 4 * np.sqrt(2000)
    assert abs(large[2] - 2000) < 4 * np.sqrt(2000)


def test_positions_are_uniform_and_independent_of_the_digest_order():
    u = positions(digests(range(4000)), [""] * 4000)
    assert np.abs(np.histogram(u, 10, (0, 1))[0] - 400).max() < 100
    assert u.min() >= 0
    assert u.max() < 1


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 10**6), min_size=100, max_size=300), st.lists(st.integers(0, 10**6), max_size=300))
def test_added_rows_move_no_others_and_copies_stay_together(first, more):
    before = split(first).sides
    after = split(first + more).sides
    assert (before == after[: len(first)]).all()
    side_of = {}
    for name, side in zip(first + more, after, strict=True):
        assert side_of.setdefault(name, side) == side


def test_the_order_of_rows_has_no_influence():
    order = np.random.default_rng(0).permutation(500)
    targets = [i % 5 for i in range(500)]
    plain = split(range(500), targets=targets).sides
    mixed = split(order.tolist(), targets=[targets[i] for i in order]).sides
    assert (plain[order] == mixed).all()


def test_groups_are_not_torn():
    groups = [f"patient {i % 60}" for i in range(600)]
    found = split(range(600), groups)
    assert found.origin == "hash of group"
    assert torn_groups(found.sides, groups) == []
    assert set(found.sides) == {0, 1, 2}
    assert torn_groups([0, 1, 0], ["x", "x", "y"]) == ["x"]


def test_given_splits_are_kept_and_only_what_is_missing_is_carved():
    given = ["train"] * 900 + ["test"] * 100
    found = split(range(1000), given=given)
    assert found.origin == "given; validation by hash of content"
    assert (found.sides[900:] == 2).all()
    assert not (found.sides[:900] == 2).any()
    assert 50 < (found.sides == 1).sum() < 130
    whole = split(range(1000), given=["train"] * 800 + ["validation"] * 100 + ["test"] * 100)
    assert whole.origin == "given"
    assert np.bincount(whole.sides).tolist() == [800, 100, 100]
    carved = split(range(1000), given=["train"] * 900 + ["validation"] * 100)
    assert carved.origin == "given; test by hash of content"
    assert (carved.sides[900:] == 1).all()


def test_the_carved_validation_ignores_how_large_the_test_is():
    few, many = ["train"] * 500 + ["test"] * 5, ["train"] * 500 + ["test"] * 400
    a = split(range(505), given=few).sides[:500]
    b = split(range(900), given=many).sides[:500]
    assert (a == b).all()


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 40), st.sampled_from("abcde")), min_size=6, max_size=60))
def test_every_class_keeps_a_training_row_and_copies_still_stay_together(rows):
    names, targets = [str(name) for name, _ in rows], [target for _, target in rows]
    sides = split(names, targets=targets).sides
    assert {t for t, side in zip(targets, sides, strict=True) if side == 0} == set(targets)
    side_of = {}
    assert all(side_of.setdefault(name, side) == side for name, side in zip(names, sides, strict=True))


def test_a_small_set_still_has_all_three_splits():
    for n in range(6, 30):
        sides = split([f"row {n} {i}" for i in range(n)], targets=["ab"[i % 2] for i in range(n)]).sides
        assert set(sides.tolist()) == {0, 1, 2}


@pytest.mark.parametrize(
    ("stem", "name"),
    [
        ("train", "train"),
        ("test-00000-of-00002", "test"),
        ("reviews_dev", "validation"),
        ("Valid", "validation"),
        ("contest", ""),
        ("latest", ""),
        ("", ""),
    ],
)
def test_what_file_names_tell(stem, name):
    assert split_of_file(stem) == name


def test_words():
    assert [split_named(w) for w in (" Train ", "VAL", "testing", "fold1")] == ["train", "validation", "test", ""]
