"""People into pairs: what a model of faces is trained on, chosen by and tested on.

**A person is on one side only**, unless the data say otherwise. Single pictures are trained on; pairs of other people
choose and test. Sides are those that the data give; else a stable hash of the person says: 70 % train, 10 % validate,
20 % test. People of a side are dealt into *blocks*, and pairs never leave one: a bootstrap over blocks draws what is
independent. A person with one picture is trained on, and compared with others, and never with themselves.

**A closed set** is what the data give when most people of the test are in the training too, by other pictures
(colleagues, a family): then each picture is on the side that it was given, and validation takes two pictures or more of
everybody who has four, by a hash of the picture.
"""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from sounding.applications.vision.faces.layouts import TROUBLE
from sounding.contract.modality import Row
from sounding.contract.split_names import Shares, no_shares_left
from sounding.errors import DataError
from sounding.randomness import entropy, stream
from sounding.wording import counted

SIDES = ("train", "validation", "test")
VALIDATED, TESTED = 0.1, 0.2
"""Shares of the people."""
OWN = 5
"""Pairs of a person's own pictures, at most; who has a hundred pictures must not be most of the test."""
MOST = 1500
"""Pairs of own pictures of a side, about at most."""
BLOCK, LONELY = 4, 16
"""People with several pictures in a block, and at most so many with one."""
LOOKED_AT = 40
"""Pictures of a person that pairs are drawn from, at most."""
LEAST = 2
"""People with several pictures that validation and test need each."""
SPARED = 4
"""Pictures that a person of a closed set needs before some are taken out of the training."""
CLOSED_BLOCK = 2
"""People in a block of a closed set, which is often small."""


@dataclass(frozen=True)
class ComposedRows(Sequence[Row]):
    """Rows made of other rows when they are asked for: `plan` holds numbers of one row or two, a side, a group."""

    rows: Sequence[Row]
    plan: Sequence[tuple[tuple[int, ...], str, str]]
    notes: Mapping[int, str] = field(default_factory=dict)
    origin: str = ""
    """How the sides came about."""
    closed: bool = False
    """Whether the people of the test are trained on."""

    def __len__(self) -> int:
        return len(self.plan)

    def __getitem__(self, i: Any) -> Any:
        numbers, side, group = self.plan[i]
        rows, note = [self.rows[number] for number in numbers], self.notes.get(i, "")
        if len(rows) == 1:
            target = (rows[0].target, "", note) if note and isinstance(rows[0].target, str) else rows[0].target
            if note and isinstance(rows[0].target, tuple):
                target = (*rows[0].target, note)
            return replace(rows[0], target=target, split=side, group=group or rows[0].group)
        a, b = rows
        target = (a.target, b.target, note) if note else (a.target, b.target)
        cells = {"first": a.input, "second": b.input}
        return Row(f"{a.where} and {b.where}", cells, target, group, side, a.root)


def compose(rows: Sequence[Row], shares: Shares | None = None) -> Sequence[Row]:
    """Single pictures of training people, pairs of validation and of test people; pairs that were listed stay.

    `shares` are those of the people who validate and test, where the data do not say who does. Raises DataError where
    too few people have two pictures to choose and to test on others than are trained on.
    """
    people, listed, given, bad = _sorted_out(rows)
    if not people:
        return rows
    plan: list[tuple[tuple[int, ...], str, str]] = [((i,), "", "") for i in bad]
    if not listed and _closed(given):
        return _of_the_same(rows, people, plan, shares)
    sides, origin = _sides(people, listed, given, shares)
    plan += [((i,), "train", "") for name, own in people.items() if sides[name] == "train" for i in own]
    left_out: list[int] = []
    for side in SIDES[1:]:
        mine = {name: own for name, own in people.items() if sides[name] == side}
        if pairs := [i for i, (_, split) in listed.items() if split == side]:
            plan += [((i,), side, "") for i in pairs]
            left_out += [i for own in mine.values() for i in own]
        else:
            plan += [(pair, side, f"{side} block {block}") for pair, block in _pairs(mine, side)]
    return ComposedRows(rows, plan, _notes(rows, plan, people, left_out, listed), origin)


