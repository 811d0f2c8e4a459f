"""Several runs side by side: what each is better at, and what that costs.

    compare_runs   models of one task on the same test rows, each against the first → TradeOffs
    compare_forms  one model in several forms: as it was trained, exported, in 8 bits
    TradeOffs      the table: as text for a terminal, as Markdown, as a page, as JSON

Every change against the first run is paired on the same rows and marked where its 95 % interval is clear of no change.
All come from one training each: how much another seed would change is in the section on seeds of their cards.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from html import escape
from importlib import resources
from pathlib import Path
from typing import Any

from sounding.card.printing import NOT_JOINTLY, printed
from sounding.card.storage import finite, replace_all
from sounding.challenges.costs.comparison import Entry, Plan, Row, comparison
from sounding.contract.evidence import Estimate, Number
from sounding.errors import UsageError
from sounding.evaluation.context import EvaluationContext, Profile
from sounding.evaluation.evaluation import same
from sounding.files import json_text
from sounding.wording import capital

PLANS: Mapping[Profile, Plan] = {
    "quick": Plan(200, (3,), 0.1),
    "standard": Plan(500, (1, 2, 3, 4, 5), 0.5),
    "full": Plan(2000, (1, 2, 3, 4, 5), 3.0, 2000),
}
CLEAR = "*"
"""The mark of a change whose interval is clear of no change."""
_LEGEND = f"{CLEAR} the 95 % interval of the change is clear of no change. {NOT_JOINTLY}"


@dataclass(frozen=True)
class TradeOffs:
    """The table: `table` holds measures over `names` of runs, on `rows` test rows of `task`."""

    task: str
    rows: int
    names: tuple[str, ...]
    table: tuple[Row, ...]

    def __getitem__(self, id: str) -> Row:
        """The row of the measure called `id`: headline, loss, ece, corrupted, energy, training, parameters, bytes."""
        for row in self.table:
            if row.id == id:
                return row
        raise KeyError(f"no measure {id}; there are {', '.join(row.id for row in self.table)}")

    def text(self) -> str:
        """The table for a terminal: a column for each run, and below each value its change against the first."""
        head, body = self._head(), list(self._cells())
        widths = [max(len(row[i]) for row in (head, *body)) for i in range(len(head))]
        padded = ([cell.ljust(width) for cell, width in zip(row, widths, strict=True)] for row in (head, *body))
        return "\n".join([*("  ".join(cells).rstrip() for cells in padded), "", _LEGEND]) + "\n"

    def markdown(self) -> str:
        """The table as Markdown."""
        clean = [[cell.replace("|", "\\|").replace(CLEAR, "\\" + CLEAR) for cell in row] for row in self._cells()]
        head = [cell.replace("|", "\\|") for cell in self._head()]
        rows = [head, ["---"] * len(head), *clean]
        table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
        meanings = "\n".join(f"- *{capital(row.name)}*: {capital(row.definition)}" for row in self.table)
        return f"# {self._title()}\n\n{table}\n\n\\{_LEGEND}\n\n{meanings}\n"

    def html(self) -> str:
        """The table as one self-contained page, in the style of the cards."""
        style = resources.files("sounding.card").joinpath("style.css").read_text(encoding="utf-8")
        head = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in self._head())
        rows = "".join(map(_row, self._cells()))
        meanings = "".join(f"<dt>{escape(capital(x.name))}</dt><dd>{escape(x.definition)}</dd>" for x in self.table)
        title = escape(self._title())
        return (
            '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            f"<title>{title}</title>\n<style>\n{style}</style>\n</head>\n<body>\n<main>\n"
            f'<header><p class="eyebrow">Trade-offs</p><h1>{title}</h1></header>\n'
            f'<section><div class="scroll"><table class="details"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody>'
            f'</table></div><p class="fine">{escape(_LEGEND)}</p><dl class="meanings">{meanings}</dl></section>\n'
            "</main>\n</body>\n</html>\n"
        )

    def to_json(self) -> dict[str, Any]:
        """The table as JSON can hold it; `verdicts` are "better", "worse", "different" or "" against the first."""
        table = [{**asdict(row), "verdicts": [row.verdict(k) for k in range(len(self.names))]} for row in self.table]
        return finite({"schema": 1, "task": self.task, "rows": self.rows, "runs": list(self.names), "lines": table})

    def save(self, path: Path | str) -> Path:
        """Write a .json, .md, .html or .txt file. Raises UsageError for another ending, RunError when it cannot be."""
        path = Path(path)
        writers = {".json": self._json, ".md": self.markdown, ".html": self.html, ".txt": self.text}
        if path.suffix not in writers:
            fix = f"Name a file that ends in {', '.join(writers)}"
            raise UsageError(
                f"a table of runs cannot be written as {path.suffix or 'a folder'}", where=str(path), fix=fix
            )
        replace_all({path: writers[path.suffix]()})
        return path

    def _json(self) -> str:
        return json_text(self.to_json(), indent=1, allow_nan=False) + "\n"

    def _title(self) -> str:
        return f"{capital(self.task)}: {len(self.names)} runs on {self.rows:,} test rows"

    def _head(self) -> list[str]:
        return ["", *self.names]

    def _cells(self) -> Iterator[list[str]]:
        """Two rows of words for each row: values, and changes where there are any."""
        for row in self.table:
            yield [capital(row.name), *(_said(row, value, row.unit) for value in row.values)]
            if any(row.changes):
                change = "over the first" if row.relative else "change"
                yield [f"  {change}", *(_changed(row, k) for k in range(len(self.names)))]


def compare_runs(contexts: Mapping[str, EvaluationContext], profile: Profile = "quick", seed: int = 0) -> TradeOffs:
    """Models of one task on the same test rows, by name, each against the first.

    Raises UsageError for fewer than two, for different tasks, and for different test rows.
    """
    names, some = list(contexts), list(contexts.values())
    if len(some) < 2:
        raise UsageError("one run alone has nothing to be compared with", fix="Name two runs or more")
    tasks = {name: _task(context) for name, context in contexts.items()}
    for name in names[1:]:
        if tasks[name] != tasks[names[0]]:
            what = f"the runs are of different tasks: {tasks[names[0]]} and {tasks[name]}"
            raise UsageError(what, where=f"{names[0]} and {name}", fix="Compare runs of one task")
    _same_rows(names, some)
    entries = [Entry(name, context) for name, context in contexts.items()]
    return TradeOffs(tasks[names[0]], len(some[0].test), tuple(names), comparison(entries, PLANS[profile], seed))


def compare_forms(entries: Sequence[Entry], profile: Profile = "quick", seed: int = 0) -> TradeOffs:
    """One model in several forms, each against the first, as `compare_runs`; with the time of single predictions."""
    plan, first = PLANS[profile], entries[0].context
    names = tuple(entry.name for entry in entries)
    timed = replace(plan, single=plan.seconds)
    return TradeOffs(_task(first), len(first.test), names, comparison(entries, timed, seed))


def _task(context: EvaluationContext) -> str:
    """The task's name and what it is judged by: two runs of one task may still be judged differently."""
    name = Path(str(context.config.get("task") or type(context.task).__name__)).stem
    return f"{name} ({context.task.row_metrics[0].name})"


