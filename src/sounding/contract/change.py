"""What an augmentation did to a batch of inputs, so that their targets can follow it.

    Change               anything; a kind of input adds its own: pictures are moved and tiled, texts masked
    ├── ClassPreserving  what leaves right what an input is as a whole: a picture that is moved, a text with a hole
    ├── Unchanged        targets stay as they are
    ├── Mixed            each input is a part of itself and a part of another
    └── Successive       one change after the other

A target follows the changes that it knows (`answers.Transformed`) and refuses any other: none is silently wrong. A
board that is turned should be a plain `Change`: who wins stays, and a move is turned with it, which only the kind of
answer can know.

Legend of shapes: B batch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sounding.errors import UsageError

if TYPE_CHECKING:
    from torch import Tensor


class Change:
    """What happened to the inputs of a batch. Open: subclasses are frozen dataclasses of tensors, first axis B."""


class ClassPreserving(Change):
    """A change within each input, after which it is still an example of the same class."""


@dataclass(frozen=True)
class Unchanged(Change):
    """Targets stay as they are."""


@dataclass(frozen=True)
class Mixed(Change):
    """Example i became `share[i]` of itself and the rest of example `partner[i]` (MixUp, CutMix); both [B]."""

    partner: Tensor
    share: Tensor


@dataclass(frozen=True)
class Successive(Change):
    """One change after the other."""

    steps: tuple[Change, ...]


def successive(*changes: Change) -> Change:
    """The changes one after the other, without those that change nothing."""
    steps = tuple(change for change in changes if not isinstance(change, Unchanged))
    if len(steps) == 1:
        return steps[0]
    return Successive(steps) if steps else Unchanged()


def refusal(target: Any, change: Change) -> UsageError:
    """The error of a target that cannot follow a change."""
    what = f"{type(target).__name__} answers cannot follow inputs that were changed by {type(change).__name__}"
    return UsageError(what, fix="Leave this augmentation out, or teach the answer to follow it (transform_targets)")
