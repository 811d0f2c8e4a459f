"""The section on use: what the author says the model is for, on what it was measured, and what that does not cover.

After the headings of Mitchell et al. 2019 (Model Cards for Model Reporting). The author's words are printed as they
are. The warnings are those of the section on the data, which found them, and a few more on the test rows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sounding.card.wording import COUNTED, warnings
from sounding.contract.evidence import Estimate, Number, Section
from sounding.contract.modality import Modality
from sounding.errors import SoundingError
from sounding.evaluation.context import EvaluationContext

ID, TITLE = "use", "Use and limits"
UNSAID = "The author does not say what the model is for, or what it is not for."
LOOKED_AT = 200
"""Test inputs that are looked at to say of what kind they are."""
FEW_GROUPS = 10
FEW_ROWS = 30
"""A class with fewer test rows has an interval too long to say much."""

_LISTED = 10  # answers that are named
_LONG = 60  # characters of a description that a line can hold


def measure(context: EvaluationContext, data: Section, use: str = "") -> Section:
    """`data` is the section on the data, whose warnings are taken over; `use` is the author's free text."""
    warned = [*warnings(data), *_groups(context), *_thin_classes(data)]
    n = len(context.test)
    meaning = "things about the data that limit what may be concluded from this card"
    count = Number("warnings", "warnings", Estimate(float(len(warned)), n=n, interval=COUNTED), meaning)
    kind = _inputs(context)
    measured_on = f"{n:,} test row{'s' * (n != 1)}" if n else "nothing: there are no test rows"
    details = {
        "intended_use": use.strip() or "not stated",
        "inputs_measured": kind,
        "answers": _answers(context.task.target),
        "measured_on": measured_on,
        "warnings": warned,
        "notes": [] if use.strip() else [UNSAID],
    }
    sentence = " ".join(filter(None, [context.task.caution, _sentence(use, measured_on, kind, len(warned))]))
    return Section(ID, TITLE, sentence, (count,), details=details)


def _sentence(use: str, measured_on: str, kind: str, warned: int) -> str:
    said = " ".join(use.split())
    said = f"{said}{'' if said.endswith(('.', '!', '?')) else '.'} " if said else ""
    caution = f" {warned} warning{'s' * (warned != 1)} on the data limit what follows." if warned else ""
    reach = "the numbers hold for inputs like these and say nothing of others"
    return f"{said}Measured on {measured_on} ({kind}); {reach}.{caution}"


# ---- what was measured


def _inputs(context: EvaluationContext) -> str:
    """The kind of inputs in words: "image, such as a 32×32 colour picture", from the smallest to the largest."""
    input = context.task.input
    noun = type(input).__name__.lower()
    try:
        rows = context.sample(LOOKED_AT, "use") if len(context.test) else list(context.train[:LOOKED_AT])
        values = [row.input for row in rows]
        sized = sorted(((_size(input, value), i) for i, value in enumerate(values)))
    except SoundingError:  # a row that cannot be read any more: other sections say so
        return noun
    if not sized:
        return noun
    first, last = (_described(input, values[i]) for _, i in (sized[0], sized[-1]))
    return f"{noun}: {first}" if first == last else f"{noun}: from {first} to {last}"


def _size(input: Modality, value: Any) -> int:
    encoded = input.encode([value])
    return int(encoded.numel()) if hasattr(encoded, "numel") else 0


def _described(input: Modality, value: Any) -> str:
    """An input in a few words; never a text itself, which may be private."""
    if isinstance(value, str):
        n = len(value.split())
        return f"a text of {n:,} word{'s' * (n != 1)}"
    if input.describe(value) == str(value):  # no words of its own: the bare value would say little
        shape = getattr(value, "shape", None) or (len(value),) * hasattr(value, "__len__")
        return f"a {type(value).__name__} of size {' × '.join(map(str, shape))}" if shape else type(value).__name__
    words = " ".join(input.describe(value).split())
    return words if len(words) <= _LONG else words[: _LONG - 1] + "…"


def _answers(target: Modality) -> str:
    if not target.classes:
        return f"open ({type(target).__name__.lower()})"
    names = [target.describe(option) for option in target.classes]
    return f"one of {len(names):,}: {', '.join(names[:_LISTED])}{', …' * (len(names) > _LISTED)}"


# ---- warnings that the data section cannot know


def _groups(context: EvaluationContext) -> Iterator[str]:
    """Test rows of one group, or of a few."""
    try:
        names = Counter(record.group for record in context.records if record.group) if len(context.test) else Counter()
    except SoundingError:  # a broken model is the finding of another section
        return
    if len(names) == 1 and sum(names.values()) == len(context.records):
        yield f"All test rows are of one group (‘{next(iter(names))}’): nothing is known of any other."
    elif 1 < len(names) < FEW_GROUPS:
        yield f"The test rows come from only {len(names)} groups: intervals are over groups, and wide."


def _thin_classes(data: Section) -> Iterator[str]:
    """Classes with too few test rows; those without any are warned of in the section on the data."""
    rows: Sequence[Mapping[str, Any]] = data.details.get("classes") or ()
    thin = [str(row["class"]) for row in rows if 0 < row.get("test", FEW_ROWS) < FEW_ROWS]
    if thin:
        some = ", ".join(f"‘{name}’" for name in thin[:3]) + ", …" * (len(thin) > 3)
        what = "1 class has" if len(thin) == 1 else f"{len(thin):,} of {len(rows):,} classes have"
        yield f"{what} fewer than {FEW_ROWS} test rows ({some}): what the card says of {_them(thin)} is uncertain."


def _them(names: Sequence[str]) -> str:
    return "it" if len(names) == 1 else "them"