# ---- the same people in training and test


def _closed(given: Mapping[str, set[str]]) -> bool:
    """Whether most of the people who are held out are trained on as well."""
    held = [splits for splits in given.values() if splits & set(SIDES[1:])]
    return bool(held) and 2 * sum("train" in splits for splits in held) >= len(held)


def _of_the_same(
    rows: Sequence[Row],
    people: Mapping[str, Sequence[int]],
    plan: list[tuple[tuple[int, ...], str, str]],
    shares: Shares | None,
) -> ComposedRows:
    """Every picture on the side that it was given; what is missing is taken out of everybody's training pictures."""
    by_side: dict[str, dict[str, list[int]]] = {side: defaultdict(list) for side in SIDES}
    for name, own in people.items():
        for i in own:
            by_side[rows[i].split or "train"][name].append(i)
    missing = [side for side in SIDES[1:] if not by_side[side]]
    if shares and not missing:
        raise no_shares_left(shares)
    of_all = dict(zip(SIDES[1:], (shares.validation, shares.test) if shares else (VALIDATED, TESTED), strict=True))
    left = 1 - sum(of_all[side] for side in SIDES[1:] if side not in missing)
    for side in missing:
        _spare(rows, by_side, side, of_all[side] / left)
    plan += [((i,), "train", "") for own in by_side["train"].values() for i in own]
    for side in SIDES[1:]:
        plan += [(pair, side, f"{side} block {block}") for pair, block in _pairs(by_side[side], side, closed=True)]
    known = sum(name in by_side["train"] for name in by_side["test"])
    origin = f"given, {known:,} of the {len(by_side['test']):,} people of the test being trained on by other pictures"
    origin = "; ".join([origin, *(f"{side} by hash of content" for side in missing)])
    return ComposedRows(rows, plan, _notes(rows, plan, people, [], {}), origin, closed=True)


def _spare(rows: Sequence[Row], by_side: Mapping[str, dict[str, list[int]]], side: str, share: float) -> None:
    """Take a share of everybody's training pictures to another side, two of them at least, so that they make a pair."""
    for name, own in list(by_side["train"].items()):
        if len(own) >= SPARED and share:
            order = sorted(own, key=lambda i: entropy("side of a picture", side, _digest(rows[i]).hex()))
            taken = set(order[: max(2, round(share * len(own)))])
            by_side["train"][name] = [i for i in own if i not in taken]
            by_side[side][name] = [i for i in own if i in taken]


# ---- other people in the test


def _sorted_out(
    rows: Sequence[Row],
) -> tuple[dict[str, list[int]], dict[int, tuple[tuple[str, str], str]], dict[str, set[str]], list[int]]:
    """Person → rows of single pictures; rows of listed pairs → (people, split); person → splits given; other rows."""
    people: dict[str, list[int]] = defaultdict(list)
    listed: dict[int, tuple[tuple[str, str], str]] = {}
    given: dict[str, set[str]] = defaultdict(set)
    bad: list[int] = []
    for i in range(len(rows)):
        try:
            row = rows[i]
        except DataError:  # a cell that cannot be one: it is rejected where it is read
            bad.append(i)
            continue
        if isinstance(row.target, tuple):
            if isinstance(row.input, Mapping) and TROUBLE in row.input:
                bad.append(i)
            else:
                listed[i] = ((row.target[0], row.target[1]), row.split)
        elif row.target is None or row.target != row.target or not str(row.target).strip():
            bad.append(i)
        else:
            people[str(row.target).strip()].append(i)
            if row.split:
                given[str(row.target).strip()].add(row.split)
    return dict(people), listed, given, bad


