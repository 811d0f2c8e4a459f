"""What the model costs, to train and for one prediction: joules, operations, seconds, bytes, and CO2e if it can be had.

Energy is read from the processor's counter where there is one, or from a meter of the user's. Elsewhere it is
CPU-seconds times watts, perhaps off by a factor of three, so its interval is wide and is called model uncertainty.
Comparing two models on one machine is far safer than either number alone. Predictions are timed end to end (encode,
model, decode the answer) on rows that are already in memory, at batch 1 and 32, in many short windows: the spread
between windows gives the interval. Grams of CO2e are printed only where a region was named.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

from sounding.challenges.contests.moves import of_a_game
from sounding.challenges.costs import expenses
from sounding.challenges.costs.expenses import BATCH, Grid
from sounding.challenges.costs.windows import (
    WINDOW_SECONDS,
    WINDOWS,
    Window,
    evaluating,
    idle_watts,
    operations,
    windows,
)
from sounding.contract.contest import contest_of
from sounding.contract.evidence import Number
from sounding.contract.inputs import Lasting
from sounding.contract.records import Example
from sounding.errors import UsageError
from sounding.evaluation.challenge import Challenge, Findings
from sounding.evaluation.context import EvaluationContext
from sounding.machine.metering.carbon import checked_pue, intensity
from sounding.machine.metering.cost import Cost
from sounding.machine.setting import inference
from sounding.wording import counted


class Energy(Challenge[None]):
    """What training and predicting cost. The quick profile takes about three seconds unless one call takes longer."""

    id, title, order = "energy", "Energy and cost", 130
    rows = False  # rows of the training serve as well

    def needs(self, context: EvaluationContext) -> str:
        """A row to predict."""
        return "" if len(context.test) or len(context.train) else "there is no row to predict"

    def seconds(self, context: EvaluationContext) -> float:
        """The windows at both batch sizes."""
        return 2 * WINDOWS * WINDOW_SECONDS[context.profile]

    def measure(self, context: EvaluationContext) -> Findings:
        """The numbers of the training, of one prediction and of the model's size."""
        rows = context.sample(BATCH, "energy") or list(islice(iter(context.train), BATCH))
        with evaluating(context.model), inference():
            idle = idle_watts(context)
            found = {size: windows(context, rows, size) for size in (1, BATCH)}
            predicting, why_not = operations(rows, lambda e: context.task.predict(context.model, [e.input]))
            learning, why_not_training = operations(rows, lambda e: _loss(context, e))
        cost, (grid, no_grid) = _training_cost(context.training), _grid(context)
        contest = contest_of(context.task, context.model)
        game = Findings("") if contest is None else of_a_game(context, contest, cost)
        numbers = (
            *(expenses.training(context, cost, learning, grid) if cost else ()),
            *(expenses.accomplished(context, cost) if cost else ()),
            *expenses.prediction(context, found, predicting, idle),
            *_by_the_minute(context, rows, found),
            *((expenses.emissions(found[1], grid, context.seed),) if grid else ()),
            *expenses.size(context.model),
            *game.numbers,
        )
        details = _details(context, found, cost)
        reasons = {"FLOPs of a prediction": why_not, "training FLOPs": why_not_training}
        details |= {name: f"not counted: {reason}" for name, reason in reasons.items() if reason}
        details |= {"CO2e": no_grid} if no_grid else {}
        sentence = _sentence(context, cost, found[1], numbers, grid) + game.sentence
        return Findings(sentence, numbers, game.figures, details)


def _by_the_minute(
    context: EvaluationContext, rows: Sequence[Example], found: Mapping[int, list[Window]]
) -> Sequence[Number]:
    """What a minute of input costs, where inputs last."""
    input = context.task.input
    if not isinstance(input, Lasting):
        return ()
    mean = sum(input.seconds(row.input) for row in rows) / len(rows)
    return tuple(expenses.by_the_minute(found, mean, context.seed))


def _loss(context: EvaluationContext, example: Example) -> Any:
    task, model = context.task, context.model
    return task.loss(model, task.encoded(model, [example.input]), task.encoded_targets(model, [example.target]))


def _training_cost(training: Any) -> Cost | None:
    try:
        return Cost.from_json(training)
    except (KeyError, TypeError):
        return None


