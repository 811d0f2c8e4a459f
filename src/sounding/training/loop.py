"""The one training loop.

It knows a task only by its contract, and draws all randomness from (seed, step): the batch, the augmentation, the
dropout. So a training that was killed and resumed computes what the uninterrupted one computes, bit for bit.
"""

from __future__ import annotations

import math
import signal
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from torch import Tensor, nn

from sounding.contract.records import Example
from sounding.contract.task import Task
from sounding.data import batches
from sounding.errors import TrainingError
from sounding.evaluation.evaluation import evaluate_rows
from sounding.machine.metering.meter import Cost, Meter
from sounding.machine.setting import Setting, choose, inference
from sounding.randomness import stream
from sounding.training.checkpointer import Checkpointer
from sounding.training.optimization import learning_rate
from sounding.training.progress import Reporter
from sounding.training.train_state import State, TrainState

MOST_ROLLBACKS = 6
"""How often a training may diverge before it is given up."""
CALM = 20
"""Steps in which a loss may rise tenfold: a bumpy start is not yet divergence."""
LOOKED_AT = 1_000
"""Validation rows that choose the best weights; more would cost time and change little."""


@dataclass(frozen=True)
class Budget:
    """How long to train: by epochs, by steps or by seconds; by the recipe's epochs when nothing is said.

    `until` ends it sooner, when the headline metric reaches this value on the validation rows.
    """

    epochs: float | None = None
    steps: int | None = None
    seconds: float | None = None
    until: float | None = None

    def last_step(self, rows: int, task: Task) -> int | None:
        """The number of steps in all, or None where the clock decides."""
        if self.seconds is not None:
            return None
        if self.steps is not None:
            return max(1, self.steps)
        recipe, per_epoch = task.recipe, steps_per_epoch(rows, task)
        if self.epochs is not None:
            return max(1, round(self.epochs * per_epoch))
        return max(recipe.least_steps, round(recipe.epochs * per_epoch))

    def to_json(self) -> dict[str, Any]:
        """The fields by name."""
        return asdict(self)


@dataclass(frozen=True)
class TrainResult:
    """What a training gave: the best weights in evaluation mode, and what they cost."""

    model: nn.Module
    steps: int
    examples: int
    cost: Cost
    history: list[dict[str, Any]]
    stopped_early: bool = False
    reached: bool = False  # whether the budget's `until` was


class Journal(Protocol):
    """Looks on while a model is trained, and changes nothing."""

    def stepped(self, trainee: TrainState, batch: Sequence[Example]) -> None:
        """After each step that was taken."""


class Interrupted(TrainingError):
    """A person stopped the training; it can go on."""

    exit_code = 130


def fit(
    task: Task,
    train: Sequence[Example],
    validation: Sequence[Example],
    *,
    budget: Budget,
    seed: int = 0,
    setting: Setting | None = None,
    checkpointer: Checkpointer | None = None,
    watch: Reporter | None = None,
    initial: Mapping[str, Tensor] | None = None,
    journal: Journal | None = None,
) -> TrainResult:
    """Train a new model of `task`, whose modalities are fitted, and return the best on the validation rows.

    `initial` holds weights by name that the model begins with, the others being random.

    Raises TrainingError when it diverges again and again, Interrupted on Ctrl-C (state saved by the checkpointer).
    Long because it is the loop, and the loop is read in one piece.
    """
    setting, checkpointer, watch = setting or choose(), checkpointer or Checkpointer(), watch or Reporter()
    trainee = TrainState(task, seed, setting, initial)
    checkpointer.resume(trainee)
    last = budget.last_step(len(train), task)
    earlier = Cost.from_json(trainee.state.cost) if trainee.state.cost else None
    started = time.monotonic() - trainee.state.seconds

    with watch, _stop_signal() as stop, Meter() as meter:
        while not trainee.state.finished:
            for batch in _feed(task, train, trainee):
                loss = trainee.step(batch)
                state = trainee.state
                if journal:
                    journal.stepped(trainee, batch)
                state.seconds = time.monotonic() - started
                before, state.progress = state.progress, _progress(state, budget, last)
                trouble = _trouble(state, loss)
                if not trouble and _validation_due(task, before, state.progress):
                    trouble = _validate(trainee, validation, len(train), checkpointer, watch, budget)
                if trouble:
                    _roll_back(trainee, checkpointer, watch, trouble)
                    break
                watch.stepped(state.progress, state.smoothed, state.step * len(batch) / max(state.seconds, 1e-9))
                state.cost = (earlier + meter.cost if earlier else meter.cost).to_json()
                checkpointer.checkpoint(trainee, now=state.finished or stop.is_set())
                if stop.is_set() and not state.finished:
                    raise Interrupted(
                        f"stopped at step {state.step}, {state.progress:.0%} of the way; nothing is lost",
                        fix=checkpointer.way_on,
                    )
                if state.finished:
                    break
    cost = earlier + meter.cost if earlier else meter.cost
    return _fitted(trainee, checkpointer, cost, train, validation, budget)


