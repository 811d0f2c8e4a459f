"""Which rows train, which choose the best checkpoint, and which are read once, at the end.

A row's side hangs on its *key*: its group, or else its content. So two copies of a row, or all rows of a patient, are
always on one side, and the order of the rows has no influence. Two steps decide the side of a key:

    1. a hash u of the key, uniform in [0, 1):      u < share of the test          test
                                                    u ≥ 1 - share of validation    validation
                                                    else                           train
    2. an answer that this left with fewer rows of a side than its share of that side gets the keys that are next by
       their hash, out of the training: `share · rows of the answer`, rounded, and from `LEAST` rows on at least one

The first step never looks at other rows: rows that are added move none of its keys (without given sizes up to 20,000
rows; beyond, the shares shrink). What the second step made up for may go back to the training once the first gives an
answer enough. No rule that is a function of the rows alone can do better: one that always finds a test row among a few
rows of an answer and never gives it back would leave fewer than that few to train on, however many rows come. Where
the two conflict, keys that the hash sent to the test stay there, be they more than the share. Sides that a former run
keeps (`known`) go before both steps: with them nothing that was tested is ever trained on.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from sounding.contract.split_names import NAMES, Shares, no_shares_left

SHARE, MOST = 0.1, 2000  # of the rows, and rows: more rows narrow an interval little and cost the training much
LEAST = 5
"""An answer with so many rows has at least one to test on and one to validate on."""
TRAIN, VALIDATION, TEST = range(3)

_SALT = b"sounding split"


@dataclass(frozen=True)
class Assignment:
    """The side of each row as an index into NAMES [n], and where that comes from, in words."""

    sides: np.ndarray
    origin: str


def positions(digests: np.ndarray, groups: Sequence[str]) -> np.ndarray:
    """u [n] in [0, 1): from the group where a row has one, else from the digest of its content [n, 16] uint8."""
    known: dict[str, float] = {}
    u = np.empty(len(digests))
    for i, group in enumerate(groups):
        if not group:
            u[i] = _uniform(digests[i].tobytes())
        else:
            u[i] = known[group] if group in known else known.setdefault(group, _uniform(group.encode(errors="replace")))
    return u


def assign(
    given: Sequence[str],
    digests: np.ndarray,
    groups: Sequence[str],
    targets: Sequence[Hashable] | None = None,
    *,
    parts: Sequence[Sequence[Hashable]] | None = None,
    shares: Shares | None = None,
    known: np.ndarray | None = None,
) -> Assignment:
    """The side of each row. `given` holds "train", "validation", "test" or "" for each row.

    Splits that the data give are kept. Where validation or test is missing, it is taken out of the training rows by
    hash; rows without a split among rows that have one train. Each of `targets`, where they are categories, has its
    share of every side, and keeps a training row; or else each class of `parts` [n], the classes that each answer
    holds, and all rows together. `shares` are those of all rows, a tenth each by default; `known` [n] the sides that
    rows had before, -1 where they had none.
    """
    sides = np.array([max(0, _index(name)) for name in given], dtype=np.int8)
    missing = [side for side in (VALIDATION, TEST) if not (sides == side).any()]
    if shares and not missing and len(sides):
        raise no_shares_left(shares)
    if missing:
        pool = np.flatnonzero(sides == TRAIN).tolist()
        u = positions(digests[pool], [groups[i] for i in pool])
        wanted = _wanted(missing, len(pool), shares)
        labels = [_labels(i, targets, parts) for i in pool]
        keys = _Keys.of(u, labels, np.full(len(pool), -1, np.int8) if known is None else known[pool])
        sides[pool] = _carved(keys, wanted, classes=targets is not None or parts is not None)
    by = "hash of group" if any(groups) else "hash of content"
    kept = 0 if known is None else int((known >= 0).sum())
    by_what = "answer" if targets is not None else "class" if parts is not None else ""
    said = (f"{kept:,} rows as before" * bool(kept), f"stratified by {by_what}" * bool(by_what), str(shares or ""))
    words = [by, *filter(None, said)]
    if len(missing) == 2:
        return Assignment(sides, ", ".join(words))
    return Assignment(sides, "; ".join(["given", *(f"{NAMES[side]} by {', '.join(words)}" for side in missing)]))


def _labels(
    i: int, targets: Sequence[Hashable] | None, parts: Sequence[Sequence[Hashable]] | None
) -> tuple[Hashable, ...]:
    """What row i counts for: its answer; or what its answer holds, and None, which stands for all rows."""
    return (targets[i],) if targets is not None else (None, *(parts[i] if parts is not None else ()))


def _wanted(missing: Sequence[int], rows: int, shares: Shares | None) -> dict[int, float]:
    """The share of the pool that each missing side takes: of sides that are given, nothing more is wanted."""
    if shares is None:
        return dict.fromkeys(missing, min(SHARE, MOST / max(1, rows)))
    of_all = {VALIDATION: shares.validation, TEST: shares.test}
    left = 1 - sum(share for side, share in of_all.items() if side not in missing)
    return {side: of_all[side] / left for side in missing}


@dataclass(frozen=True)
class _Keys:
    """The keys of n rows in the order of their hashes.

    `u` [K] rising; `place` [n] of each row's key; `rows` the rows of each answer of a key; `fixed` [K] the side that a
    key had before, or -1; `known` [n] the sides of single rows before.
    """

    u: np.ndarray
    place: np.ndarray
    rows: Sequence[Mapping[Hashable, int]]
    fixed: np.ndarray
    known: np.ndarray
    sides: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "sides", np.maximum(self.fixed, 0))

    @classmethod
    def of(cls, u: np.ndarray, labels: Sequence[tuple[Hashable, ...]], known: np.ndarray) -> _Keys:
        """The keys of rows with these hashes [n], labels [n] and former sides [n]."""
        values, place = np.unique(u, return_inverse=True)
        rows: list[Counter[Hashable]] = [Counter() for _ in values]
        fixed = np.full(len(values), -1, np.int8)
        for key, own, side in zip(place.tolist(), labels, known.tolist(), strict=True):
            rows[key].update(own)
            if side >= 0 and (fixed[key] < 0 or side < fixed[key]):  # what was trained on once is no test
                fixed[key] = side
        return cls(values, place, rows, fixed, known)

    def counts(self, side: int) -> Counter[Hashable]:
        """Rows of each answer on a side."""
        found: Counter[Hashable] = Counter()
        for key in np.flatnonzero(self.sides == side).tolist():
            found.update(self.rows[key])
        return found

    def free(self, side: int) -> list[int]:
        """The keys on a side that may still be moved, from the end of the hashes where the tests are."""
        return np.flatnonzero((self.sides == side) & (self.fixed < 0)).tolist()

    def of_rows(self) -> np.ndarray:
        """The side of each row [n]."""
        sides = self.sides[self.place]
        return np.where(self.known >= 0, self.known, sides).astype(np.int8)


def _carved(keys: _Keys, wanted: Mapping[int, float], classes: bool) -> np.ndarray:
    """The sides of the rows whose keys these are: by hash, then what answers are short of."""
    fresh = keys.fixed < 0
    if TEST in wanted:
        keys.sides[fresh & (keys.u < wanted[TEST])] = TEST
    if VALIDATION in wanted:
        keys.sides[fresh & (keys.u >= 1 - wanted[VALIDATION])] = VALIDATION
    if classes:
        _keep_each_class(keys)
    for side in sorted(wanted, reverse=True):
        if wanted[side]:
            _make_up(keys, side, wanted[side])
    for side in wanted:
        if wanted[side] and not (keys.sides == side).any():
            _fill(keys, side)
    return keys.of_rows()


def _keep_each_class(keys: _Keys) -> None:
    """Move to train the key with the smallest hash of each answer that has none there."""
    trained = set(keys.counts(TRAIN))
    for key in np.flatnonzero((keys.sides != TRAIN) & (keys.fixed < 0)).tolist():
        if any(label not in trained for label in keys.rows[key]):
            keys.sides[key] = TRAIN
            trained.update(keys.rows[key])


def _make_up(keys: _Keys, side: int, share: float) -> None:
    """Give a side the keys that are next by their hash, as long as an answer is short there and comes nearer by it."""
    everywhere: Counter[Hashable] = Counter()
    for rows in keys.rows:
        everywhere.update(rows)
    have, train = keys.counts(side), keys.counts(TRAIN)
    short = {label: n for label, rows in everywhere.items() if (n := _quota(rows, share) - have[label]) > 0}
    for key in keys.free(TRAIN)[:: 1 if side == TEST else -1]:
        if not short:
            return
        rows = keys.rows[key]
        if not any(n < 2 * short[label] or not have[label] for label, n in rows.items() if label in short):
            continue
        if not all(train[label] > n for label, n in rows.items()):
            continue
        keys.sides[key] = side
        for label, n in rows.items():
            train[label] -= n
            have[label] += n
            if label in short and short[label] > n:
                short[label] -= n
            else:
                short.pop(label, None)


def _quota(rows: int, share: float) -> int:
    """The rows of an answer, of `rows` in all, that belong on a side."""
    return max(int(share * rows + 0.5), int(rows >= LEAST))


def _fill(keys: _Keys, side: int) -> None:
    """Give an empty side the key nearest to its end of the hashes that leaves every answer in training."""
    train = keys.counts(TRAIN)
    for key in keys.free(TRAIN)[:: 1 if side == TEST else -1]:
        rows = keys.rows[key]
        if all(train[label] > n for label, n in rows.items()):
            keys.sides[key] = side
            return


def torn_groups(sides: Iterable[int], groups: Iterable[str]) -> list[str]:
    """The groups that have rows on more than one side, which makes a test too easy."""
    seen: dict[str, int] = {}
    return sorted(
        {group for side, group in zip(sides, groups, strict=True) if group and seen.setdefault(group, side) != side}
    )


def _index(name: str) -> int:
    return NAMES.index(name) if name in NAMES else -1


def _uniform(key: bytes) -> float:
    return int.from_bytes(hashlib.blake2b(key, digest_size=8, key=_SALT).digest(), "big") / 2.0**64
