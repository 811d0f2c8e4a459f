"""Several labels at once: the topics of a text, the things in a picture; none, too.

A value is a tuple of label texts in the order of the alphabet. A cell is "sport|politics", a list, or a JSON list; "[]"
says that there is none, for a cell without anything says nothing.

Legend of shapes: B batch, K labels.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sounding.contract.answers import Answer, Composite, Labelled, Listing, Transformed
from sounding.contract.change import Change, ClassPreserving, refusal
from sounding.errors import DataError, did_you_mean
from sounding.modalities.category import Category, lookalikes

if TYPE_CHECKING:
    from torch import Tensor

MARK = "|"
"""What stands between the labels of a cell."""


class Labels(Answer, Composite, Labelled, Listing, Transformed):
    """A set of labels out of a finite list, which `names` holds after `fit`."""

    columns = ("labels", "tags", "topics", "genres", "categories", *Category.columns)
    unit = "texts"
    names: Sequence[str] = ()

    def accepts(self, cell: Any) -> bool:
        """Whether a cell is a list, or what could be one label."""
        return isinstance(cell, list | tuple | np.ndarray) or cell is None or Category().accepts(cell)

    def read(self, cell: Any, root: Path = Path()) -> tuple[str, ...]:
        """The labels, each once. Raises DataError for what is neither text nor a list of texts or numbers."""
        found = _parts(cell)
        return tuple(sorted({Category().read(part).strip() for part in found}))

    def fit(self, values: Iterable[tuple[str, ...]]) -> None:
        """Learn the list of labels."""
        names = {name for value in values for name in value}
        if not names:
            raise DataError("there is no label to learn from", fix="Give at least one row with a label")
        self.names = sorted(names)

    def label_conflicts(self) -> list[str]:
        """Groups of labels that differ only by case or spaces."""
        groups = lookalikes(self.names)
        return [f"the labels {' and '.join(map(repr, group))} differ only by case or spaces" for group in groups]

    def encode(self, values: Sequence[tuple[str, ...]]) -> Tensor:
        """Float32 [B, K]: 1 for each label of a value. Raises DataError for an unknown label."""
        import torch

        places = {name: place for place, name in enumerate(self.names)}
        out = torch.zeros(len(values), len(places))
        for row, value in zip(out, values, strict=True):
            for name in value:
                if name not in places:
                    what = f"no training row has the label {name!r}"
                    raise DataError(what, fix=did_you_mean(name, self.names))
                row[places[name]] = 1.0
        return out

    def transform_targets(self, values: Sequence[Any], change: Change) -> list[Any]:
        """The same, where inputs show the same as before."""
        if isinstance(change, ClassPreserving):
            return list(values)
        raise refusal(self, change)

    def amounts(self, value: tuple[str, ...]) -> Mapping[str, int]:
        """1 for each label."""
        return dict.fromkeys(value, 1)

    def unseen_class(self, value: tuple[str, ...]) -> str:
        """The first label that no training row had, in words."""
        unknown = next((name for name in value if name not in self.names), None)
        return "" if unknown is None else f"no training row has the label {unknown!r}"

    def lists_nothing(self, value: tuple[str, ...]) -> bool:
        """Whether there is no label."""
        return not value

    def answers(
        self, value: tuple[str, ...], confidence: float | None, scores: np.ndarray | None
    ) -> list[dict[str, Any]]:
        """[{"label", "score"}] of all labels, the likeliest first; without scores those of the answer."""
        if scores is None:
            return [{"label": name, "score": None} for name in value]
        order = np.argsort(-np.asarray(scores), kind="stable")
        return [{"label": self.names[place], "score": float(scores[place])} for place in order]

    def fields(self, value: tuple[str, ...], scores: np.ndarray | None) -> Mapping[str, Callable[[], Any]]:
        """`labels`: those of the answer."""
        return {"labels": lambda: list(value)}

    def describe(self, value: tuple[str, ...]) -> str:
        """The labels one after the other."""
        return ", ".join(value) or "none"

    def to_json(self, value: tuple[str, ...]) -> list[str]:
        """A list."""
        return list(value)

    def state(self) -> dict[str, Any]:
        """The list of labels."""
        return {"names": list(self.names)}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take back what `state` gave."""
        self.names = state["names"]


def _parts(cell: Any) -> Sequence[Any]:
    if cell is None or (isinstance(cell, float) and np.isnan(cell)):
        return ()
    if isinstance(cell, list | tuple | np.ndarray):
        return list(cell)
    if not isinstance(cell, str):
        return (cell,)
    if cell.strip().startswith("["):
        try:
            found = json.loads(cell)
        except ValueError as error:
            what = f"the labels {cell[:60]!r} are no JSON list ({error})"
            raise DataError(what, fix=f'Write ["one", "two"], or one{MARK}two') from None
        return found if isinstance(found, list) else (found,)
    return [part for part in cell.split(MARK) if part.strip()]