def _grid(context: EvaluationContext) -> tuple[Grid | None, str]:
    """Where the electricity is from, or why no CO2e is printed. What is wrong there must not cost the whole card."""
    if not context.region:
        return None, "not printed: nobody said in which region the electricity was used"
    try:
        return Grid(intensity(context.region), checked_pue(context.config.get("pue") or 1.0)), ""
    except UsageError as error:
        return None, f"not printed: {error}"


def _details(context: EvaluationContext, found: Mapping[int, Sequence[Window]], cost: Cost | None) -> dict[str, Any]:
    setting = context.config.get("setting") or {}
    parameters = [*context.model.parameters()]
    counts: dict[str, Any] = {f"batch {size}": len(those) for size, those in found.items()}
    details: dict[str, Any] = {"windows": {**counts, "seconds each": WINDOW_SECONDS[context.profile]}}
    details["energy source of predictions"] = found[1][0].cost.source
    if note := found[1][0].cost.note:
        details["energy not measured because"] = note
    if cost is None:
        details["training cost"] = "unknown: the training was not metered"
    else:
        details["energy source of training"] = f"{cost.source} ({cost.note})" if cost.note else cost.source
    if beside := _training_cost(context.training.get("rejected") or context.training.get("control")):
        what = "the training that was not kept" if "rejected" in context.training else "the control"
        details["energy beside it"] = f"{_short(beside.joules.value, 'J')} for {what}, in no number here"
    if parameters:
        details["dtype of a prediction"] = str(parameters[0].dtype).removeprefix("torch.")
        details["device of a prediction"] = parameters[0].device.type
    if setting:
        threads = counted(int(setting.get("threads") or 1), "thread")
        details["setting of training"] = f"{setting.get('precision')}, {threads}"
    return details


# ---- words


def _sentence(
    context: EvaluationContext, cost: Cost | None, one: Sequence[Window], numbers: Sequence[Number], grid: Grid | None
) -> str:
    value = {number.id: number.estimate.value for number in numbers}
    said = f"One prediction takes {_short(value['latency_p50'], 's')} and {_said(one[0].cost)}"
    said += f" {_short(value['joules_per_prediction_1'], 'J')}"
    thousand = value.get("joules_per_1000_words_1")
    said += "." if thousand is None else f", 1,000 words {_short(thousand, 'J')}."
    said += _emissions(grid, value) if grid else ""
    if cost is None:
        return f"{said} What training cost is unknown."
    words = f"Training took {_short(cost.seconds, 's')} and {_said(cost)} {_short(cost.joules.value, 'J')}"
    return f"{words} ({cost.source}). {_target(context, value)}{said}"


def _emissions(grid: Grid, value: Mapping[str, float]) -> str:
    where = grid.intensity
    thousand = f"1,000 predictions are {_short(value['co2e_per_1000_predictions'], 'g')} of CO2e"
    whole = f"the training is {_short(value['training_co2e'], 'g')} and " if "training_co2e" in value else ""
    return f" At {where.grams_per_kwh:g} g/kWh ({where.name} {where.year}), {whole}{thousand}."


def _target(context: EvaluationContext, value: Mapping[str, float]) -> str:
    """What the wanted quality took, where one was wanted."""
    wanted = expenses.wanted_quality(context)
    if wanted is None or "joules_to_target" not in value:
        return ""
    joules, what = _short(value["joules_to_target"], "J"), f"{context.task.metrics[0].name} {wanted[0]:g}"
    if not wanted[1]:
        return f"The wanted {what} was not reached with these {joules}. "
    return f"Reaching the wanted {what} took {_short(wanted[2], 's')} and {joules}. "


def _said(cost: Cost) -> str:
    return "a measured" if cost.kind == "measured" else "an estimated"


def _short(value: float, unit: str) -> str:
    """Three digits and a prefix: 0.00213 s → 2.13 ms."""
    for scale, prefix in ((1e6, "M"), (1e3, "k"), (1.0, ""), (1e-3, "m"), (1e-6, "µ")):
        if abs(value) >= scale and not (unit == "s" and scale > 1):
            digits = f"{value / scale:.0f}" if value / scale >= 100 else f"{value / scale:.3g}"
            return f"{digits} {prefix}{unit}"
    return f"{value:.3g} {unit}"