def steps_per_epoch(rows: int, task: Task) -> int:
    """Whole batches in one pass over the rows; the few rows left over come earlier in another epoch's order."""
    return max(1, rows // task.recipe.batch)


def _feed(task: Task, train: Sequence[Example], trainee: TrainState) -> Iterator[list[Example]]:
    """Batches from the trainee's step on, epoch after epoch, each in an order drawn from (seed, epoch)."""
    while True:
        state = trainee.state
        pool = trainee.collected(train)
        size, rounds = min(task.recipe.batch, len(pool)), steps_per_epoch(len(pool), task)
        order = stream("order", trainee.seed, state.rollbacks, state.epoch).permutation(len(pool))
        first = state.step - state.epoch_began
        yield from batches(pool, [order[i * size : (i + 1) * size] for i in range(first, rounds)])
        state.epoch, state.epoch_began = state.epoch + 1, state.step


def _progress(state: State, budget: Budget, last: int | None) -> float:
    if last is not None:
        return min(1.0, state.step / last)
    return min(1.0, state.seconds / max(budget.seconds or 0.0, 1e-9))


def _validation_due(task: Task, before: float, now: float) -> bool:
    return now >= 1.0 or math.floor(now * task.recipe.validations) > math.floor(before * task.recipe.validations)


def _validate(
    trainee: TrainState,
    rows: Sequence[Example],
    trained: int,
    checkpointer: Checkpointer,
    watch: Reporter,
    budget: Budget,
) -> str:
    """Look at the validation rows with the averaged weights, keep them if they are the best, and maybe stop.

    Returns what is wrong where the outputs are not finite, else nothing.
    """
    task, state = trainee.task, trainee.state
    try:
        value, loss = _validation_scores(trainee, rows)
    except TrainingError as error:
        return error.what
    better = value if task.metrics[0].higher_is_better else -value
    # Without validation rows (not a number) the last are the best; between equals the lower loss is.
    improved = state.best is None or not (better, -loss) <= (state.best, -state.best_loss)
    state.stale = 0 if improved else state.stale + 1
    if improved:
        state.best, state.best_loss = better, loss
    enough = _reached(value, budget, task)
    state.finished = state.progress >= 1.0 or enough or 0 < task.recipe.patience <= state.stale
    row = {
        "step": state.step,
        "epoch": round(state.step / steps_per_epoch(trained, task), 3),
        "seconds": round(state.seconds, 2),
        "learning_rate": learning_rate(task.recipe, state.progress) * state.damping,
        "training_loss": state.smoothed,
        "validation_loss": loss,
        task.metrics[0].name: value,
    }
    state.history.append(row)
    if improved:
        checkpointer.keep_best(trainee)
    checkpointer.log(state.history)
    if state.first is not None and state.smoothed <= state.first:  # to go back to weights that are ill helps nobody
        checkpointer.snapshot(trainee)
    watch.validated({**row, "metric": value})
    return ""


def _reached(value: float, budget: Budget, task: Task) -> bool:
    """Whether the headline metric is where the budget's `until` wants it."""
    if budget.until is None or math.isnan(value):
        return False
    return value >= budget.until if task.metrics[0].higher_is_better else value <= budget.until


def _validation_scores(trainee: TrainState, rows: Sequence[Example]) -> tuple[float, float]:
    if not len(rows):
        return math.nan, math.nan
    looked_at = rows[:: math.ceil(len(rows) / LOOKED_AT)]
    records = evaluate_rows(trainee.task, trainee.average.model, looked_at, trainee.setting)
    return trainee.task.metrics[0].value(records), sum(record.loss for record in records) / len(records)


def _trouble(state: State, loss: float) -> str:
    """What is wrong with the loss, or nothing. Updates the smoothed loss."""
    if not math.isfinite(loss):
        return "the loss or a gradient is not finite"
    state.smoothed = loss if state.first is None else 0.9 * state.smoothed + 0.1 * loss
    state.first = state.smoothed if state.first is None else state.first
    state.lowest = min(state.lowest, state.smoothed)
    patience = 10 if state.step <= CALM else 1
    if state.smoothed > state.first + patience * max(abs(state.first), 2 * (state.first - state.lowest)):
        return f"the loss rose from {state.lowest:.3g} to {state.smoothed:.3g}"
    return ""


def _roll_back(trainee: TrainState, checkpointer: Checkpointer, watch: Reporter, trouble: str) -> None:
    """Go back to the last validation with a fifth of the learning rate and another order of rows."""
    at, rollbacks, seconds = trainee.state.step, trainee.state.rollbacks + 1, trainee.state.seconds
    if rollbacks > MOST_ROLLBACKS:
        fix = f"Train with a lower learning rate: --set lr={trainee.task.recipe.lr / 1000:.1g}"
        raise TrainingError(f"training diverged {rollbacks} times ({trouble})", where=f"step {at}", fix=fix)
    checkpointer.roll_back(trainee)
    trainee.state.rollbacks, trainee.state.damping, trainee.state.seconds = rollbacks, 5.0**-rollbacks, seconds
    rate = f"{trainee.task.recipe.lr * trainee.state.damping:.2g}"
    watch.say(f"step {at}: {trouble}; went back to step {trainee.state.step}, learning rate now at most {rate}")


def _fitted(
    trainee: TrainState,
    checkpointer: Checkpointer,
    cost: Cost,
    train: Sequence[Example],
    validation: Sequence[Example],
    budget: Budget,
) -> TrainResult:
    model = trainee.average.model.eval()
    model.load_state_dict(checkpointer.best())
    with inference():
        settled = bool(len(validation)) and trainee.task.calibrate(model, validation, train)
    if settled:
        checkpointer.keep_best(trainee)
    state = trainee.state
    batch = trainee.task.recipe.batch  # what is gathered fills it, whatever the number of rows
    examples = state.step * (batch if trainee.task.collects else min(batch, len(train)))
    last = state.history[-1][trainee.task.metrics[0].name] if state.history else math.nan
    reached = _reached(last, budget, trainee.task)
    return TrainResult(model, state.step, examples, cost, state.history, state.progress < 1.0, reached)


@contextmanager
def _stop_signal() -> Iterator[threading.Event]:
    """An event that Ctrl-C or a termination sets, so that a step is never cut in half; a second Ctrl-C does cut."""
    event = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield event
        return

    def stop(number: int, frame: object) -> None:
        if event.is_set():
            raise KeyboardInterrupt
        event.set()

    former = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield event
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
