"""The one training loop.

It knows a task only by its contract, and draws all randomness from (seed, step): the batch, the augmentation, the
dropout. So a training that was killed and resumed computes what the uninterrupted one computes, bit for bit.
"""

from __future__ import annotations

import math
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from torch import nn

from sounding.contract.batch import Batch
from sounding.contract.recipe import Recipe
from sounding.contract.records import Example
from sounding.contract.task import Task
from sounding.errors import TrainingError
from sounding.machine.metering.meter import Cost, Meter
from sounding.machine.setting import Setting, choose, inference
from sounding.training.checkpointer import Checkpointer
from sounding.training.feed import Feed, RowFeed
from sounding.training.optimization import learning_rate
from sounding.training.progress import Reporter, Standing
from sounding.training.train_state import Counters, TrainState
from sounding.training.validation import validation_scores
from sounding.wording import percent

MOST_ROLLBACKS = 6
"""How often a training may diverge before it is given up."""
CALM = 20
"""Steps in which a loss may rise tenfold: a bumpy start is not yet divergence."""


@dataclass(frozen=True)
class Budget:
    """How long to train: by epochs, by steps or by seconds; by the recipe's epochs when nothing is said.

    `until` ends it sooner, when the headline metric reaches this value on the validation rows.
    """

    epochs: float | None = None
    steps: int | None = None
    seconds: float | None = None
    until: float | None = None

    def last_step(self, steps_per_epoch: int, recipe: Recipe) -> int | None:
        """The number of steps in all, or None where the clock decides."""
        if self.seconds is not None:
            return None
        if self.steps is not None:
            return max(1, self.steps)
        if self.epochs is not None:
            return max(1, round(self.epochs * steps_per_epoch))
        return max(recipe.least_steps, round(recipe.epochs * steps_per_epoch))

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
    reached: bool = False  # whether the budget's `until` was


class Journal(Protocol):
    """Looks on while a model is trained, and changes nothing."""

    def stepped(self, state: TrainState, batch: Batch) -> None:
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
    reporter: Reporter | None = None,
    model: nn.Module | None = None,
    journal: Journal | None = None,
    feed: Feed | None = None,
) -> TrainResult:
    """Train a model of `task`, whose modalities are fitted, and return the best on the validation rows.

    `model` is what is trained, a new one of this seed by default (`train_state.new_model`). `feed` gives the batches;
    those of the rows in `train` by default.

    Raises TrainingError when it diverges again and again, Interrupted on Ctrl-C (state saved by the checkpointer).
    Long because it is the loop, and the loop is read in one piece.
    """
    setting, checkpointer, reporter = setting or choose(), checkpointer or Checkpointer(), reporter or Reporter()
    state = TrainState(task, seed, setting, model)
    checkpointer.resume(state)
    feed = feed or RowFeed(task, train, seed)
    last, headline = budget.last_step(feed.steps_per_epoch, task.recipe), task.metrics[0].name
    earlier = Cost.from_json(state.counters.cost) if state.counters.cost else None
    started = time.monotonic() - state.counters.seconds

    with reporter, _stop_signal() as stop, Meter() as meter:
        while not state.counters.finished:
            for batches in feed.steps(state):
                loss = state.step(batches)
                counters = state.counters
                counters.examples += sum(batch.size for batch in batches)
                if journal:
                    journal.stepped(state, batches[0])
                counters.seconds = time.monotonic() - started
                before, counters.progress = counters.progress, _progress(counters, budget, last)
                trouble = _trouble(counters, loss, task.recipe)
                if not trouble and _validation_due(task.recipe, before, counters.progress):
                    trouble = _validate(state, validation, feed, checkpointer, reporter, budget)
                if trouble:
                    _roll_back(state, checkpointer, reporter, trouble)
                    break
                reporter.stepped(_standing(state, feed, last, headline))
                ending = counters.finished or stop.is_set()
                if checkpointer.due(ending):
                    counters.cost = (earlier + meter.cost if earlier else meter.cost).to_json()
                checkpointer.checkpoint(state, now=ending)
                if stop.is_set() and not counters.finished:
                    raise Interrupted(
                        f"stopped at step {counters.step}, {percent(counters.progress)} of the way; nothing is lost",
                        fix=checkpointer.way_on,
                    )
                if counters.finished:
                    break
    cost = earlier + meter.cost if earlier else meter.cost
    return _result(state, checkpointer, cost, train, validation, budget)


def _progress(counters: Counters, budget: Budget, last: int | None) -> float:
    if last is not None:
        return min(1.0, counters.step / last)
    return min(1.0, counters.seconds / max(budget.seconds or 0.0, 1e-9))


def _standing(state: TrainState, feed: Feed, last: int | None, name: str) -> Standing:
    """What the person who waits is told, with the latest of the metric `name`; steps to come last as those so far."""
    counters = state.counters
    return Standing(
        progress=counters.progress,
        step=counters.step,
        steps=last,
        epoch=counters.step / feed.steps_per_epoch if feed.steps_per_epoch > 1 else None,
        loss=counters.smoothed,
        rate=counters.examples / max(counters.seconds, 1e-9),
        left=counters.seconds * (1 / max(counters.progress, 1e-9) - 1),
        metric=name,
        value=counters.history[-1][name] if counters.history else math.nan,
        told=(*state.stands, *state.told),
    )


