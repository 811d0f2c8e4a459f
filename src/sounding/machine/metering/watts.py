"""How many watts a second of processor time stands for, where no counter can be read.

The first that there is: the user's own figure, one that was calibrated on this machine when its counter could be read,
the share of a known processor's thermal design power, a usual figure for servers. Each charges a busy core with its
part of the idle machine.
"""

from __future__ import annotations

import contextlib
import functools
import json
import math
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from sounding.errors import UsageError
from sounding.machine import setting as machine
from sounding.machine.metering.processors import thermal

VARIABLE = "SOUNDING_WATTS_PER_CORE"
WATTS = 3.5  # W per busy vCPU, its share of the idle machine included: Cloud Carbon Footprint, from SPECpower
WATTS_PER_GB = 0.392  # W per GB of memory, same source
FULL = 0.77  # share of its TDP that a package draws at 80 to 100 % load: median of 21 public RAPL logs, 0.51 to 1.16
UNKNOWN = (0.33, 3.0)  # how far off an estimate for an unknown processor may be
GIVEN = (0.5, 2.0)  # and for one whose watts are known


@dataclass(frozen=True)
class Rate:
    """W for one CPU-second, the factors by which that may be off, and where it is from."""

    watts: float
    factors: tuple[float, float]
    words: str


@dataclass(frozen=True)
class Calibration:
    """What this machine's counter showed under known loads, for times when it cannot be read.

    `errors` are measured joules divided by those of the estimate that would have been made, for each load; `rule` says
    which estimate that was.
    """

    processor: str
    date: str
    idle_watts: float
    watts_per_core: float
    errors: Mapping[str, float] = field(default_factory=dict)
    rule: str = ""

    def to_json(self) -> dict[str, Any]:
        """The fields by name."""
        return asdict(self)

    def __str__(self) -> str:
        off = ", ".join(f"{name} × {ratio:.2f}" for name, ratio in self.errors.items())
        figures = f"{self.watts_per_core:.3g} W per busy core, {self.idle_watts:.3g} W idle"
        return f"calibrated {self.date}: {figures}; measured against the {self.rule}: {off}"


def rate(given: float | None = None, calibrated: bool = True) -> Rate:
    """The watts to count with: `given`, else the environment's, else calibrated ones, a known processor's or the usual.

    Raises UsageError when the environment variable is not a positive number.
    """
    watts = given if given is not None else given_watts()
    if watts is not None:
        return Rate(watts, GIVEN, f"estimate: {watts:g} W per CPU-second, as given")
    if calibrated and (known := stored()) is not None:
        words = f"estimate: {known.watts_per_core:.3g} W per CPU-second, calibrated on this machine {known.date}"
        return Rate(known.watts_per_core, GIVEN, words)
    if (figures := thermal(processor_name())) is not None:
        watts = FULL * figures[0] / figures[1]
        share = f"{FULL} of {figures[0]} W over {figures[1]} cores"
        return Rate(watts, GIVEN, f"estimate: {watts:.3g} W per CPU-second, {share}")
    return Rate(WATTS, UNKNOWN, f"estimate: {WATTS:g} W per CPU-second")


def given_watts() -> float | None:
    """The user's watts for one busy core, from the environment. Raises UsageError for what is not a positive number."""
    text = os.environ.get(VARIABLE, "").strip()
    if not text:
        return None
    with contextlib.suppress(ValueError):
        if 0 < float(text) < math.inf:
            return float(text)
    raise UsageError(f"{VARIABLE}={text} is not a positive number", fix="Give watts for one busy core, such as 5.2")


def calibration_file() -> Path:
    """Where this machine's calibration is kept, if there is one."""
    return machine.cache_folder() / "power.json"


def stored() -> Calibration | None:
    """The calibration of this machine; None where there is none, it is damaged, or is of another processor."""
    with contextlib.suppress(OSError, ValueError, TypeError, AttributeError):
        found = Calibration(**json.loads(calibration_file().read_text()))
        sound = 0 < float(found.watts_per_core) < math.inf and 0 <= float(found.idle_watts) < math.inf
        return found if sound and found.processor == processor_name() else None
    return None


@functools.cache
def processor_name() -> str:
    """What the system calls the processor."""
    return machine.processor()[0]
