"""What becomes of a network's outputs where there is only the network: no task, and no torch.

An application that is one forward pass says so by a `Postprocessing`, a frozen dataclass of plain values: they are
saved beside an exported network, and read again by a program that has numpy. `steps` say the same in words, for whoever
writes that program in another language.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sounding.contract.modality import Modality
from sounding.contract.records import Prediction

Arrays = tuple[np.ndarray, ...]
Network = Callable[[Arrays], Arrays]
"""Encoded inputs, first axis B, in the order of `inputs.Portable.axes`, to the outputs of the network in theirs."""


@dataclass(frozen=True)
class Networks:
    """The networks of one model by name, of which a call asks the first; most models have one."""

    named: Mapping[str, Network]

    def __call__(self, x: Arrays) -> Arrays:
        """The outputs of the first."""
        return next(iter(self.named.values()))(x)


class Postprocessing(ABC):
    """From encoded inputs to predictions, by a network alone. Subclasses are frozen dataclasses that JSON can hold."""

    @property
    @abstractmethod
    def steps(self) -> Sequence[str]:
        """What is done with the outputs, in sentences."""

    @property
    def settings(self) -> Mapping[str, Any]:
        """What model.json says of it besides: the fields by name."""
        return dict(vars(self))

    def outputs(self, network: Network, x: Arrays) -> Arrays:
        """What the forward pass of the task gives for encoded inputs `x`."""
        return network(x)

    @abstractmethod
    def predictions(self, network: Network, x: Arrays, values: Sequence[Any], target: Modality) -> list[Prediction]:
        """The predictions for `values`, which encode to `x`; as the task's own `predict` gives them."""


class Playing(Postprocessing):
    """What also plays a game against people and other programs."""

    @abstractmethod
    def thinker(self, network: Network, input: Modality, target: Modality) -> Any:
        """What plays with a network alone: a `sounding.games.thinking.Thinker`."""


class OnePass(Postprocessing):
    """An answer that comes from the outputs of one forward pass: the task's own `predict` calls `answers` as well."""

    def predictions(self, network: Network, x: Arrays, values: Sequence[Any], target: Modality) -> list[Prediction]:
        """The answers to what the network gives."""
        return self.answers(network(x), x, values, target)

    @abstractmethod
    def answers(self, outputs: Arrays, x: Arrays, values: Sequence[Any], target: Modality) -> list[Prediction]:
        """The predictions for `values`, which encode to `x`, for which the network gave `outputs`."""
