"""The section on use: what the author says the model is for, on what it was measured, and what that does not cover.

After the headings of Mitchell et al. 2019 (Model Cards for Model Reporting). The author's words are printed as they
are. The warnings are those of the section on the data, and a few more on the test rows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sized
from typing import Any

import numpy as np

from sounding.challenges.data import classes, warnings
from sounding.contract.evidence import COUNTED, Estimate, Number
from sounding.contract.modality import Modality, kind_name
from sounding.contract.task import Task
from sounding.contract.tree import leaves
from sounding.errors import SoundingError
from sounding.evaluation.challenge import Challenge, Findings
from sounding.evaluation.context import EvaluationContext
from sounding.wording import counted, listed, shortened

UNSAID = "The author does not say what the model is for, or what it is not for."
LOOKED_AT = 100
"""Test inputs that are looked at to say of what kind they are."""
FEW_GROUPS = 10
FEW_ROWS = 30
"""A class with fewer test rows has an interval too long to say much."""

_LISTED = 10  # answers that are named
_LONG = 60  # characters of a description that a line can hold


class Use(Challenge[None]):
    """The author's free text, the kind of inputs and answers, how answers were made, and every warning on the data."""

    id, title, order = "use", "Use and limits", 10
    rows = False

    def measure(self, context: EvaluationContext) -> Findings:
        """The text, what was measured, and how many warnings limit what may be concluded."""
        warned = [*warnings(context), *_groups(context), *_thin_classes(context)]
        n, kind, use = len(context.test), _inputs(context), context.use.strip()
        meaning = "things about the data that limit what may be concluded from this card"
        count = Number("warnings", "warnings", Estimate(float(len(warned)), n=n, interval=COUNTED), meaning)
        measured_on = _measured_on(context)
        details = {
            "intended_use": use or "not stated",
            "inputs_measured": kind,
            "answers": _answers(context.task.target),
            "measured_on": measured_on,
            "answering_options": context.task.options.to_json(),
            "warnings": warned,
            "notes": [] if use else [UNSAID],
        }
        sentence = " ".join(filter(None, [context.task.caution, _sentence(use, measured_on, kind, len(warned))]))
        return Findings(sentence, (count,), details=details)


def _measured_on(context: EvaluationContext) -> str:
    n = len(context.test)
    rows = counted(n, "test row")
    if context.plays:
        return f"matches, and {rows} of games that it played" if n else "matches"
    return rows if n else "nothing: there are no test rows"


def _sentence(use: str, measured_on: str, kind: str, warned: int) -> str:
    said = " ".join(use.split())
    if said and not said.endswith((".", "!", "?")):
        said += "."
    limit = "limits" if warned == 1 else "limit"
    caution = f"{counted(warned, 'warning')} on the data {limit} what follows." if warned else ""
    reach = "the numbers hold for inputs like these and say nothing of others"
    return " ".join(filter(None, [said, f"Measured on {measured_on} ({kind}); {reach}.", caution]))


# ---- what was measured


def _inputs(context: EvaluationContext) -> str:
    """The kind of inputs in words: "image, such as a 32×32 colour picture", from the smallest to the largest."""
    input = context.task.input
    noun = kind_name(input)
    try:
        values = _originals(context)
        sized = sorted(((_size(context.task, value), i) for i, value in enumerate(values)))
    except SoundingError:  # a row that cannot be read any more: other sections say so
        return noun
    if not sized:
        return noun
    first, last = (_described(input, values[i]) for _, i in (sized[0], sized[-1]))
    return f"{noun}: {first}" if first == last else f"{noun}: from {first} to {last}"


def _originals(context: EvaluationContext) -> list[Any]:
    """Some inputs as a person has them, before they were brought to what the model works on."""
    rows = context.test if len(context.test) else context.train
    places = sorted(context.rng("use").permutation(len(rows))[:LOOKED_AT].tolist())
    original = getattr(rows, "original", None)
    return [rows[i].input if original is None else original(i) for i in places]


def _size(task: Task, value: Any) -> int:
    """How many numbers an input holds, or takes when it is encoded, to name the smallest and the largest."""
    if isinstance(value, np.ndarray):
        return value.size
    return sum(tensor.numel() for tensor in leaves(task.encode_inputs([value])))


def _described(input: Modality, value: Any) -> str:
    """An input in a few words; never a text itself, which may be private."""
    if isinstance(value, str):
        return f"a text of {counted(len(value.split()), 'word')}"
    if input.describe(value) == str(value):  # no words of its own: the bare value would say little
        return _kind_and_size(value)
    return shortened(input.describe(value), _LONG)


def _kind_and_size(value: Any) -> str:
    """What a value is, and its shape or length where it has one."""
    kind = type(value).__name__
    shape = getattr(value, "shape", None)
    if shape:
        return f"a {kind} of size {' × '.join(map(str, shape))}"
    if isinstance(value, Sized):
        return f"a {kind} of size {len(value)}"
    return kind


def _answers(target: Modality) -> str:
    if not target.classes:
        return f"open ({kind_name(target)})"
    names = [target.describe(option) for option in target.classes]
    return f"one of {len(names):,}: {listed(names, _LISTED)}"


# ---- warnings that the data section cannot know


def _groups(context: EvaluationContext) -> Iterator[str]:
    """Test rows of one group, or of a few."""
    if not len(context.test):
        return
    try:
        names = Counter(row.group for row in context.test if row.group)
    except SoundingError:  # a row that cannot be read any more: other sections say so
        return
    if len(names) == 1 and names.total() == len(context.test):
        yield f"All test rows are of one group (‘{next(iter(names))}’): nothing is known of any other."
    elif 1 < len(names) < FEW_GROUPS:
        yield f"The test rows come from only {len(names)} groups: intervals are over groups, and wide."


def _thin_classes(context: EvaluationContext) -> Iterator[str]:
    """Classes with too few test rows; those without any are warned of in the section on the data."""
    rows = classes(context)
    thin = [str(row["class"]) for row in rows if 0 < row.get("test", FEW_ROWS) < FEW_ROWS]
    if not thin:
        return
    some = listed([f"‘{name}’" for name in thin], 3)
    what = "1 class has" if len(thin) == 1 else f"{len(thin):,} of {counted(len(rows), 'class')} have"
    them = "it" if len(thin) == 1 else "them"
    yield f"{what} fewer than {FEW_ROWS} test rows ({some}): what the card says of {them} is uncertain."