def _sides(
    people: Mapping[str, Sequence[int]],
    listed: Mapping[int, tuple[tuple[str, str], str]],
    given: Mapping[str, set[str]],
    shares: Shares | None = None,
) -> tuple[dict[str, str], str]:
    """Person → side: of the listed pairs, else as given, else by hash; the harder side where two are given.

    And where the sides come from, in words.
    """
    sides = {name: max(splits, key=SIDES.index) for name, splits in given.items()}
    for names, split in listed.values():
        sides |= {name: max(split, sides.get(name, split), key=SIDES.index) for name in names}
    missing = [side for side in SIDES[1:] if side not in sides.values()]
    if given and not listed and "train" not in sides.values():
        missing = []  # a set to measure on, which says so
    free = [name for name in people if sides.get(name, "train") == "train"]
    sides |= dict.fromkeys(free, "train")
    if shares and not missing:
        raise no_shares_left(shares)
    held = (shares.validation, shares.test) if shares else (VALIDATED, TESTED)
    if missing:
        _carve(sides, [n for n in free if len(people[n]) > 1], missing, LEAST, len(people), held)
        _carve(sides, [n for n in free if len(people[n]) == 1], missing, 0, len(people), held)
    if len(missing) == 2 and not given:
        return sides, "hash of person"
    return sides, "; ".join(["given", *(f"{side} by hash of person" for side in missing)])


def _carve(
    sides: dict[str, str],
    names: Sequence[str],
    missing: Sequence[str],
    least: int,
    people: int,
    held: tuple[float, float],
) -> None:
    """Take people out of the training by the hash of their name: by the shares `held` of validation and test, but at
    least `least` for each side.
    """
    validated, tested = held
    order = sorted(names, key=_place)
    if len(order) < least * (len(missing) + 1):
        what = f"{len(order)} of {people} people have two pictures or more, which is too few to hold people out"
        raise DataError(what, fix=f"Give {least * (len(missing) + 1)} people or more two pictures each")
    test = max(least, sum(_place(name) < tested for name in order)) if "test" in missing else 0
    validation = max(least, sum(_place(name) >= 1 - validated for name in order)) if "validation" in missing else 0
    if test + validation > len(order) - least:
        test, validation = least * ("test" in missing), least * ("validation" in missing)
    sides |= dict.fromkeys(order[:test], "test") | dict.fromkeys(order[len(order) - validation :], "validation")


def _place(name: str) -> float:
    return entropy("side of a person", name) / 2**63