def _validation_due(recipe: Recipe, before: float, now: float) -> bool:
    return now >= 1.0 or math.floor(now * recipe.validations) > math.floor(before * recipe.validations)


def _validate(
    state: TrainState,
    rows: Sequence[Example],
    feed: Feed,
    checkpointer: Checkpointer,
    reporter: Reporter,
    budget: Budget,
) -> str:
    """Look at the validation rows with the averaged weights, keep them if they are the best, and maybe stop.

    Returns what is wrong where the outputs are not finite, else nothing.
    """
    task, counters = state.task, state.counters
    try:
        value, loss = validation_scores(state, rows, budget.until is not None, budget.seconds is not None)
    except TrainingError as error:
        return error.what
    improved = _improved(state, value, loss)
    counters.stale = 0 if improved else counters.stale + 1
    enough = _reached(value, budget, task)
    counters.finished = counters.progress >= 1.0 or enough or 0 < task.recipe.patience <= counters.stale
    row = {
        "step": counters.step,
        "epoch": round(counters.step / feed.steps_per_epoch, 3),
        "seconds": round(counters.seconds, 2),
        "learning_rate": learning_rate(task.recipe, counters.progress) * counters.damping,
        "training_loss": counters.smoothed,
        "validation_loss": loss,
        task.metrics[0].name: value,
    }
    counters.history.append(row)
    if improved:
        checkpointer.keep_best(state)
    checkpointer.log(counters.history)
    healthy = task.recipe.watchdog != "falls" or (counters.first is not None and counters.smoothed <= counters.first)
    if healthy:  # to go back to weights that are ill helps nobody
        checkpointer.snapshot(state)
    reporter.validated(row)
    return ""


def _improved(state: TrainState, value: float, loss: float) -> bool:
    """Whether these weights are to be kept, by what the recipe selects by; between equals the lower loss decides.

    Without validation rows (not a number) the last are kept; what was not measured does not take the place of what was.
    """
    counters, select = state.counters, state.task.recipe.select
    better = value if state.task.metrics[0].higher_is_better else -value
    score = {"metric": better, "loss": -loss}.get(select, math.nan)
    if counters.best is None or math.isnan(counters.best):
        improved = True
    else:
        improved = not (math.isnan(score) or (score, -loss) <= (counters.best, -counters.best_loss))
    if improved:
        counters.best, counters.best_loss = score, loss
    return improved


def _reached(value: float, budget: Budget, task: Task) -> bool:
    """Whether the headline metric is where the budget's `until` wants it."""
    if budget.until is None or math.isnan(value):
        return False
    return value >= budget.until if task.metrics[0].higher_is_better else value <= budget.until


def _trouble(counters: Counters, loss: float, recipe: Recipe) -> str:
    """What is wrong with the loss, or nothing. Updates the smoothed loss."""
    if not math.isfinite(loss):
        return "the loss or a gradient is not finite"
    counters.smoothed = loss if counters.first is None else 0.9 * counters.smoothed + 0.1 * loss
    counters.first = counters.smoothed if counters.first is None else counters.first
    counters.lowest = min(counters.lowest, counters.smoothed)
    if recipe.watchdog != "falls":
        return ""
    patience = 10 if counters.step <= CALM else 1
    fallen = 2 * (counters.first - counters.lowest)
    if counters.smoothed > counters.first + patience * max(abs(counters.first), fallen):
        return f"the loss rose from {counters.lowest:.3g} to {counters.smoothed:.3g}"
    return ""


def _roll_back(state: TrainState, checkpointer: Checkpointer, reporter: Reporter, trouble: str) -> None:
    """Go back to the last validation with a fifth of the learning rate and another order of rows."""
    counters, recipe = state.counters, state.task.recipe
    at, rollbacks, seconds = counters.step, counters.rollbacks + 1, counters.seconds
    if rollbacks > MOST_ROLLBACKS:
        fix = f"Train with a lower learning rate: --set lr={recipe.lr / 1000:.1g}"
        raise TrainingError(f"training diverged {rollbacks} times ({trouble})", where=f"step {at}", fix=fix)
    checkpointer.roll_back(state)
    counters = state.counters  # those of the snapshot
    counters.rollbacks, counters.damping, counters.seconds = rollbacks, 5.0**-rollbacks, seconds
    rate = f"{recipe.lr * counters.damping:.2g}"
    reporter.say(f"step {at}: {trouble}; went back to step {counters.step}, learning rate now at most {rate}")


def _result(
    state: TrainState,
    checkpointer: Checkpointer,
    cost: Cost,
    train: Sequence[Example],
    validation: Sequence[Example],
    budget: Budget,
) -> TrainResult:
    task, counters, model = state.task, state.counters, state.average.model.eval()
    model.load_state_dict(checkpointer.best())
    with inference():
        calibrated = task.calibrate(model, validation, train)
    if calibrated:
        checkpointer.keep_best(state)
    last = counters.history[-1][task.metrics[0].name] if counters.history else math.nan
    reached = _reached(last, budget, task)
    return TrainResult(model, counters.step, counters.examples, cost, counters.history, reached)


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
