"""How a trained model answers, which is not how it was trained: thresholds, beams, temperatures, simulations.

The precedents are whisper's DecodingOptions and the generation config of Hugging Face. Options are saved with a run,
and may be set anew whenever it answers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from sounding.contract.settings import Settings


@dataclass(frozen=True)
class Options(Settings):
    """An application subclasses it to declare what its answers depend on beside the weights."""

    called: ClassVar[str] = "answer"