def _pairs(
    people: Mapping[str, Sequence[int]], side: str, closed: bool = False
) -> Iterator[tuple[tuple[int, int], int]]:
    """Pairs of rows with the number of their block: of one person each, and as many of two people of the block.

    In a `closed` set each picture is in a pair, as far as `MOST` allows it: it is also to be given a name.
    """
    order = sorted(people, key=_place)
    several, one = [n for n in order if len(people[n]) > 1], [n for n in order if len(people[n]) == 1]
    blocks = max(1, len(several) // (CLOSED_BLOCK if closed else BLOCK))
    own = max(1, min(MOST if closed else OWN, round(MOST / max(1, len(several)))))
    for block in range(blocks):
        rng = stream("pairs", side, block)
        names = several[block::blocks]
        drawn = _around if closed else _own
        genuine = [pair for name in names for pair in drawn(people[name], own, rng)]
        yield from ((pair, block) for pair in genuine)
        others = list(combinations([*names, *one[block::blocks][:LONELY]], 2))
        wanted = max(1, len(genuine))
        yield from ((pair, block) for pair in _different(people, others, wanted, rng))


def _own(pictures: Sequence[int], n: int, rng: np.random.Generator) -> list[tuple[int, int]]:
    return _drawn(list(combinations(_drawn(pictures, LOOKED_AT, rng), 2)), n, rng)


def _around(pictures: Sequence[int], n: int, rng: np.random.Generator) -> list[tuple[int, int]]:
    """Each of at most `n` pictures with the next of a drawn order."""
    order = [pictures[i] for i in rng.permutation(len(pictures))[:n]]
    pairs = list(zip(order, order[1:] + order[:1], strict=True))
    return pairs[:1] if len(order) == 2 else pairs


def _different(
    people: Mapping[str, Sequence[int]], others: Sequence[tuple[str, str]], n: int, rng: np.random.Generator
) -> list[tuple[int, int]]:
    """`n` pairs of rows of two people each, none of them twice; fewer where there are hardly as many."""
    several = list(others) * -(-2 * n // max(1, len(others)))
    found: dict[tuple[int, int], None] = {}
    for i in rng.permutation(len(several)):
        if len(found) == n:
            break
        a, b = several[i]
        found[_one(people[a], rng), _one(people[b], rng)] = None
    return list(found)


def _one(items: Sequence[int], rng: np.random.Generator) -> int:
    return items[int(rng.integers(len(items)))]


def _drawn(items: Sequence[Any], n: int, rng: np.random.Generator) -> list[Any]:
    return [items[i] for i in sorted(rng.permutation(len(items))[:n])]


# ---- what a checker should say


def _notes(
    rows: Sequence[Row],
    plan: Sequence[tuple[tuple[int, ...], str, str]],
    people: Mapping[str, Sequence[int]],
    left_out: Sequence[int],
    listed: Mapping[int, Any],
) -> dict[int, str]:
    """Place in the plan → note: copies under two names, people with one picture, pictures that no pair holds."""
    at: dict[int, int] = {}
    for place, (numbers, _, _) in enumerate(plan):
        for number in numbers:
            at.setdefault(number, place)
    notes = {at[a]: said for a, said in _copies(rows, people, {i for i in at if plan[at[i]][1] != "train"}) if a in at}
    lonely = [own[0] for own in people.values() if len(own) == 1]
    if seen := [i for i in lonely if i in at]:
        many = counted(len(lonely), "person", "have")
        said = f"{many} a single picture: compared with others, and never with themselves"
        notes.setdefault(at[seen[0]], said)
    unused = len(left_out) - len({i for i in left_out if i in at})
    if unused and listed:
        kept = len({name for names, _ in listed.values() for name in names})
        said = f"the people of the listed pairs ({kept:,}) are not trained on: {unused:,} pictures stand in no training"
        notes.setdefault(at[next(iter(listed))], said)
    return notes


def _copies(rows: Sequence[Row], people: Mapping[str, Sequence[int]], held: set[int]) -> Iterator[tuple[int, str]]:
    """Rows outside the training whose picture, byte for byte, stands under another person too; training rows are
    compared by the check of the data itself.
    """
    owner = {i: name for name, own in people.items() for i in own}
    sizes = {i: _size(rows[i]) for i in owner}
    often = Counter(size for size in sizes.values() if size)
    alike: dict[bytes, list[int]] = defaultdict(list)
    for i, size in sizes.items():
        if often[size] > 1 and (digest := _digest(rows[i])):
            alike[digest].append(i)
    for same in alike.values():
        if len({owner[i] for i in same}) > 1:
            for i in same:
                other = next(j for j in same if owner[j] != owner[i])
                if i in held:
                    yield i, f"the same picture stands under {owner[other]!r} as well ({rows[other].where})"


def _held(row: Row) -> bytes | Path | None:
    cell = row.input
    if isinstance(cell, Mapping):
        cell = cell["bytes"] if cell.get("bytes") is not None else cell.get("path")
    if isinstance(cell, bytes | bytearray | memoryview):
        return bytes(cell)
    return Path(row.root, cell) if isinstance(cell, str | Path) and str(cell).strip() else None


def _size(row: Row) -> int:
    held = _held(row)
    try:
        return len(held) if isinstance(held, bytes) else os.stat(held).st_size if held else 0
    except (OSError, ValueError):
        return 0


def _digest(row: Row) -> bytes:
    held = _held(row)
    try:
        data = held if isinstance(held, bytes) else held.read_bytes() if held else b""
    except OSError:
        return b""
    return blake2b(data, digest_size=16).digest() if data else b""
