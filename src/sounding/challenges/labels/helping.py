"""What a help in place of labels was worth: another run's weights, or rows without answers.

The control is a training on the same labelled rows, with the same budget and seed, without the help. Both models answer
the same test rows, so the difference is paired. It is one training each: another seed would change it somewhat.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from torch import nn

from sounding.contract.evidence import Estimate, Number
from sounding.evaluation.challenge import Findings
from sounding.evaluation.context import EvaluationContext
from sounding.evaluation.evaluation import compare, estimate, evaluate_rows


@dataclass(frozen=True)
class Help:
    """Numbers and the sentence about a help; the card adds them to the section on data efficiency."""

    numbers: tuple[Number, ...]
    sentence: str

    def added(self, found: Findings) -> Findings:
        """The findings with them in front."""
        numbers = (*self.numbers, *found.numbers)
        return replace(found, numbers=numbers, sentence=f"{self.sentence} {found.sentence}".strip())


def has_control(context: EvaluationContext) -> bool:
    """Whether a control was trained, and there are rows to judge it on."""
    return context.control is not None and "control" in context.training and len(context.test) > 0


def help_of(context: EvaluationContext) -> Help | None:
    """What the help was worth on the test rows; None for a training that had none, or no control, or has not ended."""
    if context.control is None or not has_control(context):
        return None
    task = context.task
    helped, control = _both(context, context.control)
    metric, groups = task.row_metrics[0], [record.group for record in control]
    alone = estimate(metric, control, groups, context.seed)
    gain = compare(task, helped, control, context.seed).get(metric.name)
    if gain is None:  # the test rows say nothing of the metric, which the section on quality says
        return None
    what = words(context.config.get("training", {}))

    def number(id: str, name: str, found: Estimate, definition: str) -> Number:
        return Number(id, name, found, definition, metric.unit, seed=context.seed)

    numbers = (
        number(
            "control",
            f"{metric.name} without the help",
            alone,
            f"{metric.name} of a training on the same labelled rows and budget without {what}; {metric.definition}",
        ),
        number(
            "help_gain",
            f"change in {metric.name} by the help",
            gain,
            f"{metric.name} with {what} minus that without, on the same test rows; one training each",
        ),
    )
    return Help(numbers, _sentence(context, what, metric.name, alone, gain))


def words(options: Mapping[str, Any]) -> str:
    """The help in words, from what config.json says of it."""
    parts = []
    if options.get("start"):
        parts.append("the weights of another run")
    if options.get("unlabelled"):
        parts.append(f"unlabelled rows ({options.get('method', '')})")
    return " and ".join(parts) or "the help"


def _both(context: EvaluationContext, other: nn.Module) -> tuple[list[Any], list[Any]]:
    """Records with the help and without; the model of the context is the one that was kept."""
    kept, other_records = context.row_records, evaluate_rows(context.task, other, context.test)
    return (kept, other_records) if context.training["control"]["better"] else (other_records, kept)


def _sentence(context: EvaluationContext, what: str, name: str, alone: Estimate, gain: Estimate) -> str:
    said = f"On the same labels, {what} changed {name} by {gain}, from {alone} without"
    clear = gain.low is not None and gain.high is not None and (gain.low > 0 or gain.high < 0)
    said += "." if clear else ", which is not distinguishable from no change."
    if not context.training["control"]["better"]:
        said += " It was no better on the validation rows, so the training without it was kept."
    return said
