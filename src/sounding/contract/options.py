"""How a trained model answers, which is not how it was trained: thresholds, beams, temperatures, simulations.

The precedents are whisper's DecodingOptions and the generation config of Hugging Face. Options are saved with a run,
and may be set anew whenever it answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from sounding.contract.settings import Settings
from sounding.errors import UsageError


@dataclass(frozen=True)
class Options(Settings):
    """An application subclasses it to declare what its answers depend on beside the weights."""

    called: ClassVar[str] = "answer"
    modest: ClassVar[Mapping[str, tuple[float, float]]] = {}
    """How far strangers may turn what costs time or memory: the least and the largest number of an option, by name."""

    @classmethod
    def require_modest(cls, changes: Mapping[str, Any]) -> None:
        """Raise UsageError for a number beyond what `modest` says."""
        for name, (least, most) in cls.modest.items():
            try:
                fits = name not in changes or least <= float(changes[name]) <= most
            except (TypeError, ValueError, OverflowError):
                continue  # that it is no number is said by who reads it
            if not fits:
                what = f"{name}={changes[name]} is out of the range that is answered here"
                raise UsageError(what, fix=f"Give {least:g} to {most:g}")
