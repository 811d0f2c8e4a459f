"""What a model that writes texts has learnt by heart: how much of what it writes stands in its training texts.

It goes on from test prompts as it would for anyone. Of all stretches of `CHARACTERS` characters in a row, and of
`WORDS` words, in what it wrote, those are counted that stand word for word in a training text (Carlini et al., arXiv
2202.07646, ask the same of 50 tokens). Language repeats itself, so the true texts of the same rows, which nobody
learnt, are counted alike.

    trained_texts   the texts that examples were cut from, or that answers are
    copied          which stretches of some texts stand in them
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from sounding.contract.evidence import Estimate, Number
from sounding.contract.metrics import SHARE
from sounding.contract.records import Example
from sounding.contract.task import Learning, Task, chunks
from sounding.errors import SoundingError
from sounding.evaluation.challenge import Challenge, Findings, NotMeasured
from sounding.evaluation.context import EvaluationContext, Profile
from sounding.evaluation.intervals import bootstrap
from sounding.wording import counted, shortened

CHARACTERS, WORDS = 50, 8
SHOWN = 5
"""The longest copied stretches that are listed."""
_PART = 2**18  # characters of training text that are looked through at once
_LONG = 300  # characters of a stretch that is listed


@dataclass(frozen=True)
class Plan:
    """How much is measured: prompts, seconds of writing, and characters of training text."""

    prompts: int
    seconds: float
    characters: int


PLANS: Mapping[Profile, Plan | None] = {
    "quick": Plan(50, 20.0, 20_000_000),
    "standard": Plan(500, 300.0, 200_000_000),
    "full": Plan(5_000, 3600.0, 10**12),
}
_LEAST = 8  # prompts, however long they take

Cut = Callable[[str], Iterable[str]]


class Memorisation(Challenge[Plan]):
    """The share of long stretches that a model writes which stand in its training texts; and of true texts."""

    id, title, order = "memorisation", "Memorisation", 95
    plans = PLANS

    def needs(self, context: EvaluationContext) -> str:
        """A task that writes texts, and training texts."""
        if not context.task.streams:
            return "nothing is written: the answers are no texts that come piece by piece"
        return "" if len(context.train) else "there are no training texts"

    def seconds(self, context: EvaluationContext) -> float:
        """The prompts are answered; looking through a million characters takes about a second."""
        read = min(self.plan(context).characters, _size(context)) / 1e6
        return self._prompts(context) * context.row_seconds + read

    def _prompts(self, context: EvaluationContext) -> int:
        plan = self.plan(context)
        return context.within(plan.seconds, 1, min(plan.prompts, len(context.test)), _LEAST)

    def measure(self, context: EvaluationContext) -> Findings:
        """Write for some prompts, then look through the training texts once."""
        rows = context.sample(self._prompts(context), "memorisation")
        written, true = _written(context, rows), [_text(context.task, row) for row in rows]
        if not any(map(words_cut, written)) and not any(map(characters_cut, written)):
            raise NotMeasured(f"no text that was written has {WORDS} words or {CHARACTERS} characters")
        limit = self.plan(context).characters
        texts = partial(trained_texts, context.task, context.train, limit)
        found = {cut: copied([*written, *true], texts(), cut) for cut in (characters_cut, words_cut)}
        groups = [row.group for row in rows]
        numbers = []
        for id, what, cut in (
            ("characters", f"{CHARACTERS} characters", characters_cut),
            ("words", f"{WORDS} words", words_cut),
        ):
            for side, name, some in (("", "written", written), ("_floor", "true", true)):
                estimate = _share(some, cut, found[cut], groups, context.seed)
                if estimate is not None:
                    numbers.append(_number(id + side, name, what, estimate, context.seed))
        stretches = _stretches(written, found[characters_cut])
        details: dict[str, Any] = {"longest_copied": stretches} if stretches else {}
        if _size(context) > limit:
            details["notes"] = [f"Only the first {limit:,} characters of the training texts were looked through."]
        return Findings(_sentence(numbers, len(rows)), tuple(numbers), details=details)


def _written(context: EvaluationContext, rows: Sequence[Example]) -> list[str]:
    task, found = context.task, list[str]()
    try:
        for batch in chunks(rows, task.recipe.batch):
            found += [str(answer.value) for answer in task.predict(context.model, [row.input for row in batch])]
    except SoundingError as error:  # a model that gives no numbers, say: the section on quality names it
        raise NotMeasured(str(error)) from None
    return found


# ---- training texts


def trained_texts(task: Task, examples: Iterable[Example], limit: int = 10**12) -> Iterator[str]:
    """The texts that a model has learnt to write, at most `limit` characters: the answers, or whole documents.

    Windows that were cut from a document one behind the other are put together again: each begins with the token that
    the one before ends with. Long texts come in parts, which overlap by as much as any stretch that is looked for.
    """
    text, size = "", 0
    for example in examples:
        more = _text(task, example)
        shared = _overlap(text, more) if task.learns is Learning.DOCUMENTS else 0
        if text and (not shared or len(text) > _PART):
            yield text
            text = text[-_LONG:] if shared else ""
        text += more[shared:]
        size += len(more) - shared
        if size > limit:
            break
    yield text


def _text(task: Task, example: Example) -> str:
    """What a model learns to write of an example: the answer, or the whole of a window, which has no other."""
    return f"{example.input}{example.target}" if task.learns is Learning.DOCUMENTS else str(example.target)


def _overlap(text: str, more: str) -> int:
    """How many characters at the end of a text another one begins with: the fewest, so that nothing is left out."""
    longest = min(len(text), len(more))
    return next((n for n in range(1, longest + 1) if text.endswith(more[:n])), 0)


def _size(context: EvaluationContext) -> int:
    """About how many characters the training texts have."""
    some = context.train[: min(len(context.train), 20)]
    sizes = [len(str(example.input)) + len(str(example.target)) for example in some]
    return int(np.mean(sizes) * len(context.train))


# ---- stretches


def characters_cut(text: str) -> list[str]:
    """All stretches of `CHARACTERS` characters in a row."""
    return [text[start : start + CHARACTERS] for start in range(len(text) - CHARACTERS + 1)]


def words_cut(text: str) -> list[str]:
    """All stretches of `WORDS` words in a row."""
    words = text.split()
    return [" ".join(words[start : start + WORDS]) for start in range(len(words) - WORDS + 1)]


def copied(texts: Iterable[str], trained: Iterable[str], cut: Cut) -> set[str]:
    """Those stretches of `texts` that stand in the training texts, which are read once and may be long."""
    asked = {stretch for text in texts for stretch in cut(text)}
    found: set[str] = set()
    for text in trained:
        found.update(asked.intersection(cut(text)))
    return found


def _share(texts: Sequence[str], cut: Cut, found: set[str], groups: Sequence[str], seed: int) -> Estimate | None:
    """The share of stretches that are copied, drawn by text; None where there is no stretch."""
    counts = np.array([[sum(stretch in found for stretch in some), len(some)] for some in map(list, map(cut, texts))])
    kept = counts[:, 1] > 0
    if not kept.any():
        return None
    told = [group for group, keep in zip(groups, kept, strict=True) if keep]
    return bootstrap(counts[kept], _ratio, told if any(told) else None, seed, bounds=SHARE)


def _ratio(counts: np.ndarray) -> float:
    copied, all = counts.sum(axis=0)
    return float(copied / all)


def _stretches(texts: Sequence[str], found: set[str]) -> list[dict[str, Any]]:
    """The longest runs of copied stretches, as rows of a table."""
    runs = []
    for text in texts:
        start, hits = 0, [stretch in found for stretch in characters_cut(text)]
        for place, hit in enumerate([*hits, False]):
            if not hit:
                if place > start:
                    runs.append(text[start : place + CHARACTERS - 1])
                start = place + 1
    runs.sort(key=len, reverse=True)
    return [{"characters": len(run), "text": shortened(run, _LONG)} for run in runs[:SHOWN]]


# ---- words


def _number(id: str, name: str, what: str, estimate: Estimate, seed: int) -> Number:
    whose = "the model writes for test prompts" if name == "written" else "stand in the same test rows"
    meaning = f"share of all stretches of {what} in texts that {whose} which are in the training texts, word for word"
    return Number(id, f"copied stretches of {what}, {name} texts", estimate, meaning, seed=seed)


def _sentence(numbers: Sequence[Number], prompts: int) -> str:
    known = {number.id: number.estimate for number in numbers}
    id, what = ("characters", f"{CHARACTERS} characters") if "characters" in known else ("words", f"{WORDS} words")
    said = (
        f"Of the stretches of {what} that the model writes for {counted(prompts, 'test prompt')}, a share of "
        f"{known[id]} stands word for word in the training texts"
    )
    floor = known.get(f"{id}_floor")
    if floor is None:
        return f"{said}."
    said += f"; of the true texts of these rows, {floor.value:.3f}."
    low = known[id].low
    more = low is not None and low > max(floor.value, floor.high or 0)
    return f"{said} {'It copies more than chance repeats.' if more else 'More than chance repeats is not shown.'}"
