"""The three parts of a data set, and the words that people call them by in columns, files and folders."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sounding.errors import UsageError

NAMES = ("train", "validation", "test")

_WORDS = {
    "train": "train training trn",
    "validation": "validation val valid dev development",
    "test": "test testing tst holdout eval evaluation",
}
_SIZES = re.compile(r"\d+(\.\d+)?(/\d+(\.\d+)?)+")
_SPLIT_OF = {word: name for name, words in _WORDS.items() for word in words.split()}


def split_named(word: str) -> str:
    """The split that a word means ("dev" → "validation"), numbers at its end aside ("train2017"); or ""."""
    return _SPLIT_OF.get(word.strip().lower().rstrip("0123456789"), "")


def split_of_file(stem: str) -> str:
    """The split that the first or the last word of a file's name tells: train.csv, test-00000-of-00002, reviews_dev."""
    words = [word for word in re.split(r"[-_. ]", stem) if word]
    return (split_named(words[0]) or split_named(words[-1])) if words else ""


def split_in(stem: str) -> str:
    """The split that the last word of a name that tells one means ("instances_val2017", "test_labels"), or ""."""
    words = [word for word in re.split(r"[-_. ]", stem) if word]
    return next((split for word in reversed(words) if (split := split_named(word))), "")


def split_above(file: Path, top: Path) -> str:
    """The split that a folder between `top` and the file is named after, the nearest one; or ""."""
    folders = file.relative_to(top).parts[:-1]
    return next((split for word in reversed(folders) if (split := split_named(word))), "")


def several_words(named: Iterable[tuple[Path, str]]) -> Iterator[str]:
    """A sentence for each split that different words beside each other mean (eval/ and test/).

    `named` are paths that belong to a split, and that split: a folder or file there, or anything in it.
    """
    words: dict[tuple[Path, str], dict[str, str]] = {}
    for path, split in named:
        for part in (path, *path.parents):
            if word := _word_for(split, part.name):
                words.setdefault((part.parent, split), {}).setdefault(word, part.name)
    for (_, split), names in words.items():
        if len(names) > 1:
            yield two_words(list(names.values()), split)


def two_words(names: Sequence[str], split: str) -> str:
    """The note that several names beside each other are read as one split."""
    joined = " and ".join([", ".join(names[:-1]), names[-1]])
    others = " or ".join(name for name in NAMES if name != split)
    return f"{joined} are read together as {split}; if one of them is for {others}, give it that name"


def _word_for(split: str, name: str) -> str:
    """The word in the name of a file or folder that means the split, or nothing."""
    words = re.split(r"[-_. ]", name.lower())
    plain = [word.rstrip("0123456789") for word in words]
    return next((word for word in reversed(plain) if _SPLIT_OF.get(word) == split), "")


@dataclass(frozen=True)
class Shares:
    """The shares of all rows that validate and that test; the others train. In words as they were typed."""

    validation: float
    test: float
    words: str = ""

    def __str__(self) -> str:
        return self.words


def no_shares_left(shares: Shares) -> UsageError:
    """The error of sizes that are asked for where the data give both validation and test."""
    what = f"the data give validation and test themselves, and the sizes {shares} would change nothing"
    return UsageError(what, fix="Leave --split out")


def shares_in(words: str) -> Shares | None:
    """The shares in "70/15/15" (train, validation, test; of a hundred or of any other sum), or None for other words.

    Raises UsageError for sizes that are not three, or that leave nothing to train or to test on.
    """
    words = words.strip()
    if not _SIZES.fullmatch(words):
        return None
    sizes = [float(size) for size in words.split("/")]
    if len(sizes) != 3 or not sizes[0] or not sizes[2]:
        what = f"the sizes {words!r} are not those of train, validation and test"
        raise UsageError(what, fix="Give three, such as --split 70/15/15; validation alone may be 0")
    return Shares(sizes[1] / sum(sizes), sizes[2] / sum(sizes), words)
