"""The section on the data: how many rows, of what, from where, and what could make the test too easy or too small.

All of it comes from the report that was made when the data were opened (`data.Report.to_json`); nothing is
counted twice. What a person should worry about is said in words, under `details["warnings"]`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import PurePath
from typing import Any

from sounding.contract.evidence import COUNTED, Estimate, Number
from sounding.data.alike import files_alike
from sounding.evaluation.challenge import Challenge, Findings
from sounding.evaluation.context import EvaluationContext
from sounding.wording import counted, percent

SMALL = 100
"""With fewer test rows than this, intervals are wide and the card says so."""
UNEVEN = 10
"""The most common class may have this many times the training rows of the rarest before the card says so."""

_DETAILS = ("columns", "notes", "rejected", "files")  # printed as the report has them
_DUPLICATES = {"across": "exact_duplicates", "near": "near_duplicates", "within": "duplicates_within"}
_NAMED = 3  # how many places a warning names; the tables have the others


class Data(Challenge[None]):
    """What the report of the data says of the rows; a key that the report lacks is left out."""

    id, title, order = "data", "Data", 20
    rows = False

    def measure(self, context: EvaluationContext) -> Findings:
        """Counts, duplicates, warnings."""
        report, splits = context.report, _splits(context)
        details: dict[str, Any] = {"warnings": warnings(context)}
        if rows := classes(context):
            details["classes"] = rows
        for kind, title in _DUPLICATES.items():
            count, places = _pairs(report, kind)
            if count:
                details[title] = [{"row": a, "is_like": b} for a, b in places] or count
        if amounts := report.get("amounts"):
            details[report["unit"]] = [{"class": name, **counts} for name, counts in amounts.items()]
        details |= {key: report[key] for key in _DETAILS if report.get(key)}
        if remarks := report.get("remarks"):
            details["remarks"] = [{"rows that are used, but odd": str(remark)} for remark in remarks]
        if ignored := report.get("ignored"):
            details["ignored"] = [{"files that were not used": name} for name in files_alike(ignored)]
        return Findings(_sentence(splits, report), tuple(_numbers(splits, report)), details=details | _began(context))


def warnings(context: EvaluationContext) -> list[str]:
    """What could make the numbers of this card say less than they seem to, in sentences."""
    splits = _splits(context)
    return [
        *_few(context, splits),
        *_uneven({row["class"]: row for row in classes(context)}, splits),
        *_leaks(context.report),
        *(str(problem) for problem in context.report.get("problems") or ()),
    ]


def classes(context: EvaluationContext) -> list[dict[str, Any]]:
    """The rows of each class by split, as a table; none where answers are open."""
    return [{"class": name, **_by_split(rows)} for name, rows in (context.report.get("classes") or {}).items()]


def _splits(context: EvaluationContext) -> dict[str, int]:
    """Rows used in each split: as reported, or else counted."""
    here = {"train": len(context.train), "validation": len(context.validation), "test": len(context.test)}
    return {name: (context.report.get("splits") or {}).get(name, n) for name, n in here.items()}


def _sentence(splits: Mapping[str, int], report: Mapping[str, Any]) -> str:
    whole = str(report.get("source") or "")
    source = f" of {PurePath(whole).name or whole}" if whole else ""  # a card may be published; data.json has the path
    origin = f" (split: {report['split_origin']})" if report.get("split_origin") else ""
    parts = f"{splits['train']:,} to train, {splits['validation']:,} to validate and {splits['test']:,} to test"
    rejected = len(report.get("rejected") or ())
    tail = f"{counted(rejected, 'row', 'were') if rejected else 'No row was'} rejected"
    copies, near = (_pairs(report, kind)[0] for kind in ("across", "near"))
    leaks = [f"{counted(copies, 'row', 'have')} a copy in another split"] if copies else []
    leaks += [f"{counted(near, 'row', 'look')} like one of another split without being equal to it"] if near else []
    tail += f"; of validation and test, {' and '.join(leaks)}" if leaks else ""
    if documents := sum((report.get("documents") or {}).values()):
        noun, piece = report.get("nouns", ("document", "window"))
        return f"{documents:,} {noun}s{source} were cut into {piece}s, {parts}{origin}. {tail}."
    used = sum(splits.values())
    return f"{counted(used, 'row')}{source} {'was' if used == 1 else 'were'} used, {parts}{origin}. {tail}."


def _numbers(splits: Mapping[str, int], report: Mapping[str, Any]) -> Iterator[Number]:
    """Counts of everything there is: no sample, so no spread."""
    used, held_out = sum(splits.values()), splits["validation"] + splits["test"]
    yield _count("train", "training rows", splits["train"], used, "rows that the weights were learnt from")
    yield _count("validation", "validation rows", splits["validation"], used, "rows that chose the best checkpoint")
    yield _count("test", "test rows", splits["test"], used, "rows that were kept aside and read once, for this card")
    if kinds := report.get("classes"):
        yield _count("classes", "classes", len(kinds), splits["train"], "different answers", unit="")
    if "rejected" in report:
        rejected, found = len(report["rejected"]), report.get("rows") or used
        yield _count("rejected", "rejected rows", rejected, found, "rows found in the files that could not be used")
    if "duplicates" in report:
        meaning = "rows of validation or test whose input also stands in another split"
        yield _count("duplicates", "exact duplicates across splits", _pairs(report, "across")[0], held_out, meaning)
        meaning = "rows of validation or test that look the same as a row of another split without being equal to it"
        yield _count("near_duplicates", "near duplicates across splits", _pairs(report, "near")[0], held_out, meaning)


def _count(id: str, name: str, value: int, n: int, definition: str, unit: str = "rows") -> Number:
    return Number(id, name, Estimate(float(value), n=n, interval=COUNTED), definition, unit)


def _began(context: EvaluationContext) -> dict[str, Any]:
    """Where the weights came from that the training began with, if it did not begin from nothing."""
    taken = context.config.get("transfer") or {}
    if not taken.get("origin"):
        return {}
    words = taken["origin"].split(" ")
    origin = " ".join(PurePath(w).name if w.startswith("/") else w for w in words)  # a card may be published
    share = f"{percent(taken['share'])} of the parameters, before training"
    return {"weights_from": f"{origin} ({share}); what they were learnt on is not in this report"}


# ---- warnings


def _few(context: EvaluationContext, splits: Mapping[str, int]) -> Iterator[str]:
    """Splits without rows, or with few."""
    if not splits["test"]:
        judged = "but what matches tell, nothing" if context.plays else "so nothing"
        yield f"There are no test rows, {judged} can be said about how good the model is."
    elif splits["test"] < SMALL:
        yield f"There are only {counted(splits['test'], 'row')} to test on: expect wide intervals."
    if not splits["validation"] and not context.plays:
        yield "There are no validation rows, so the last weights were kept and not the best."


def _uneven(classes: Mapping[str, Mapping[str, int]], splits: Mapping[str, int]) -> Iterator[str]:
    """Classes that are rare in training, or missing from the test."""
    if len(classes) < 2:
        return
    train = {name: rows.get("train", 0) for name, rows in classes.items()}
    most, least = max(train, key=lambda name: train[name]), min(train, key=lambda name: train[name])
    if train[most] >= UNEVEN * max(1, train[least]):
        yield (
            f"The classes are uneven: {counted(train[most], 'row')} to train on are ‘{most}’ and {train[least]:,} "
            f"‘{least}’. "
            "Look at the numbers of each class, not only at their mean."
        )
    missing = [f"‘{name}’" for name, rows in classes.items() if not rows.get("test", 0)]
    if missing and splits["test"]:
        yield f"No test row is {_listed(missing, ' or ')}: the card says nothing about {_them(missing)}."


def _leaks(report: Mapping[str, Any]) -> Iterator[str]:
    for kind in ("across", "near"):
        count, places = _pairs(report, kind)
        if not count:
            continue
        verb, where = (
            ("stand", "in another split as well") if kind == "across" else ("look", "like a row of another split")
        )
        row, does = counted(count, "row", verb).rsplit(" ", 1)
        named = _listed([f"{a} and {b}" for a, b in places], "; ")
        yield f"{row} of validation or test {does} {where}, which makes the test too easy: {named}."


def _pairs(report: Mapping[str, Any], kind: str) -> tuple[int, list[tuple[str, str]]]:
    """How many pairs of duplicates of a kind there are, and the places of the first."""
    pairs = (report.get("duplicates") or {}).get(kind) or {}
    return pairs.get("count", 0), [(str(a), str(b)) for a, b in pairs.get("places", ())]


# ---- words


def _by_split(rows: Any) -> dict[str, int]:
    """Rows of a class by split; a report may give one count for all."""
    return dict(rows) if isinstance(rows, Mapping) else {"train": int(rows)}


def _listed(words: list[str], comma: str) -> str:
    left = len(words) - _NAMED
    return comma.join(words[:_NAMED]) + (f" and {left:,} more" if left > 0 else "")


def _them(words: list[str]) -> str:
    return "it" if len(words) == 1 else "them"
