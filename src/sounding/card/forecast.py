"""How long a card will take, and how far its measuring has come.

    forecast   seconds for each section, from the speed of one batch and the plans of the measurements
    Course     says the forecast, the section that is measured, the time so far and the time left

A forecast counts forward passes and known limits; it leaves out the work between passes and the noise of the machine,
so it may be off by a factor of two or three either way. The time left is corrected by what the finished sections took.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from time import perf_counter

from sounding.card.sections import MEASURED
from sounding.card.wording import duration
from sounding.contract.inputs import Continuous, Corruptible, Corruption, Explainable
from sounding.evaluation.context import EvaluationContext
from sounding.randomness import stream

SHORT = 60.0
"""A quick card that takes longer than these seconds is announced as well."""
OFF = 2
"""The factor, either way, that is said of a forecast."""


@dataclass(frozen=True)
class Speed:
    """Seconds of predicting one row in a batch, and of one corruption of one row; how many corruptions there are."""

    row: float
    corruption: float
    corruptions: int


def forecast(context: EvaluationContext) -> dict[str, float]:
    """Seconds for each section; nothing for a model that cannot predict."""
    if not len(context.test):
        return {}
    try:
        speed = _speed(context)
        return {id: 0.5 + _SECONDS.get(id, _nothing)(context, speed) for id in MEASURED}
    except Exception:  # whatever is wrong with the model or the rows, the sections will say it
        return {}


def _speed(context: EvaluationContext) -> Speed:
    value, corruptions = context.test[0].input, _corruptions(context)
    each = [_seconds(lambda c=corrupt: c(value, 3, stream("forecast"))) for corrupt in corruptions]  # type: ignore[misc]
    return Speed(context.row_seconds, sum(each) / max(1, len(each)), len(each))


def _corruptions(context: EvaluationContext) -> Iterable[Corruption]:
    input = context.task.input
    return input.corruptions.values() if isinstance(input, Corruptible) else ()


def _seconds(work: Callable[[], object]) -> float:
    started = perf_counter()
    work()
    return perf_counter() - started


# ---- seconds of each section


def _nothing(context: EvaluationContext, speed: Speed) -> float:
    return 0.0


def _quality(context: EvaluationContext, speed: Speed) -> float:
    return 2 * len(context.test) * speed.row  # an answer and a loss for each row


def _calibration(context: EvaluationContext, speed: Speed) -> float:
    return 1.0 + 2 * len(context.validation) * speed.row


def _data_efficiency(context: EvaluationContext, speed: Speed) -> float:
    from sounding.challenges.data_efficiency import PLANS
    from sounding.challenges.labels.retraining import affordable

    plan = PLANS[context.profile]
    trainings = (len(plan.shares) + len(plan.per_class)) * plan.draws
    if affordable(context.training, plan.seconds, trainings) is None:
        return 0.0  # and the section will say so
    training = min(plan.seconds, trainings * float(context.training.get("seconds") or 0.0))
    return training + trainings * min(plan.test, len(context.test)) * 2 * speed.row


def _interpretability(context: EvaluationContext, speed: Speed) -> float:
    from sounding.challenges.explanations.affordable import afford
    from sounding.challenges.explanations.explaining import candidates
    from sounding.challenges.interpretability import PLANS

    if not isinstance(context.task.input, Explainable):
        return 0.0
    plan, inputs = PLANS[context.profile], [row.input for row in candidates(context, 8)]
    return afford(context, plan, inputs).passes * speed.row if inputs else 0.0


def _robustness(context: EvaluationContext, speed: Speed) -> float:
    from sounding.challenges.robustness import PLANS, STEP

    plan, arms = PLANS[context.profile], PLANS[context.profile].arms
    n, attacked = min(plan.rows, len(context.test)), min(plan.attacked, len(context.test))
    corrupted = n * speed.corruptions * len(plan.severities) * (2 * speed.row + speed.corruption)
    input = context.task.input
    balls = len(input.threats if isinstance(input, Continuous) else ()) + plan.unbounded
    gradient = balls * attacked * STEP * speed.row
    more = gradient * (arms.apgd + arms.targets * arms.targeted) + balls * attacked * arms.queries * speed.row
    return min(corrupted, plan.seconds) + min(gradient * arms.pgd, plan.seconds) + min(more, arms.seconds)


def _certificate(context: EvaluationContext, speed: Speed) -> float:
    from sounding.challenges.certificate import PLANS

    plan = PLANS[context.profile]
    if plan is None or not isinstance(context.task.input, Continuous) or not context.task.target.classes:
        return 0.0
    return min(plan.seconds, min(plan.rows, len(context.test)) * plan.draws * len(plan.sigmas) * speed.row)


def _shift(context: EvaluationContext, speed: Speed) -> float:
    from sounding.challenges.shift import PLANS

    return 2 * min(PLANS[context.profile].rows, len(context.second)) * speed.row


def _prediction_sets(context: EvaluationContext, speed: Speed) -> float:
    from sounding.challenges.prediction_sets import PLANS

    return PLANS[context.profile].resamples / 500


def _unknown_inputs(context: EvaluationContext, speed: Speed) -> float:
    from sounding.challenges.confidences.unfamiliar import blank_sets
    from sounding.challenges.unknown_inputs import PLANS

    plan = PLANS[context.profile]
    passes = 2 * (3 + blank_sets(context.task.input)) * min(plan.rows, len(context.test))
    return min(plan.seconds, (passes + min(plan.training, len(context.train))) * speed.row) + plan.resamples / 500


def _energy(context: EvaluationContext, speed: Speed) -> float:
    from sounding.challenges.costs.windows import WINDOW_SECONDS, WINDOWS

    return 2 * WINDOWS * WINDOW_SECONDS[context.profile]


def _trade_offs(context: EvaluationContext, speed: Speed) -> float:
    from sounding.card.contest import ROUNDS
    from sounding.card.precisions import PLANS

    plan = PLANS[context.profile]
    return 0.0 if plan is None else 3 * (2 * len(context.test) * speed.row + ROUNDS * plan.seconds)


_SECONDS: Mapping[str, Callable[[EvaluationContext, Speed], float]] = {
    "quality": _quality,
    "data_efficiency": _data_efficiency,
    "interpretability": _interpretability,
    "robustness": _robustness,
    "certificate": _certificate,
    "shift": _shift,
    "calibration": _calibration,
    "prediction_sets": _prediction_sets,
    "unknown_inputs": _unknown_inputs,
    "energy": _energy,
    "trade_offs": _trade_offs,
}


# ---- how far it has come


class Course:
    """Tells `say`, if there is one, where the measuring stands. `kept` are sections that need not be measured again."""

    def __init__(
        self, seconds: Mapping[str, float], kept: Collection[str] = (), say: Callable[[str], None] | None = None
    ) -> None:
        self._ahead = dict(seconds)
        self._kept, self._say = kept, say
        self._started = perf_counter()
        self._expected = self._took = 0.0

    def announce(self, profile: str) -> None:
        """Say how long it may take, and what need not be measured again; nothing for a quick card that is short."""
        if self._say is None:
            return
        if self._kept:
            self._say(f"{len(self._kept)} of {len(MEASURED)} sections are kept from before")
        whole = sum(seconds for id, seconds in self._ahead.items() if id not in self._kept)
        if self._ahead and (profile != "quick" or whole > SHORT):
            ends = f"{duration(whole / OFF)} to {duration(whole * OFF)}"
            self._say(f"the {profile} card takes about {duration(whole)}, roughly: {ends}; a stopped one can go on")

    def begins(self, id: str, title: str) -> None:
        """Before a section: its place and title, the time so far, and the time left where it can be guessed."""
        if self._say is None or id in self._kept:
            return
        so_far = perf_counter() - self._started
        said = [f"after {duration(so_far)}"] if so_far > 1 else []
        if (left := self.left()) is not None:
            said.append(f"about {duration(left)} left")
        place = f"{list(MEASURED).index(id) + 1} of {len(MEASURED)}: {title}"
        self._say(f"{place} ({', '.join(said)})" if said else place)

    def ended(self, id: str, seconds: float) -> None:
        """After a section: what it took, which tells how far off the forecast is."""
        self._expected += self._ahead.pop(id, 0.0)
        self._took += seconds

    def left(self) -> float | None:
        """Seconds left; None without a forecast."""
        rest = sum(seconds for id, seconds in self._ahead.items() if id not in self._kept)
        if not rest or not math.isfinite(rest):
            return None
        # The first sections are short and say little, so the correction counts ten seconds as forecast.
        return rest * (self._took + 10) / (self._expected + 10)
