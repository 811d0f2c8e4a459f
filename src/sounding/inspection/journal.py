"""Inspections during a training: one line of JSON each, and nothing about the training changes.

The loop calls `stepped` after every step. An inspection works on a copy with random numbers of its own, so that the
weights come out bit for bit as without it, and a resumed training writes no step twice.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sounding.contract.batch import Batch
from sounding.errors import RunError
from sounding.files import unwritable, write
from sounding.inspection import update_ratios
from sounding.inspection.forward_backward import inspect
from sounding.inspection.report import Inspection, number
from sounding.training.optimization import learning_rate
from sounding.training.train_state import TrainState

NUMBERS = (
    "mean",
    "std",
    "zeros",
    "dead",
    "saturated",
    "gradient",
    "gradient_norm",
    "weight",
    "weight_gradient",
    "update",
)
"""What a line tells of each layer; `dead` as a share."""


class Journal:
    """Looks at a model in training at step 1 and every `every` steps, and appends what it finds to `path`.

    Give a run's `inspection.jsonl`. A line that was cut off by a kill is removed when the file is opened again.
    Raises RunError for a file that is damaged elsewhere or cannot be written.
    """

    def __init__(self, path: Path, every: int) -> None:
        self.path, self.every = path, max(1, every)
        self._written = {(line["rollbacks"], line["step"]) for line in _mended(path)}
        self._before: tuple[tuple[int, int], update_ratios.Weights] | None = None

    def stepped(self, state: TrainState, batch: Batch) -> None:
        """After each step. Costs a division where nothing is due, a copy of the weights one step ahead of that."""
        rollbacks, step = state.counters.rollbacks, state.counters.step
        if self._due(step) and (rollbacks, step) not in self._written:
            known = self._before is not None and self._before[0] == (rollbacks, step - 1)
            self._write(state, batch, self._before[1] if known and self._before else None)
        self._before = ((rollbacks, step), update_ratios.kept(state.model)) if self._due(step + 1) else None

    def _due(self, step: int) -> bool:
        return step == 1 or step % self.every == 0

    def _write(self, state: TrainState, batch: Batch, before: update_ratios.Weights | None) -> None:
        task, counters = state.task, state.counters
        rate = learning_rate(task.recipe, counters.progress) * counters.damping
        moved = None if before is None else update_ratios.ratios(before, update_ratios.kept(state.model))
        seed, rows = counters.step, batch.examples
        seen = inspect(task, state.model, rows, seed=seed, rate=rate, setting=state.setting, moved=moved)
        key = {"step": counters.step, "rollbacks": counters.rollbacks, "real_step": moved is not None}
        _append(self.path, json.dumps({**key, **entry(seen)}))
        self._written.add((counters.rollbacks, counters.step))


def entry(inspection: Inspection) -> dict[str, Any]:
    """An inspection as a compact line: verdict, loss, and for each number a list over the layers."""
    layers = inspection.layers
    numbers = {name: [_short(getattr(layer, name)) for layer in layers] for name in NUMBERS if name != "dead"}
    dead = [_short(layer.dead_share) if layer.dead is not None else None for layer in layers]
    return {
        "verdict": inspection.verdict,
        "sentence": inspection.sentence,
        "loss": _short(inspection.loss),
        "rate": _short(inspection.rate),
        "names": [layer.name for layer in layers],
        "kinds": [layer.kind for layer in layers],
        **numbers,
        "dead": dead,
    }


def read_journal(path: Path) -> list[dict[str, Any]]:
    """The lines of a journal in the order of writing; a last one that was cut off is left out.

    Raises RunError when there is no journal or it is damaged.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise RunError("there is no journal of inspections", where=str(path), fix="Train with --every N") from None
    except (OSError, ValueError) as error:
        raise RunError(f"the file is damaged ({error})", where=str(path), fix="Move it away") from None
    lines = text.splitlines()
    found = [_parsed(line) for line in lines]
    for place, line in enumerate(found, 1):
        if line is None and place < len(found):
            raise RunError(
                "this line is damaged", where=f"{path}:{place}", fix="Remove the line, or move the file away"
            )
    return [line for line in found if line is not None]


def history_line(line: Mapping[str, Any]) -> str:
    """A line of a journal for a terminal: step, loss, gradients and steps from the least to the largest, verdict."""
    back = f" (after going back {line['rollbacks']}×)" if line["rollbacks"] else ""
    gradient, update = (_between(line[key]) for key in ("gradient", "update"))
    loss = number(line["loss"])
    return f"step {line['step']:<7} loss {loss:7} gradient {gradient:14} step {update:14} {line['verdict']}{back}"


def _between(values: Sequence[float | None]) -> str:
    known = [value for value in values if value is not None]
    return f"{number(min(known))} to {number(max(known))}" if known else "·"


def _mended(path: Path) -> list[dict[str, Any]]:
    """The lines of a journal that may not exist yet; what a kill cut off is removed from the file."""
    if not path.exists():
        return []
    lines = read_journal(path)
    whole = "".join(json.dumps(line) + "\n" for line in lines)
    if path.read_text(encoding="utf-8") != whole:
        write(path, whole)
    return lines


def _parsed(line: str) -> dict[str, Any] | None:
    try:
        found: Mapping[str, Any] = json.loads(line)
        return dict(found) if "step" in found and "rollbacks" in found else None
    except (ValueError, TypeError):
        return None


def _append(path: Path, line: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "a", encoding="utf-8") as file:
            file.write(line + "\n")
    except OSError as error:
        raise unwritable(path, error) from None


def _short(value: float | None) -> float | None:
    """Four digits are enough, and JSON knows no NaN."""
    return None if value is None or not math.isfinite(value) else float(f"{value:.4g}")
