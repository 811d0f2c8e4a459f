"""An action with what came of it, as an answer: what was done, how likely that was, and the return that followed.

A value is one record of `Decision.dtype`:

    action      what was done: a number, or [D] of float32
    expected    the discounted sum of rewards from here on, as it was estimated from what followed (raw units)
    advantage   how much better that was than expected, in standard deviations of its round
    log_chance  the log-probability (or density) with which it was drawn
    before      what was expected then, in the network's units
    scale       the network's unit of rewards: `expected / scale` is what it learns
    taught      whether a teacher did it, who is to be imitated; then only action, expected and scale mean anything

Legend of shapes: B batch, D numbers of a continuous action.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from sounding.contract.answers import Answer, Averaged
from sounding.environments.spec import Actions
from sounding.errors import DataError

if TYPE_CHECKING:
    from torch import Tensor


class EncodedDecisions(NamedTuple):
    """The fields of B records as tensors; `action` is int64 [B] or float32 [B, D], the others [B]."""

    action: Tensor
    expected: Tensor  # in the network's units
    advantage: Tensor
    log_chance: Tensor
    before: Tensor
    taught: Tensor


@dataclass(frozen=True)
class Trial:
    """What a trial gives instead: one episode under a condition, with the sum of its rewards and its steps.

    `expected` and `came` are means over its steps: of the return that the agent expected, and of the one that came.
    """

    condition: str
    score: float
    steps: int
    expected: float = math.nan
    came: float = math.nan


class Decision(Answer, Averaged):
    """What to do of `actions`, and what is expected of it."""

    noun = "action"

    def __init__(self, actions: Actions) -> None:
        self.actions = actions
        action: Any = ("action", np.int64) if actions.discrete else ("action", np.float32, (actions.n,))
        numbers = ("expected", "advantage", "log_chance", "before", "scale")
        self.dtype = np.dtype([action, *((name, np.float32) for name in numbers), ("taught", np.bool_)])

    @property
    def arguments(self) -> Mapping[str, Any]:
        """What can be done."""
        return {"actions": self.actions}

    def accepts(self, cell: Any) -> bool:
        """Records alone."""
        return isinstance(cell, np.void)

    def read(self, cell: Any, root: Path = Path()) -> np.void:
        """A record as it is. Raises DataError for anything else."""
        if isinstance(cell, np.void) and cell.dtype == self.dtype:
            return cell
        raise DataError(f"a {type(cell).__name__} is no decision of an agent", fix="Let the task play its episodes")

    def encode(self, values: Sequence[np.void]) -> EncodedDecisions:
        """The fields."""
        import torch

        rows = self._many(values)
        expected = rows["expected"] / rows["scale"]
        fields = (rows["action"], expected, *(rows[n] for n in ("advantage", "log_chance", "before", "taught")))
        return EncodedDecisions(*(torch.from_numpy(field.copy()) for field in fields))

    def taught(self, actions: np.ndarray, expected: np.ndarray, scale: float = 1.0) -> np.ndarray:
        """Records [N] of what a teacher did, or a model would: actions [N] or [N, D], expected returns [N]."""
        found = np.zeros(len(actions), self.dtype)
        found["action"], found["expected"], found["scale"], found["taught"] = actions, expected, scale, True
        return found

    def constant_baseline(self, values: Sequence[np.void]) -> np.void:
        """The most common action, or the mean one, and the mean return."""
        rows = self._many(values)
        mode = Counter(rows["action"].tolist()).most_common(1)[0][0] if self.actions.discrete else None
        action = rows["action"].mean(axis=0) if mode is None else mode
        found: np.void = self.taught(np.array([action]), rows["expected"].mean(keepdims=True))[0]
        return found

    def _many(self, values: Sequence[np.void]) -> np.ndarray:
        if isinstance(values, np.ndarray):
            return values
        rows = np.empty(len(values), self.dtype)
        for number, value in enumerate(values):
            rows[number] = value
        return rows

    # ---- showing

    def text(self, value: np.void) -> str:
        """The action: its name where it has one, or its numbers."""
        if self.actions.discrete:
            return self.actions.text(int(value["action"]))
        return " ".join(f"{number:.3g}" for number in value["action"])

    def describe(self, value: Any) -> str:
        """The action and what is expected; of a trial its score."""
        if isinstance(value, Trial):
            return f"{value.score:g} in {value.steps} steps"
        return f"{self.text(value)}, return {float(value['expected']):.3g}"

    def to_json(self, value: Any) -> Any:
        """The same as fields."""
        if isinstance(value, Trial):
            return asdict(value)
        if not isinstance(value, np.void):
            return value
        return {"action": value["action"].tolist(), "name": self.text(value), "expected": float(value["expected"])}

    def answers(self, value: np.void, confidence: float | None, scores: np.ndarray | None) -> list[dict[str, Any]]:
        """Every discrete action with its probability, the likeliest first; of continuous ones the one that is done."""
        if scores is None or not self.actions.discrete:
            return [{"label": self.text(value), "score": confidence}]
        order = np.argsort(-scores, kind="stable").tolist()
        return [{"label": self.actions.text(a), "score": float(scores[a])} for a in order]

    def fields(self, value: np.void, scores: np.ndarray | None) -> Mapping[str, Callable[[], Any]]:
        """`action` and `expected`; of discrete actions also `probabilities` [A]."""
        found: dict[str, Callable[[], Any]] = {
            "action": lambda: value["action"].tolist(),
            "expected": lambda: float(value["expected"]),
        }
        if scores is not None:
            found["probabilities"] = lambda: scores
        return found
