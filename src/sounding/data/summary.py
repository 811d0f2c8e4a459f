"""What a report says of rows that were read: their files, digest, duplicates and remarks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from hashlib import blake2b

import numpy as np

from sounding.data.duplicates import disagreeing, duplicates
from sounding.data.reading import Source
from sounding.data.report import LISTED, Duplicates, File, Report
from sounding.data.scan import Scan
from sounding.data.sources import Listing
from sounding.data.splits import torn_groups
from sounding.wording import counted


def with_files(report: Report, listing: Listing, found: Scan, source: Source, notes: Sequence[str]) -> Report:
    """The report with what is known of files and columns."""
    return replace(
        report,
        columns=str(listing.chosen or ""),
        column_names=listing.chosen.names if listing.chosen else {},
        files=listing.files or _folder_file(listing, found, source),
        ignored=listing.ignored,
        notes=(*listing.notes, *notes),
    )


def duplicates_of(found: Scan, source: Source, rows: np.ndarray, sides: np.ndarray) -> Duplicates:
    """The rows that are there twice, by their digests and fingerprints."""
    prints = None if found.prints is None else found.prints[rows]
    return duplicates(found.contents[rows], prints, sides, lambda i: source.where(int(rows[i])))


def remarks_of(found: Scan, source: Source, rows: np.ndarray, sides: np.ndarray) -> Iterator[str]:
    """What a person should look at in rows that are used: of single rows, then of rows beside others."""
    yield from found.remarks.lines()
    clashes = disagreeing(found.contents[rows], found.answers[rows])
    for a, b in clashes[:LISTED]:
        yield f"{source.where(int(rows[a]))}: same input as {source.where(int(rows[b]))}, but another answer"
    if len(clashes) > LISTED:
        yield f"and {len(clashes) - LISTED:,} more rows with the input of another and a different answer"
    torn = torn_groups(sides.tolist(), [found.groups[row] for row in rows])
    if torn:
        some = ", ".join(torn[:3]) + ", …" * (len(torn) > 3)
        yield f"{counted(len(torn), 'group', 'have')} rows in more than one split ({some}), which makes the test easier"


def _folder_file(listing: Listing, found: Scan, source: Source) -> tuple[File, ...]:
    """All files of a folder as one: how many, and a digest over their names, sizes and contents."""
    if listing.folder is None:
        return ()
    digest, size = blake2b(digest_size=16), 0
    order = sorted(range(len(listing.rows)), key=source.where)
    for i in order:
        bytes = int(found.sizes[i])
        size += bytes
        digest.update(f"{source.where(i)}\0{bytes}\0".encode(errors="surrogateescape") + found.contents[i].tobytes())
    return (File(listing.folder.name, len(order), size, digest.hexdigest(), len(order)),)


def digest_of(found: Scan, rows: np.ndarray, sides: Sequence[int]) -> str:
    """Of rows, answers and splits: a sum over the rows, so that their order has no influence."""
    total = 0
    for row, side in zip(rows.tolist(), sides, strict=True):
        whole = found.contents[row].tobytes() + found.answers[row].tobytes() + bytes([side])
        total += int.from_bytes(blake2b(whole, digest_size=16).digest(), "big")
    return f"{total % 2**128:032x}"
