"""What a training sees of the validation rows: the loss each time, and the headline metric, unless it is dear.

To answer may take a search (`select="loss"`: beams, say). Then the rows are answered once, at the end, and no more of
them than a tenth of the time of the training answers. So with matches: in between they are played as long as they take
no more than that, or than a quarter of it where they choose the weights that are kept and the clock ends the training.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Sequence

from sounding.contract.player import Player
from sounding.contract.records import Example, Record
from sounding.contract.task import Learning
from sounding.data import picked
from sounding.evaluation.evaluation import mean_loss, validate
from sounding.machine.setting import inference
from sounding.randomness import stream
from sounding.training.train_state import TrainState

SHARE = 0.1
"""Of a training's time, what a search or matches may take that only tell how good it has become."""
CHOOSING = 0.25
"""The same of matches by which the weights are chosen that are kept, where the training is given seconds."""
LEAST = 50
"""Rows that are answered in any case: of fewer a metric says nothing."""


def validation_scores(
    state: TrainState, rows: Sequence[Example], asked: bool, clocked: bool = False
) -> tuple[float, float]:
    """The headline metric and the mean loss of the averaged weights; not a number where they are not looked at.

    `asked`: the metric is needed each time, since it ends the training. `clocked`: the clock ends it, so that which
    weights are kept depends on it anyway.
    """
    task, model, setting = state.task, state.average.model, state.setting
    looked_at = rows[:: math.ceil(len(rows) / task.recipe.looked_at)] if len(rows) else rows
    if task.recipe.select == "loss" and not asked and len(rows):
        loss = mean_loss(task, model, looked_at, setting)
        if state.counters.progress < 1.0:
            return math.nan, loss
        return task.metrics[0].value(_searched(state, looked_at)), loss
    if task.learns is Learning.PLAY:
        return _played(state, looked_at, asked, clocked)
    if not len(rows):
        return math.nan, math.nan
    records = validate(task, model, looked_at, setting)
    return task.metrics[0].value(records), sum(record.loss for record in records) / max(1, len(records))


def _played(state: TrainState, rows: Sequence[Example], asked: bool, clocked: bool) -> tuple[float, float]:
    """The metric of matches and their loss, where those so far took less than their share of the time.

    The last are always played, and all that choose the weights where the same steps have to end with the same weights.
    """
    chooses = state.task.recipe.select == "metric"
    needed = asked or (chooses and not clocked) or state.counters.progress >= 1.0
    if not needed and state.matches > (CHOOSING if chooses else SHARE) * state.counters.seconds:
        return math.nan, math.nan
    began = time.monotonic()
    records = validate(state.task, state.average.model, rows, state.setting)
    if isinstance(state.task, Player):
        with inference(state.setting):
            state.stands = tuple(state.task.standing(records, state.average.model, state.earlier))
        state.earlier = copy.deepcopy(state.average.model)
    state.matches += time.monotonic() - began
    value = state.task.metrics[0].value(records)
    return value, sum(record.loss for record in records) / max(1, len(records))


def _searched(state: TrainState, rows: Sequence[Example]) -> Sequence[Record]:
    """Records of all rows, or of a sample of them that takes `SHARE` of the training's time, `LEAST` at least."""
    task, model, setting = state.task, state.average.model, state.setting
    drawn = stream("searched").permutation(len(rows))
    began = time.monotonic()
    records = list(validate(task, model, picked(rows, drawn[:LEAST]), setting))
    each = (time.monotonic() - began) / max(1, len(records))
    more = int(max(0.0, SHARE * state.counters.seconds / max(each, 1e-9) - len(records)))
    rest = drawn[LEAST : LEAST + more]
    return [*records, *validate(task, model, picked(rows, rest), setting)] if len(rest) else records
