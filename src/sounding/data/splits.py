"""Which rows train, which choose the best checkpoint, and which are read once, at the end.

A row's side is a function of its group, or else of its content, and of nothing else: so two copies of a row, or all
rows of a patient, are always on one side, the order of the rows has no influence, and rows that are added move no other
rows (up to 20,000; beyond, the shares shrink, and rows move only from validation and test into the training).

    0 ≤ u < share         test                 u is uniform in [0, 1), a hash of the group or the content;
    1 - share ≤ u < 1     validation           share = min(10 %, 2,000 rows)
    else                  train
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from sounding.contract.split_names import NAMES

SHARE, MOST = 0.1, 2000  # of the rows, and rows: more rows narrow an interval little and cost the training much

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
    given: Sequence[str], digests: np.ndarray, groups: Sequence[str], targets: Sequence[Hashable] | None = None
) -> Assignment:
    """The side of each row. `given` holds "train", "validation", "test" or "" for each row.

    Splits that the data give are kept. Where validation or test is missing, it is taken out of the training rows by
    hash; rows without a split among rows that have one train. Each of `targets`, where they are categories, keeps a
    training row.
    """
    sides = np.array([max(0, _index(name)) for name in given], dtype=np.int8)
    missing = [side for side in (1, 2) if not (sides == side).any()]
    by = "hash of group" if any(groups) else "hash of content"
    if missing:
        pool = np.flatnonzero(sides == 0).tolist()
        u = positions(digests[pool], [groups[i] for i in pool])
        sides[pool] = _carved(u, missing, None if targets is None else [targets[i] for i in pool])
    if len(missing) == 2:
        return Assignment(sides, by)
    return Assignment(sides, "; ".join(["given", *(f"{NAMES[side]} by {by}" for side in missing)]))


def _carved(u: np.ndarray, missing: Sequence[int], targets: Sequence[Hashable] | None) -> np.ndarray:
    share = min(SHARE, MOST / max(1, len(u)))
    sides = np.zeros(len(u), dtype=np.int8)
    if 2 in missing:
        sides[u < share] = 2
    if 1 in missing:
        sides[u >= 1 - share] = 1
    rows = _rows_of(u)
    if targets is not None:
        _keep_each_class(sides, u, rows, targets)
    for side in missing:
        if not (sides == side).any():
            _fill(sides, side, u, rows, targets)
    return sides


def _keep_each_class(
    sides: np.ndarray, u: np.ndarray, rows: dict[float, list[int]], targets: Sequence[Hashable]
) -> None:
    """Move to train the row with the smallest hash of each class that has none there, and all that stay with it."""
    trained = {target for target, side in zip(targets, sides, strict=True) if side == 0}
    for i in np.argsort(u, kind="stable"):
        if targets[i] not in trained:
            sides[rows[u[i]]] = 0
            trained.update(targets[j] for j in rows[u[i]])


def _fill(
    sides: np.ndarray, side: int, u: np.ndarray, rows: dict[float, list[int]], targets: Sequence[Hashable] | None
) -> None:
    """Give an empty side the rows of one key, nearest to its end of the hashes, that leave every class in training."""
    train = Counter(t for t, s in zip(targets, sides, strict=True) if s == 0) if targets is not None else Counter()
    for key in sorted(rows, reverse=side == 1):
        members = rows[key]
        leaves = Counter(targets[i] for i in members) if targets is not None else Counter()
        enough = all(train[target] > n for target, n in leaves.items()) and (sides == 0).sum() > len(members)
        if sides[members[0]] == 0 and enough:
            sides[members] = side
            return


def _rows_of(u: np.ndarray) -> dict[float, list[int]]:
    rows: dict[float, list[int]] = defaultdict(list)
    for i, value in enumerate(u.tolist()):
        rows[value].append(i)
    return rows


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
