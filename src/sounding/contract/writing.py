"""Answers that are written token by token, where there are only networks: no task, and no torch.

A network is asked again for each token, with what was chosen before. Which one is chosen (the likeliest, one that is
drawn, the beams of a search) is decided in numpy, by the same lines for a run and for its exported model: they differ
in the `Decoder` alone.

Legend of shapes: B texts that are written, V vocabulary.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Protocol, Self

import numpy as np

from sounding.contract.modality import Modality
from sounding.contract.options import Options
from sounding.contract.postprocessing import Arrays, Network, Postprocessing
from sounding.contract.records import Prediction


class Decoder(Protocol):
    """A batch of texts that are being written."""

    def start(self, prompts: Sequence[Sequence[int]]) -> np.ndarray:
        """Logits [B, V] of what follows each prompt, which begins the batch anew."""

    def step(self, ids: np.ndarray) -> np.ndarray:
        """Logits [B, V] of what follows, where each row [B] goes on with its id."""

    def take(self, rows: np.ndarray) -> None:
        """Go on with these rows [R] of the batch, in their order; one may come twice, or not at all."""


Begin = Callable[[int], Decoder]
"""A decoder for texts of at most so many tokens, the prompts among them."""


@dataclass(frozen=True)
class Writing(Postprocessing):
    """How texts are written, as `options` say. Fields are plain values, or dataclasses of these."""

    streams: ClassVar[bool] = False
    """Whether `pieces` gives an answer while it is written."""
    options: Options

    @abstractmethod
    def decoder(self, network: Network, x: Arrays, room: int) -> Decoder:
        """What goes on with texts by networks alone, which read the encoded inputs `x`."""

    @abstractmethod
    def answers(self, begin: Begin, x: Arrays, values: Sequence[Any], target: Modality) -> list[Prediction]:
        """The predictions for `values`, which encode to `x`, by whatever decoder."""

    def predictions(self, network: Network, x: Arrays, values: Sequence[Any], target: Modality) -> list[Prediction]:
        """The predictions by networks alone."""
        return self.answers(lambda room: self.decoder(network, x, room), x, values, target)

    def pieces(self, begin: Begin, x: Arrays, value: Any, target: Modality) -> Iterator[str]:
        """The answer to one value piece by piece, by whatever decoder; all at once where nothing else is written."""
        yield str(self.answers(begin, x, [value], target)[0].value)

    def with_options(self, changes: Mapping[str, Any]) -> Self:
        """The same, answering otherwise. Raises UsageError for an unknown option."""
        return replace(self, options=self.options.changed(changes)) if changes else self
