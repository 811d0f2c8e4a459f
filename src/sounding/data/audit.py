"""`sounding check`: what the data are and what is wrong with them, place by place, without training.

check(task, source) → Report     never raises for a bad row; raises for a source that cannot be opened at all
describe(report) → str           the report as lines for a terminal, with a verdict
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from sounding.contract.answers import UNLABELLED
from sounding.contract.split_names import NAMES
from sounding.contract.task import Learning, Task
from sounding.data.alike import files_alike, rejections
from sounding.data.columns import GUESSED, Columns
from sounding.data.documents import ingest_documents
from sounding.data.ingest import ingest
from sounding.data.opening import fitted
from sounding.data.report import Pairs, Report
from sounding.wording import counted, in_columns, percent

UNEVEN = 10
"""A class with so many times the training rows of another is worth a word."""
_PLACES = 5  # pairs of duplicates that are named
_CLASSES = 40  # lines of the table of classes


def check(
    task: Task,
    source: Any,
    columns: Columns = GUESSED,
    *,
    allow_bad: float | None = None,
    progress: Callable[[str], None] | None = None,
) -> Report:
    """What a training on `source` would see. `report.usable` is false when it would refuse to start."""
    task = task.with_data()
    if task.learns is Learning.DOCUMENTS:
        return ingest_documents(task, source, columns, allow_bad=allow_bad, say=progress).report
    return fitted(task, ingest(task, source, columns, allow_bad=allow_bad, say=progress)).report


def describe(report: Report, every: bool = False) -> str:
    """The report in words: rows, splits, classes, rejected rows, warnings, duplicates, and whether it is usable.

    What is alike is said once with its count; with `every`, each rejected row and each unused file by itself.
    """
    return "\n".join(_lines(report, every))


def left_out(report: Report) -> Iterator[str]:
    """What was decided for the user, and how much of a folder was not read: for who trains without looking first."""
    yield from report.notes
    if report.ignored:
        n = len(report.ignored)
        some = ", ".join(report.ignored[:3]) + ", …" * (n > 3)
        files = sum(file.files for file in report.files) + n
        yield f"not used: {n:,} of {files:,} files ({percent(n / files, 1)}): {some}"


def _lines(report: Report, every: bool) -> Iterator[str]:
    n = sum(file.files for file in report.files)
    files = f" in {counted(n, 'file')}" if n else ""
    noun = report.nouns[0] if report.documents else "row"
    read = counted(report.rows, noun)
    used = report.rows - len(report.rejected) if report.documents else report.used
    yield f"{report.source}: {read}{files}, {used:,} usable, {len(report.rejected):,} rejected"
    yield from (f"  {note}" for note in report.notes)
    if report.used:
        yield ""
        yield from _table(report)
        yield f"split: {report.split_origin}"
        yield from _uneven(report.classes, "rows")
    if report.amounts:
        yield ""
        yield from _amounts(report)
        yield from _uneven(report.amounts, report.unit)
    rejected = [str(row) for row in report.rejected] if every else list(rejections(report.rejected).lines(f"{noun}s"))
    yield from _section(f"rejected: {len(report.rejected):,}", rejected)
    yield from _section("warnings", report.remarks)
    yield from _duplicates(report)
    unused = report.ignored if every else files_alike(report.ignored)
    yield from _section(f"not used: {counted(len(report.ignored), 'file')}", unused)
    yield ""
    yield "usable" if report.usable else "not usable"
    yield from (f"  {problem.splitlines()[0].rstrip(':')}" for problem in report.problems)


def _table(report: Report) -> Iterator[str]:
    """Rows of each split, and of each class within it, in columns."""
    rows = [["", *NAMES, "all"]]
    shown = list(report.classes.items())[:_CLASSES]
    rows += [[name, *(f"{times[split]:,}" for split in NAMES), f"{sum(times.values()):,}"] for name, times in shown]
    if report.documents:
        rows.append(
            [
                f"{report.nouns[0]}s",
                *(f"{report.documents[split]:,}" for split in NAMES),
                f"{sum(report.documents.values()):,}",
            ]
        )
    name = f"{report.nouns[1]}s" if report.documents else "all"
    rows.append([name, *(f"{report.splits[split]:,}" for split in NAMES), f"{report.used:,}"])
    yield from in_columns(rows)
    if len(report.classes) > _CLASSES:
        yield f"({len(report.classes) - _CLASSES:,} more classes are not shown)"


def _amounts(report: Report) -> Iterator[str]:
    """Boxes or pixels of each class in each split, their share of all, and how many rows have the class."""
    whole = sum(counts[split] for counts in report.amounts.values() for split in NAMES)
    rows = [[report.unit, *NAMES, "all", "share", "rows with it"]]
    for name, counts in list(report.amounts.items())[:_CLASSES]:
        together = sum(counts[split] for split in NAMES)
        share = f"{100 * together / max(1, whole):.1f} %"
        rows.append([name, *(f"{counts[split]:,}" for split in NAMES), f"{together:,}", share, f"{counts['rows']:,}"])
    yield from in_columns(rows)
    if len(report.amounts) > _CLASSES:
        yield f"({len(report.amounts) - _CLASSES:,} more classes are not shown)"


def _uneven(classes: Mapping[str, Mapping[str, int]], unit: str) -> Iterator[str]:
    classes = {name: counts for name, counts in classes.items() if name != UNLABELLED}
    if len(classes) < 2:
        return
    most = max(classes, key=lambda name: classes[name]["train"])
    least = min(classes, key=lambda name: classes[name]["train"])
    a, b = classes[most]["train"], classes[least]["train"]
    if a >= UNEVEN * max(1, b):
        yield f"uneven: {most} has {a:,} training {unit} and {least} {b:,}; a mean over all will hide how {least} fares"


def _duplicates(report: Report) -> Iterator[str]:
    found = report.duplicates
    yield from _pairs(found.across, "duplicates across splits", "equal to")
    yield from _pairs(found.near, "near duplicates across splits", "similar to")
    yield from _pairs(found.within, "duplicates within a split", "equal to")


def _pairs(pairs: Pairs, title: str, how: str) -> Iterator[str]:
    if pairs.count:
        shown = [f"{a} {how} {b}" for a, b in pairs.places[:_PLACES]]
        more = [f"and {pairs.count - len(shown):,} more"] if pairs.count > len(shown) else []
        yield from _section(f"{title}: {pairs.count:,}", shown + more)


def _section(title: str, lines: Sequence[str]) -> Iterator[str]:
    if lines:
        yield ""
        yield title
        yield from (f"  {line}" for line in lines)
