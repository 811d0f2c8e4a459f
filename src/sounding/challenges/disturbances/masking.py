"""Whether an attack could see at all: four signs of masked gradients (Carlini et al. 2019; Croce and Hein 2020).

A model may hide its gradients (by rounding its input, by saturation, by luck) without being any more robust. Then a
search along the gradient goes nowhere, and what it leaves says nothing. The signs:

    rises        the loss rises along the path of PGD on nearly every row
    unbounded    with no bound on the change, gradients leave next to nothing right
    more         another start and twice the steps find less than one row in a hundred more
    black box    Square, which sees no gradients, finds less than one row in a hundred more

Each is a number with its interval, and a verdict: passed, tripped, or withheld where too few rows say anything, or
where an attack that found little was cut short.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from sounding.challenges.disturbances.ensemble import ALL_OF_IT, EDITS, Attack, AttackReport
from sounding.contract.evidence import Estimate, Number
from sounding.contract.metrics import Metric
from sounding.contract.records import Record
from sounding.evaluation.evaluation import same
from sounding.evaluation.intervals import proportion, wilson
from sounding.wording import percent

FEWEST = 30
"""With fewer rows than this no verdict is given."""
RISING = 0.9
"""The loss has to rise on at least this share of the rows."""
LEFT = 0.05
"""An attack without a bound may leave this share."""
MORE, MORE_ROWS = 0.01, 2
"""A further attack may succeed on this share of the rows, or this many of few."""

Verdict = Literal["passed", "tripped", "withheld"]


@dataclass(frozen=True)
class Check:
    """One sign: its number, what it may be at most (or at least), and the verdict; `words` say what is wrong."""

    id: str
    name: str
    estimate: Estimate
    limit: str
    definition: str
    verdict: Verdict
    words: str

    def number(self, seed: int) -> Number:
        """The check as a number of the card."""
        return Number(f"masking_{self.id}", self.name, self.estimate, f"{self.definition}; {self.limit}", seed=seed)

    def to_json(self) -> dict[str, Any]:
        """The check as a row of a table."""
        row = {"check": self.name, "value": asdict(self.estimate), "rows": self.estimate.n, "limit": self.limit}
        return {**row, "verdict": self.verdict}


def checks(metric: Metric, clean: Sequence[Record], reports: Sequence[AttackReport]) -> list[Check]:
    """The checks that these reports allow. Without gradients, and after edits of words, there are none."""
    reports = [report for report in reports if report.threat.norm != EDITS.norm]
    bounded = [report for report in reports if report.threat.name != ALL_OF_IT]
    found = [_rises(bounded), _unbounded(metric, clean, reports)]
    found += [_further(bounded, attack) for attack in (Attack.APGD_AGAIN, Attack.SQUARE)]
    unsaid = bool(withheld(clean))
    return [replace(check, verdict="withheld") if unsaid else check for check in found if check is not None]


def constant(records: Sequence[Record]) -> bool:
    """Whether every row got the same answer; what masks gradients and what has none then look alike."""
    return all(same(record.value, records[0].value) for record in records)


def withheld(records: Sequence[Record]) -> str:
    """Why no verdict can be given on these rows, or nothing."""
    if len(records) < FEWEST:
        return f"{len(records)} rows are too few for a verdict on masked gradients"
    return "every row gets the same answer, so there is no verdict on masked gradients" if constant(records) else ""


def _verdict(tripped: bool, n: int) -> Verdict:
    if n < FEWEST:
        return "withheld"
    return "tripped" if tripped else "passed"


def _rises(reports: Sequence[AttackReport]) -> Check | None:
    every = [attempt for report in reports for attempt in report.attempts]
    some = [attempt for attempt in every if attempt.attack is Attack.PGD and attempt.tried]
    many = [attempt for attempt in some if attempt.tried >= FEWEST] or some
    if not many:
        return None
    worst = min(many, key=lambda attempt: attempt.rose)
    found = wilson(round(worst.rose * worst.tried), worst.tried)
    return Check(
        "loss_rises",
        "rows on which the loss rises along the attack",
        found,
        f"should be at least {RISING:.2f}",
        f"share of attacked rows on which PGD raised the loss above that of its start ({worst.threat})",
        _verdict(found.value < RISING, found.n),
        f"following the gradient raised the loss on only {percent(found.value)} of the rows ({worst.threat})",
    )


def _unbounded(metric: Metric, clean: Sequence[Record], reports: Sequence[AttackReport]) -> Check | None:
    report = next((report for report in reports if report.threat.name == ALL_OF_IT), None)
    if report is None or not metric.higher_is_better or not report.attempts:
        return None
    found, before = report.attempts[-1].left, metric.value(clean)
    if metric.proportion:
        limit, tripped = f"its lower end should be below {LEFT:.2f}", (found.low or 0.0) > LEFT
    else:
        limit, tripped = "should be below half of that without an attack", found.value > before / 2
    if not math.isfinite(found.value) or not before:
        return None
    return Check(
        "unbounded",
        f"{metric.name} that an attack without a bound leaves",
        found,
        limit,
        f"{metric.name} after attacks by gradient that may change the input to any other",
        _verdict(tripped, len(clean)),
        f"even an attack without a bound leaves {metric.name} at {found.value:.3f}",
    )


def _further(reports: Sequence[AttackReport], attack: Attack) -> Check | None:
    """On how many rows an attack succeeded where no attack by gradient before it had, in any threat model."""
    tried = [report for report in reports if attack in report.successes]
    if not tried:
        return None
    n, rows = len(tried[0].records), set().union(*(report.successes[attack] for report in tried))
    hits, groups = [float(i in rows) for i in range(n)], [record.group for record in tried[0].records]
    found, tripped = proportion(hits, groups, tried[0].seed), len(rows) > max(MORE_ROWS, MORE * n)
    threats = ", ".join(report.threat.name for report in tried)
    id, name, words = {
        Attack.SQUARE: (
            "black_box",
            "success of the black-box attack alone",
            f"Square, which sees no gradients, succeeded on {len(rows)} more of {n} rows",
        ),
        Attack.APGD_AGAIN: (
            "more_search",
            "success of more search alone",
            f"another start and twice the steps succeeded on {len(rows)} more of {n} rows",
        ),
    }[attack]
    definition = f"share of all rows on which {attack} succeeds and attacks by gradient did not ({threats})"
    limit = f"should be at most {max(MORE, MORE_ROWS / n):.3f}"
    cut = any(attempt.stopped for report in tried for attempt in report.attempts if attempt.attack is attack)
    verdict = "withheld" if cut and not tripped else _verdict(tripped, n)  # what was not searched is not passed
    return Check(id, name, found, limit, definition, verdict, words)