def _same_rows(names: Sequence[str], contexts: Sequence[EvaluationContext]) -> None:
    """Raises UsageError unless all have the same truths in the same order."""
    fix = "Compare runs on the same rows: name the data, or train them on the same"
    first = contexts[0].row_records
    for name, context in zip(names[1:], contexts[1:], strict=True):
        where = f"{names[0]} and {name}"
        other = context.row_records
        if not len(first) or len(first) != len(other):
            what = f"the test rows are not the same: {len(first):,} and {len(other):,}"
            raise UsageError(what, where=where, fix=fix)
        for row, (a, b) in enumerate(zip(first, other, strict=True), 1):
            if not same(a.truth, b.truth):
                raise UsageError(f"the test rows are not the same: row {row} differs", where=where, fix=fix)


# ---- words


def _row(cells: Sequence[str]) -> str:
    """A row of the page; one of changes is quieter than one of values."""
    kind = ' class="quiet"' if cells[0].startswith(" ") else ""
    return f"<tr{kind}>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>"


def _said(row: Row, estimate: Estimate | None, unit: str) -> str:
    if estimate is None:
        return "—"
    p = printed(Number(row.id, row.name, estimate, "", unit))
    return str(p)


def _changed(row: Row, entry: int) -> str:
    """A change with its sign, or a ratio with ×; marked where it is clear."""
    change = row.changes[entry]
    if change is None:
        return ""
    p = printed(Number(row.id, row.name, change, "", "" if row.relative else row.unit))
    sign = "+" if change.value > 0 else ""
    if row.relative:
        sign = "× "
    mark = f" {CLEAR}" if row.verdict(entry) else ""
    return f"{sign}{p}{mark}"
