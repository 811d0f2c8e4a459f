"""Labels: one word out of a finite list, such as the species in a picture or the mood of a sentence.

A value is the label's text, exactly as it was written. Numbers become text ("3"), so that a label column reads the same
from CSV, JSON and Parquet. Labels that differ only by case or spaces stay different here: `lookalikes` finds them, and
the check of the data reports them.

Legend of shapes: B batch, K classes.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sounding.contract.answers import Answer, Labelled, MixedTarget, SoftLabel, Transformed
from sounding.contract.change import Change, ClassPreserving, Mixed, refusal
from sounding.errors import DataError, did_you_mean

if TYPE_CHECKING:
    from torch import Tensor


class Category(Answer, Transformed, Labelled):
    """One label of a finite list, which `classes` holds after `fit`: by number if all are numbers, else by text."""

    columns = (
        *("label", "labels", "class", "class_name", "category", "target", "sentiment", "fine_label", "coarse_label"),
        *("intent", "topic", "species", "y"),
    )
    classes: list[str] | None = None

    def accepts(self, cell: Any) -> bool:
        """Whether a cell is a short text, a whole number, or yes or no."""
        if isinstance(cell, str):
            return 0 < len(cell.strip()) <= 200
        return isinstance(cell, bool | int | np.bool_ | np.integer) or (isinstance(cell, float) and cell.is_integer())

    def read(self, cell: Any, root: Path = Path()) -> str:
        """The label as text. Raises DataError for an empty cell and for what is no single text or number."""
        cell = cell.item() if isinstance(cell, np.generic) else cell
        if (
            cell is None
            or (isinstance(cell, float) and math.isnan(cell))
            or (isinstance(cell, str) and not cell.strip())
        ):
            raise DataError("the label is empty", fix="Fill it in", or_remove=True)
        if isinstance(cell, str):
            return cell
        if isinstance(cell, bool):
            return "true" if cell else "false"
        if isinstance(cell, int | float):
            return str(int(cell)) if isinstance(cell, int) or cell.is_integer() else repr(cell)
        raise DataError(f"the label is a {type(cell).__name__}, not one text or number", fix="Give each row one label")

    def fit(self, values: Iterable[str]) -> None:
        """Learn the list of labels."""
        labels = set(values)
        if not labels:
            raise DataError("there is no label to learn from", fix="Give at least one row with a label")
        self.classes = sorted(labels, key=_number_then_text if all(map(_is_number, labels)) else str)

    def label_conflicts(self) -> list[str]:
        """Groups of labels that differ only by case or spaces."""
        groups = lookalikes(self.classes or ())
        return [f"the labels {' and '.join(map(repr, group))} differ only by case or spaces" for group in groups]

    def encode(self, values: Sequence[str | MixedTarget | SoftLabel]) -> Tensor:
        """Float32 [B, K]: one-hot, or the shares of a mixed or weighed label. Raises DataError for an unknown label."""
        import torch

        places = {option: place for place, option in enumerate(self.classes or ())}
        out = np.zeros((len(values), len(places)), np.float32)
        for row, value in zip(out, values, strict=True):
            self._add(row, value, 1.0, places)
        return torch.from_numpy(out)

    def _add(
        self, row: np.ndarray, value: str | MixedTarget | SoftLabel, share: float, places: Mapping[str, int]
    ) -> None:
        if isinstance(value, MixedTarget):
            self._add(row, value.value, share * value.share, places)
            self._add(row, value.other, share * (1 - value.share), places)
        elif isinstance(value, SoftLabel):
            row += share * np.asarray(value.shares, np.float32)
        elif value in places:
            row[places[value]] += share
        else:
            raise DataError(f"no training row has the label {value!r}", fix=self._advice(value))

    def _advice(self, label: Any) -> str:
        known = self.classes or []
        advice = did_you_mean(str(label), known)
        return advice if len(known) <= 20 or advice.startswith("Did") else f"Known: {', '.join(known[:20])}, …"

    def transform_targets(self, values: Sequence[Any], change: Change) -> list[Any]:
        """Mixed as their inputs were; the same where these show the same as before."""
        if isinstance(change, ClassPreserving):
            return list(values)
        if not isinstance(change, Mixed):
            raise refusal(self, change)
        pairs = zip(values, change.partner.tolist(), change.share.tolist(), strict=True)
        return [MixedTarget(value, values[other], share) for value, other, share in pairs]

    def answers(self, value: str, confidence: float | None, scores: np.ndarray | None) -> list[dict[str, Any]]:
        """[{"label", "score"}], the likeliest first."""
        if scores is None or self.classes is None:
            return [{"label": value, "score": confidence}]
        order = np.argsort(-np.asarray(scores), kind="stable")
        return [{"label": self.classes[place], "score": float(scores[place])} for place in order]

    def fields(self, value: str, scores: np.ndarray | None) -> Mapping[str, Callable[[], Any]]:
        """None besides those that every result has."""
        return {}

    def state(self) -> dict[str, Any]:
        """The list of labels."""
        return {"options": self.classes}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take back what `state` gave."""
        self.classes = state["options"]


def _number_then_text(label: str) -> tuple[float, str]:
    return float(label), label


def _is_number(label: str) -> bool:
    try:
        return math.isfinite(float(label))
    except ValueError:
        return False


def lookalikes(options: Iterable[str]) -> list[list[str]]:
    """Groups of different labels that a person would read as the same: equal but for case, spaces and Unicode form."""
    groups: dict[str, list[str]] = {}
    for option in sorted(set(options)):
        plain = " ".join(unicodedata.normalize("NFKC", option).casefold().split())
        groups.setdefault(plain, []).append(option)
    return [group for group in groups.values() if len(group) > 1]
