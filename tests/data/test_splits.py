"""The split is a function of content or group: stable, leak-free, and never without a class to learn from."""

import hashlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sounding.contract.split_names import shares_in, split_named, split_of_file
from sounding.data.splits import assign, positions, torn_groups
from sounding.errors import UsageError


def digests(names):
    raw = b"".join(hashlib.blake2b(str(name).encode(), digest_size=16).digest() for name in names)
    return np.frombuffer(raw, np.uint8).reshape(-1, 16)


def split(names, groups=None, given=None, targets=None, **more):
    n = len(names)
    return assign(given or [""] * n, digests(names), groups or [""] * n, targets, **more)


def sent_by_hash(names, share=0.1):
    """The sides that the hash alone gives."""
    u = positions(digests(names), [""] * len(names))
    return np.where(u < share, 2, np.where(u >= 1 - share, 1, 0))


def test_shares_are_a_tenth_and_at_most_two_thousand_rows():
    small = np.bincount(split(range(5000)).sides, minlength=3)
    assert 500 <= small[1] < 500 + 4 * np.sqrt(450)  # four standard deviations of a binomial count
    assert 500 <= small[2] < 500 + 4 * np.sqrt(450)
    large = np.bincount(split(range(60_000)).sides, minlength=3)
    assert abs(large[1] - 2000) < 4 * np.sqrt(2000)
    assert abs(large[2] - 2000) < 4 * np.sqrt(2000)


def test_positions_are_uniform_and_independent_of_the_digest_order():
    u = positions(digests(range(4000)), [""] * 4000)
    assert np.abs(np.histogram(u, 10, (0, 1))[0] - 400).max() < 100
    assert u.min() >= 0
    assert u.max() < 1


names_and_classes = st.lists(st.tuples(st.integers(0, 10**6), st.sampled_from("abcde")), max_size=300)


@settings(max_examples=30, deadline=None)
@given(names_and_classes.filter(lambda rows: len(rows) >= 50), names_and_classes)
def test_added_rows_move_none_that_the_hash_sent_to_the_test_and_copies_stay_together(first, more):
    names, targets = zip(*first, strict=True)
    before = split(names, targets=targets).sides
    all_names, all_targets = zip(*first, *more, strict=True)
    after = split(all_names, targets=all_targets).sides
    by_hash = sent_by_hash(names)
    for side in (1, 2):
        sent = (by_hash == side) & (before == side)  # the others had to stay in training, for their answer's sake
        assert (after[: len(first)][sent] == side).all()
    side_of = {}
    for name, side in zip(all_names, after, strict=True):
        assert side_of.setdefault(name, side) == side


def test_few_rows_move_when_a_third_is_added():
    targets = [i % 5 for i in range(400)]
    before, after = split(range(300), targets=targets[:300]).sides, split(range(400), targets=targets).sides
    moved = before != after[:300]
    assert moved.sum() <= 9  # 3 %
    assert ((before == 2) & (after[:300] == 0)).sum() <= 3


def test_rows_of_a_former_training_keep_their_sides_whatever_is_added():
    targets = [i % 5 for i in range(400)]
    before = split(range(300), targets=targets[:300]).sides
    known = np.concatenate([before, np.full(100, -1, np.int8)])
    found = split(range(400), targets=targets, known=known)
    assert (found.sides[:300] == before).all()
    assert set(found.sides[300:]) == {0, 1, 2}
    assert found.origin == "hash of content, 300 rows as before, stratified by answer"
    copies = split(
        [*range(300), *range(300)], targets=targets[:300] * 2, known=np.append(before, np.full(300, -1, np.int8))
    )
    assert (copies.sides[300:] == before).all()


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 200), min_size=1, max_size=5), st.integers(0, 10**6))
def test_every_answer_has_its_share_of_each_side(sizes, start):
    targets = [label for label, n in enumerate(sizes) for _ in range(n)]
    sides = split(range(start, start + len(targets)), targets=targets).sides
    for label, n in enumerate(sizes):
        own = np.bincount(sides[np.array(targets) == label], minlength=3)
        wanted = int(0.1 * n + 0.5) or int(n >= 5)
        assert min(own[1], own[2]) >= wanted
        assert own[0] or not n


def test_sixty_rows_of_five_answers_have_each_in_the_test():
    for start in range(0, 6000, 60):
        sides = split(range(start, start + 60), targets=[i % 5 for i in range(60)]).sides
        for side in (1, 2):
            assert {i % 5 for i in np.flatnonzero(sides == side)} == set(range(5))


def test_each_class_of_answers_that_hold_several_has_its_share():
    for start in range(0, 3000, 100):
        rng = np.random.default_rng(start)
        often = {"a": 0.9, "b": 0.3, "c": 0.08}
        parts = [tuple(name for name, share in often.items() if rng.random() < share) for _ in range(100)]
        found = split(range(start, start + 100), parts=parts)
        assert found.origin == "hash of content, stratified by class"
        assert min(np.bincount(found.sides, minlength=3)[1:]) >= 10
        for name in often:
            own = [side for side, held in zip(found.sides, parts, strict=True) if name in held]
            wanted = int(0.1 * len(own) + 0.5) or int(len(own) >= 5)
            assert min(own.count(1), own.count(2)) >= wanted
            assert own.count(0) or not own


def test_sizes_that_are_asked_for():
    targets = [i % 4 for i in range(2000)]
    found = split(range(2000), targets=targets, shares=shares_in("70/15/15"))
    assert found.origin == "hash of content, stratified by answer, 70/15/15"
    _, validation, test = np.bincount(found.sides) / 2000
    assert 0.15 <= validation < 0.17
    assert 0.15 <= test < 0.17
    for label in range(4):
        own = np.bincount(found.sides[label::4], minlength=3) / 500
        assert 0.15 <= min(own[1:]) <= max(own[1:]) < 0.2
    whole = split(range(100), shares=shares_in("8/0/2"))
    assert set(whole.sides) == {0, 2}
    given = ["train"] * 850 + ["test"] * 150
    carved = split(range(1000), given=given, shares=shares_in("70/15/15"))
    assert 150 <= (carved.sides == 1).sum() < 190
    assert carved.origin == "given; validation by hash of content, 70/15/15"
    with pytest.raises(UsageError, match="would change nothing"):
        split(range(3), given=["train", "validation", "test"], shares=shares_in("70/15/15"))


@pytest.mark.parametrize("words", ["70/30", "0/50/50", "70/30/0", "1/2/3/4"])
def test_sizes_that_cannot_be(words):
    with pytest.raises(UsageError, match="70/15/15"):
        shares_in(words)


def test_words_that_are_no_sizes():
    assert shares_in("part") is None
    assert shares_in("runs/classify/1") is None


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
    answers = [i % 60 % 3 for i in range(600)]  # each group has one
    parted = split(range(600), groups, targets=answers)
    assert torn_groups(parted.sides, groups) == []
    for answer in range(3):
        assert min(np.bincount(parted.sides[answer::3], minlength=3)[1:]) >= 20
    assert torn_groups([0, 1, 0], ["x", "x", "y"]) == ["x"]


def test_given_splits_are_kept_and_only_what_is_missing_is_carved():
    given = ["train"] * 900 + ["test"] * 100
    found = split(range(1000), given=given)
    assert found.origin == "given; validation by hash of content"
    assert (found.sides[900:] == 2).all()
    assert not (found.sides[:900] == 2).any()
    assert 90 <= (found.sides == 1).sum() < 130
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
